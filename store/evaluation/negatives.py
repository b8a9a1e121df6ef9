"""Negative labels as artefacts: what was mined, and what people took out of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyarrow as pa

from store.connection import Cursor
from store.errors import StoreError


class UnknownNegatives(StoreError):
    """There are no negative labels of that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        listed = f"There are {', '.join(known)}." if known else "None were mined yet."
        super().__init__(
            f"There are no negative labels {name!r}.", f"{listed} `sood-tui evaluation negatives list` shows them."
        )


@dataclass(frozen=True, slots=True)
class NegativeSet:
    """Mined negative labels, without the words that people took out in ``words``."""

    negatives_id: int
    name: str
    recipe: str
    model: str
    model_key: str
    settings: str
    labels_sha256: str
    made_at: datetime
    words: int
    dropped: int


@dataclass(frozen=True, slots=True)
class NegativeLabel:
    """One word; dropped is the reason why a person took it out, None if nobody did."""

    rank: int
    word: str
    pos: str
    wnid: str | None
    lexname: str
    distance: float
    dropped: str | None


def insert_negative_set(
    cursor: Cursor,
    name: str,
    recipe: str,
    model: str,
    model_key: str,
    settings: str,
    labels_sha256: str,
    made_at: datetime,
) -> int:
    """Add an artefact without its words.

    Returns: its id.
    """
    row = cursor.execute(
        """
        INSERT INTO negative_set (negatives_id, name, recipe, model, model_key, settings, labels_sha256, made_at)
        SELECT
            coalesce(max(negatives_id), 0) + 1, $name, $recipe, $model, $model_key, $settings, $labels_sha256, $made_at
        FROM negative_set
        RETURNING negatives_id
        """,
        {
            "name": name,
            "recipe": recipe,
            "model": model,
            "model_key": model_key,
            "settings": settings,
            "labels_sha256": labels_sha256,
            "made_at": made_at,
        },
    ).fetchone()
    assert row is not None
    return int(row[0])


def append_negative_labels(cursor: Cursor, rows: pa.Table) -> None:
    """Add words: negatives_id, rank, word, pos, wnid, lexname, distance; sorted by rank."""
    cursor.register("incoming", rows)
    try:
        cursor.execute(
            """
            INSERT INTO negative_label (negatives_id, rank, word, pos, wnid, lexname, distance)
            SELECT negatives_id, rank, word, pos, wnid, lexname, distance
            FROM incoming
            """
        )
    finally:
        cursor.unregister("incoming")


def fetch_negative_sets(cursor: Cursor) -> list[NegativeSet]:
    """All artefacts, oldest first."""
    rows = cursor.execute(
        """
        SELECT
            negatives_id, name, recipe, model, model_key, settings, labels_sha256, made_at,
            (SELECT count(*) FROM negative_label AS label WHERE label.negatives_id = negative_set.negatives_id)
            - (SELECT count(*) FROM negative_dropped AS gone WHERE gone.negatives_id = negative_set.negatives_id),
            (SELECT count(*) FROM negative_dropped AS gone WHERE gone.negatives_id = negative_set.negatives_id)
        FROM negative_set
        ORDER BY negatives_id
        """
    ).fetchall()
    return [NegativeSet(*row) for row in rows]


def fetch_negative_set(cursor: Cursor, name: str) -> NegativeSet:
    """One artefact by its name or its number.

    Raises: UnknownNegatives.
    """
    sets = fetch_negative_sets(cursor)
    for found in sets:
        if name in (found.name, str(found.negatives_id)):
            return found
    raise UnknownNegatives(name, [found.name for found in sets])


def fetch_negative_labels(cursor: Cursor, negatives_id: int) -> list[NegativeLabel]:
    """The words of an artefact by rank, those taken out included."""
    rows = cursor.execute(
        """
        SELECT label.rank, label.word, label.pos, label.wnid, label.lexname, label.distance, negative_dropped.reason
        FROM negative_label AS label
        LEFT JOIN negative_dropped
            ON negative_dropped.negatives_id = label.negatives_id AND negative_dropped.rank = label.rank
        WHERE label.negatives_id = $negatives_id
        ORDER BY label.rank
        """,
        {"negatives_id": negatives_id},
    ).fetchall()
    return [NegativeLabel(*row) for row in rows]


def append_negative_edits(
    cursor: Cursor,
    event_ids: Sequence[UUID],
    negatives_id: int,
    ranks: Sequence[int],
    kind: str,
    reason: str,
    reviewer: str,
    at: datetime,
) -> None:
    """Take words out or bring them back, one event a word."""
    cursor.execute(
        """
        INSERT INTO negative_edit (event_id, negatives_id, rank, kind, reason, reviewer, "at")
        SELECT unnest($event_ids), $negatives_id, unnest($ranks), $kind, $reason, $reviewer, $at
        """,
        {
            "event_ids": list(event_ids),
            "negatives_id": negatives_id,
            "ranks": list(ranks),
            "kind": kind,
            "reason": reason,
            "reviewer": reviewer,
            "at": at,
        },
    )
