"""What people said of each label of each picture: events that are only appended, and their last words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One event on one label of one picture; undo and redo name the step they speak of, and picture 0."""

    event_id: UUID
    step_id: UUID
    image_id: int
    wnid: str
    kind: str
    target_step_id: UUID | None
    reviewer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LabelOpinion:
    """The last word of one reviewer on one label of one picture."""

    image_id: int
    wnid: str
    reviewer: str
    kind: str


def append_label_events(cursor: Cursor, events: Sequence[LabelEvent]) -> None:
    """Append events."""
    cursor.execute(
        """
        INSERT INTO label_decision (event_id, step_id, image_id, wnid, kind, target_step_id, reviewer, "at")
        SELECT
            unnest($event_ids::UUID[]), unnest($step_ids::UUID[]), unnest($image_ids::BIGINT[]),
            unnest($wnids::VARCHAR[]), unnest($kinds::VARCHAR[]), unnest($target_step_ids::UUID[]),
            unnest($reviewers::VARCHAR[]), unnest($times::TIMESTAMPTZ[])
        """,
        {
            "event_ids": [event.event_id for event in events],
            "step_ids": [event.step_id for event in events],
            "image_ids": [event.image_id for event in events],
            "wnids": [event.wnid for event in events],
            "kinds": [event.kind for event in events],
            "target_step_ids": [event.target_step_id for event in events],
            "reviewers": [event.reviewer for event in events],
            "times": [event.at for event in events],
        },
    )


def fetch_newest_label_event_id(cursor: Cursor) -> UUID | None:
    """The greatest event_id of the log of labels."""
    row = cursor.execute("SELECT max(event_id) FROM label_decision").fetchone()
    return None if row is None else row[0]


def fetch_label_log(cursor: Cursor, limit: int | None = None) -> list[LabelEvent]:
    """Every event on labels, newest first."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, image_id, wnid, kind, target_step_id, reviewer, "at"
        FROM label_decision
        ORDER BY event_id DESC
        LIMIT coalesce($limit, 9223372036854775807)
        """,
        {"limit": limit},
    ).fetchall()
    return [LabelEvent(*row) for row in rows]


def fetch_label_step(cursor: Cursor, step_id: UUID) -> list[LabelEvent]:
    """The events of one step, in the order in which they were made."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, image_id, wnid, kind, target_step_id, reviewer, "at"
        FROM label_decision
        WHERE step_id = $step_id
        ORDER BY event_id
        """,
        {"step_id": step_id},
    ).fetchall()
    return [LabelEvent(*row) for row in rows]


def fetch_undoable_label_step(cursor: Cursor) -> UUID | None:
    """The newest step that is not taken back."""
    row = cursor.execute(
        """
        SELECT step_id
        FROM label_decision
        WHERE kind IN ('confirm', 'reject')
          AND step_id NOT IN (
              SELECT target_step_id
              FROM label_decision
              WHERE kind IN ('undo', 'redo')
              GROUP BY target_step_id
              HAVING arg_max(kind, event_id) = 'undo'
          )
        ORDER BY event_id DESC
        LIMIT 1
        """
    ).fetchone()
    return None if row is None else row[0]


def fetch_redoable_label_step(cursor: Cursor) -> UUID | None:
    """The step whose undo is the newest event but for other undos and redos; None where something was decided since."""
    row = cursor.execute(
        """
        SELECT target_step_id
        FROM label_decision
        WHERE kind IN ('undo', 'redo')
        GROUP BY target_step_id
        HAVING arg_max(kind, event_id) = 'undo'
           AND max(event_id) > (SELECT max(event_id) FROM label_decision WHERE kind IN ('confirm', 'reject'))
        ORDER BY max(event_id) DESC
        LIMIT 1
        """
    ).fetchone()
    return None if row is None else row[0]


def fetch_label_opinions(cursor: Cursor) -> list[LabelOpinion]:
    """The last word of each reviewer on each label; what was taken back does not count."""
    rows = cursor.execute(
        """
        SELECT image_id, wnid, reviewer, arg_max(kind, event_id)
        FROM label_decision
        WHERE kind IN ('confirm', 'reject')
          AND step_id NOT IN (
              SELECT target_step_id
              FROM label_decision
              WHERE kind IN ('undo', 'redo')
              GROUP BY target_step_id
              HAVING arg_max(kind, event_id) = 'undo'
          )
        GROUP BY image_id, wnid, reviewer
        ORDER BY image_id, wnid, reviewer
        """
    ).fetchall()
    return [LabelOpinion(*row) for row in rows]
