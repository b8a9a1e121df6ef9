"""The synsets proposed under each superclass."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from store.connection import Cursor

if TYPE_CHECKING:  # Browse reads candidates for its first frame, and does without Arrow
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Candidate:
    """A synset proposed under a superclass, with what is known and what was decided.

    Attributes:
        route: root, hyponym or match.
        depth: steps below the nearest root; None by the route match.
        similarity: cosine of the text match in [-1, 1]; None by other routes.
        images: pictures of the synset itself.
        state: accept, reject, unsure or pending.
        reviewer: who decided last; None while pending, and so are at and note.
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
    state: str
    reviewer: str | None
    at: datetime | None
    note: str | None


def fetch_candidates(cursor: Cursor, superclass: str) -> list[Candidate]:
    """The candidates of a superclass: roots, then by depth and name, then matches by similarity.

    Empty also where there is no such superclass; ``engine.candidates.superclasses.require`` tells the two apart.
    """
    rows = cursor.execute(
        """
        SELECT
            superclass, wnid, synset.name, lemma.lemma, synset.gloss, route, candidate_state.depth, similarity,
            images, state, reviewer, candidate_state.at, note
        FROM candidate_state
        JOIN synset USING (wnid)
        JOIN lemma USING (wnid)
        WHERE superclass = $superclass AND lemma.position = 0
        ORDER BY candidate_state.depth NULLS LAST, similarity DESC NULLS FIRST, synset.name
        """,
        {"superclass": superclass},
    ).fetchall()
    return [Candidate(*row) for row in rows]


def insert_hyponym_candidates(cursor: Cursor, superclass: str, include_root: bool, at: datetime) -> list[str]:
    """Add what lies below the roots of a superclass, within its depth limit, and has pictures of its own.

    Args:
        include_root: whether the roots themselves are candidates too.

    Returns: wnids that were not candidates before.
    """
    rows = cursor.execute(
        """
        INSERT INTO candidate (superclass, wnid, route, depth, similarity, added_at)
        WITH reached AS (
            SELECT below.wnid, below.depth
            FROM superclass_root AS root
            JOIN hyponym_closure AS below ON below.ancestor_wnid = root.wnid
            WHERE root.superclass = $superclass
            UNION ALL
            SELECT root.wnid, 0
            FROM superclass_root AS root
            WHERE root.superclass = $superclass AND $include_root
        )
        SELECT
            $superclass,
            reached.wnid,
            CASE WHEN min(reached.depth) = 0 THEN 'root' ELSE 'hyponym' END,
            min(reached.depth),
            NULL,
            $at
        FROM reached
        JOIN image_count ON image_count.wnid = reached.wnid AND image_count.images > 0
        JOIN superclass ON superclass.superclass = $superclass
        WHERE (superclass.depth_limit IS NULL OR reached.depth <= superclass.depth_limit)
          -- A root is a candidate only when asked for, also where it lies below another root.
          AND ($include_root OR reached.wnid NOT IN (
              SELECT root.wnid FROM superclass_root AS root WHERE root.superclass = $superclass
          ))
          AND reached.wnid NOT IN (SELECT known.wnid FROM candidate AS known WHERE known.superclass = $superclass)
        GROUP BY reached.wnid
        ORDER BY min(reached.depth), reached.wnid
        RETURNING wnid
        """,
        {"superclass": superclass, "include_root": include_root, "at": at},
    ).fetchall()
    return [str(row[0]) for row in rows]


def insert_match_candidates(cursor: Cursor, superclass: str, matches: "pa.Table", at: datetime) -> list[str]:
    """Add what a text match found; what is a candidate already stays as it is.

    Args:
        matches: columns wnid and similarity.

    Returns: wnids that were not candidates before.
    """
    cursor.register("incoming", matches)
    rows = cursor.execute(
        """
        INSERT INTO candidate (superclass, wnid, route, depth, similarity, added_at)
        SELECT $superclass, incoming.wnid, 'match', NULL, incoming.similarity, $at
        FROM incoming
        WHERE incoming.wnid NOT IN (SELECT known.wnid FROM candidate AS known WHERE known.superclass = $superclass)
        ORDER BY incoming.similarity DESC, incoming.wnid
        RETURNING wnid
        """,
        {"superclass": superclass, "at": at},
    ).fetchall()
    cursor.unregister("incoming")
    return [str(row[0]) for row in rows]


def delete_deeper_candidates(cursor: Cursor, superclass: str) -> int:
    """Take away what lies deeper than the depth limit and was not decided.

    Returns: how many.
    """
    row = cursor.execute(
        """
        DELETE FROM candidate
        WHERE superclass = $superclass
          AND depth > (SELECT depth_limit FROM superclass WHERE superclass = $superclass)
          AND wnid NOT IN (SELECT decided.wnid FROM decision_state AS decided WHERE decided.superclass = $superclass)
        """,
        {"superclass": superclass},
    ).fetchone()
    return int(row[0]) if row else 0


def delete_candidates(cursor: Cursor, superclass: str) -> None:
    """Take all candidates of a superclass away; decisions stay in their log."""
    cursor.execute("DELETE FROM candidate WHERE superclass = $superclass", {"superclass": superclass})
