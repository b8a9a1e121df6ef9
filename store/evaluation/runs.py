"""Evaluation runs: what was compared, the numbers, and the score of every picture."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import pyarrow as pa

from store.connection import Cursor
from store.errors import StoreError


class UnknownRun(StoreError):
    """There is no such evaluation."""

    def __init__(self, run_id: int, known: list[int]) -> None:
        listed = f"There are {', '.join(map(str, known[-10:]))}." if known else "Nothing was evaluated yet."
        super().__init__(f"There is no evaluation {run_id}.", f"{listed} `sood-tui evaluation list` shows them.")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run; ``record`` is JSON with everything that its numbers depend on."""

    run_id: int
    job_id: str
    folder: str
    kind: str
    title: str
    methods: tuple[str, ...]
    model: str
    model_key: str
    record: str
    reviewer: str
    seconds: float
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EvaluationPart:
    """A set of a run; position 0 is the ID set."""

    run_id: int
    position: int
    name: str
    role: str
    near_or_far: str | None
    source: str
    sha256: str
    images: int
    unreadable: int
    relatives: int
    note: str | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One number with its interval, in [0, 1] except thresholds."""

    run_id: int
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


@dataclass(frozen=True, slots=True)
class SweepRow:
    """The numbers of one setting of a sweep against one OOD set.

    Attributes:
        variant: model, prompt, corpus and percentile in one line; sweeps of earlier versions have only this.
        is_chosen: the best setting on the halves that chose it, with its numbers on the others.
        percentile: of the ranking; None where words were given in their order.
    """

    run_id: int
    variant: str
    temperature: float
    negatives: int
    groups: int
    part: str
    n_id: int
    n_ood: int
    auroc: float
    auroc_low: float
    auroc_high: float
    fpr95_id_positive: float
    fpr95_id_positive_low: float
    fpr95_id_positive_high: float
    fpr95_ood_positive: float
    fpr95_ood_positive_low: float
    fpr95_ood_positive_high: float
    is_chosen: bool
    model: str
    prompt: str
    corpus: str
    percentile: float | None


def insert_evaluation(cursor: Cursor, run: Mapping[str, Any]) -> int:
    """Add a run; the keys are those of Evaluation but for run_id.

    Returns: its id.
    """
    row = cursor.execute(
        """
        INSERT INTO evaluation (
            run_id, job_id, folder, kind, title, methods, model, model_key, record, reviewer, seconds, created_at
        )
        SELECT
            coalesce(max(run_id), 0) + 1, $job_id, $folder, $kind, $title, $methods, $model, $model_key, $record,
            $reviewer, $seconds, $created_at
        FROM evaluation
        RETURNING run_id
        """,
        {**run, "methods": list(run["methods"])},
    ).fetchone()
    assert row is not None
    return int(row[0])


def insert_parts(cursor: Cursor, rows: pa.Table) -> None:
    """Add the sets of a run; the columns are those of EvaluationPart."""
    _append(cursor, rows, "evaluation_part", [field.name for field in fields(EvaluationPart)])


def append_metrics(cursor: Cursor, rows: pa.Table) -> None:
    """Add numbers; the columns are those of Metric."""
    cursor.register("incoming", rows)
    try:
        cursor.execute(
            """
            INSERT INTO metric (
                run_id, method, is_adaptive, stream_order, scope, part, class, metric, value, low, high, n_id, n_ood
            )
            SELECT
                run_id, method, is_adaptive, stream_order, scope, part, class_, metric, value, low, high, n_id, n_ood
            FROM incoming
            """
        )
    finally:
        cursor.unregister("incoming")


def append_pictures(cursor: Cursor, rows: pa.Table) -> None:
    """Add the pictures of a run, already sorted."""
    columns = [
        "run_id", "part", "position", "image_id", "path", "wnid", "superclass", "label", "predicted", "similarity",
        "margin",
    ]  # fmt: skip
    _append(cursor, rows, "evaluation_picture", columns)


def append_scores(cursor: Cursor, rows: pa.Table) -> None:
    """Add id_scores, already sorted."""
    _append(cursor, rows, "id_score", ["run_id", "method", "against", "part", "position", "id_score"])


def append_sweep(cursor: Cursor, rows: pa.Table) -> None:
    """Add rows of a sweep; the columns are those of SweepRow."""
    _append(cursor, rows, "sweep_result", [field.name for field in fields(SweepRow)])


def _append(cursor: Cursor, rows: pa.Table, table: str, columns: list[str]) -> None:
    # Table and column names are this module's own constants; everything else travels as data.
    listed = ", ".join(columns)
    cursor.register("incoming", rows)
    try:
        cursor.execute(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM incoming")
    finally:
        cursor.unregister("incoming")


def fetch_evaluations(cursor: Cursor) -> list[Evaluation]:
    """All runs, oldest first."""
    rows = cursor.execute(
        """
        SELECT run_id, job_id, folder, kind, title, methods, model, model_key, record, reviewer, seconds, created_at
        FROM evaluation
        ORDER BY run_id
        """
    ).fetchall()
    runs: list[Evaluation] = []
    for row in rows:
        run_id, job_id, folder, kind, title, methods, *rest = row
        runs.append(Evaluation(run_id, job_id, folder, kind, title, tuple(methods), *rest))
    return runs


def fetch_evaluation(cursor: Cursor, run_id: int) -> Evaluation:
    """One run.

    Raises: UnknownRun.
    """
    runs = fetch_evaluations(cursor)
    for run in runs:
        if run.run_id == run_id:
            return run
    raise UnknownRun(run_id, [run.run_id for run in runs])


def fetch_run_of_job(cursor: Cursor, job_id: str) -> int | None:
    """The run that a job led to; None if it has not."""
    row = cursor.execute("SELECT run_id FROM evaluation WHERE job_id = $job_id", {"job_id": job_id}).fetchone()
    return None if row is None else int(row[0])


def fetch_parts(cursor: Cursor, run_id: int) -> list[EvaluationPart]:
    """The sets of a run, the ID set first."""
    rows = cursor.execute(
        """
        SELECT run_id, position, name, role, near_or_far, source, sha256, images, unreadable, relatives, note
        FROM evaluation_part
        WHERE run_id = $run_id
        ORDER BY position
        """,
        {"run_id": run_id},
    ).fetchall()
    return [EvaluationPart(*row) for row in rows]


def fetch_metrics(cursor: Cursor, run_id: int) -> list[Metric]:
    """The numbers of a run, in the order in which they were added."""
    rows = cursor.execute(
        """
        SELECT run_id, method, is_adaptive, stream_order, scope, part, class, metric, value, low, high, n_id, n_ood
        FROM metric
        WHERE run_id = $run_id
        ORDER BY rowid
        """,
        {"run_id": run_id},
    ).fetchall()
    return [Metric(*row) for row in rows]


def fetch_pictures(cursor: Cursor, run_id: int) -> pa.Table:
    """The pictures of a run: part, position, image_id, path, wnid, superclass, label, predicted, similarity, margin."""
    return cursor.sql(
        """
        SELECT part, position, image_id, path, wnid, superclass, label, predicted, similarity, margin
        FROM evaluation_picture
        WHERE run_id = $run_id
        ORDER BY part, position
        """,
        params={"run_id": run_id},
    ).to_arrow_table()


def fetch_scores(cursor: Cursor, run_id: int, method: str) -> pa.Table:
    """The id_scores of one method: against, part, position, id_score; sorted."""
    return cursor.sql(
        """
        SELECT against, part, position, id_score
        FROM id_score
        WHERE run_id = $run_id AND method = $method
        ORDER BY against, part, position
        """,
        params={"run_id": run_id, "method": method},
    ).to_arrow_table()


def fetch_sweep(cursor: Cursor, run_id: int) -> list[SweepRow]:
    """The rows of a sweep."""
    rows = cursor.execute(
        """
        SELECT
            run_id, variant, temperature, negatives, groups, part, n_id, n_ood, auroc, auroc_low, auroc_high,
            fpr95_id_positive, fpr95_id_positive_low, fpr95_id_positive_high,
            fpr95_ood_positive, fpr95_ood_positive_low, fpr95_ood_positive_high, is_chosen,
            model, prompt, corpus, percentile
        FROM sweep_result
        WHERE run_id = $run_id
        ORDER BY is_chosen DESC, variant, temperature, negatives, groups, part
        """,
        {"run_id": run_id},
    ).fetchall()
    return [SweepRow(*row) for row in rows]
