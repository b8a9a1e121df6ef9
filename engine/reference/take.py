"""Taking the work of the scripts into a workspace: superclasses, verdicts and decisions."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa

from engine.candidates.superclasses import check_name
from engine.events import now
from engine.jobs.files import sha256_of
from engine.reference.stages import Entry, Work
from engine.review.steps import Change, record
from engine.workspace import Workspace
from store import filters, reference
from store.candidates.superclasses import fetch_superclass_roots, insert_superclass_roots, put_superclass
from store.connection import Cursor
from store.reference import Match

VLM = "paligemma-3b-mix-224"

OnProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many pictures are read, and how many there are (0: not known)."""


@dataclass(frozen=True, slots=True)
class RootChoice:
    """The synset that a superclass was taken to mean; covered of its subclasses lie below. None: no sense has one."""

    superclass: str
    wnid: str | None
    covered: int
    subclasses: int
    other_senses: tuple[str, ...]


@dataclass(slots=True)
class Taken:
    """What an import has brought so far."""

    roots: list[RootChoice] = field(default_factory=list)
    candidates: int = 0
    decisions: dict[str, int] = field(default_factory=dict)
    verdicts: int = 0
    run_id: int | None = None
    pictures: Match | None = None
    unread: list[str] = field(default_factory=list)


def take_candidates(workspace: Workspace, work: Work, taken: Taken) -> None:
    """Superclasses with the synset they mean, and their candidates.

    What a superclass means is decided by its subclasses: of the senses of its name the one above most of them.
    """
    at = now()
    with workspace.opened().writing() as cursor:
        there = fetch_superclass_roots(cursor)
        for superclass in dict.fromkeys(name for name, _ in work.entries):
            entries = work.of(superclass)
            if not there.get(superclass):
                choice = choose_root(cursor, superclass, entries)
                taken.roots.append(choice)
                check_name(superclass)
                put_superclass(cursor, superclass, None, at)
                if choice.wnid is not None:
                    insert_superclass_roots(cursor, superclass, [choice.wnid])
            depths = reference.fetch_depths(cursor, superclass)
            taken.candidates += len(reference.insert_candidates(cursor, _candidates(entries, depths, at)))


def choose_root(cursor: Cursor, superclass: str, entries: Sequence[Entry]) -> RootChoice:
    """The sense of a superclass's name that most of its subclasses lie below."""
    senses = reference.fetch_senses_above(cursor, superclass, [entry.wnid for entry in entries])
    if not senses or senses[0][1] == 0:
        return RootChoice(superclass, None, 0, len(entries), tuple(wnid for wnid, _ in senses))
    wnid, covered = senses[0]
    return RootChoice(superclass, wnid, covered, len(entries), tuple(other for other, _ in senses[1:]))


def _candidates(entries: Sequence[Entry], depths: dict[str, int], at: datetime) -> pa.Table:
    def route(entry: Entry) -> str:
        depth = depths.get(entry.wnid)
        return "match" if depth is None else "hyponym" if depth else "root"

    return pa.table(
        {
            "superclass": [entry.superclass for entry in entries],
            "wnid": [entry.wnid for entry in entries],
            "route": [route(entry) for entry in entries],
            "depth": pa.array([depths.get(entry.wnid) for entry in entries], pa.int32()),
            "similarity": pa.array(
                [entry.similarity if entry.wnid not in depths else None for entry in entries], pa.float64()
            ),
            "added_at": pa.array([at] * len(entries), pa.timestamp("us", "UTC")),
        }
    )


def take_verdicts(workspace: Workspace, work: Work, taken: Taken) -> None:
    """What the vision-language model said, as a run of its own. Which pictures it saw is not known."""
    judged = [entry for entry in work.entries.values() if entry.is_seen is not None]
    file = work.files.get("vlm") or work.files.get("human") or work.files.get("replicas")
    if not judged or file is None:
        return
    settings = json.dumps({"imported_from": file.name, "sha256": sha256_of(file)}, sort_keys=True)
    with workspace.opened().writing() as cursor:
        if any(run.settings == settings for run in filters.fetch_runs(cursor)):
            return
        run_id = filters.insert_run(cursor, "vlm", "sheet", VLM, settings, None, _time_of(file))
        filters.set_revision(cursor, run_id, "unknown: imported")
        filters.insert_verdicts(cursor, run_id, _verdicts(judged))
    taken.verdicts = len(judged)


def _verdicts(entries: Sequence[Entry]) -> pa.Table:
    count = len(entries)
    return pa.table(
        {
            "superclass": [entry.superclass for entry in entries],
            "wnid": [entry.wnid for entry in entries],
            "outcome": ["accept" if entry.is_seen else "reject" for entry in entries],
            **{name: pa.nulls(count, pa.float64()) for name in ("p_yes", "p_yes_low", "p_yes_high", "margin", "mass")},
            "answer": pa.array([entry.answer for entry in entries], pa.string()),
            "question": [f"Does all the 16 images contain {entry.superclass}? y/n" for entry in entries],
            "reason": ["imported; the pictures it saw were not kept"] * count,
            "image_ids": pa.array([[]] * count, pa.list_(pa.int64())),
        }
    )


def take_decisions(workspace: Workspace, work: Work, reviewer: str, repair: bool, taken: Taken) -> None:
    """What people decided, all as one step. What stands so already is not said again.

    Args:
        repair: do not follow the replica filter where it took away a class that nobody else claims.
    """
    wrong = {entry.wnid for entry in _wrongly_cleared(work)}
    with workspace.opened().writing() as cursor:
        states = filters.fetch_decided(cursor)
        changes: list[Change] = []
        for entry in work.entries.values():
            kind, note = decision_of(work, entry, repair and entry.wnid in wrong)
            if kind is not None and states.get((entry.superclass, entry.wnid)) != kind:
                changes.append((entry.superclass, entry.wnid, kind, note))
                taken.decisions[kind] = taken.decisions.get(kind, 0) + 1
        if changes:
            record(cursor, changes, reviewer)


def decision_of(work: Work, entry: Entry, is_repaired: bool = False) -> tuple[Literal["accept", "reject"] | None, str]:
    """What became of a subclass, and where that is from; None where nobody decided."""
    if entry.is_kept is False:
        return "reject", f"imported: discarded by a person ({work.data_id})"
    if entry.is_cleared and not is_repaired:
        return "reject", f"imported: taken out by the replica filter ({work.data_id})"
    if entry.is_kept:
        return "accept", f"imported: kept by a person ({work.data_id})"
    if entry.is_selected:
        return "accept", f"imported: stands in the files that follow the review ({work.data_id})"
    return None, ""


def _wrongly_cleared(work: Work) -> list[Entry]:
    kept = [entry for entry in work.entries.values() if entry.is_kept]
    names = [entry.name for entry in kept]
    return [entry for entry in kept if entry.is_cleared and names.count(entry.name) == 1]


def _time_of(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
