"""Taking the work of the scripts into a workspace: superclasses, verdicts, decisions, scores and the split."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa

from engine.candidates.superclasses import check_name
from engine.errors import EngineError
from engine.events import now
from engine.reference.scoring import Logit, Statistic, stream_logits, stream_statistics
from engine.reference.stages import Entry, Work
from engine.review.steps import Change, record
from engine.workspace import Workspace
from store import filters, reference, scoring
from store.connection import Cursor
from store.embeddings import fetch_set, insert_set
from store.paths import path_of_text
from store.reference import ImportedSubclass, Match
from store.superclasses import fetch_superclass_roots, insert_superclass_roots, put_superclass

BATCH = 50_000
MODEL, PRETRAINED, TEMPLATE = "ViT-B-32", "openai", "{}"
VLM = "paligemma-3b-mix-224"

OnProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many pictures are read, and how many there are (0: not known)."""

_PICTURES = pa.schema(
    [
        pa.field("position", pa.int64()),
        pa.field("superclass", pa.string()),
        pa.field("root", pa.string()),
        pa.field("wnid", pa.string()),
        pa.field("file", pa.string()),
        pa.field("similarity", pa.float32()),
        pa.field("is_outlier", pa.bool_()),
    ]
)


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
    settings = json.dumps({"imported_from": file.name, "sha256": _sha256(file)}, sort_keys=True)
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


def take_scores(
    workspace: Workspace,
    logits: Path | None,
    statistics: Sequence[Statistic],
    source: Path | None,
    taken: Taken,
    on_progress: OnProgress,
) -> None:
    """Logits and statistics as a scoring run; the same files are taken in once.

    Args:
        logits: the file of logits; None: only statistics are there, which then stand for the scores.
        statistics: of subclasses, in the order of their file.
        source: the file of statistics.
        on_progress: how many pictures were read.
    """  # fmt: skip
    files = [file for file in (logits, source) if file is not None]
    if not files:
        return
    digest = hashlib.sha256("".join(_sha256(file) for file in files).encode()).hexdigest()
    job = f"import-{digest[:16]}"
    with workspace.opened().writing() as cursor:
        if (known := scoring.fetch_run_of_job(cursor, job)) is not None:
            taken.run_id = known
            return
        reference.create_incoming(cursor)
        names: dict[tuple[str, str], str] = {}
        rows = _logit_rows(logits, statistics, names, taken) if logits else _walked_rows(cursor, statistics)
        for number, batch in enumerate(_batches(rows), start=1):
            reference.append_incoming(cursor, batch)
            on_progress("reading scores", number * BATCH, 0)
        taken.pictures = reference.match_incoming(cursor)
        if not taken.pictures.found:
            raise EngineError(
                "None of the scored pictures is in this workspace, such as " + ", ".join(taken.pictures.missing) + ".",
                "Add the folder that holds imagenet21k_train first: sood-tui images add .../imagenet21k_train",
            )
        taken.run_id = _make_run(cursor, job, digest)
        reference.insert_subclasses(cursor, taken.run_id, _imported(statistics, names))
        reference.insert_matched_similarities(cursor, taken.run_id)
        reference.insert_matched_pictures(cursor, taken.run_id)


def _imported(statistics: Sequence[Statistic], names: dict[tuple[str, str], str]) -> list[ImportedSubclass]:
    """What is kept of subclasses: their statistics, or at least what the scripts call them."""
    if statistics:
        return [
            ImportedSubclass(one.superclass, one.wnid, place, one.name, one.mean, one.standard_deviation)
            for place, one in enumerate(statistics)
        ]
    return [
        ImportedSubclass(superclass, wnid, place, name, None, None)
        for place, ((superclass, wnid), name) in enumerate(names.items())
    ]


def _make_run(cursor: Cursor, job: str, digest: str) -> int:
    key = f"imported-{digest[:12]}"
    known = fetch_set(cursor, key)
    set_id = known.set_id if known else None
    if set_id is None:
        insert_set(cursor, key, MODEL, PRETRAINED, digest, 0, now())
        made = fetch_set(cursor, key)
        assert made is not None, "it was just made"
        set_id = made.set_id
    run_id = scoring.insert_run(cursor, set_id, TEMPLATE, True, job, now())
    for superclass in reference.fetch_incoming_superclasses(cursor):
        scoring.insert_run_superclass(cursor, run_id, superclass, superclass, [])
    return run_id


def _logit_rows(
    file: Path, statistics: Sequence[Statistic], names: dict[tuple[str, str], str], taken: Taken
) -> Iterator[tuple[object, ...]]:
    outliers = {(one.wnid, name) for one in statistics for _, name in one.outliers}
    position = 0
    for one in stream_logits(file):
        if not isinstance(one, Logit):
            taken.unread.append(one)
            continue
        is_outlier = (one.wnid, one.file) in outliers
        names.setdefault((one.superclass, one.wnid), one.name)
        yield position, one.superclass, one.root, one.wnid, one.file, one.logit / 100, is_outlier
        position += 1


def _walked_rows(cursor: Cursor, statistics: Sequence[Statistic]) -> Iterator[tuple[object, ...]]:
    """Every picture of the subclasses, in the order in which the scripts walk their folder."""
    pictures: dict[str, list[tuple[str, str, str]]] = {}
    for wnid, root, folder, path in reference.fetch_picture_names(cursor, [one.wnid for one in statistics]):
        pictures.setdefault(wnid, []).append((root, folder, path))
    position = 0
    for one in statistics:
        outliers = {name for _, name in one.outliers}
        rows = pictures.get(one.wnid, [])
        for root, file in _in_walk_order(one.wnid, rows):
            yield position, one.superclass, root, one.wnid, file, None, file in outliers
            position += 1


def _in_walk_order(wnid: str, rows: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """Root and file name as os.walk gives them where the folder is there, by name otherwise."""
    names = {(root, path.rsplit("/", 1)[-1]) for root, _, path in rows}
    for root, folder in dict.fromkeys((root, folder) for root, folder, _ in rows):
        try:
            walked = [file for _, _, files in os.walk(os.path.join(path_of_text(folder), wnid)) for file in files]
        except OSError:
            walked = []
        here = [file for file in walked if (root, file) in names]
        yield from ((root, file) for file in here)
        yield from ((root, file) for name, file in sorted(names - {(root, file) for file in here}) if name == root)


def _batches(rows: Iterable[tuple[object, ...]]) -> Iterator[pa.Table]:
    batch: list[tuple[object, ...]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield _table(batch)
            batch = []
    if batch:
        yield _table(batch)


def _table(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table([pa.array(values, kind.type) for values, kind in zip(columns, _PICTURES, strict=True)], _PICTURES)


def read_statistics(file: Path | None, taken: Taken) -> list[Statistic]:
    """The statistics of a file; what cannot be read is noted."""
    found = []
    for one in stream_statistics(file) if file else ():
        if isinstance(one, Statistic):
            found.append(one)
        else:
            taken.unread.append(one)
    return found


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()


def _time_of(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
