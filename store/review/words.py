"""What reviewers say of candidates side by side: their own words, and where they contradict one another."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from store.connection import Cursor
from store.review.queue import State


@dataclass(frozen=True, slots=True)
class Word:
    """What one reviewer says of one candidate for themselves; note is empty where nothing was said.

    inherited_from is the synset whose subtree they decided on; None where they spoke of this very synset.
    """

    superclass: str
    wnid: str
    name: str
    reviewer: str
    kind: Literal["accept", "reject", "unsure"]
    at: datetime
    note: str
    inherited_from: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of a candidate, and whose word that is; pending where nobody's."""

    superclass: str
    wnid: str
    state: State
    reviewer: str | None
    at: datetime | None
    note: str | None
    inherited_from: str | None
    is_adjudicated: bool


def fetch_standing(cursor: Cursor, superclass: str) -> list[Standing]:
    """What stands of every candidate of a superclass, by wnid."""
    rows = cursor.execute(
        """
        SELECT superclass, wnid, state, reviewer, "at", nullif(note, ''), inherited_from, is_adjudicated
        FROM candidate_state
        WHERE superclass = $superclass
        ORDER BY wnid
        """,
        {"superclass": superclass},
    ).fetchall()
    return [Standing(*row) for row in rows]


def fetch_words(cursor: Cursor, superclass: str | None = None, wnid: str | None = None) -> list[Word]:
    """Every reviewer's word on every candidate that they spoke of, by superclass, wnid and reviewer.

    Args:
        cursor: for reading.
        superclass: only under this one.
        wnid: only on this synset.
    """
    rows = cursor.execute(
        """
        SELECT
            reviewer_word.superclass, reviewer_word.wnid, synset.name, reviewer_word.reviewer, reviewer_word.kind,
            reviewer_word."at", reviewer_word.note, reviewer_word.inherited_from
        FROM reviewer_word
        JOIN synset USING (wnid)
        WHERE ($superclass IS NULL OR reviewer_word.superclass = $superclass)
          AND ($wnid IS NULL OR reviewer_word.wnid = $wnid)
        ORDER BY reviewer_word.superclass, reviewer_word.wnid, reviewer_word.reviewer
        """,
        {"superclass": superclass, "wnid": wnid},
    ).fetchall()
    return [Word(*row) for row in rows]


def fetch_contradicted(cursor: Cursor, superclass: str | None = None) -> set[tuple[str, str]]:
    """(superclass, wnid) of candidates that one reviewer accepts and another rejects, and no adjudication settles."""
    rows = cursor.execute(
        """
        SELECT superclass, wnid
        FROM reviewer_word
        SEMI JOIN candidate USING (superclass, wnid)
        ANTI JOIN (SELECT superclass, wnid FROM decision_state WHERE is_adjudicated) AS settled USING (superclass, wnid)
        WHERE $superclass IS NULL OR superclass = $superclass
        GROUP BY superclass, wnid
        HAVING bool_or(kind = 'accept') AND bool_or(kind = 'reject')
        """,
        {"superclass": superclass},
    ).fetchall()
    return {(row[0], row[1]) for row in rows}


def fetch_adjudicated(cursor: Cursor, superclass: str | None = None) -> set[tuple[str, str]]:
    """(superclass, wnid) of candidates on which an adjudication stands."""
    rows = cursor.execute(
        """
        SELECT superclass, wnid
        FROM decision_state
        WHERE is_adjudicated AND ($superclass IS NULL OR superclass = $superclass)
        """,
        {"superclass": superclass},
    ).fetchall()
    return {(row[0], row[1]) for row in rows}
