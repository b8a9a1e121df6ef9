"""What crosses screens. A message says what has happened; whoever hears it decides what to paint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:  # what travels is made elsewhere, by modules that the first frame does without
    from engine.jobs.ingest import TakenIn
    from engine.jobs.summary import JobSummary
    from sood_tui.watch.seats import SeatNews


@dataclass
class JobsSeen(Message):
    """The job folders were looked at: every job, oldest first."""

    jobs: "tuple[JobSummary, ...]"

    def can_replace(self, message: Message) -> bool:
        """Only the latest look counts."""
        return isinstance(message, JobsSeen)


@dataclass
class JobsTakenIn(Message):
    """Results of jobs were taken into the catalogue: screens that show them read again."""

    reports: "tuple[TakenIn, ...]"


@dataclass
class OthersDecided(Message):
    """Something came from other seats of the workspace: decisions, a newer snapshot, an owner that came or went."""

    news: "SeatNews"


@dataclass
class Counted(Message):
    """The counts of the top bar, by room."""

    counts: Mapping[str, str]

    def can_replace(self, message: Message) -> bool:
        """Only the latest count counts."""
        return isinstance(message, Counted)


@dataclass
class CatalogueChanged(Message):
    """Decisions, candidates or pictures changed: counts are read again."""

    def can_replace(self, message: Message) -> bool:
        """Reading again once is enough."""
        return isinstance(message, CatalogueChanged)
