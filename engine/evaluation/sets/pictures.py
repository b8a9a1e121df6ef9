"""The pictures that an evaluation set stands for, read anew each time it is used."""

import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.errors import EngineError
from engine.evaluation.sets.sources import Source, parse_source
from engine.splits.after import leave_out
from engine.splits.measure import Measured
from engine.splits.prepare import prepare_with_pictures
from engine.wordnet.resolve import resolve
from engine.workspace import Workspace
from store.connection import Cursor
from store.evaluation import sets as store
from store.paths import text_of_path

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif"}
)
ITEMS = pa.schema(
    [
        pa.field("image_id", pa.int64()),
        pa.field("path", pa.string(), nullable=False),
        pa.field("row", pa.int64()),
        pa.field("size", pa.int64()),
        pa.field("mtime_ns", pa.int64()),
        pa.field("wnid", pa.string()),
        pa.field("superclass", pa.string()),
        pa.field("class_name", pa.string()),
    ]
)
"""One row a picture: image_id for pictures of the catalogue, size and time for files outside it, row for embeddings."""


@dataclass(frozen=True, slots=True)
class PictureSet:
    """A set with its pictures.

    Attributes:
        name: what tables call it.
        role: id, ood, or generalisation (a band whose classes are still valid).
        source: as written.
        items: see ITEMS.
        near_or_far: which group of OOD sets it belongs to, if any.
        relatives: pictures of ancestors or descendants of ID synsets, left out or only counted.
        note: known contamination and the like.
    """

    name: str
    role: str
    source: Source
    items: pa.Table
    near_or_far: str | None = None
    relatives: int = 0
    note: str | None = None

    def __len__(self) -> int:
        return int(self.items.num_rows)

    @property
    def sha256(self) -> str:
        """Of the list of its pictures: paths and synsets, with size and time for files outside the catalogue."""
        digest = hashlib.sha256()
        columns = [self.items[name].to_pylist() for name in ("path", "row", "size", "mtime_ns", "wnid", "superclass")]
        for row in zip(*columns, strict=True):
            digest.update(("\t".join("" if value is None else str(value) for value in row) + "\n").encode())
        return digest.hexdigest()

    def wnids(self) -> set[str]:
        """The synsets of its pictures, where they have one."""
        return {wnid for wnid in self.items["wnid"].unique().to_pylist() if wnid}


def resolve_set(workspace: Workspace, cursor: Cursor, name: str, text: str, role: str) -> PictureSet:
    """The set that a name or a source stands for, with its pictures.

    Args:
        workspace: open.
        cursor: any cursor.
        name: what to call it.
        text: name of a named set, or a source.
        role: id, ood or generalisation.

    Raises: EngineError or StoreError that names the set when it is unknown, empty or unreadable.
    """
    near_or_far = note = None
    if ":" not in text:
        named = store.fetch_set(cursor, text)
        text, near_or_far, note = named.source, named.near_or_far, named.note
    source = parse_source(text)
    items = _READERS[source.kind](workspace, cursor, source.value)
    if not items.num_rows:
        raise EngineError(f"The set {name} ({source.text}) has no pictures.", "Give another source.")
    return PictureSet(name, role, source, items, near_or_far, note=note)


def _of_split(workspace: Workspace, cursor: Cursor, value: str) -> pa.Table:
    split, _, band = value.rpartition("/")
    prepared, measured = prepare_with_pictures(cursor, workspace.seed, split or "main")
    tuned = prepared.retune()
    measured = leave_out(cursor, prepared, tuned, measured)
    if band not in tuned.bands:
        raise EngineError(f"The split has no band {band!r}.", f"Its bands are {', '.join(tuned.bands)}.")
    wanted = tuned.bands.index(band)
    chosen = {
        (subclass.superclass, subclass.wnid)
        for subclass, place in zip(prepared.subclasses, tuned.band, strict=True)
        if place == wanted
    }
    return _catalogue_items(store.fetch_images_by_id(cursor, _kept_pictures(measured, chosen)))


def _kept_pictures(measured: Measured, chosen: set[tuple[str, str]]) -> pa.Table:
    places = [place for place, pair in enumerate(measured.pairs) if (pair.superclass, pair.wnid) in chosen]
    pictures = measured.pictures
    rows = np.isin(pictures.place, places) & pictures.is_kept
    superclasses = [measured.pairs[place].superclass for place in pictures.place[rows]]
    return pa.table({"image_id": pictures.image_id[rows], "superclass": pa.array(superclasses, pa.string())})


def _of_synsets(workspace: Workspace, cursor: Cursor, value: str) -> pa.Table:
    return _catalogue_items(store.fetch_images_of_synsets(cursor, _wnids(cursor, value)))


def _of_subtrees(workspace: Workspace, cursor: Cursor, value: str) -> pa.Table:
    below = store.fetch_closures(cursor, _wnids(cursor, value))
    return _catalogue_items(store.fetch_images_of_synsets(cursor, sorted(below)))


def _wnids(cursor: Cursor, value: str) -> list[str]:
    return sorted({resolve(cursor, part) for part in value.split(",") if part.strip()})


def _catalogue_items(found: pa.Table) -> pa.Table:
    rows = found.num_rows
    nothing = {field.name: pa.nulls(rows, field.type) for field in ITEMS}
    known = {name: found[name] for name in found.column_names}
    return pa.table({**nothing, **known}).select(ITEMS.names).cast(ITEMS)


