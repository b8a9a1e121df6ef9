"""Importing a folder of the reference's scripts: read, keyed, taken over, and held against its lists."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from engine.export.formats import reference as reference_format
from engine.export.manifest import fingerprint, line_checks
from engine.export.options import Options
from engine.export.plan import build_plan, lay_out
from engine.reference import damage as told
from engine.reference.damage import Collision, Damage
from engine.reference.lists import Line, ListFile, find_lists, read_list
from engine.reference.scoring import Statistic, kind_of
from engine.reference.stages import Entry, Unkeyed, Work, find_stages, read_work
from engine.reference.take import (
    OnProgress,
    RootChoice,
    Taken,
    read_statistics,
    take_candidates,
    take_decisions,
    take_scores,
    take_verdicts,
)
from engine.splits.after import leave_out
from engine.splits.change import change_settings
from engine.splits.prepare import prepare_with_pictures
from engine.splits.settings import OUT, Change
from engine.workspace import Workspace
from store import export as export_store
from store import reference as store
from store.connection import Cursor
from store.reference import Match
from store.splits import fetch_settings, fetch_splits

SHOWN = 20


@dataclass(frozen=True, slots=True)
class ListComparison:
    """A list of the scripts beside the one that this workspace makes of the imported work.

    Attributes:
        lines: of the scripts' list.
        same: lines that stand in both, in any order.
        is_identical: whether every byte is the same.
        reason: why it is not, where that is known.
    """

    file: str
    split: str
    lines: int
    same: int
    is_identical: bool
    reason: str


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


@dataclass(slots=True)
class _Found:
    """What lies in the folder."""

    work: Work
    logits: Path | None
    statistics_file: Path | None
    statistics: list[Statistic]
    lists: list[ListFile]
    counts: Counter[tuple[str, str, str]]
    placed: dict[tuple[str, str], str]


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
    found = _find(folder, data_id, taken, tell)
    with workspace.opened().reading() as cursor:
        _drop_unknown(cursor, found.work)
        collisions = _collisions(cursor, found.work)
        damage = _damage(cursor, found, collisions)
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
            lists = tuple(_compare(workspace, found, name))
    return ImportReport(
        folder=folder,
        data_id=found.work.data_id,
        files=tuple(_names(found, folder)),
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


def _find(folder: Path, data_id: str | None, taken: Taken, tell: OnProgress) -> _Found:
    stages = find_stages(folder / "mapping", data_id)
    tell("reading mapping", 0, 0)
    work = read_work(stages)
    work.data_id = work.data_id or data_id or ""
    kinds: dict[str, Path] = {}
    for file in sorted((folder / "scoring").glob("*.json")):
        kind = kind_of(file)
        if kind is not None:
            kinds.setdefault(kind, file)
    tell("reading statistics", 0, 0)
    statistics = read_statistics(kinds.get("statistics"), taken)
    lists = find_lists(folder / "lists", work.data_id or None) if (folder / "lists").is_dir() else []
    if not stages and not kinds and not lists:
        raise EngineError(
            f"{folder} holds nothing that SOOD's scripts wrote.", "It has mapping/, scoring/ or lists/ in it."
        )
    found = _Found(work, kinds.get("logits"), kinds.get("statistics"), statistics, lists, Counter(), {})
    tell("reading lists", 0, 0)
    _count_lists(found, taken)
    _entries_of_scores(found)
    return found


def _count_lists(found: _Found, taken: Taken) -> None:
    for file in found.lists:
        for line in read_list(file):
            if not isinstance(line, Line):
                taken.unread.append(f"{file.path.name}: {line}")
                continue
            found.counts[file.kind, file.split, line.superclass] += 1
            if file.kind == "classification":
                found.placed[line.superclass, line.wnid] = file.split
                if (line.superclass, line.wnid) not in found.work.entries and not found.work.files:
                    found.work.entries[line.superclass, line.wnid] = _selected(line.superclass, line.wnid, line.name)


def _entries_of_scores(found: _Found) -> None:
    """Subclasses that only statistics name, where no mapping is there."""
    if found.work.files:
        return
    for one in found.statistics:
        entry = _selected(one.superclass, one.wnid, one.name)
        found.work.entries.setdefault((one.superclass, one.wnid), entry)


def _selected(superclass: str, wnid: str, name: str) -> Entry:
    return Entry(superclass, wnid, name, is_selected=True)


def _drop_unknown(cursor: Cursor, work: Work) -> None:
    known = store.fetch_known_synsets(cursor, sorted({wnid for _, wnid in work.entries}))
    for key in [key for key in work.entries if key[1] not in known]:
        entry = work.entries.pop(key)
        work.unkeyed.append(Unkeyed("", entry.superclass, f"{entry.name}: {entry.wnid} is no synset of WordNet 3.0"))


def _collisions(cursor: Cursor, work: Work) -> list[Collision]:
    namesakes = store.fetch_namesakes(cursor, sorted({wnid for _, wnid in work.entries}))
    found = []
    for (superclass, wnid), entry in work.entries.items():
        if wnid in namesakes:
            senses = dict(store.fetch_senses_above(cursor, superclass, [wnid]))
            is_below = None if not senses else any(senses.values())
            found.append(Collision(superclass, entry.name, wnid, namesakes[wnid], is_below))
    return found


def _damage(cursor: Cursor, found: _Found, collisions: Sequence[Collision]) -> list[Damage]:
    has_scores = found.logits is not None or found.statistics_file is not None
    images = store.fetch_image_counts(cursor, sorted({wnid for _, wnid in found.work.entries}))
    outliers = {(one.wnid, file): one.superclass for one in found.statistics for _, file in one.outliers}
    superclasses = sorted({name for kind, _, name in found.counts if kind == "classification"})
    return [
        *told.replica_damage(found.work),
        *told.collision_damage(collisions),
        *told.stage_damage(found.work, has_scores),
        *told.small_damage(images, found.work),
        *told.outlier_damage(outliers, _lines(found) if outliers else ()),
        *told.list_damage(found.lists, found.counts, superclasses),
        *told.statistic_damage(found.statistics),
    ]


def _lines(found: _Found) -> Iterator[Line]:
    for file in found.lists:
        if file.kind == "classification":
            yield from (line for line in read_list(file) if isinstance(line, Line))


def _make_split(workspace: Workspace, found: _Found, name: str, reviewer: str, taken: Taken) -> bool:
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


def _compare(workspace: Workspace, found: _Found, name: str) -> Iterator[ListComparison]:
    files = [file for file in found.lists if file.kind == "classification"]
    if not files:
        return
    with workspace.opened().reading() as cursor, tempfile.TemporaryDirectory() as temporary:
        try:
            prepared, measured = prepare_with_pictures(cursor, workspace.seed, name)
        except EngineError as error:
            yield from (ListComparison(file.path.name, file.split, 0, 0, False, error.message) for file in files)
            return
        measured = leave_out(cursor, prepared, prepared.retune(), measured)
        plan = build_plan(prepared, measured, export_store.fetch_root_names(cursor), {}, Options())
        plan = replace(plan, counts=lay_out(cursor, plan))
        reference_format.write(cursor, plan, Path(temporary))
        for file in files:
            names = dict(zip(plan.splits, reference_format.files(plan), strict=True))
            yield _comparison(file, Path(temporary), names[file.split], len(prepared.replicas))


def _comparison(file: ListFile, folder: Path, name: str, replicas: int) -> ListComparison:
    _, checks = fingerprint(folder, name)
    theirs = file.path.read_bytes()
    found = line_checks(theirs)
    same = int(np.isin(found, checks if checks is not None else np.zeros(0, np.uint32)).sum())
    is_identical = (folder / name).read_bytes() == theirs
    reason = ""
    if not is_identical:
        lines = 0 if checks is None else len(checks)
        if same == len(found) == lines:
            reason = "the same lines in another order: the folders are listed in another order here"
        elif replicas:
            reason = f"{replicas} subclasses stand under two superclasses"
        else:
            reason = f"{len(found) - same} of its lines are not here, {lines - same} of ours are not there"
    return ListComparison(file.path.name, file.split, len(found), same, is_identical, reason)


def _names(found: _Found, folder: Path) -> Iterator[str]:
    files = [*found.work.files.values(), *(file.path for file in found.lists)]
    files += [file for file in (found.logits, found.statistics_file) if file is not None]
    yield from sorted(str(file.relative_to(folder)) for file in files)


def plain(report: ImportReport) -> dict[str, object]:
    """The report as plain data."""
    return asdict(report)
