"""Hashes and measures of picture files, kept so that no file is read twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from store.connection import Cursor

SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("dhash", pa.uint64()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("luminance", pa.float64()),
        pa.field("contrast", pa.float64()),
        pa.field("saturation", pa.float64()),
        pa.field("pixels", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture and where it lies, both paths as text."""

    image_id: int
    folder: str
    path: str


def insert_prints(cursor: Cursor, prints: pa.Table) -> None:
    """Keep prints; those that are there of the same pictures go first."""
    cursor.register("incoming_print", prints)
    try:
        cursor.execute("DELETE FROM picture_print WHERE image_id IN (SELECT image_id FROM incoming_print)")
        cursor.execute(
            """
            INSERT INTO picture_print
                (image_id, bytes, sha256, dhash, width, height, luminance, contrast, saturation, pixels)
            SELECT image_id, bytes, sha256, dhash, width, height, luminance, contrast, saturation, pixels
            FROM incoming_print
            """
        )
    finally:
        cursor.unregister("incoming_print")


def fetch_prints(cursor: Cursor, image_ids: npt.NDArray[np.int64]) -> pa.Table:
    """The prints that are there of some pictures, as SCHEMA, by image_id."""
    cursor.register("asked_picture", pa.table({"image_id": image_ids}))
    try:
        return cursor.sql(
            """
            SELECT image_id, bytes, sha256, dhash, width, height, luminance, contrast, saturation, pixels
            FROM picture_print
            SEMI JOIN asked_picture USING (image_id)
            ORDER BY image_id
            """
        ).to_arrow_table()
    finally:
        cursor.unregister("asked_picture")


def fetch_unprinted(cursor: Cursor, image_ids: npt.NDArray[np.int64], decoded: bool) -> list[PictureFile]:
    """Pictures without a print, in the order in which they lie on the disk.

    Args:
        image_ids: which ones are asked for.
        decoded: whether a print without what is seen in the picture counts as missing.
    """
    cursor.register("asked_picture", pa.table({"image_id": image_ids}))
    try:
        rows = cursor.execute(
            """
            SELECT image.image_id, image_root.path, image.path
            FROM image
            SEMI JOIN asked_picture USING (image_id)
            JOIN image_root USING (root_id)
            ANTI JOIN (
                SELECT image_id FROM picture_print WHERE pixels IS NOT NULL OR NOT $decoded
            ) AS there USING (image_id)
            ORDER BY image_root.path, image.path
            """,
            {"decoded": decoded},
        ).fetchall()
    finally:
        cursor.unregister("asked_picture")
    return [PictureFile(*row) for row in rows]


def fetch_paths(cursor: Cursor, image_ids: Sequence[int]) -> dict[int, str]:
    """The path of pictures with the name of their root before it."""
    rows = cursor.execute(
        """
        SELECT image.image_id, image_root.name || '/' || image.path
        FROM image
        JOIN image_root USING (root_id)
        WHERE image.image_id IN (SELECT unnest($image_ids))
        """,
        {"image_ids": list(image_ids)},
    ).fetchall()
    return dict(rows)
