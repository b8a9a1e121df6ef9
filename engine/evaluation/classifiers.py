"""Classifiers on the bands of a split: accuracy and macro-F1 per superclass, the drop, detection from their logits."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.bootstrap import detection_intervals, share_interval
from engine.evaluation.calibration import calibration_part
from engine.evaluation.formulas import Array, energy, greatest, greatest_probability
from engine.evaluation.metrics import METRIC_NAMES, detection_metrics
from engine.evaluation.results import MetricRow, rows_table
from engine.evaluation.sets import PictureSet, resolve_set
from engine.splits.prepare import prepare
from engine.workspace import Workspace
from store import evaluation as store
from store import evaluation_sets as sets_store
from store.connection import Cursor
from store.splits import fetch_superclass_roots

HOLDOUT = "train-holdout"
METHOD = "classifier"
_IN_WORDS = {"train": HOLDOUT}


def _msp(logits: Array) -> Array:
    return greatest_probability(logits, 1.0)


def _energy(logits: Array) -> Array:
    return energy(logits, 1.0)


_LOGIT_SCORES: Mapping[str, Callable[[Array], Array]] = {"msp": _msp, "maxlogit": greatest, "energy": _energy}


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of pictures.

    Attributes:
        paths: of the pictures, absolute or relative to anything: the longest common ending is matched.
        predicted: index into class_names, int64 [n].
        class_names: superclasses, wnids, or whatever the model calls its classes.
        logits: float [n, classes]; None where only the prediction is known.
    """

    paths: tuple[str, ...]
    predicted: NDArray[np.int64]
    class_names: tuple[str, ...]
    logits: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class ClassifierRequest:
    """How predictions are scored.

    Attributes:
        title: what to call the model.
        split: whose bands are scored.
        holdout: share of train that counts, seeded; 1: every train picture that has a prediction.
        far: sources of OOD pictures that have predictions too, by name.
    """

    title: str
    split: str = "main"
    holdout: float = 1.0
    seed: int = 0
    reviewer: str = ""


@dataclass(frozen=True)
class _Band:
    """The pictures of a band that have predictions."""

    name: str
    items: pa.Table
    truth: NDArray[np.int64]
    rows: NDArray[np.int64]
    missing: int


def read_predictions(path: Path, class_names: Sequence[str] | None = None) -> Predictions:
    """Predictions from CSV (path, predicted class) or npz (paths, and logits or predicted; class_names).

    Raises: EngineError that says what the file lacks.
    """
    if path.suffix == ".csv":
        return _from_csv(path)
    try:
        with np.load(path.expanduser(), allow_pickle=False) as opened:
            arrays = {name: opened[name] for name in opened.files}
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read as npz: {str(error).splitlines()[0]}.") from error
    if "paths" not in arrays or not {"logits", "predicted"} & set(arrays):
        raise EngineError(
            f"{path} needs the arrays paths, and logits or predicted.", f"It has {', '.join(arrays) or 'nothing'}."
        )
    paths = tuple(str(one) for one in arrays["paths"].tolist())
    logits = arrays["logits"].astype(np.float64) if "logits" in arrays else None
    predicted = logits.argmax(axis=1) if logits is not None else arrays["predicted"].astype(np.int64)
    if len(predicted) != len(paths):
        raise EngineError(f"{path} has {len(paths)} paths and {len(predicted)} predictions.")
    if logits is not None and not np.isfinite(logits).all():
        raise EngineError(f"{path} has logits that are no numbers.")
    names = [str(one) for one in arrays["class_names"].tolist()] if "class_names" in arrays else class_names
    count = logits.shape[1] if logits is not None else int(predicted.max()) + 1
    return Predictions(paths, predicted, tuple(names) if names else tuple(map(str, range(count))), logits)


def _from_csv(path: Path) -> Predictions:
    try:
        rows = [row for row in csv.reader(path.expanduser().read_text(encoding="utf-8").splitlines()) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} cannot be read: {error}.") from error
    if rows and rows[0][:2] in (["path", "predicted"], ["file", "predicted"], ["path", "class"]):
        rows = rows[1:]
    if not rows or any(len(row) < 2 for row in rows):
        raise EngineError(f"{path} has lines without a prediction.", "Write PATH,CLASS in every line.")
    names = sorted({row[1].strip() for row in rows})
    place = {name: index for index, name in enumerate(names)}
    predicted = np.array([place[row[1].strip()] for row in rows], dtype=np.int64)
    return Predictions(tuple(row[0] for row in rows), predicted, tuple(names), None)


