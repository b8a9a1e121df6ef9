"""Verdicts of models, rules that are on or off, and candidates drawn for an audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyarrow as pa

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class FilterRun:
    """One time that a model judged candidates; mode and seed as in ``Verdict``."""

    filter_run_id: int
    kind: str
    mode: str
    model: str
    revision: str
    settings: str
    job_id: str | None
    created_at: datetime
    verdicts: int
    seed: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one model said of one candidate; fractions in [0, 1], None where nothing was measured.

    Attributes:
        mode: sheet, picture, share, or compat for a sheet that was asked about in the paper's way.
        seed: that drew the pictures; None where none were drawn.
        name: of the synset, such as dog.n.01; its wnid where WordNet has none.
    """

    filter_run_id: int
    kind: str
    mode: str
    model: str
    superclass: str
    wnid: str
    outcome: str
    p_yes: float | None
    p_yes_low: float | None
    p_yes_high: float | None
    margin: float | None
    mass: float | None
    answer: str | None
    question: str | None
    reason: str
    image_ids: Sequence[int]
    seed: int | None
    name: str


@dataclass(frozen=True, slots=True)
class RuleEvent:
    """A rule was switched or its value changed."""

    event_id: UUID
    rule: str
    active: bool
    value: float | None
    reviewer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AuditCandidate:
    """A candidate drawn for an audit; its decision is None until somebody has judged it."""

    audit_id: int
    superclass: str
    wnid: str
    stratum: str
    weight: float
    state: str
    name: str


def insert_run(
    cursor: Cursor, kind: str, mode: str, model: str, settings: str, job_id: str | None, at: datetime
) -> int:
    """Record a run; its revision is filled in by ``set_revision`` once it is known.

    Returns: its number.
    """
    row = cursor.execute(
        "INSERT INTO filter_run (filter_run_id, kind, mode, model, revision, settings, job_id, created_at) "
        "SELECT coalesce(max(filter_run_id), 0) + 1, $kind, $mode, $model, '', $settings, $job_id, $at FROM filter_run "
        "RETURNING filter_run_id",
        {"kind": kind, "mode": mode, "model": model, "settings": settings, "job_id": job_id, "at": at},
    ).fetchone()
    assert row is not None
    return int(row[0])


def set_revision(cursor: Cursor, filter_run_id: int, revision: str) -> None:
    """Fill in which weights judged."""
    cursor.execute(
        "UPDATE filter_run SET revision = $revision WHERE filter_run_id = $id",
        {"revision": revision, "id": filter_run_id},
    )


def fetch_run_of_job(cursor: Cursor, job_id: str) -> int | None:
    """The run that a job belongs to; None if there is none yet."""
    row = cursor.execute("SELECT filter_run_id FROM filter_run WHERE job_id = $job_id", {"job_id": job_id}).fetchone()
    return None if row is None else int(row[0])


def insert_part(cursor: Cursor, filter_run_id: int, path: str) -> None:
    """Take in the verdicts of one Parquet file."""
    cursor.execute(
        "INSERT INTO verdict (filter_run_id, superclass, wnid, outcome, p_yes, p_yes_low, p_yes_high, margin, mass, "
        "answer, question, reason, image_ids) "
        "SELECT $id, superclass, wnid, outcome, p_yes, p_yes_low, p_yes_high, margin, mass, answer, question, reason, "
        "image_ids FROM read_parquet($path)",
        {"id": filter_run_id, "path": path},
    )


def insert_verdicts(cursor: Cursor, filter_run_id: int, verdicts: pa.Table) -> None:
    """Take in verdicts that were made in this process; columns as those of a part."""
    cursor.register("incoming_verdict", verdicts)
    try:
        cursor.execute(
            "INSERT INTO verdict BY NAME SELECT $id AS filter_run_id, * FROM incoming_verdict", {"id": filter_run_id}
        )
    finally:
        cursor.unregister("incoming_verdict")


def fetch_runs(cursor: Cursor) -> list[FilterRun]:
    """All runs, first to last."""
    rows = cursor.execute(
        "SELECT filter_run_id, kind, "
        "CASE WHEN coalesce(CAST(settings ->> '$.compatible' AS BOOLEAN), FALSE) THEN 'compat' ELSE mode END AS mode, "
        "model, revision, settings, job_id, created_at, "
        "(SELECT count(*) FROM verdict WHERE verdict.filter_run_id = filter_run.filter_run_id) AS verdicts, "
        "CAST(settings ->> '$.seed' AS BIGINT) AS seed "
        "FROM filter_run ORDER BY filter_run_id"
    ).fetchall()
    return [FilterRun(*row) for row in rows]


