"""Predictions of a classifier from files: CSV, or npz with logits."""

import csv
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import EngineError
from engine.evaluation.classifiers.matching import Predictions

HEADERS = (["path", "predicted"], ["file", "predicted"], ["path", "class"])


def read_predictions(path: Path, class_names: Sequence[str] | None = None) -> Predictions:
    """Predictions from CSV (path, predicted class) or npz (paths, and logits or predicted; class_names).

    Raises: EngineError that says what the file lacks.
    """
    file = path.expanduser()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror or error}.", "Give a CSV or npz.") from error
    source = {"file": str(file.absolute()), "sha256": hashlib.sha256(data).hexdigest()}
    if file.suffix == ".csv":
        return _from_csv(path, data, source)
    return _from_arrays(path, _arrays(path), class_names, source)


def _arrays(path: Path) -> dict[str, Any]:
    try:
        opened = np.load(path.expanduser(), allow_pickle=False)
        arrays = {name: opened[name] for name in getattr(opened, "files", ())}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise EngineError(f"{path} cannot be read as npz: {str(error).splitlines()[0]}.") from error
    if "paths" not in arrays or not {"logits", "predicted"} & set(arrays):
        raise EngineError(
            f"{path} needs the arrays paths, and logits or predicted.", f"It has {', '.join(arrays) or 'nothing'}."
        )
    return arrays


def _from_arrays(
    path: Path, arrays: dict[str, Any], class_names: Sequence[str] | None, source: dict[str, str]
) -> Predictions:
    paths = tuple(str(one) for one in arrays["paths"].tolist())
    logits = arrays["logits"].astype(np.float64) if "logits" in arrays else None
    if not paths:
        raise EngineError(f"{path} has no predictions.", "Its array paths is empty.")
    if logits is not None and logits.ndim != 2:
        raise EngineError(f"The logits of {path} are {list(logits.shape)} and not [pictures, classes].")
    if logits is not None and not np.isfinite(logits).all():
        row = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise EngineError(f"{path} has logits that are no numbers, first in row {row}.", "Make them again.")
    predicted = logits.argmax(axis=1) if logits is not None else arrays["predicted"].astype(np.int64)
    if len(predicted) != len(paths):
        raise EngineError(f"{path} has {len(paths)} paths and {len(predicted)} predictions.")
    names = [str(one) for one in arrays["class_names"].tolist()] if "class_names" in arrays else class_names
    count = logits.shape[1] if logits is not None else int(predicted.max()) + 1
    if names and (len(names) != count if logits is not None else count > len(names)):
        raise EngineError(
            f"{path} predicts {count} classes, and there are {len(names)} names.",
            "Name them in the order of the outputs: class_names in the npz, or --classes FILE.",
        )
    if predicted.min() < 0:
        raise EngineError(f"{path} predicts class {int(predicted.min())}; classes are counted from 0.")
    return Predictions(paths, predicted, tuple(names) if names else tuple(map(str, range(count))), logits, source)


def _from_csv(path: Path, data: bytes, source: dict[str, str]) -> Predictions:
    try:
        rows = [row for row in csv.reader(data.decode("utf-8").splitlines()) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise EngineError(f"{path} cannot be read: {error}.") from error
    if rows and rows[0][:2] in HEADERS:
        rows = rows[1:]
    if not rows or any(len(row) < 2 or not row[1].strip() for row in rows):
        raise EngineError(f"{path} has lines without a prediction.", "Write PATH,CLASS in every line.")
    names = sorted({row[1].strip() for row in rows})
    place = {name: index for index, name in enumerate(names)}
    predicted = np.array([place[row[1].strip()] for row in rows], dtype=np.int64)
    return Predictions(tuple(row[0] for row in rows), predicted, tuple(names), None, source)
