"""Superclasses: their roots, the limit of their depth, and where two of them touch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.connection import Cursor
from store.errors import StoreError


class UnknownSuperclass(StoreError):
    """No superclass has this name."""

    def __init__(self, superclass: str, near: Sequence[str] = ()) -> None:
        hint = f"Did you mean {near[0]}?" if near else "`sood-tui candidates list` shows them all."
        super().__init__(f"There is no superclass {superclass}.", hint)
        self.superclass = superclass


@dataclass(frozen=True, slots=True)
class Superclass:
    """A superclass with the numbers of its candidates by state. One made from matches alone has no roots."""

    superclass: str
    roots: tuple[str, ...]
    depth_limit: int | None
    candidates: int
    images: int
    accepted: int
    rejected: int
    unsure: int
    pending: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two superclasses that touch.

    Attributes:
        relation: ``inside`` (a root of the first is or lies below a root of the other), ``holds`` (the reverse),
            ``same`` (both) or ``shares`` (only candidates in common).
        shared: candidates that both have.
        shared_images: pictures of these.
        accepted_by_both: shared candidates that both have accepted, which must be settled.
    """

    superclass: str
    other: str
    relation: str
    shared: int
    shared_images: int
    accepted_by_both: int


def fetch_superclasses(cursor: Cursor) -> list[Superclass]:
    """All superclasses with their numbers, sorted by name."""
    rows = cursor.execute(
        """
        WITH root AS (
            SELECT superclass, list(wnid ORDER BY position) AS wnids FROM superclass_root GROUP BY superclass
        ), number AS (
            SELECT
                superclass,
                count(*) AS candidates,
                sum(images) AS images,
                count(*) FILTER (state = 'accept') AS accepted,
                count(*) FILTER (state = 'reject') AS rejected,
                count(*) FILTER (state = 'unsure') AS unsure,
                count(*) FILTER (state = 'pending') AS pending
            FROM candidate_state
            GROUP BY superclass
        )
        SELECT
            superclass,
            coalesce(wnids, []),
            depth_limit,
            coalesce(candidates, 0),
            coalesce(images, 0),
            coalesce(accepted, 0),
            coalesce(rejected, 0),
            coalesce(unsure, 0),
            coalesce(pending, 0)
        FROM superclass
        LEFT JOIN root USING (superclass)
        LEFT JOIN number USING (superclass)
        ORDER BY superclass
        """
    ).fetchall()
    return [Superclass(row[0], tuple(row[1]), row[2], *(int(value) for value in row[3:])) for row in rows]


def fetch_superclass_names(cursor: Cursor) -> list[str]:
    """The names of all superclasses, sorted."""
    rows = cursor.execute("SELECT superclass FROM superclass ORDER BY superclass").fetchall()
    return [str(row[0]) for row in rows]


def fetch_superclass_roots(cursor: Cursor) -> dict[str, tuple[str, ...]]:
    """The roots of each superclass, first one first; superclasses made from matches alone have none."""
    rows = cursor.execute(
        """
        SELECT superclass, list(wnid ORDER BY position) FILTER (wnid IS NOT NULL)
        FROM superclass
        LEFT JOIN superclass_root USING (superclass)
        GROUP BY superclass
        ORDER BY superclass
        """
    ).fetchall()
    return {str(name): tuple(wnids or ()) for name, wnids in rows}


def fetch_depth_limit(cursor: Cursor, superclass: str) -> int | None:
    """How many steps below its roots the candidates of a superclass lie at most; None for the whole closure.

    Raises: UnknownSuperclass.
    """
    row = cursor.execute(
        "SELECT depth_limit FROM superclass WHERE superclass = $superclass", {"superclass": superclass}
    ).fetchone()
    if row is None:
        raise UnknownSuperclass(superclass)
    return None if row[0] is None else int(row[0])


def put_superclass(cursor: Cursor, superclass: str, depth_limit: int | None, at: datetime) -> None:
    """Add a superclass, or set the depth limit of the one that is there."""
    cursor.execute(
        """
        INSERT INTO superclass (superclass, depth_limit, added_at)
        VALUES ($superclass, $depth_limit, $at)
        ON CONFLICT (superclass) DO UPDATE SET depth_limit = excluded.depth_limit
        """,
        {"superclass": superclass, "depth_limit": depth_limit, "at": at},
    )


