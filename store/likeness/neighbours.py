"""Statements on pictures that are alike: what is to be read and compared, and what was found."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the accepted pictures were read: read of listed, and those whose file is gone or broken."""

    listed: int
    read: int
    unreadable: int


def fetch_listed(cursor: Cursor, superclass: str | None) -> npt.NDArray[np.int64]:
    """The pictures of accepted candidates that are neither unreadable nor marked as bad, int64 [n], by image_id.

    Args:
        cursor: for reading.
        superclass: only of its candidates; None: of all.
    """
    found = cursor.execute(
        """
        SELECT image.image_id
        FROM image
        WHERE image.wnid IN (
            SELECT wnid
            FROM candidate_state
            WHERE state = 'accept' AND ($superclass IS NULL OR superclass = $superclass)
        )
          AND image.image_id NOT IN (SELECT image_id FROM unfit_image)
        ORDER BY image.image_id
        """,
        {"superclass": superclass},
    ).fetchnumpy()
    return np.asarray(found["image_id"], np.int64)


def fetch_unread(cursor: Cursor, superclass: str | None) -> pa.Table:
    """The accepted pictures whose pixels have no hash yet: image_id, folder, path, tried_at; as they lie on the disk.

    tried_at is when a picture turned out to be unreadable; NULL where nobody has tried yet.
    """
    return cursor.sql(
        """
        SELECT image.image_id, image_root.path AS folder, image.path, tried.tried_at
        FROM image
        JOIN image_root USING (root_id)
        LEFT JOIN (
            SELECT image_id, max(found_at) AS tried_at
            FROM image_issue
            WHERE kind IN ('undecodable', 'missing_file')
            GROUP BY image_id
        ) AS tried
            ON tried.image_id = image.image_id
        ANTI JOIN (SELECT image_id FROM picture_print WHERE pixels IS NOT NULL) AS read
            ON read.image_id = image.image_id
        WHERE image.wnid IN (
            SELECT wnid
            FROM candidate_state
            WHERE state = 'accept' AND ($superclass IS NULL OR superclass = $superclass)
        )
          AND image.image_id NOT IN (SELECT image_id FROM marked_image WHERE mark = 'bad')
        ORDER BY image_root.path, image.path, image.image_id
        """,
        params={"superclass": superclass},
    ).to_arrow_table()


def fetch_unreadable(cursor: Cursor, superclass: str | None) -> int:
    """How many accepted pictures could not be read."""
    row = cursor.execute(
        """
        SELECT count(DISTINCT image.image_id)
        FROM image
        JOIN image_issue ON image_issue.image_id = image.image_id
        WHERE image_issue.kind IN ('undecodable', 'missing_file')
          AND image.wnid IN (
            SELECT wnid
            FROM candidate_state
            WHERE state = 'accept' AND ($superclass IS NULL OR superclass = $superclass)
        )
        """,
        {"superclass": superclass},
    ).fetchone()
    assert row is not None
    return int(row[0])


def fetch_places(cursor: Cursor, set_id: int, image_ids: npt.NDArray[np.int64]) -> pa.Table:
    """Where the embeddings of the pictures are, and of all that were compared before.

    Returns: image_id, part_id, row and is_new (not compared yet); new ones first, then as they lie in the parts.
    """
    cursor.register("asked_picture", pa.table({"image_id": image_ids}))
    try:
        return cursor.sql(
            """
            WITH compared AS (
                SELECT image_id FROM neighbour_search WHERE set_id = $set_id
            )
            SELECT
                embedding.image_id, embedding.part_id, embedding.row,
                embedding.image_id NOT IN (SELECT image_id FROM compared) AS is_new
            FROM embedding
            WHERE embedding.set_id = $set_id
              AND (
                embedding.image_id IN (SELECT image_id FROM asked_picture)
                OR embedding.image_id IN (SELECT image_id FROM compared)
              )
            ORDER BY is_new DESC, embedding.part_id, embedding.row
            """,
            params={"set_id": set_id},
        ).to_arrow_table()
    finally:
        cursor.unregister("asked_picture")


def append_neighbours(cursor: Cursor, set_id: int, pairs: pa.Table) -> None:
    """Keep neighbours (first, second, cosine) that are not there yet."""
    cursor.register("incoming_pair", pairs)
    try:
        cursor.execute(
            """
            INSERT INTO neighbour (set_id, first, second, cosine)
            SELECT $set_id, incoming_pair.first, incoming_pair.second, incoming_pair.cosine
            FROM incoming_pair
            ANTI JOIN (SELECT first, second FROM neighbour WHERE set_id = $set_id) AS known
                ON known.first = incoming_pair.first AND known.second = incoming_pair.second
            ORDER BY incoming_pair.first, incoming_pair.second
            """,
            {"set_id": set_id},
        )
    finally:
        cursor.unregister("incoming_pair")


def append_compared(cursor: Cursor, set_id: int, image_ids: pa.Table) -> None:
    """Note pictures (image_id) that were compared with all others."""
    cursor.register("incoming_picture", image_ids)
    try:
        cursor.execute(
            """
            INSERT INTO neighbour_search (set_id, image_id)
            SELECT $set_id, incoming_picture.image_id
            FROM incoming_picture
            ANTI JOIN (SELECT image_id FROM neighbour_search WHERE set_id = $set_id) AS known
                ON known.image_id = incoming_picture.image_id
            ORDER BY incoming_picture.image_id
            """,
            {"set_id": set_id},
        )
    finally:
        cursor.unregister("incoming_picture")


def fetch_neighbours(cursor: Cursor, set_id: int, image_ids: npt.NDArray[np.int64]) -> pa.Table:
    """The neighbours among some pictures: first, second, cosine; by first and second."""
    cursor.register("asked_picture", pa.table({"image_id": image_ids}))
    try:
        return cursor.sql(
            """
            SELECT neighbour.first, neighbour.second, neighbour.cosine
            FROM neighbour
            WHERE neighbour.set_id = $set_id
              AND neighbour.first IN (SELECT image_id FROM asked_picture)
              AND neighbour.second IN (SELECT image_id FROM asked_picture)
            ORDER BY neighbour.first, neighbour.second
            """,
            params={"set_id": set_id},
        ).to_arrow_table()
    finally:
        cursor.unregister("asked_picture")