def score_predictions(
    workspace: Workspace,
    cursor: Cursor,
    predictions: Predictions,
    request: ClassifierRequest,
    run_key: str,
    at: datetime,
) -> int:
    """Score predictions on a split and keep the run.

    Args:
        workspace: open.
        cursor: inside the transaction that keeps the run.
        run_key: unique name of the run: its job's id, or one of its own.
        at: when it was asked for.

    Returns: the number of the evaluation.
    Raises: EngineError when classes or pictures do not fit the split.
    """
    prepared = prepare(workspace, request.split)
    tuned = prepared.retune()
    superclasses = prepared.superclasses
    to_superclass = _class_map(cursor, predictions.class_names, superclasses)
    present = [name for place, name in enumerate(tuned.bands) if (tuned.band == place).any()]
    sets = [
        resolve_set(workspace, cursor, _IN_WORDS.get(name, name), f"split:{request.split}/{name}", "generalisation")
        for name in reversed(present)
    ]
    bands = [_match(one, predictions, superclasses) for one in sets]
    bands[0] = _held_out(bands[0], request)
    for band in bands:
        if not len(band.rows):
            raise EngineError(
                f"The predictions have no picture of {band.name}.", "Paths must end like those of the catalogue."
            )
    rows = _rows(bands, predictions, to_superclass, superclasses, request.seed)
    record = {
        "labels": list(superclasses), "label_names": list(superclasses), "split": request.split, "seed": request.seed,
        "holdout": request.holdout, "class_names": list(predictions.class_names),
        "percentiles": tuned.percentiles.tolist(),
        "missing": {band.name: band.missing for band in bands}, "methods": {METHOD: {}},
    }  # fmt: skip
    return _keep(cursor, request, sets, bands, rows, record, predictions, to_superclass, (run_key, at))


def _class_map(cursor: Cursor, names: Sequence[str], superclasses: Sequence[str]) -> NDArray[np.int64]:
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


def _match(one: PictureSet, predictions: Predictions, superclasses: Sequence[str]) -> _Band:
    """The predictions of a set's pictures: by the whole path, else by its last two parts."""
    whole = {path: row for row, path in enumerate(predictions.paths)}
    ends = {_end(path): row for row, path in enumerate(predictions.paths)}
    place = {name: index for index, name in enumerate(superclasses)}
    paths = one.items["path"].to_pylist()
    rows = [whole.get(path, ends.get(_end(path), -1)) for path in paths]
    kept = [index for index, row in enumerate(rows) if row >= 0]
    items = one.items.take(pa.array(kept, pa.int64()))
    truth = np.array([place[name] for name in items["superclass"].to_pylist()], dtype=np.int64)
    return _Band(
        one.name, items, truth, np.array([rows[index] for index in kept], dtype=np.int64), len(paths) - len(kept)
    )


