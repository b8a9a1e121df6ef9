"""Importing a folder of the reference's scripts: read, keyed, taken over, and held against its lists."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.reference.damage import Collision, Damage
from engine.reference.found import Found, drop_unknown, file_names, find_collisions, find_damage, find_work
from engine.reference.list_comparison import ListComparison, compare_lists
from engine.reference.stages import Unkeyed
from engine.reference.take import OnProgress, RootChoice, Taken, take_candidates, take_decisions, take_verdicts
from engine.reference.take_scores import take_scores
from engine.splits.change import change_settings
from engine.splits.settings import OUT, Change
from engine.workspace import Workspace
from store.reference import Match
from store.splits.settings import fetch_settings, fetch_splits

SHOWN = 20


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was found, taken over, and left. Everything that is ambiguous is listed."""

    folder: Path
    data_id: str
    files: tuple[str, ...]
    stages: Mapping[str, int]
    roots: tuple[RootChoice, ...]
    candidates: int
    decisions: Mapping[str, int]
    verdicts: int
    run_id: int | None
    pictures: Match | None
    split: str | None
    lists: tuple[ListComparison, ...]
    collisions: tuple[Collision, ...]
    damage: tuple[Damage, ...]
    unkeyed: tuple[Unkeyed, ...]
    unread: tuple[str, ...]
    dry_run: bool


def import_folder(
    workspace: Workspace,
    folder: Path,
    reviewer: str,
    data_id: str | None = None,
    split: str | None = None,
    repair: bool = False,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Import mapping/, scoring/ and lists/. Importing the same folder again changes nothing.

    Args:
        workspace: open, with WordNet, and with the pictures where scores are to be taken over.
        folder: that the scripts ran in.
        reviewer: who is said to have decided.
        data_id: which work, where several lie there.
        split: what the split is called; None: like the work.
        repair: accept what the replica filter took away by its bug, instead of following it.
        dry_run: read and tell everything, take nothing over.
        on_progress: how far it is.

    Raises: EngineError if nothing of the scripts is there, or a file cannot be read.
    """
    tell = on_progress or (lambda what, done, whole: None)
    taken = Taken()
    found = find_work(folder, data_id, taken, tell)
    with workspace.opened().reading() as cursor:
        drop_unknown(cursor, found.work)
        collisions = find_collisions(cursor, found.work)
        damage = find_damage(cursor, found, collisions)
    name = split or found.work.data_id or "reference"
    lists: tuple[ListComparison, ...] = ()
    if not dry_run:
        take_candidates(workspace, found.work, taken)
        take_verdicts(workspace, found.work, taken)
        take_decisions(workspace, found.work, reviewer, repair, taken)
        take_scores(workspace, found.logits, found.statistics, found.statistics_file, taken, tell)
        if not _make_split(workspace, found, name, reviewer, taken):
            name = ""
        elif taken.run_id is not None:
            lists = tuple(compare_lists(workspace, found, name))
    return ImportReport(
        folder=folder,
        data_id=found.work.data_id,
        files=tuple(file_names(found, folder)),
        stages=Counter(found.work.superclasses.values()),
        roots=tuple(taken.roots),
        candidates=taken.candidates if not dry_run else len(found.work.entries),
        decisions=taken.decisions,
        verdicts=taken.verdicts,
        run_id=taken.run_id,
        pictures=taken.pictures,
        split=name or None,
        lists=lists,
        collisions=tuple(collisions),
        damage=tuple(damage),
        unkeyed=tuple(found.work.unkeyed),
        unread=tuple(taken.unread[:SHOWN]),
        dry_run=dry_run,
    )


def _make_split(workspace: Workspace, found: Found, name: str, reviewer: str, taken: Taken) -> bool:
    """Make the split that the scripts would cut; with lists alone, put each subclass where they put it."""
    changes: list[Change] = []
    if found.work.minimum is not None:
        changes.append(Change("minimum_subclasses", found.work.minimum))
    placed: dict[str, dict[str, str]] = {}
    for entry in found.work.entries.values():
        if entry.is_equalised_away:
            placed.setdefault(entry.superclass, {})[entry.wnid] = OUT
    if taken.run_id is not None:
        changes.append(Change("run_id", taken.run_id))
    else:
        for (superclass, wnid), split in found.placed.items():
            placed.setdefault(superclass, {})[wnid] = split
    changes += [Change("placed", wnids, superclass) for superclass, wnids in placed.items()]
    if taken.run_id is None and not found.placed:
        return False
    with workspace.opened().reading() as cursor:
        if any(one.split == name for one in fetch_splits(cursor)) and fetch_settings(cursor, name):
            return True  # it was made by an earlier import, and what was changed since stays
    try:
        change_settings(
            workspace,
            [Change("percentiles", (20.0, 40.0)), *changes],
            reviewer,
            name,
            f"imported from {found.work.data_id}",
        )
    except EngineError as error:
        taken.unread.append(f"the split was not made: {error.message} {error.hint}")
        return False
    return True


def plain(report: ImportReport) -> dict[str, object]:
    """The report as plain data."""
    return asdict(report)
