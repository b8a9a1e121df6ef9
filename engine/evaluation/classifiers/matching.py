"""A classifier's classes and pictures beside those of a split: which is which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.sets.pictures import PictureSet
from store.candidates.superclasses import fetch_superclass_roots
from store.connection import Cursor
from store.evaluation import sets as sets_store


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of pictures.

    Attributes:
        paths: of the pictures, absolute or relative to anything: the longest common ending is matched.
        predicted: index into class_names, int64 [n].
        class_names: superclasses, wnids, or whatever the model calls its classes.
        logits: float [n, classes]; None where only the prediction is known.
        source: where they come from, for the record: a file and its hash, or a model and the hash of its weights.
    """

    paths: tuple[str, ...]
    predicted: NDArray[np.int64]
    class_names: tuple[str, ...]
    logits: NDArray[np.float64] | None
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgedBand:
    """The pictures of a band that have predictions."""

    name: str
    items: pa.Table
    truth: NDArray[np.int64]
    rows: NDArray[np.int64]
    missing: int


def class_map(cursor: Cursor, names: Sequence[str], superclasses: Sequence[str]) -> NDArray[np.int64]:
    """The superclass of each class of the model, -1 for classes outside all of them.

    A class is a superclass by its name, or a synset below a root of one; numbers are class ids if there are as many.
    """
    place = {name: index for index, name in enumerate(superclasses)} | {
        name.replace("_", " "): index for index, name in enumerate(superclasses)
    }
    if all(name.isdigit() for name in names) and len(names) <= len(superclasses):
        return np.array([int(name) for name in names], dtype=np.int64)
    below: dict[str, int] = {}
    for superclass, roots in fetch_superclass_roots(cursor).items():
        if superclass in place:
            below |= dict.fromkeys(sets_store.fetch_closures(cursor, roots), place[superclass])
    found = np.array([place.get(name, below.get(name, -1)) for name in names], dtype=np.int64)
    if (found < 0).all():
        raise EngineError(
            f"None of the model's {len(names)} classes ({', '.join(names[:3])} ...) belongs to a superclass.",
            "Name its classes by superclass or wnid: class_names in the npz, or --classes FILE.",
        )
    return found


def match_band(one: PictureSet, predictions: Predictions, superclasses: Sequence[str]) -> JudgedBand:
    """The predictions of a set's pictures: by the whole path, else by its last two parts.

    Raises: EngineError when several predictions could be meant.
    """
    whole = _places(predictions.paths)
    ends = _places([_end(path) for path in predictions.paths])
    place = {name: index for index, name in enumerate(superclasses)}
    rows = []
    for path in one.items["path"].to_pylist():
        found = whole.get(path) or ends.get(_end(path)) or [-1]
        if len(found) > 1:
            raise EngineError(
                f"{len(found)} predictions could be of the picture {path}: {', '.join(_some(predictions, found))}.",
                "Give each picture one prediction; whole paths tell apart pictures of several folders.",
            )
        rows.append(found[0])
    kept = [index for index, row in enumerate(rows) if row >= 0]
    items = one.items.take(pa.array(kept, pa.int64()))
    truth = np.array([place[name] for name in items["superclass"].to_pylist()], dtype=np.int64)
    return JudgedBand(
        one.name, items, truth, np.array([rows[index] for index in kept], dtype=np.int64), len(rows) - len(kept)
    )


def _places(keys: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        found.setdefault(key, []).append(row)
    return found


def _some(predictions: Predictions, rows: Sequence[int]) -> list[str]:
    return [predictions.paths[row] for row in rows[:2]]


def _end(path: str) -> str:
    return "/".join(path.split("/")[-2:])