def insert_superclass_roots(cursor: Cursor, superclass: str, wnids: Sequence[str]) -> None:
    """Add roots behind those that a superclass has; one that it has already stays where it is."""
    cursor.execute(
        """
        INSERT INTO superclass_root (superclass, wnid, position)
        SELECT
            $superclass,
            given.wnid,
            (SELECT count(*) FROM superclass_root WHERE superclass = $superclass)
                + row_number() OVER (ORDER BY place) - 1
        FROM (SELECT unnest($wnids::VARCHAR[]) AS wnid, generate_subscripts($wnids::VARCHAR[], 1) AS place) AS given
        WHERE given.wnid NOT IN (SELECT wnid FROM superclass_root WHERE superclass = $superclass)
        """,
        {"superclass": superclass, "wnids": list(wnids)},
    )


def delete_superclass_roots(cursor: Cursor, superclass: str) -> None:
    """Take the roots of a superclass away."""
    cursor.execute("DELETE FROM superclass_root WHERE superclass = $superclass", {"superclass": superclass})


def delete_superclass(cursor: Cursor, superclass: str) -> None:
    """Take a superclass away."""
    cursor.execute("DELETE FROM superclass WHERE superclass = $superclass", {"superclass": superclass})


def count_score_runs(cursor: Cursor, superclass: str) -> int:
    """Number of score runs that hold this superclass."""
    row = cursor.execute(
        "SELECT count(*) FROM score_run_superclass WHERE superclass = $superclass", {"superclass": superclass}
    ).fetchone()
    return int(row[0]) if row else 0


def fetch_overlaps(cursor: Cursor, superclass: str | None = None) -> list[Overlap]:
    """Pairs of superclasses that touch, each pair once and sorted; with a name, its pairs only and the name first.

    Roots touch even where no candidate is shared: a superclass inside another one may have none with pictures yet.
    """
    rows = cursor.execute(
        """
        WITH nested AS (
            SELECT DISTINCT inner_root.superclass AS inner_name, outer_root.superclass AS outer_name
            FROM superclass_root AS inner_root
            JOIN superclass_root AS outer_root ON inner_root.superclass <> outer_root.superclass
            LEFT JOIN hyponym_closure AS below
                ON below.ancestor_wnid = outer_root.wnid AND below.wnid = inner_root.wnid
            WHERE below.wnid IS NOT NULL OR inner_root.wnid = outer_root.wnid
        ), pair AS (
            SELECT
                mine.superclass AS name,
                theirs.superclass AS other,
                count(*) AS shared,
                sum(mine.images) AS shared_images,
                count(*) FILTER (mine.state = 'accept' AND theirs.state = 'accept') AS accepted_by_both
            FROM candidate_state AS mine
            JOIN candidate_state AS theirs ON mine.wnid = theirs.wnid AND mine.superclass <> theirs.superclass
            GROUP BY mine.superclass, theirs.superclass
        ), touching AS (
            SELECT name, other FROM pair
            UNION SELECT inner_name, outer_name FROM nested
            UNION SELECT outer_name, inner_name FROM nested
        )
        SELECT
            touching.name,
            touching.other,
            CASE
                WHEN up.inner_name IS NOT NULL AND down.inner_name IS NOT NULL THEN 'same'
                WHEN up.inner_name IS NOT NULL THEN 'inside'
                WHEN down.inner_name IS NOT NULL THEN 'holds'
                ELSE 'shares'
            END,
            coalesce(pair.shared, 0),
            coalesce(pair.shared_images, 0),
            coalesce(pair.accepted_by_both, 0)
        FROM touching
        LEFT JOIN pair ON pair.name = touching.name AND pair.other = touching.other
        LEFT JOIN nested AS up ON up.inner_name = touching.name AND up.outer_name = touching.other
        LEFT JOIN nested AS down ON down.inner_name = touching.other AND down.outer_name = touching.name
        WHERE ($superclass IS NULL AND touching.name < touching.other) OR touching.name = $superclass
        ORDER BY touching.name, touching.other
        """,
        {"superclass": superclass},
    ).fetchall()
    return [Overlap(*row[:3], *(int(value) for value in row[3:])) for row in rows]
