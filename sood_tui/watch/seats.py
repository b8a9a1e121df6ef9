"""Looking after seats while the screens are open: the owner takes guests' decisions in, a guest takes the owner's."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.errors import EngineError
from engine.review.guest import sit_down
from engine.review.host import Host, told
from engine.review.journal import Entry
from engine.review.seats import Seats
from engine.workspace import Workspace
from sood_tui.plain import some
from store.connection import open_store
from store.errors import CatalogueLocked, StoreError

OWNER_IS_SEEN_AFTER = 3.0  # seconds from opening a catalogue until screens take in guests; a short command ends, too
OWNER_WENT = (
    "The sood-tui that had this workspace open has ended. What you decide is kept in your journal, and the next one "
    "takes it in. Leave and open the workspace again to have it yourself."
)
OWNER_CAME = "A sood-tui has this workspace open again and takes in what you decide."


@dataclass(frozen=True, slots=True)
class SeatNews:
    """What one look brought.

    Attributes:
        entries: what others decided.
        is_renewed: a guest has a newer snapshot open.
        owner: for a guest, whether the owner came or went since the last look; None where that stayed as it was.
        errors: why a journal or a snapshot was left alone; each is told once.
    """

    entries: tuple[Entry, ...]
    is_renewed: bool = False
    owner: bool | None = None
    errors: tuple[EngineError | StoreError, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.entries or self.is_renewed or self.errors) and self.owner is None


def take_place(workspace: Workspace, reviewer: str, tell: Callable[[str], None]) -> Workspace:
    """Open a workspace: its catalogue, or a guest seat where another process has that open.

    Args:
        workspace: not open.
        reviewer: who sits down.
        tell: called with what is waited for.

    Raises: CatalogueLocked where the other process takes no guests; EngineError, StoreError.
    """
    seats, ends = Seats(workspace.root / "seats"), time.monotonic() + OWNER_IS_SEEN_AFTER
    while True:
        try:
            return replace(workspace, store=open_store(workspace.catalogue))
        except CatalogueLocked:
            if seats.owner() is not None:
                return sit_down(workspace, reviewer, tell)
            if time.monotonic() > ends:
                raise
        time.sleep(0.1)


class SeatWatch:
    """The owner's or the guest's side of one open workspace. Its methods are called from one worker at a time."""

    def __init__(self, workspace: Workspace, reviewer: str) -> None:
        self._workspace = workspace
        self._reviewer = reviewer
        self._host: Host | None = None
        self._has_owner = True
        self._told: set[str] = set()
        self._busy = threading.Lock()
        self._is_closed = False

    @property
    def busy(self) -> bool:
        """Whether a look is still going on; the next one is left out then."""
        return self._busy.locked()

    def look(self) -> SeatNews:
        """Exchange decisions with the others once."""
        with self._busy:
            if self._is_closed:
                return SeatNews(())
            return self._look_as_guest() if self._workspace.guest is not None else self._look_as_owner()

    def close(self) -> None:
        """Leave: an owner takes in what is there by now, a guest gives the seat back."""
        with self._busy:
            self._is_closed = True
            if self._host is not None:
                self._host.close()
            if self._workspace.guest is not None:
                self._workspace.guest.leave()

    def _look_as_owner(self) -> SeatNews:
        try:
            self._host = self._host or Host(self._workspace, self._reviewer)
        except OSError as error:
            return SeatNews((), errors=self._new([told(error)]))
        taken = self._host.look()
        entries = tuple(entry for found in taken for entry in found.entries)
        return SeatNews(entries, errors=self._new([found.error for found in taken if found.error is not None]))

    def _look_as_guest(self) -> SeatNews:
        assert self._workspace.guest is not None
        try:
            arrived = self._workspace.guest.look()
        except (EngineError, StoreError, OSError) as error:
            return SeatNews((), errors=self._new([told(error)]))
        changed = arrived.has_owner != self._has_owner
        self._has_owner = arrived.has_owner
        return SeatNews(arrived.entries, arrived.is_renewed, arrived.has_owner if changed else None)

    def _new(self, errors: list[EngineError | StoreError]) -> tuple[EngineError | StoreError, ...]:
        fresh = tuple(error for error in errors if str(error) not in self._told)
        self._told |= {str(error) for error in fresh}
        return fresh


def same_name_words(workspace: Workspace, reviewer: str) -> str:
    """What a guest should know who signs as the owner does; empty where the names differ."""
    if workspace.guest is None or Seats(workspace.root / "seats").owner_reviewer() != reviewer:
        return ""
    return (
        f"The owner signs as {reviewer}, too: undo and agreement cannot tell you apart. "
        "Leave, and come back with another name: sood-tui --as NAME."
    )


def owner_words(is_there: bool) -> str:
    """What a guest should know when the owner came or went."""
    return OWNER_CAME if is_there else OWNER_WENT


def arrival_words(counts: Counter[str]) -> str:
    """Who decided how much: `ben: 4 decisions`."""
    return ", ".join(f"{name}: {some(number, 'decision')}" for name, number in sorted(counts.items()))
