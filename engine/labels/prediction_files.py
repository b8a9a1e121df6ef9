"""Reading predictions from files: CSV of ranked labels, and npz of logits, probabilities or rankings."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.labels.numbers import ranked_classes

DEPTH = 50
"""So many classes of a row of scores are kept; no picture has that many valid labels."""
SCORES = ("logits", "probabilities", "scores")


@dataclass(frozen=True, slots=True)
class PredictionTable:
    """Rankings of a file.

    Attributes:
        files: file name of each picture, without folders.
        lines: line of a CSV, or row of an array, from 1.
        ranked: int64 [n, depth], class indices, best first.
        classes: wnids in the order of the class indices.
    """

    files: tuple[str, ...]
    lines: tuple[int, ...]
    ranked: npt.NDArray[np.int64]
    classes: tuple[str, ...]


def read_predictions(path: Path, classes: Sequence[str], names: Path | None = None) -> PredictionTable:
    """Read a file of predictions, by its ending: .csv or .npz.

    Args:
        path: CSV with a header `file,ranked` (class indices or wnids, best first, separated by spaces or semicolons),
            or npz with `logits`, `probabilities` or `scores` [n, classes], or `ranked` [n, depth] (class indices),
            with `files` [n], and with `classes` [classes] (wnids) where they are not those of ImageNet-1k.
        classes: wnids in the order of the class indices, unless the file brings its own.
        names: a text file with the file name of each row, where the npz has no `files`.

    Raises: EngineError naming file and line for anything that is not as it should be.
    """
    if path.suffix.lower() == ".csv":
        table = _read_csv(path, tuple(classes))
    elif path.suffix.lower() == ".npz":
        table = _read_npz(path, tuple(classes), names)
    else:
        raise EngineError(f"{path} is neither .csv nor .npz.", "Predictions are read from these two.")
    first: dict[str, int] = {}
    for line, file in zip(table.lines, table.files, strict=True):
        if file in first:
            raise EngineError(f"{path}, line {line}: {file} stands on line {first[file]} already.")
        first[file] = line
    return table


def _read_csv(path: Path, classes: tuple[str, ...]) -> PredictionTable:
    files, lines, ranked = [], [], []
    index = {wnid: place for place, wnid in enumerate(classes)}
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            rows = csv.DictReader(opened)
            if not {"file", "ranked"} <= set(rows.fieldnames or ()):
                raise EngineError(f"{path} has no columns `file` and `ranked`.", "Its first line must name them.")
            for row in rows:
                where = f"{path}, line {rows.line_num}"
                if not row["file"] or not row["ranked"]:
                    raise EngineError(f"{where}: a column is missing or empty.")
                labels = row["ranked"].replace(";", " ").split()
                files.append(row["file"].rsplit("/", 1)[-1])
                lines.append(rows.line_num)
                ranked.append([_class_index(label, index, where) for label in labels])
                _check_ranking(ranked[-1], len(ranked[0]), where)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EngineError(f"{path} cannot be read: {error}") from error
    if not files:
        raise EngineError(f"{path} has no predictions.", "A line for each picture follows the header.")
    return PredictionTable(tuple(files), tuple(lines), np.asarray(ranked, dtype=np.int64), classes)


def _class_index(label: str, index: dict[str, int], where: str) -> int:
    if label in index:
        return index[label]
    if label.isdecimal() and int(label) < len(index):
        return int(label)
    raise EngineError(
        f"{where}: {label!r} is none of the {len(index)} classes.", f"Indices go from 0 to {len(index) - 1}."
    )


def _check_ranking(ranked: list[int], depth: int, where: str) -> None:
    if len(ranked) != depth:
        raise EngineError(f"{where}: {len(ranked)} classes are ranked, on the first line {depth}.")
    if len(set(ranked)) < len(ranked):
        raise EngineError(f"{where}: a class is ranked twice.")


def _read_npz(path: Path, classes: tuple[str, ...], names: Path | None) -> PredictionTable:
    arrays = _arrays(path)
    if "classes" in arrays:
        classes = tuple(str(wnid) for wnid in arrays["classes"].tolist())
    given = [name for name in (*SCORES, "ranked") if name in arrays]
    if len(given) != 1:
        found = ", ".join(arrays) or "nothing"
        raise EngineError(f"{path} must hold one of {', '.join(SCORES)} or ranked.", f"It has {found}.")
    values = arrays[given[0]]
    if values.ndim != 2 or not len(values):
        raise EngineError(f"`{given[0]}` of {path} has the shape {values.shape}; a row for each picture is needed.")
    ranked = _ranked(path, values, classes) if given[0] == "ranked" else _scored(path, given[0], values, classes)
    files = _file_names(path, arrays, names)
    if len(files) != len(ranked):
        raise EngineError(f"{path} has {len(ranked)} rows of {given[0]} and {len(files)} file names.")
    return PredictionTable(files, tuple(range(1, len(files) + 1)), ranked, classes)


def _scored(path: Path, name: str, values: npt.NDArray[np.generic], classes: tuple[str, ...]) -> npt.NDArray[np.int64]:
    if values.shape[1] != len(classes):
        raise EngineError(
            f"`{name}` of {path} has {values.shape[1]} columns, but there are {len(classes)} classes.",
            "Give the classes of the model: an array `classes` of wnids in the npz, or --classes FILE.",
        )
    if not np.issubdtype(values.dtype, np.floating):
        raise EngineError(f"`{name}` of {path} holds {values.dtype}, not floats.", "Rankings go into `ranked`.")
    try:
        return ranked_classes(values, DEPTH)  # type: ignore[arg-type]
    except EngineError as error:
        raise EngineError(f"`{name}` of {path}: {error.message}") from error


def _ranked(path: Path, values: npt.NDArray[np.generic], classes: tuple[str, ...]) -> npt.NDArray[np.int64]:
    if not np.issubdtype(values.dtype, np.integer):
        raise EngineError(f"`ranked` of {path} holds {values.dtype}, not class indices.")
    ranked = values.astype(np.int64)
    outside = np.flatnonzero(((ranked < 0) | (ranked >= len(classes))).any(axis=1))
    if len(outside):
        row = int(outside[0])
        bad = next(int(value) for value in ranked[row] if not 0 <= value < len(classes))
        raise EngineError(f"{path}, row {row + 1}: class {bad} is none of the {len(classes)} classes.")
    sorted_rows = np.sort(ranked, axis=1)
    twice = np.flatnonzero((sorted_rows[:, 1:] == sorted_rows[:, :-1]).any(axis=1))
    if len(twice):
        raise EngineError(f"{path}, row {int(twice[0]) + 1}: a class is ranked twice.")
    return ranked


def _file_names(path: Path, arrays: dict[str, npt.NDArray[np.generic]], names: Path | None) -> tuple[str, ...]:
    if names is not None:
        try:
            lines = names.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise EngineError(f"{names} cannot be read: {error}") from error
    elif "files" in arrays:
        lines = [str(name) for name in arrays["files"].tolist()]
    else:
        raise EngineError(f"{path} has no array `files`.", "Add it, or give --names FILE with a file name a line.")
    return tuple(line.strip().rsplit("/", 1)[-1] for line in lines if line.strip())


def _arrays(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    try:
        with np.load(path, allow_pickle=False) as opened:
            return {name: opened[name] for name in opened.files}
    except Exception as error:  # zipfile, NumPy and the system each have errors of their own for a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineError(f"{path} cannot be read as npz: {reason}.") from error
