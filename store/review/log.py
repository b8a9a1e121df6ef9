"""The log of decisions: events that are only appended, the log as people read it, and what can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from store.connection import Cursor

Kind = Literal["accept", "reject", "unsure", "clear", "undo", "redo"]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log. Events of one step share its step_id; undo and redo name the step they speak of.

    inherited_from is the synset whose whole subtree was decided; None where this very synset was. is_adjudication marks
    the word that settles what reviewers dispute.
    """

    event_id: UUID
    step_id: UUID
    superclass: str
    wnid: str
    kind: Kind
    target_step_id: UUID | None
    reviewer: str
    at: datetime
    note: str | None
    inherited_from: str | None = None
    is_adjudication: bool = False


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event as the log shows it: with the synset's name, and whether its step was taken back.

    inherited_from is the synset whose subtree was decided. path is that of a picture, below the name of its root; then
    the kind is bad, several or clear, and the superclass is empty.
    """

    event_id: UUID
    step_id: UUID
    superclass: str
    wnid: str
    name: str | None
    kind: Kind | Literal["bad", "several"]
    target_step_id: UUID | None
    reviewer: str
    at: datetime
    note: str | None
    undone: bool
    inherited_from: str | None = None
    path: str | None = None
    is_adjudication: bool = False


def append_events(cursor: Cursor, events: Sequence[Event]) -> None:
    """Append events; a single one and ten thousand take the same statement."""
    cursor.execute(
        """
        INSERT INTO decision (
            event_id, step_id, superclass, wnid, kind, target_step_id, reviewer, "at", note, inherited_from,
            is_adjudication
        )
        SELECT
            unnest($event_ids::UUID[]),
            unnest($step_ids::UUID[]),
            unnest($superclasses::VARCHAR[]),
            unnest($wnids::VARCHAR[]),
            unnest($kinds::VARCHAR[]),
            unnest($target_step_ids::UUID[]),
            unnest($reviewers::VARCHAR[]),
            unnest($times::TIMESTAMPTZ[]),
            unnest($notes::VARCHAR[]),
            unnest($origins::VARCHAR[]),
            unnest($adjudications::BOOLEAN[])
        """,
        {
            "event_ids": [event.event_id for event in events],
            "step_ids": [event.step_id for event in events],
            "superclasses": [event.superclass for event in events],
            "wnids": [event.wnid for event in events],
            "kinds": [event.kind for event in events],
            "target_step_ids": [event.target_step_id for event in events],
            "reviewers": [event.reviewer for event in events],
            "times": [event.at for event in events],
            "notes": [event.note for event in events],
            "origins": [event.inherited_from for event in events],
            "adjudications": [event.is_adjudication for event in events],
        },
    )


def fetch_events(cursor: Cursor) -> list[Event]:
    """Every event, oldest first."""
    rows = cursor.execute(
        """
        SELECT
            event_id, step_id, superclass, wnid, kind, target_step_id, reviewer, "at", note, inherited_from,
            coalesce(is_adjudication, false)
        FROM decision
        ORDER BY event_id
        """
    ).fetchall()
    return [Event(*row) for row in rows]


def fetch_newest_event_id(cursor: Cursor) -> UUID | None:
    """The greatest event_id in the log, of candidates and of pictures."""
    row = cursor.execute(
        """
        SELECT max(event_id)
        FROM (SELECT max(event_id) AS event_id FROM decision UNION ALL SELECT max(event_id) FROM picture_decision)
        """
    ).fetchone()
    return None if row is None else row[0]


def fetch_step(cursor: Cursor, step_id: UUID) -> list[Event]:
    """The events of one step, in the order in which they were made."""
    rows = cursor.execute(
        """
        SELECT
            event_id, step_id, superclass, wnid, kind, target_step_id, reviewer, "at", note, inherited_from,
            coalesce(is_adjudication, false)
        FROM decision
        WHERE step_id = $step_id
        ORDER BY event_id
        """,
        {"step_id": step_id},
    ).fetchall()
    return [Event(*row) for row in rows]


def fetch_known_events(cursor: Cursor, event_ids: Sequence[UUID]) -> dict[UUID, Event]:
    """Those of the events that the catalogue already has."""
    rows = cursor.execute(
        """
        SELECT
            event_id, step_id, superclass, wnid, kind, target_step_id, reviewer, "at", note, inherited_from,
            coalesce(is_adjudication, false)
        FROM decision
        WHERE event_id IN (SELECT unnest($event_ids::UUID[]))
        """,
        {"event_ids": list(event_ids)},
    ).fetchall()
    return {row[0]: Event(*row) for row in rows}


def fetch_log(cursor: Cursor, superclass: str | None = None, limit: int | None = None) -> list[LogEntry]:
    """Events with the names of their synsets, newest first; those on pictures only if no superclass is asked for."""
    rows = cursor.execute(
        """
        WITH entry AS (
            SELECT
                event_id, step_id, superclass, wnid, kind, target_step_id, reviewer, "at", note, inherited_from,
                NULL AS path, coalesce(is_adjudication, false) AS is_adjudication
            FROM decision
            WHERE $superclass IS NULL
               OR superclass = $superclass
               OR target_step_id IN (SELECT step_id FROM decision WHERE superclass = $superclass)
            UNION ALL
            SELECT event_id, step_id, '', wnid, kind, NULL, reviewer, "at", note, NULL, root || '/' || path, false
            FROM picture_decision
            WHERE $superclass IS NULL
        )
        SELECT
            entry.event_id, entry.step_id, entry.superclass, entry.wnid, synset.name, entry.kind, entry.target_step_id,
            entry.reviewer, entry."at", entry.note, entry.step_id IN (SELECT step_id FROM undone_step) AS undone,
            entry.inherited_from, entry.path, entry.is_adjudication
        FROM entry
        LEFT JOIN synset USING (wnid)
        ORDER BY entry.event_id DESC
        LIMIT coalesce($limit, 9223372036854775807)
        """,
        {"superclass": superclass, "limit": limit},
    ).fetchall()
    return [LogEntry(*row) for row in rows]


def fetch_history(cursor: Cursor, wnid: str) -> list[LogEntry]:
    """Every decision on one synset, under whatever superclass, and on its pictures, newest first."""
    rows = cursor.execute(
        """
        WITH entry AS (
            SELECT
                event_id, step_id, superclass, wnid, kind, target_step_id, reviewer, "at", note, inherited_from,
                NULL AS path, coalesce(is_adjudication, false) AS is_adjudication
            FROM decision
            WHERE wnid = $wnid
            UNION ALL
            SELECT event_id, step_id, '', wnid, kind, NULL, reviewer, "at", note, NULL, root || '/' || path, false
            FROM picture_decision
            WHERE wnid = $wnid
        )
        SELECT
            entry.event_id, entry.step_id, entry.superclass, entry.wnid, synset.name, entry.kind, entry.target_step_id,
            entry.reviewer, entry."at", entry.note, entry.step_id IN (SELECT step_id FROM undone_step) AS undone,
            entry.inherited_from, entry.path, entry.is_adjudication
        FROM entry
        LEFT JOIN synset USING (wnid)
        ORDER BY entry.event_id DESC
        """,
        {"wnid": wnid},
    ).fetchall()
    return [LogEntry(*row) for row in rows]


def fetch_undoable_step(cursor: Cursor, reviewer: str | None = None) -> UUID | None:
    """The newest step that is not taken back; with a reviewer, the newest of that person."""
    row = cursor.execute(
        """
        SELECT step_id
        FROM review_step
        WHERE step_id NOT IN (SELECT step_id FROM undone_step) AND ($reviewer IS NULL OR reviewer = $reviewer)
        GROUP BY step_id
        ORDER BY max(event_id) DESC
        LIMIT 1
        """,
        {"reviewer": reviewer},
    ).fetchone()
    return None if row is None else row[0]


def fetch_redoable_step(cursor: Cursor, reviewer: str | None = None) -> UUID | None:
    """The step whose undo is the newest, unless something was decided after that undo."""
    row = cursor.execute(
        """
        WITH taken_back AS (
            SELECT target_step_id AS step_id, max(event_id) AS event_id
            FROM decision
            WHERE kind = 'undo' AND target_step_id IN (SELECT step_id FROM undone_step)
            GROUP BY target_step_id
        ),
        own AS (
            SELECT step_id, max(event_id) AS event_id
            FROM review_step
            WHERE $reviewer IS NULL OR reviewer = $reviewer
            GROUP BY step_id
        )
        SELECT taken_back.step_id
        FROM taken_back
        JOIN own USING (step_id)
        WHERE taken_back.event_id > (SELECT max(event_id) FROM own)
        ORDER BY taken_back.event_id DESC
        LIMIT 1
        """,
        {"reviewer": reviewer},
    ).fetchone()
    return None if row is None else row[0]
