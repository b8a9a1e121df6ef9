"""From scores to the rows of the table: per OOD set, means, near and far, per class, accuracy, calibration."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.methods import find_method
from engine.evaluation.numbers.bootstrap import detection_intervals, mean_intervals, share_interval
from engine.evaluation.numbers.calibration import calibrate, calibration_part
from engine.evaluation.numbers.metrics import METRIC_NAMES, RankedScores, detection_metrics
from engine.evaluation.numbers.statistics import wilson_interval
from engine.evaluation.plan import Plan
from engine.evaluation.running import RunScores

Floats = NDArray[np.float64]
SHOWN = ("auroc", "fpr95_id_positive", "fpr95_ood_positive", "aupr_in", "aupr_out")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One number, as the catalogue keeps it; run_id is given when it is taken in."""

    method: str
    is_adaptive: bool
    stream_order: str
    scope: str
    part: str
    class_: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n_id: int
    n_ood: int


@dataclass(frozen=True)
class Classes:
    """What is known of the pictures of one set: label index (-1: none), superclass and wnid of each."""

    label: NDArray[np.int64]
    superclass: Sequence[str | None]
    wnid: Sequence[str | None]


def metric_rows(plan: Plan, scores: RunScores, classes: Sequence[Classes]) -> list[MetricRow]:
    """All numbers of a run.

    Raises: EngineError when a set is empty or a score is no number.
    """
    report = _report_rows(plan, len(scores.sets[0].predicted))
    found: list[MetricRow] = []
    for name in plan.methods:
        if not find_method(name).adaptive:
            of_id = scores.sets[0].id_scores[name]
            per_set = {k: part.id_scores[name] for k, part in enumerate(scores.sets) if k}
            found += _of_method(plan, name, "", dict.fromkeys(per_set, of_id), per_set, classes, report)
    for name, order in itertools.product(plan.methods, plan.orders):
        streams = [stream for stream in scores.streams if (stream.method, stream.order) == (name, order)]
        if streams:
            inside = {stream.ood: stream.of_id for stream in streams}
            outside = {stream.ood: stream.of_ood for stream in streams}
            found += _of_method(plan, name, order, inside, outside, classes, report)
    found += _accuracies(plan, scores, classes)
    return found


def _report_rows(plan: Plan, n_id: int) -> NDArray[np.bool_]:
    if not plan.calibration:
        return np.ones(n_id, dtype=bool)
    return ~calibration_part(n_id, plan.calibration, plan.seed)


def _of_method(
    plan: Plan,
    name: str,
    order: str,
    of_id: Mapping[int, Floats],
    of_ood: Mapping[int, Floats],
    classes: Sequence[Classes],
    report: NDArray[np.bool_],
) -> Iterator[MetricRow]:
    means: dict[str, list[tuple[int, dict[str, float]]]] = {"mean": [], "near": [], "far": []}
    for position, outside in of_ood.items():
        part = plan.sets[position]
        inside = of_id[position][report]
        numbers = detection_metrics(inside, outside, plan.sets[0].name, part.name)
        intervals = detection_intervals(inside, outside, plan.seed)
        size = (numbers.n_id, numbers.n_ood)
        values = {metric: float(getattr(numbers, metric)) for metric in METRIC_NAMES}
        for metric, value in values.items():
            at = intervals.get(metric)
            low, high = (at.low, at.high) if at else (None, None)
            yield MetricRow(name, bool(order), order, "set", part.name, "", metric, value, low, high, *size)
        if part.role == "ood":
            means["mean"].append((position, values))
            if part.near_or_far:
                means[part.near_or_far].append((position, values))
        yield from _per_class(name, order, plan, position, of_id[position], outside, classes, report)
        if plan.calibration:
            yield from _calibrated(name, order, plan, position, of_id[position], outside, report)
    reported = {id(scores): scores[report] for scores in of_id.values()}  # one array for all sets of a static method
    for scope, rows in means.items():
        if not rows:
            continue
        positions = [position for position, _ in rows]
        at_mean = mean_intervals(
            [reported[id(of_id[position])] for position in positions], [of_ood[p] for p in positions], plan.seed
        )
        for metric in SHOWN:
            value = float(np.mean([one[metric] for _, one in rows]))
            low, high = at_mean[metric].low, at_mean[metric].high
            yield MetricRow(name, bool(order), order, scope, "", "", metric, value, low, high, int(report.sum()), 0)


