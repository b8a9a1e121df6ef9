"""A run as a person reads it: one row a method and OOD set, with the numbers of the table beside one another."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.numbers.calibration import FEW_PICTURES, calibration_part, few_warning
from store.connection import Cursor
from store.evaluation import runs as store
from store.evaluation.negatives import fetch_negative_sets
from store.evaluation.runs import Evaluation, EvaluationPart, Metric

CONVENTIONS = (
    "id_score: higher = more ID. AUPR is average precision, with ID (in) or OOD (out) as positive.",
    "FPR95 ID-positive: share of OOD accepted when at least 95 % of ID are kept (NegLabel, MCM; strict).",
    "FPR95 OOD-positive: share of ID rejected when at least 95 % of OOD are caught (OpenOOD, pytorch-ood).",
    "Intervals: 95 %, bootstrap of 1,000 resamples. Means over OOD sets leave generalisation sets out.",
)
GENERALISATION = "Generalisation sets (bands of a split): their classes are still valid; they are not OOD."


@dataclass(frozen=True, slots=True)
class Number:
    """A value with its 95 % interval, None where none was computed."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of the table of a run; scope is set, mean, near or far."""

    method: str
    is_adaptive: bool
    stream_order: str
    scope: str
    part: str
    role: str
    n_id: int
    n_ood: int
    auroc: Number
    fpr95_id_positive: Number
    fpr95_ood_positive: Number
    aupr_in: Number
    aupr_out: Number
    more: dict[str, float]


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its tables; negatives: recipe to the name of the negative labels that it used or mined."""

    run: Evaluation
    parts: tuple[EvaluationPart, ...]
    rows: tuple[TableRow, ...]
    accuracy: tuple[Metric, ...]
    calibration: tuple[Metric, ...]
    classes: tuple[Metric, ...]
    record: dict[str, Any]
    negatives: dict[str, str]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes numbers of the run uncertain beyond their intervals, each once."""
        found = (
            f"{row.method}: {few_warning(row.n_id, row.low or 0.0, row.high or 1.0)}"
            for row in self.calibration
            if row.metric == "kept_of_calibration" and row.n_id < FEW_PICTURES
        )
        return tuple(dict.fromkeys(found))


def read_run(cursor: Cursor, run_id: int) -> RunView:
    """Everything that is known of a run but its single scores.

    Raises: UnknownRun.
    """
    run = store.fetch_evaluation(cursor, run_id)
    parts = store.fetch_parts(cursor, run_id)
    metrics = store.fetch_metrics(cursor, run_id)
    record = json.loads(run.record)
    return RunView(
        run,
        tuple(parts),
        tuple(table_rows(metrics, parts)),
        tuple(row for row in metrics if row.scope == "accuracy"),
        tuple(row for row in metrics if row.scope == "calibration"),
        tuple(row for row in metrics if row.scope in ("superclass", "subclass", "ood_class")),
        record,
        negatives_of(cursor, run, record),
    )


def negatives_of(cursor: Cursor, run: Evaluation, record: Mapping[str, Any]) -> dict[str, str]:
    """Recipe to the name of the negative labels that a run used or mined; those that are gone are left out."""
    known = {(found.recipe, found.name) for found in fetch_negative_sets(cursor)}
    found = {}
    for recipe, plan in record.get("negatives", {}).items():
        if plan["given"]:
            found[recipe] = str(plan["given"])
            continue
        # Mined ones are called as was asked, else after the job; with the recipe, and the job where a name was taken.
        asked = plan["name"] or run.job_id
        names = (f"{asked}-{recipe}-{run.job_id}", f"{asked}-{run.job_id}", f"{asked}-{recipe}", asked)
        name = next((name for name in names if (recipe, name) in known), None)
        if name is not None:
            found[recipe] = name
    return found


def table_rows(metrics: Sequence[Metric], parts: Sequence[EvaluationPart]) -> list[TableRow]:
    """The rows of the table, in the order in which the run wrote them; static methods come first."""
    roles = {part.name: part.role for part in parts}
    groups: dict[tuple[str, str, str, str], list[Metric]] = {}
    for metric in metrics:
        if metric.scope in ("set", "mean", "near", "far"):
            groups.setdefault((metric.method, metric.stream_order, metric.scope, metric.part), []).append(metric)
    return [_table_row(rows, roles) for rows in groups.values()]