def _end(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def _held_out(band: _Band, request: ClassifierRequest) -> _Band:
    if request.holdout >= 1 or len(band.rows) < 2:
        return band
    chosen = calibration_part(len(band.rows), request.holdout, request.seed)
    kept = pa.array(np.flatnonzero(chosen))
    return _Band(band.name, band.items.take(kept), band.truth[chosen], band.rows[chosen], band.missing)


def _rows(
    bands: Sequence[_Band],
    predictions: Predictions,
    to_superclass: NDArray[np.int64],
    superclasses: Sequence[str],
    seed: int,
) -> list[MetricRow]:
    found: list[MetricRow] = []
    first: float | None = None
    for band in bands:
        guessed = to_superclass[predictions.predicted[band.rows]]
        rows, accuracy = _accuracy_rows(band, guessed, superclasses, seed)
        found += rows
        first = accuracy if first is None else first
        if band is not bands[0]:
            found.append(_row("accuracy", band.name, "", "drop", first - accuracy, len(band.rows)))
    if predictions.logits is not None:
        logits = predictions.logits
        for name, score in _LOGIT_SCORES.items():
            inside = np.asarray(score(logits[bands[0].rows]))
            for band in bands[1:]:
                found += _detection_rows(name, inside, np.asarray(score(logits[band.rows])), band.name, seed)
    return found


def _accuracy_rows(
    band: _Band, guessed: NDArray[np.int64], superclasses: Sequence[str], seed: int
) -> tuple[list[MetricRow], float]:
    from sklearn.metrics import f1_score

    hits = guessed == band.truth
    at = share_interval(hits, seed)
    present = sorted(set(band.truth.tolist()))
    macro = float(f1_score(band.truth, guessed, labels=present, average="macro", zero_division=0))
    each = f1_score(band.truth, guessed, labels=present, average=None, zero_division=0)
    overall = _row("accuracy", band.name, "", "accuracy", float(hits.mean()), len(hits))
    found = [
        replace(overall, low=at.low, high=at.high),
        _row("accuracy", band.name, "", "macro_f1", macro, len(hits)),
    ]
    for label, f1 in zip(present, each, strict=True):
        mine = hits[band.truth == label]
        found.append(_row("accuracy", band.name, superclasses[label], "accuracy", float(mine.mean()), len(mine)))
        found.append(_row("accuracy", band.name, superclasses[label], "f1", float(f1), len(mine)))
    return found, float(hits.mean())


def _row(scope: str, part: str, class_: str, metric: str, value: float, n: int) -> MetricRow:
    return MetricRow(METHOD, False, "", scope, part, class_, metric, value, None, None, n, 0)


def _detection_rows(
    name: str, inside: NDArray[np.float64], outside: NDArray[np.float64], part: str, seed: int
) -> list[MetricRow]:
    numbers = detection_metrics(inside, outside, HOLDOUT, part)
    intervals = detection_intervals(inside, outside, seed)
    found = []
    for metric in METRIC_NAMES:
        at = intervals.get(metric)
        low, high = (at.low, at.high) if at else (None, None)
        value = float(getattr(numbers, metric))
        found.append(MetricRow(name, False, "", "set", part, "", metric, value, low, high, numbers.n_id, numbers.n_ood))
    return found


def _keep(
    cursor: Cursor,
    request: ClassifierRequest,
    sets: Sequence[PictureSet],
    bands: Sequence[_Band],
    rows: Sequence[MetricRow],
    record: Mapping[str, Any],
    predictions: Predictions,
    to_superclass: NDArray[np.int64],
    key: tuple[str, datetime],
) -> int:
    methods = [METHOD, *dict.fromkeys(row.method for row in rows if row.method != METHOD)]
    run_id = store.insert_evaluation(
        cursor,
        {
            "job_id": key[0], "folder": "", "kind": "classifier", "title": request.title, "methods": methods,
            "model": request.title, "model_key": "", "reviewer": request.reviewer, "seconds": 0.0,
            "record": json.dumps(record, ensure_ascii=False, sort_keys=True), "created_at": key[1],
        },
    )  # fmt: skip
    parts = [
        {
            "run_id": run_id, "position": position, "name": band.name, "source": one.source.text,
            "role": "id" if position == 0 else "generalisation", "near_or_far": None, "sha256": one.sha256,
            "images": len(band.rows), "unreadable": band.missing, "relatives": 0, "note": None,
        }
        for position, (one, band) in enumerate(zip(sets, bands, strict=True))
    ]  # fmt: skip
    typed = {"near_or_far": pa.string(), "note": pa.string()}
    store.insert_parts(
        cursor, pa.table({name: pa.array([part[name] for part in parts], typed.get(name)) for name in parts[0]})
    )
    table = rows_table(rows)
    store.append_metrics(cursor, table.append_column("run_id", pa.array([run_id] * table.num_rows, pa.int32())))
    store.append_pictures(cursor, _picture_rows(run_id, bands, predictions, to_superclass))
    return run_id


def _picture_rows(
    run_id: int, bands: Sequence[_Band], predictions: Predictions, to_superclass: NDArray[np.int64]
) -> pa.Table:
    tables = []
    for position, band in enumerate(bands):
        count = len(band.rows)
        peak = np.zeros(count) if predictions.logits is None else predictions.logits[band.rows].max(axis=1)
        tables.append(
            pa.table(
                {
                    "run_id": pa.array([run_id] * count, pa.int32()),
                    "part": pa.array([position] * count, pa.int32()),
                    "position": pa.array(np.arange(count), pa.int64()),
                    "image_id": band.items["image_id"],
                    "path": band.items["path"],
                    "wnid": band.items["wnid"],
                    "superclass": band.items["superclass"],
                    "label": pa.array(band.truth, pa.int32()),
                    "predicted": pa.array(to_superclass[predictions.predicted[band.rows]], pa.int32()),
                    "similarity": pa.array(peak, pa.float64()),
                    "margin": pa.nulls(count, pa.float64()),
                }
            )
        )
    return pa.concat_tables(tables)