def fetch_verdicts(cursor: Cursor, superclass: str | None = None, wnid: str | None = None) -> list[Verdict]:
    """The newest verdict of each model, mode and seed, by superclass, wnid and run.

    Args:
        superclass: only of this one.
        wnid: only on this synset.
    """
    rows = cursor.execute(
        "SELECT filter_run_id, kind, mode, model, superclass, wnid, outcome, p_yes, p_yes_low, p_yes_high, margin, "
        "mass, answer, question, reason, image_ids, seed, coalesce(synset.name, wnid) AS name "
        "FROM latest_verdict LEFT JOIN synset USING (wnid) "
        "WHERE ($superclass IS NULL OR superclass = $superclass) AND ($wnid IS NULL OR wnid = $wnid) "
        "ORDER BY superclass, wnid, filter_run_id",
        {"superclass": superclass, "wnid": wnid},
    ).fetchall()
    return [Verdict(*row) for row in rows]


def insert_rule_event(cursor: Cursor, event: RuleEvent) -> None:
    """Append a change of a rule."""
    cursor.execute(
        'INSERT INTO filter_rule (event_id, rule, active, value, reviewer, "at") '
        "VALUES ($event_id, $rule, $active, $value, $reviewer, $at)",
        {
            "event_id": event.event_id,
            "rule": event.rule,
            "active": event.active,
            "value": event.value,
            "reviewer": event.reviewer,
            "at": event.at,
        },
    )


def fetch_rule_events(cursor: Cursor) -> list[RuleEvent]:
    """Every change of every rule, in the order in which they came."""
    rows = cursor.execute(
        'SELECT event_id, rule, active, value, reviewer, "at" FROM filter_rule ORDER BY event_id'
    ).fetchall()
    return [RuleEvent(*row) for row in rows]


def insert_audit(cursor: Cursor, drawn: Sequence[tuple[str, str, str, float]], seed: int, at: datetime) -> int:
    """Record an audit sample.

    Args:
        drawn: superclass, wnid, stratum and weight of each candidate.

    Returns: its number.
    """
    row = cursor.execute("SELECT coalesce(max(audit_id), 0) + 1 FROM audit_candidate").fetchone()
    assert row is not None
    cursor.executemany(
        "INSERT INTO audit_candidate (audit_id, superclass, wnid, stratum, weight, seed, drawn_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(row[0], *candidate, seed, at) for candidate in drawn],
    )
    return int(row[0])


def fetch_audit(cursor: Cursor, audit_id: int | None = None) -> list[AuditCandidate]:
    """The candidates of an audit with what people have decided since; the newest audit if no number is given."""
    rows = cursor.execute(
        "SELECT audit_id, superclass, wnid, stratum, weight, coalesce(decision_state.state, 'pending') AS state, "
        "coalesce(synset.name, wnid) AS name "
        "FROM audit_candidate LEFT JOIN decision_state USING (superclass, wnid) LEFT JOIN synset USING (wnid) "
        "WHERE audit_id = coalesce($audit_id, (SELECT max(audit_id) FROM audit_candidate)) "
        "ORDER BY superclass, wnid",
        {"audit_id": audit_id},
    ).fetchall()
    return [AuditCandidate(*row) for row in rows]


def fetch_decided(cursor: Cursor) -> dict[tuple[str, str], str]:
    """Superclass and wnid to accept or reject, for every candidate that people have settled."""
    rows = cursor.execute(
        "SELECT superclass, wnid, state FROM decision_state WHERE state IN ('accept', 'reject')"
    ).fetchall()
    return {(superclass, wnid): state for superclass, wnid, state in rows}


def fetch_root_glosses(cursor: Cursor) -> dict[str, str]:
    """Superclass to the gloss of the synset that gave it its name; those made of matches alone have none."""
    rows = cursor.execute(
        "SELECT superclass, gloss FROM superclass_root JOIN synset USING (wnid) WHERE position = 0 ORDER BY superclass"
    ).fetchall()
    return dict(rows)
