"""Classifiers on the bands of a split: accuracy and macro-F1 per superclass, the drop, detection from their logits."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.classifiers.matching import JudgedBand, Predictions, class_map, match_band
from engine.evaluation.formulas import Array, energy, greatest, greatest_probability
from engine.evaluation.numbers.bootstrap import detection_intervals
from engine.evaluation.numbers.calibration import calibration_part
from engine.evaluation.numbers.closed_set import CLASSIFIER, accuracy_rows, drop_row
from engine.evaluation.numbers.metrics import METRIC_NAMES, detection_metrics
from engine.evaluation.results import MetricRow, rows_table
from engine.evaluation.sets.pictures import PictureSet, resolve_set
from engine.splits.prepare import prepare
from engine.workspace import Workspace
from store.connection import Cursor
from store.evaluation import runs as store

HOLDOUT = "train-holdout"
VERSIONED = ("sood-tui", "numpy", "scikit-learn", "duckdb")
_IN_WORDS = {"train": HOLDOUT}


def _msp(logits: Array) -> Array:
    return greatest_probability(logits, 1.0)


def _energy(logits: Array) -> Array:
    return energy(logits, 1.0)


_LOGIT_SCORES: Mapping[str, Callable[[Array], Array]] = {"msp": _msp, "maxlogit": greatest, "energy": _energy}


@dataclass(frozen=True, slots=True)
class ClassifierRequest:
    """How predictions are scored.

    Attributes:
        title: what to call the model.
        split: whose bands are scored.
        holdout: share of train that counts, seeded; 1: every train picture that has a prediction.
    """

    title: str
    split: str = "main"
    holdout: float = 1.0
    seed: int = 0
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the catalogue keeps of a run beside its numbers: unique name, when it was asked for, seconds."""

    run_key: str
    at: datetime
    seconds: float


def score_predictions(
    workspace: Workspace,
    cursor: Cursor,
    predictions: Predictions,
    request: ClassifierRequest,
    run_key: str,
    at: datetime,
    seconds: float = 0.0,
) -> int:
    """Score predictions on a split and keep the run.

    Args:
        workspace: open.
        cursor: inside the transaction that keeps the run.
        run_key: unique name of the run: its job's id, or one of its own.
        at: when it was asked for.
        seconds: that making the predictions took, where a job made them.

    Returns: the number of the evaluation.
    Raises: EngineError when classes or pictures do not fit the split.
    """
    prepared = prepare(workspace, request.split)
    tuned = prepared.retune()
    superclasses = prepared.superclasses
    to_superclass = class_map(cursor, predictions.class_names, superclasses)
    present = [name for place, name in enumerate(tuned.bands) if (tuned.band == place).any()]
    sets = [
        resolve_set(workspace, cursor, _IN_WORDS.get(name, name), f"split:{request.split}/{name}", "generalisation")
        for name in reversed(present)
    ]
    bands = [match_band(one, predictions, superclasses) for one in sets]
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
        "missing": {band.name: band.missing for band in bands}, "methods": {CLASSIFIER: {}},
        "predictions": dict(predictions.source), "versions": {name: metadata.version(name) for name in VERSIONED},
    }  # fmt: skip
    kept = Kept(run_key, at, seconds)
    return _keep(cursor, request, sets, bands, rows, record, predictions, to_superclass, kept)


def _held_out(band: JudgedBand, request: ClassifierRequest) -> JudgedBand:
    if request.holdout >= 1 or len(band.rows) < 2:
        return band
    chosen = calibration_part(len(band.rows), request.holdout, request.seed)
    kept = pa.array(np.flatnonzero(chosen))
    return JudgedBand(band.name, band.items.take(kept), band.truth[chosen], band.rows[chosen], band.missing)


def _rows(
    bands: Sequence[JudgedBand],
    predictions: Predictions,
    to_superclass: NDArray[np.int64],
    superclasses: Sequence[str],
    seed: int,
) -> list[MetricRow]:
    found: list[MetricRow] = []
    first: NDArray[np.bool_] | None = None
    for band in bands:
        guessed = to_superclass[predictions.predicted[band.rows]]
        found += accuracy_rows(band.name, band.truth, guessed, superclasses, seed)
        hits = guessed == band.truth
        if first is None:
            first = hits
        else:
            found.append(drop_row(band.name, first, hits, seed))
    if predictions.logits is not None:
        logits = predictions.logits
        for name, score in _LOGIT_SCORES.items():
            inside = np.asarray(score(logits[bands[0].rows]))
            for band in bands[1:]:
                found += _detection_rows(name, inside, np.asarray(score(logits[band.rows])), band.name, seed)
    return found


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
    bands: Sequence[JudgedBand],
    rows: Sequence[MetricRow],
    record: Mapping[str, Any],
    predictions: Predictions,
    to_superclass: NDArray[np.int64],
    kept: "Kept",
) -> int:
    methods = [CLASSIFIER, *dict.fromkeys(row.method for row in rows if row.method != CLASSIFIER)]
    made_by = str(predictions.source.get("model") or request.title)
    run_id = store.insert_evaluation(
        cursor,
        {
            "job_id": kept.run_key, "folder": "", "kind": "classifier", "title": request.title, "methods": methods,
            "model": made_by, "model_key": "", "reviewer": request.reviewer, "seconds": kept.seconds,
            "record": json.dumps(record, ensure_ascii=False, sort_keys=True), "created_at": kept.at,
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
    run_id: int, bands: Sequence[JudgedBand], predictions: Predictions, to_superclass: NDArray[np.int64]
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
