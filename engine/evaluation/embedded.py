"""Embeddings of the pictures of an evaluation: where they lie, and whether the files are still what was embedded."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.jobs.files import write_whole
from engine.scoring.parts import READ, parts_of, read_part

FILES_FOLDER = "files"
_KEY = b"sood.files"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an embedding is: number of the array, row; a row of -1: the picture could not be read, reason says why."""

    array: int
    row: int
    size: int = -1
    mtime_ns: int = -1
    reason: str = ""


class Known:
    """Everything that is embedded by one model: pictures of the catalogue by id, other files by path."""

    def __init__(self, folder: Path, catalogue_id: str) -> None:
        self._arrays: list[Path] = []
        self.images: dict[int, Place] = {}
        self.files: dict[str, Place] = {}
        for path, _ in parts_of(folder, catalogue_id):
            self._add_images(path)
        for path in sorted((folder / FILES_FOLDER).glob("part-*.parquet")):
            self._add_files(path)

    def _add_images(self, path: Path) -> None:
        array = self._array(path)
        table = read_part(path)
        columns = (table[name].to_pylist() for name in ("image_id", "row", "status", "reason"))
        for image_id, row, status, reason in zip(*columns, strict=True):
            if status == READ:
                self.images[image_id] = Place(array, row)
            else:
                self.images.setdefault(image_id, Place(-1, -1, reason=reason or status))

    def _add_files(self, path: Path) -> None:
        array = self._array(path)
        table = parquet.read_table(path)
        columns = (table[name].to_pylist() for name in ("path", "row", "size", "mtime_ns", "reason"))
        for name, row, size, mtime_ns, reason in zip(*columns, strict=True):
            self.files[name] = Place(array, -1 if row is None else row, size, mtime_ns, reason or "")

    def _array(self, path: Path) -> int:
        self._arrays.append(path.with_suffix(".npy"))
        return len(self._arrays) - 1

    def gather(self, places: Sequence[Place]) -> "PictureEmbeddings":
        """The rows of these places, in order."""
        arrays = [np.load(path, mmap_mode="r") for path in self._arrays]
        where = np.array([(place.array, place.row) for place in places], dtype=np.int64).reshape(-1, 2)
        return PictureEmbeddings(arrays, where[:, 0], where[:, 1])


class PictureEmbeddings:
    """Rows of several memory-mapped arrays as one array [n, d]; only the rows of a slice are read."""

    ndim = 2

    def __init__(self, arrays: Sequence[Any], array: NDArray[np.int64], row: NDArray[np.int64]) -> None:
        self._arrays = arrays
        self._array = array
        self._row = row
        self.shape = (len(row), int(arrays[0].shape[1]) if arrays else 0)

    def __len__(self) -> int:
        return len(self._row)

    def __getitem__(self, index: slice) -> NDArray[np.float32]:
        array, row = self._array[index], self._row[index]
        found = np.empty((len(row), self.shape[1]), dtype=np.float32)
        for number in np.unique(array):
            chosen = array == number
            found[chosen] = self._arrays[number][row[chosen]]
        return found


def changed(items: pa.Table, files: dict[str, Place]) -> list[str]:
    """Paths of files that have another size or time than when they were embedded."""
    columns = (items[name].to_pylist() for name in ("image_id", "path", "size", "mtime_ns"))
    return [
        path
        for image_id, path, size, mtime_ns in zip(*columns, strict=True)
        if image_id is None and path in files and (files[path].size, files[path].mtime_ns) != (size, mtime_ns)
    ]


def refuse_changed(name: str, paths: Sequence[str]) -> None:
    """Refuse a set whose files have changed since they were embedded.

    Raises: EngineError that names the set, unless the list is empty.
    """
    if paths:
        raise EngineError(
            f"The set {name} changed on disk since it was embedded: {len(paths)} files, the first is {paths[0]}.",
            "Run again with --re-embed if the change is meant.",
        )


def write_files_part(folder: Path, name: str, vectors: NDArray[np.float16], table: pa.Table) -> None:
    """Write embeddings of files outside the catalogue; the table, written last, makes them count.

    Args:
        folder: of the model.
        name: of the part.
        vectors: float16 [read, d].
        table: path, size, mtime_ns, row (null: unreadable) and reason.
    """
    place = folder / FILES_FOLDER
    place.mkdir(parents=True, exist_ok=True)
    sha256 = write_whole(place / f"{name}.npy", lambda stream: np.save(stream, vectors))
    marked = table.replace_schema_metadata({_KEY: json.dumps({"sha256": sha256}).encode()})
    write_whole(place / f"{name}.parquet", lambda stream: parquet.write_table(marked, stream, compression="zstd"))


def files_table(rows: Sequence[Mapping[str, Any]], status: list[str], reasons: list[str | None]) -> pa.Table:
    """A part of files, as ``write_files_part`` takes it: what is known of each, and its row of the embeddings."""
    read = iter(range(len(status)))
    return pa.table(
        {
            "path": pa.array([row["path"] for row in rows], pa.string()),
            "size": pa.array([row["size"] for row in rows], pa.int64()),
            "mtime_ns": pa.array([row["mtime_ns"] for row in rows], pa.int64()),
            "row": pa.array([next(read) if state == READ else None for state in status], pa.int32()),
            "reason": pa.array(reasons, pa.string()),
        }
    )


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a run's record says of its model."""

    model: str
    pretrained: str | None
    model_key: str
    weights_sha256: str
    dimensions: int
    precision: str

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def save_texts(folder: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Keep the text embeddings of a run, so that its mistakes can be explained without the model."""
    write_whole(folder / "texts.npz", lambda stream: _savez(stream, arrays))


def _savez(stream: Any, arrays: dict[str, NDArray[Any]]) -> None:
    # numpy wants a stream that can seek, which a hashing one cannot.
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    stream.write(buffer.getbuffer())
