"""The newest part of the log, by the order in which it was written and not by its times: others' clocks may differ."""

from store.connection import Cursor
from store.review.log import Event
from store.review.pictures import PictureEvent

Rows = tuple[int, int]
"""The last rows of the tables decision and picture_decision; -1 where there is none. Rows are only ever appended."""


def fetch_last_rows(cursor: Cursor) -> Rows:
    """Where the log ends now."""
    row = cursor.execute(
        """
        SELECT
            (SELECT coalesce(max(rowid), -1) FROM decision),
            (SELECT coalesce(max(rowid), -1) FROM picture_decision)
        """
    ).fetchone()
    return (-1, -1) if row is None else (int(row[0]), int(row[1]))


def fetch_after(cursor: Cursor, rows: Rows) -> list[Event | PictureEvent]:
    """What was appended after these rows, oldest first by event_id."""
    events: list[Event | PictureEvent] = [*_events_after(cursor, rows[0]), *_picture_events_after(cursor, rows[1])]
    return sorted(events, key=lambda event: event.event_id)


def _events_after(cursor: Cursor, row: int) -> list[Event]:
    found = cursor.execute(
        """
        SELECT
            event_id, step_id, superclass, wnid, kind, target_step_id, reviewer, "at", note, inherited_from,
            coalesce(is_adjudication, false)
        FROM decision
        WHERE rowid > $row
        """,
        {"row": row},
    ).fetchall()
    return [Event(*values) for values in found]


def _picture_events_after(cursor: Cursor, row: int) -> list[PictureEvent]:
    found = cursor.execute(
        """
        SELECT event_id, step_id, root, wnid, path, kind, reviewer, "at", note
        FROM picture_decision
        WHERE rowid > $row
        """,
        {"row": row},
    ).fetchall()
    return [PictureEvent(*values) for values in found]