def _per_class(
    name: str,
    order: str,
    plan: Plan,
    position: int,
    of_id: Floats,
    of_ood: Floats,
    classes: Sequence[Classes],
    report: NDArray[np.bool_],
) -> Iterator[MetricRow]:
    part = plan.sets[position].name
    threshold = RankedScores(of_id[report]).fpr_id_positive(of_ood).threshold
    sides = (
        ("superclass", classes[0].superclass, True),
        ("subclass", classes[0].wnid, True),
        ("ood_class", classes[position].wnid, False),
    )
    for scope, values, is_id in sides:
        keep = report if is_id else np.ones(len(of_ood), dtype=bool)
        for class_, rows in _groups(values, keep):
            scores = (of_id if is_id else of_ood)[rows]
            other = of_ood if is_id else of_id[report]
            auroc = RankedScores(scores).auroc(other) if is_id else RankedScores(other).auroc(scores)
            n = (len(scores), len(other)) if is_id else (len(other), len(scores))
            passed = int(np.count_nonzero(scores >= threshold))
            low, high = wilson_interval(passed, len(scores))
            share = "id_recall" if is_id else "accepted"
            yield MetricRow(name, bool(order), order, scope, part, class_, "auroc", auroc, None, None, *n)
            yield MetricRow(name, bool(order), order, scope, part, class_, share, passed / len(scores), low, high, *n)


def _groups(values: Sequence[str | None], keep: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    names = np.array([value or "" for value in values], dtype=object)
    for name in sorted({value for value in values if value}):
        rows = np.flatnonzero((names == name) & keep)
        if len(rows):
            yield name, rows


def _calibrated(
    name: str, order: str, plan: Plan, position: int, of_id: Floats, of_ood: Floats, report: NDArray[np.bool_]
) -> Iterator[MetricRow]:
    found = calibrate(of_id[~report], plan.wanted)
    kept = int(np.count_nonzero(of_id[report] >= found.threshold))
    accepted = int(np.count_nonzero(of_ood >= found.threshold))
    part, n = plan.sets[position].name, (int(report.sum()), len(of_ood))
    rows = (
        ("threshold", found.threshold, None, found.n),
        ("kept_of_calibration", found.kept, (found.low, found.high), found.n),
        ("id_recall", kept / n[0], wilson_interval(kept, n[0]), n[0]),
        ("accepted", accepted / n[1], wilson_interval(accepted, n[1]), n[0]),
    )
    for metric, value, interval, n_id in rows:
        low, high = interval or (None, None)
        yield MetricRow(name, bool(order), order, "calibration", part, "", metric, value, low, high, n_id, n[1])


def _accuracies(plan: Plan, scores: RunScores, classes: Sequence[Classes]) -> Iterator[MetricRow]:
    """Closed-set accuracy of the nearest ID label, for every set whose pictures have ID labels."""
    for position, (part, known) in enumerate(zip(scores.sets, classes, strict=True)):
        labelled = known.label >= 0
        if not labelled.any() or plan.sets[position].role == "ood":
            continue
        hits = part.predicted[labelled] == known.label[labelled]
        interval = share_interval(hits, plan.seed)
        count = int(labelled.sum())
        yield MetricRow(
            "zero-shot", False, "", "accuracy", plan.sets[position].name, "", "accuracy", float(hits.mean()),
            interval.low, interval.high, count, 0,
        )  # fmt: skip


def rows_table(rows: Sequence[MetricRow]) -> pa.Table:
    """The rows as a table with typed columns."""
    if not rows:
        raise EngineError("The run has no numbers: it needs an OOD set and a method.")
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields(MetricRow)}
    reals = dict.fromkeys(("value", "low", "high"), pa.float64())
    return pa.table({name: pa.array(values, reals.get(name)) for name, values in columns.items()})
