"""What the review itself tells of its quality: every look at a candidate, and the candidates drawn at random."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from store.connection import Cursor
from store.review.queue import State


@dataclass(frozen=True, slots=True)
class Look:
    """One decision on one candidate that was not taken back; clear put it back as undecided."""

    superclass: str
    wnid: str
    kind: Literal["accept", "reject", "unsure", "clear"]
    reviewer: str
    at: datetime
    is_adjudication: bool


@dataclass(frozen=True, slots=True)
class Draw:
    """The newest audit that drew a candidate; weight is how many candidates it stands for."""

    superclass: str
    wnid: str
    weight: float
    drawn_at: datetime


def fetch_looks(cursor: Cursor, superclass: str | None = None) -> list[Look]:
    """Every look that counts, oldest first for each superclass and wnid."""
    rows = cursor.execute(
        """
        SELECT superclass, wnid, kind, reviewer, "at", coalesce(is_adjudication, false)
        FROM decision
        WHERE kind IN ('accept', 'reject', 'unsure', 'clear')
          AND step_id NOT IN (SELECT step_id FROM undone_step)
          AND ($superclass IS NULL OR superclass = $superclass)
        ORDER BY superclass, wnid, event_id
        """,
        {"superclass": superclass},
    ).fetchall()
    return [Look(*row) for row in rows]


def fetch_draws(cursor: Cursor, superclass: str | None = None) -> list[Draw]:
    """Every candidate that some audit drew, by superclass and wnid."""
    rows = cursor.execute(
        """
        SELECT superclass, wnid, arg_max(weight, audit_id), arg_max(drawn_at, audit_id)
        FROM audit_candidate
        WHERE $superclass IS NULL OR superclass = $superclass
        GROUP BY superclass, wnid
        ORDER BY superclass, wnid
        """,
        {"superclass": superclass},
    ).fetchall()
    return [Draw(*row) for row in rows]


def fetch_states(cursor: Cursor, superclass: str | None = None) -> list[tuple[str, str, State]]:
    """Superclass, wnid and state of every candidate, by superclass and wnid."""
    rows: list[tuple[str, str, State]] = cursor.execute(
        """
        SELECT superclass, wnid, state
        FROM candidate_state
        WHERE $superclass IS NULL OR superclass = $superclass
        ORDER BY superclass, wnid
        """,
        {"superclass": superclass},
    ).fetchall()
    return rows


def fetch_margins(cursor: Cursor) -> list[tuple[str, str, str, str, str, float]]:
    """Kind, mode and model of each filter with superclass, wnid and the margin that it measured last, sorted."""
    rows: list[tuple[str, str, str, str, str, float]] = cursor.execute(
        """
        SELECT kind, mode, model, superclass, wnid, margin
        FROM latest_verdict
        WHERE margin IS NOT NULL
        ORDER BY kind, mode, model, superclass, wnid
        """
    ).fetchall()
    return rows