def _table_row(rows: Sequence[Metric], roles: dict[str, str]) -> TableRow:
    first = rows[0]
    numbers = {row.metric: Number(row.value, row.low, row.high) for row in rows}
    main = ("auroc", "fpr95_id_positive", "fpr95_ood_positive", "aupr_in", "aupr_out")
    return TableRow(
        first.method,
        first.is_adaptive,
        first.stream_order,
        first.scope,
        first.part,
        roles.get(first.part, ""),
        first.n_id,
        first.n_ood,
        **{name: numbers[name] for name in main},
        more={name: number.value for name, number in numbers.items() if name not in main},
    )


@dataclass(frozen=True)
class Scores:
    """The id_scores of one method of a run.

    Attributes:
        of: position of a set -> float64 [n], for static methods.
        streams: for adaptive ones, what it was scored against -> position -> float64 [n].
        rows: position of a set -> places of its pictures in the run, int64 [n].
        reported: which pictures of the ID set the numbers are from, [n]; the others only calibrated a threshold.
    """

    of: dict[int, NDArray[np.float64]]
    streams: dict[str, dict[int, NDArray[np.float64]]]
    rows: dict[int, NDArray[np.int64]]
    reported: NDArray[np.bool_]

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders of the stream that an adaptive method saw; of a static method the empty one alone."""
        if self.of:
            return ("",)
        return tuple(dict.fromkeys(against.rpartition(", ")[2] for against in self.streams))

    def against(self, ood: int, name: str, order: str = "") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The id_scores of the ID pictures that are reported on, and of an OOD set.

        Args:
            ood: position of the set.
            name: of the set.
            order: of the stream, for adaptive methods; empty: shuffled, or else the only one.
        """
        inside, outside = self.against_all(ood, name, order)
        return inside[self.reported], outside

    def against_all(self, ood: int, name: str, order: str = "") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same with the ID pictures that calibrated."""
        if self.of:
            return self.of[0], self.of[ood]
        found = {against.removeprefix(f"{name}, "): parts for against, parts in self.streams.items() if ood in parts}
        stream = found.get(order or "shuffled") or next(iter(found.values()))
        return stream[0], stream[ood]


def read_scores(cursor: Cursor, run_id: int, method: str) -> Scores:
    """The scores of one method.

    Raises: EngineError when the run did not have it.
    """
    table = store.fetch_scores(cursor, run_id, method)
    if not table.num_rows:
        run = store.fetch_evaluation(cursor, run_id)
        raise EngineError(f"Evaluation {run_id} has no scores of {method!r}.", f"It has {', '.join(run.methods)}.")
    against = np.array(table["against"].to_pylist(), dtype=object)
    part, position, score = (table[name].to_numpy() for name in ("part", "position", "id_score"))
    found: dict[str, dict[int, NDArray[np.float64]]] = {}
    rows: dict[int, NDArray[np.int64]] = {}
    for name in dict.fromkeys(against.tolist()):
        for number in np.unique(part[against == name]):
            chosen = (against == name) & (part == number)
            found.setdefault(name, {})[int(number)] = score[chosen]
            rows[int(number)] = position[chosen]
    record = json.loads(store.fetch_evaluation(cursor, run_id).record)
    return Scores(found.pop("", {}), found, rows, reported_rows(record, len(rows[0])))


def reported_rows(record: Mapping[str, Any], n_id: int) -> NDArray[np.bool_]:
    """Which ID pictures the numbers of a run are from: all, but for those that calibrated its thresholds."""
    share = float(record.get("calibration") or 0.0)
    if not share:
        return np.ones(n_id, dtype=bool)
    return ~calibration_part(n_id, share, int(record["seed"]))


def find_part(parts: Sequence[EvaluationPart], name: str | None) -> EvaluationPart:
    """The set of that name; without one, the only OOD set or the first.

    Raises: EngineError when the run has no such set.
    """
    others = [part for part in parts if part.position > 0]
    for part in others:
        if name is None or part.name == name:
            return part
    raise EngineError(f"The run has no set {name!r}.", f"It has {', '.join(part.name for part in others)}.")
