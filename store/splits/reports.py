"""What reports on a split ask of the catalogue: relatives, steps between synsets, a drawn order, coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the image folders a workspace uses: synsets and pictures that are there, candidates, accepted."""

    synsets: int
    pictures: int
    candidate_synsets: int
    candidate_pictures: int
    accepted_synsets: int
    accepted_pictures: int


def fetch_drawn_order(cursor: Cursor, image_ids: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """The pictures in an order drawn by the seed; each one's place depends on its own path only, int64 [n]."""
    cursor.register("wanted", pa.table({"image_id": image_ids}))
    try:
        found = cursor.execute(
            """
            SELECT image.image_id
            FROM image
            SEMI JOIN wanted USING (image_id)
            ORDER BY sha256($seed::VARCHAR || chr(9) || image.wnid || chr(9) || image.path), image.image_id
            """,
            {"seed": seed},
        ).fetchnumpy()
    finally:
        cursor.unregister("wanted")
    return np.asarray(found["image_id"], np.int64)


def fetch_related(cursor: Cursor, wnids: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs among some synsets in which the first lies above the second, sorted."""
    rows: list[tuple[str, str]] = cursor.execute(
        """
        WITH asked AS (SELECT unnest($wnids) AS wnid)
        SELECT hyponym_closure.ancestor_wnid, hyponym_closure.wnid
        FROM hyponym_closure
        JOIN asked ON asked.wnid = hyponym_closure.wnid
        JOIN asked AS above ON above.wnid = hyponym_closure.ancestor_wnid
        ORDER BY hyponym_closure.ancestor_wnid, hyponym_closure.wnid
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    return rows


def fetch_distances(cursor: Cursor) -> dict[tuple[str, str], int]:
    """Steps from each accepted subclass up to the nearest root of its superclass, by both; a root has 0."""
    rows = cursor.execute(
        """
        SELECT state.superclass, state.wnid, min(coalesce(below.depth, 0)) AS distance
        FROM candidate_state AS state
        JOIN superclass_root AS root USING (superclass)
        LEFT JOIN hyponym_closure AS below ON below.ancestor_wnid = root.wnid AND below.wnid = state.wnid
        WHERE state.state = 'accept' AND (below.depth IS NOT NULL OR root.wnid = state.wnid)
        GROUP BY state.superclass, state.wnid
        """
    ).fetchall()
    return {(row[0], row[1]): row[2] for row in rows}


def fetch_coverage(cursor: Cursor) -> Coverage:
    """Synsets and pictures that are there, that are candidates, and that are accepted; each counted once."""
    row = cursor.execute(
        """
        WITH there AS (
            SELECT wnid, images FROM image_count WHERE images > 0
        ), claimed AS (
            SELECT wnid, bool_or(state = 'accept') AS is_accepted FROM candidate_state GROUP BY wnid
        )
        SELECT
            count(*),
            coalesce(sum(images), 0),
            count(claimed.wnid),
            coalesce(sum(images) FILTER (claimed.wnid IS NOT NULL), 0),
            count(*) FILTER (is_accepted),
            coalesce(sum(images) FILTER (is_accepted), 0)
        FROM there
        LEFT JOIN claimed USING (wnid)
        """
    ).fetchone()
    assert row is not None
    return Coverage(*(int(value) for value in row))
