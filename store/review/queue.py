"""What follows from decisions: the queue, the state of candidates, what reviewers say and superclasses claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from store.connection import Cursor

State = Literal["accept", "reject", "unsure", "pending"]


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A candidate with the state that people gave it; similarity_mean is of the run asked for, if it scored it.

    is_adjudicated: the state is that of an adjudication, which other words do not change.
    """

    superclass: str
    wnid: str
    name: str
    lemma: str
    gloss: str
    route: str
    depth: int | None
    similarity: float | None
    images: int
    state: State
    reviewer: str | None
    at: datetime | None
    note: str | None
    similarity_mean: float | None
    inherited_from: str | None = None
    is_adjudicated: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """One superclass's claim on a synset that several have accepted."""

    wnid: str
    name: str
    lemma: str
    superclass: str
    depth: int | None
    images: int
    reviewer: str
    similarity_mean: float | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reviewer says of one candidate; see the view reviewer_word."""

    superclass: str
    wnid: str
    reviewer: str
    kind: Literal["accept", "reject", "unsure"]


def fetch_candidates_among(cursor: Cursor, superclass: str, wnids: Sequence[str]) -> set[str]:
    """Those of the wnids (at least one) that are candidates of the superclass."""
    rows = cursor.execute(
        """
        SELECT wnid
        FROM candidate
        WHERE superclass = $superclass AND wnid BETWEEN $least AND $greatest
        """,
        {"superclass": superclass, "least": min(wnids), "greatest": max(wnids)},
    ).fetchall()
    return {row[0] for row in rows}.intersection(wnids)


def count_strangers(cursor: Cursor, pairs: Sequence[tuple[str, str]]) -> int:
    """How many of the (superclass, wnid) pairs are no candidates here."""
    row = cursor.execute(
        """
        SELECT count(*)
        FROM (
            SELECT DISTINCT unnest($superclasses::VARCHAR[]) AS superclass, unnest($wnids::VARCHAR[]) AS wnid
        ) AS asked
        ANTI JOIN candidate USING (superclass, wnid)
        """,
        {"superclasses": [pair[0] for pair in pairs], "wnids": [pair[1] for pair in pairs]},
    ).fetchone()
    return int(row[0]) if row else 0


def accepted(cursor: Cursor) -> list[tuple[str, str]]:
    """(superclass, wnid) of every candidate whose last word is accept, sorted."""
    rows = cursor.execute(
        "SELECT superclass, wnid FROM candidate_state WHERE state = 'accept' ORDER BY superclass, wnid"
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def count_decisions(cursor: Cursor) -> list[tuple[str, str, int]]:
    """Reviewer, state, and on how many candidates that is the last word; by reviewer and state."""
    rows: list[tuple[str, str, int]] = cursor.execute(
        """
        SELECT decision_state.reviewer, decision_state.state, count(*)
        FROM decision_state
        JOIN candidate USING (superclass, wnid)
        GROUP BY decision_state.reviewer, decision_state.state
        ORDER BY decision_state.reviewer, decision_state.state
        """
    ).fetchall()
    return rows


def fetch_states_of(cursor: Cursor, wnid: str) -> dict[str, State]:
    """What each superclass that has the synset as a candidate says of it."""
    rows = cursor.execute(
        "SELECT superclass, state FROM candidate_state WHERE wnid = $wnid ORDER BY superclass", {"wnid": wnid}
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def fetch_origins_of(cursor: Cursor, wnid: str) -> dict[str, str]:
    """From which synset, by its name, each superclass's decision on a candidate is inherited, if it is."""
    rows = cursor.execute(
        """
        SELECT superclass, origin.name
        FROM candidate_state
        JOIN synset AS origin ON origin.wnid = inherited_from
        WHERE candidate_state.wnid = $wnid
        ORDER BY superclass
        """,
        {"wnid": wnid},
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def fetch_accepted_images(cursor: Cursor) -> dict[str, int]:
    """How many pictures the accepted candidates of each superclass have."""
    rows = cursor.execute(
        "SELECT superclass, sum(images) FROM candidate_state WHERE state = 'accept' GROUP BY superclass"
    ).fetchall()
    return {row[0]: int(row[1]) for row in rows}


def fetch_claims(cursor: Cursor, run_id: int | None = None) -> list[Claim]:
    """Every claim on a synset that two or more superclasses have accepted, sorted by wnid and superclass."""
    rows = cursor.execute(
        """
        WITH claimed AS (
            SELECT superclass, wnid, depth, images, reviewer
            FROM candidate_state
            WHERE state = 'accept'
            QUALIFY count(*) OVER (PARTITION BY wnid) > 1
        ),
        mean AS (
            SELECT superclass, wnid, avg(similarity) AS similarity_mean
            FROM similarity
            WHERE run_id = $run_id AND wnid IN (SELECT wnid FROM claimed)
            GROUP BY superclass, wnid
        )
        SELECT
            claimed.wnid, synset.name, lemma.lemma, claimed.superclass, claimed.depth, claimed.images,
            claimed.reviewer, mean.similarity_mean
        FROM claimed
        JOIN synset USING (wnid)
        JOIN lemma ON lemma.wnid = claimed.wnid AND lemma.position = 0
        LEFT JOIN mean ON mean.superclass = claimed.superclass AND mean.wnid = claimed.wnid
        ORDER BY claimed.wnid, claimed.superclass
        """,
        {"run_id": run_id},
    ).fetchall()
    return [Claim(*row) for row in rows]


def fetch_queue(cursor: Cursor, superclass: str | None, pending_only: bool, run_id: int | None) -> list[QueueItem]:
    """Candidates with their states, sorted by superclass and name."""
    rows: list[tuple[Any, ...]] = cursor.execute(
        """
        WITH mean AS (
            SELECT superclass, wnid, avg(similarity) AS similarity_mean
            FROM similarity
            WHERE run_id = $run_id AND ($superclass IS NULL OR superclass = $superclass)
            GROUP BY superclass, wnid
        )
        SELECT
            candidate_state.superclass, candidate_state.wnid, synset.name, lemma.lemma, synset.gloss,
            candidate_state.route, candidate_state.depth, candidate_state.similarity, candidate_state.images,
            candidate_state.state, candidate_state.reviewer, candidate_state."at", nullif(candidate_state.note, ''),
            mean.similarity_mean, candidate_state.inherited_from, candidate_state.is_adjudicated
        FROM candidate_state
        JOIN synset USING (wnid)
        JOIN lemma ON lemma.wnid = candidate_state.wnid AND lemma.position = 0
        LEFT JOIN mean ON mean.superclass = candidate_state.superclass AND mean.wnid = candidate_state.wnid
        WHERE ($superclass IS NULL OR candidate_state.superclass = $superclass)
          AND (NOT $pending_only OR candidate_state.state = 'pending')
        ORDER BY candidate_state.superclass, synset.name
        """,
        {"superclass": superclass, "pending_only": pending_only, "run_id": run_id},
    ).fetchall()
    return [QueueItem(*row) for row in rows]


def fetch_opinions(cursor: Cursor, superclass: str | None = None) -> list[Opinion]:
    """What each reviewer says of each synset for themselves; what was taken back does not count."""
    rows = cursor.execute(
        """
        SELECT superclass, wnid, reviewer, kind
        FROM reviewer_word
        WHERE $superclass IS NULL OR superclass = $superclass
        ORDER BY superclass, wnid, reviewer
        """,
        {"superclass": superclass},
    ).fetchall()
    return [Opinion(*row) for row in rows]


def fetch_hyponym_edges(cursor: Cursor, superclass: str) -> list[tuple[str, str]]:
    """(hypernym, hyponym) between the superclass's roots and what lies below them, sorted by the hyponym's name."""
    rows = cursor.execute(
        """
        WITH below AS (
            SELECT wnid FROM superclass_root WHERE superclass = $superclass
            UNION
            SELECT hyponym_closure.wnid
            FROM hyponym_closure
            JOIN superclass_root ON superclass_root.wnid = hyponym_closure.ancestor_wnid
            WHERE superclass_root.superclass = $superclass
        )
        SELECT hypernym.hypernym_wnid, hypernym.wnid
        FROM hypernym
        JOIN synset USING (wnid)
        WHERE hypernym.hypernym_wnid IN (SELECT wnid FROM below)
        ORDER BY synset.name
        """,
        {"superclass": superclass},
    ).fetchall()
    return [(row[0], row[1]) for row in rows]
