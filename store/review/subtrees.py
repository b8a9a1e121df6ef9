"""Decisions that were given to whole subtrees: whom they reach, and where they contradict one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from store.connection import Cursor
from store.review.queue import State


@dataclass(frozen=True, slots=True)
class Reached:
    """A candidate at or under a synset. inherited_from is NULL where its state is its own, or where it has none."""

    superclass: str
    wnid: str
    state: State
    inherited_from: str | None


@dataclass(frozen=True, slots=True)
class Inherited:
    """The last word that one synset's subtree was given, as it stands on one candidate below it."""

    superclass: str
    wnid: str
    name: str
    origin: str
    origin_name: str
    kind: Literal["accept", "reject", "unsure"]


def fetch_reached(cursor: Cursor, wnid: str) -> list[Reached]:
    """The candidates at and under a synset, each once a superclass, by superclass and wnid."""
    rows = cursor.execute(
        """
        SELECT candidate_state.superclass, candidate_state.wnid, candidate_state.state, candidate_state.inherited_from
        FROM candidate_state
        SEMI JOIN (
            SELECT wnid FROM hyponym_closure WHERE ancestor_wnid = $wnid UNION ALL SELECT $wnid
        ) AS below USING (wnid)
        ORDER BY candidate_state.superclass, candidate_state.wnid
        """,
        {"wnid": wnid},
    ).fetchall()
    return [Reached(*row) for row in rows]


def fetch_inherited(cursor: Cursor, superclass: str | None = None) -> list[Inherited]:
    """What candidates without a word of their own inherit from several synsets, by superclass, wnid and origin.

    Those that inherit from one synset only are left out.
    """
    rows = cursor.execute(
        """
        WITH given AS (
            SELECT decision.superclass, decision.wnid, decision.inherited_from, arg_max(kind, event_id) AS kind
            FROM decision
            WHERE decision.inherited_from IS NOT NULL
              AND ($superclass IS NULL OR decision.superclass = $superclass)
              AND step_id NOT IN (SELECT step_id FROM undone_step)
            GROUP BY decision.superclass, decision.wnid, decision.inherited_from
            QUALIFY count(*) OVER (PARTITION BY decision.superclass, decision.wnid) > 1
        )
        SELECT given.superclass, given.wnid, synset.name, given.inherited_from, origin.name, given.kind
        FROM given
        JOIN synset USING (wnid)
        JOIN synset AS origin ON origin.wnid = given.inherited_from
        SEMI JOIN (
            SELECT superclass, wnid FROM candidate_state WHERE inherited_from IS NOT NULL
        ) AS heirs ON heirs.superclass = given.superclass AND heirs.wnid = given.wnid
        ORDER BY given.superclass, given.wnid, given.inherited_from
        """,
        {"superclass": superclass},
    ).fetchall()
    return [Inherited(*row) for row in rows]


def fetch_lines_between(cursor: Cursor, wnids: Sequence[str]) -> set[tuple[str, str]]:
    """(ancestor, descendant) for those of the synsets that lie under one another."""
    rows = cursor.execute(
        """
        SELECT ancestor_wnid, wnid
        FROM hyponym_closure
        WHERE ancestor_wnid IN (SELECT unnest($wnids)) AND wnid IN (SELECT unnest($wnids))
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    return {(row[0], row[1]) for row in rows}


def fetch_candidates_below(cursor: Cursor) -> dict[str, list[str]]:
    """The candidates strictly below each synset, by its wnid, each once however many ways lead to it; sorted."""
    rows = cursor.execute(
        """
        SELECT ancestor_wnid, list(wnid ORDER BY wnid)
        FROM hyponym_closure
        SEMI JOIN candidate USING (wnid)
        GROUP BY ancestor_wnid
        """
    ).fetchall()
    return dict(rows)
