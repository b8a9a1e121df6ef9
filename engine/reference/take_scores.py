"""Taking scores and statistics of the scripts into a workspace, as a scoring run."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from engine.errors import EngineError
from engine.events import now
from engine.jobs.files import sha256_of
from engine.reference.scoring import Logit, Statistic, stream_logits, stream_statistics
from engine.reference.take import OnProgress, Taken
from engine.workspace import Workspace
from store import reference
from store.connection import Cursor
from store.paths import path_of_text
from store.reference import ImportedSubclass
from store.scoring import runs as scoring
from store.scoring.embeddings import fetch_set, insert_set

BATCH = 50_000
MODEL, PRETRAINED, TEMPLATE = "ViT-B-32", "openai", "{}"


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
    digest = hashlib.sha256("".join(sha256_of(file) for file in files).encode()).hexdigest()
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