def _of_folder(workspace: Workspace, cursor: Cursor, value: str) -> pa.Table:
    root = Path(value).expanduser()
    if not root.is_dir():
        raise EngineError(f"The folder {value} is not there.", "Give the folder with the pictures of the set.")
    known = {wnid for wnid, _ in store.fetch_with_pictures(cursor)}
    rows = []
    for path, status in _pictures_below(str(root.absolute())):
        first = os.path.relpath(path, root.absolute()).split(os.sep)[0]
        class_name = first if os.sep in os.path.relpath(path, root.absolute()) else None
        rows.append(_file_row(path, status, class_name, known))
    return _file_items(rows)


def _pictures_below(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise EngineError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    for entry in entries:
        if entry.is_dir():
            if not entry.name.startswith("."):
                yield from _pictures_below(entry.path)
        elif os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file():
            yield entry.path, entry.stat()


def _file_row(path: str, status: os.stat_result, class_name: str | None, known: set[str]) -> dict[str, object]:
    looks_like_wnid = class_name is not None and len(class_name) == 9 and class_name[0] == "n"
    wnid = class_name if looks_like_wnid and str(class_name)[1:].isdigit() else None
    return {
        "path": text_of_path(path),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "wnid": wnid,
        "class_name": text_of_path(class_name) if class_name else None,
    }


def _file_items(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ITEMS)


def _of_list(workspace: Workspace, cursor: Cursor, value: str) -> pa.Table:
    file = Path(value).expanduser()
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise EngineError(f"The list {value} cannot be read: {error.strerror}.") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        text = os.fsdecode(line).rstrip()
        if text and not text.startswith("#"):
            rows.append(_list_row(file, number, text))
    return _file_items(rows)


def _list_row(file: Path, number: int, text: str) -> dict[str, object]:
    """One line: a path alone, OpenOOD's ``path label``, or the four fields of a SOOD list; spaces in paths are kept."""
    candidates = [(text, None), *((text.rsplit(" ", fields)[0], text.rsplit(" ", fields)[1:]) for fields in (1, 3))]
    for path, fields in candidates:
        place = path if os.path.isabs(path) else os.path.join(file.absolute().parent, path)
        try:
            status = os.stat(place)
        except (OSError, ValueError):
            continue
        row = _file_row(place, status, os.path.basename(os.path.dirname(place)) or None, set())
        if fields:
            row["class_name"] = fields[2] if len(fields) == 3 else fields[0]
            row["superclass"] = fields[1] if len(fields) == 3 else None
        return row
    raise EngineError(
        f"{file}, line {number}: there is no picture {text.split(' ')[0]}.",
        "Paths are absolute, or relative to the folder of the list.",
    )


def _of_npz(workspace: Workspace, cursor: Cursor, value: str) -> pa.Table:
    arrays = read_npz(value)
    count = len(arrays["embeddings"])
    labels = [str(label) for label in arrays["labels"].tolist()] if "labels" in arrays else [None] * count
    paths = (
        [str(path) for path in arrays["paths"].tolist()] if "paths" in arrays else [f"row {k}" for k in range(count)]
    )
    for name, values in (("labels", labels), ("paths", paths)):
        if len(values) != count:
            raise EngineError(f"{value} has {count} embeddings and {len(values)} {name}.")
    pairs = enumerate(zip(paths, labels, strict=True))
    return _file_items([{"path": path, "row": row, "class_name": label} for row, (path, label) in pairs])


def read_npz(value: str) -> dict[str, np.ndarray]:
    """The arrays of a file of embeddings; those that hold embeddings are whole, and ``embeddings`` [n, d] is there.

    Raises: EngineError that says what is wrong with the file.
    """
    file = Path(value).expanduser()
    try:
        opened = np.load(file, allow_pickle=False)
        arrays = {name: opened[name] for name in getattr(opened, "files", ())}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        lines = str(getattr(error, "strerror", None) or error).splitlines()
        raise EngineError(
            f"{value} cannot be read as npz: {lines[0] if lines else type(error).__name__}.",
            "Write it again: np.savez.",
        ) from error
    if "embeddings" not in arrays:
        raise EngineError(f"{value} has no array `embeddings`.", f"It has {', '.join(arrays) or 'nothing'}.")
    width = arrays["embeddings"].shape[-1] if arrays["embeddings"].ndim == 2 else 0
    for name in ("embeddings", "label_embeddings", "negative_embeddings"):
        if name in arrays:
            _check_embeddings(value, name, arrays[name], width)
    for names, vectors in (("label_names", "label_embeddings"), ("negative_words", "negative_embeddings")):
        if names in arrays and len(arrays[names]) != len(arrays.get(vectors, ())):
            raise EngineError(
                f"{value} has {len(arrays[names])} {names} and {len(arrays.get(vectors, ()))} {vectors}.",
                "Each text has one embedding, in the same order.",
            )
    return arrays


def _check_embeddings(value: str, name: str, rows: np.ndarray, width: int) -> None:
    if rows.ndim != 2 or not np.issubdtype(rows.dtype, np.floating):
        raise EngineError(f"`{name}` of {value} is not an array of floats [n, dimensions].")
    if rows.shape[1] != width:
        raise EngineError(
            f"`{name}` of {value} has {rows.shape[1]} dimensions, and its embeddings have {width}.",
            "They come from different models.",
        )
    if not np.isfinite(rows).all():
        row = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise EngineError(f"Row {row} of `{name}` in {value} has values that are no numbers.")
    if not (directions := rows.any(axis=1)).all():
        row = int(np.flatnonzero(~directions)[0])
        raise EngineError(f"Row {row} of `{name}` in {value} is all zeros, which is no direction.")


_READERS = {
    "split": _of_split,
    "synsets": _of_synsets,
    "subtree": _of_subtrees,
    "folder": _of_folder,
    "list": _of_list,
    "npz": _of_npz,
}
