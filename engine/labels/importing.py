"""Taking multi-label truth in, keyed to pictures by file name and to synsets by the ImageNet-1k list."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from engine.errors import EngineError
from engine.events import now
from engine.jobs.files import sha256_of
from engine.labels.sources import OWN
from engine.labels.truth import KINDS, TruthEntry, read_truth, timm_real_file
from engine.workspace import Workspace
from store.connection import Cursor
from store.images import roots as image_roots
from store.labels import truth as labels
from store.labels.truth import LabelSource
from store.wordnet.lists import fetch_class_list

CLASS_LIST = "imagenet_1k"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one truth file brought.

    Attributes:
        source: the name of the new source.
        files: entries of the file.
        matched: entries that name exactly one picture here.
        absent: entries that name no picture here.
        ambiguous: entries that name several pictures here.
        without_label: matched pictures without a valid label.
        multi_label: matched pictures with two labels or more.
    """

    source: str
    files: int
    matched: int
    absent: int
    ambiguous: int
    without_label: int
    multi_label: int


def import_truth(
    workspace: Workspace, path: Path | None, kind: str, source: str | None = None, root: str | None = None
) -> ImportReport:
    """Import one truth file as a source of its own.

    Args:
        path: the file; None with kind `real`: the copy that timm ships.
        source: its name; None: the kind, or the file's stem for CSV.
        root: only pictures of this image root; None: of all.

    Raises: EngineError for a bad file (with its line), a name that is taken, an unknown root, and a file that names no
        picture of this workspace. Nothing is kept then.
    """
    if kind not in KINDS:
        raise EngineError(f"{kind!r} is no kind of truth file.", f"One of: {', '.join(KINDS)}.")
    path = (path or _default_file(kind)).expanduser().resolve()
    name = source or (path.stem if kind == "csv" else kind)
    if name == OWN:
        raise EngineError(f"The name {OWN} is that of the marks made here.", "Give another --name.")
    with workspace.opened().writing() as cursor:
        if any(known.source == name for known in labels.fetch_sources(cursor)):
            raise EngineError(f"There is a source {name} already.", "Give this one another --name, or remove that one.")
        classes = fetch_class_list(cursor, CLASS_LIST)
        entries = read_truth(path, kind, classes, labels.fetch_all_wnids(cursor) if kind == "csv" else frozenset())
        root_id = image_roots.fetch_root(cursor, root).root_id if root else None
        found = labels.match_entries(cursor, _table(entries), root_id).to_pylist()
        matched = {row["line"]: row["image_id"] for row in found if row["image_id"] is not None}
        if not matched:
            raise EngineError(
                f"None of the {len(entries)} file names in {path} is a picture of this workspace.",
                f"The first is {entries[0].file}. Add the pictures first: `sood-tui images add ROOT`.",
            )
        _insert(cursor, name, entries, matched, found)
        digest = sha256_of(path)
        labels.insert_source(cursor, LabelSource(name, kind, str(path), digest, len(entries), len(matched), now()))
    sizes = [len(entry.wnids) for entry in entries if entry.line in matched]
    return ImportReport(
        source=name,
        files=len(entries),
        matched=len(matched),
        absent=sum(row["images"] == 0 for row in found),
        ambiguous=sum(row["images"] > 1 for row in found),
        without_label=sum(size == 0 for size in sizes),
        multi_label=sum(size >= 2 for size in sizes),
    )


def _default_file(kind: str) -> Path:
    if kind != "real":
        raise EngineError(f"A file is needed for the kind {kind}.", "Only ReaL labels come with the program.")
    return timm_real_file()


def _table(entries: Sequence[TruthEntry]) -> pa.Table:
    return pa.table({"line": [entry.line for entry in entries], "file": [entry.file for entry in entries]})


def _insert(
    cursor: Cursor,
    source: str,
    entries: Sequence[TruthEntry],
    matched: dict[int, int],
    found: list[dict[str, int]],
) -> None:
    here = [(matched[entry.line], entry.wnids) for entry in entries if entry.line in matched]
    pairs = [(image_id, wnid) for image_id, wnids in here for wnid in wnids]
    failed = [row for row in found if row["image_id"] is None]
    reasons = [f"{row['images']} pictures have this file name" for row in failed]
    labels.insert_labels(
        cursor,
        images=pa.table(
            {
                "source": [source] * len(here),
                "image_id": pa.array([image_id for image_id, _ in here], pa.int64()),
                "labels": pa.array([len(wnids) for _, wnids in here], pa.int32()),
            }
        ),
        labels=pa.table(
            {
                "source": [source] * len(pairs),
                "image_id": pa.array([image_id for image_id, _ in pairs], pa.int64()),
                "wnid": pa.array([wnid for _, wnid in pairs], pa.string()),
            }
        ),
        unmatched=pa.table(
            {
                "source": [source] * len(failed),
                "line": pa.array([row["line"] for row in failed], pa.int64()),
                "file": pa.array([row["file"] for row in failed], pa.string()),
                "reason": pa.array(reasons, pa.string()),
            }
        ),
    )
