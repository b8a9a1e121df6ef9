"""Named splits, and their settings as events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class Split:
    """A named split and the scoring run that it was made on."""

    split: str
    run_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SettingEvent:
    """One change of a setting. value is JSON; for the keys undo and redo it is the step that they speak of."""

    event_id: UUID
    step_id: UUID
    split: str
    superclass: str | None
    key: str
    value: str
    reviewer: str
    at: datetime
    note: str | None


def fetch_splits(cursor: Cursor) -> list[Split]:
    """All splits, oldest first."""
    rows = cursor.execute("SELECT split, run_id, created_at FROM split ORDER BY created_at, split").fetchall()
    return [Split(*row) for row in rows]


def insert_split(cursor: Cursor, split: Split) -> None:
    """Add a split."""
    cursor.execute(
        "INSERT INTO split (split, run_id, created_at) VALUES ($split, $run_id, $created_at)",
        {"split": split.split, "run_id": split.run_id, "created_at": split.created_at},
    )


def append_settings(cursor: Cursor, events: Sequence[SettingEvent]) -> None:
    """Append changes of settings."""
    cursor.executemany(
        """
        INSERT INTO split_setting (event_id, step_id, split, superclass, key, value, reviewer, "at", note)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            (e.event_id, e.step_id, e.split, e.superclass, e.key, e.value, e.reviewer, e.at, e.note)
            for e in events
        ],
    )  # fmt: skip


def fetch_settings(cursor: Cursor, split: str) -> list[SettingEvent]:
    """Every change of a split's settings, oldest first, undo and redo among them."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, split, superclass, key, value, reviewer, "at", note
        FROM split_setting
        WHERE split = $split
        ORDER BY event_id
        """,
        {"split": split},
    ).fetchall()
    return [SettingEvent(*row) for row in rows]
