"""What leaves the catalogue: one row a picture, in the order of the lists, and the record of each export."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from store.connection import Cursor

BATCH = 100_000
LEAST_MEMORY = 256 << 20
"""Bytes that DuckDB may always take while an export is written."""
MEMORY_A_PICTURE = 180
"""Bytes more for each picture of the catalogue, so that a large one is sorted in few passes."""
IDS = 1_000_000
"""Rows at a time where each is a few bytes."""
PICTURES = 10_000
"""Rows at a time where each becomes an object of its own."""


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """An export that was made: where, of which split, and the hash of its manifest."""

    export_id: int
    path: str
    split: str
    manifest_sha256: str
    images: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RowCount:
    """Pictures of a subclass that share a fate: what left them out (exclusion), or why they could not be (issue).

    issue: they cannot be read, or a person marked them as bad.
    """

    place: int
    issue: str | None
    is_scored: bool
    is_outlier: bool
    exclusion: str | None
    images: int


@contextmanager
def bounded_memory(cursor: Cursor) -> Iterator[None]:
    """Keep DuckDB's own memory within what an export needs; what does not fit goes to disk beside the catalogue."""
    counted = cursor.execute("SELECT count(*) FROM image").fetchone()
    pictures = counted[0] if counted else 0
    cursor.execute(f"SET GLOBAL memory_limit = '{max(LEAST_MEMORY, pictures * MEMORY_A_PICTURE)}B'")
    try:
        yield
    finally:
        cursor.execute("RESET GLOBAL memory_limit")


def create_rows(cursor: Cursor, places: pa.Table, scored: pa.Table) -> None:
    """Lay out one row a picture of the accepted subclasses, for as long as the cursor lives.

    The rows stand in the order of all files: place, name of the root, path.

    Args:
        cursor: any.
        places: columns place, wnid, split: in which order subclasses come, and the split that each is in or NULL.
        scored: columns image_id, similarity, score, is_outlier, exclusion (NULL: none) of the pictures that were
            measured.
    """
    cursor.register("export_place", places)
    cursor.register("scored", scored)
    cursor.execute(
        """
        CREATE OR REPLACE TEMP TABLE export_row AS
        SELECT
            export_place.place,
            image.root_id,
            image.path,
            image.image_id,
            scored.image_id IS NOT NULL AS is_scored,
            scored.similarity,
            scored.score,
            scored.is_outlier,
            scored.exclusion,
            unfit_image.reason AS issue,
            CASE
                WHEN scored.image_id IS NOT NULL AND NOT scored.is_outlier AND scored.exclusion IS NULL
                     AND unfit_image.reason IS NULL
                THEN export_place.split
            END AS split
        FROM image
        JOIN export_place USING (wnid)
        JOIN (
            SELECT root_id, row_number() OVER (ORDER BY name) AS position FROM image_root
        ) AS root USING (root_id)
        LEFT JOIN scored USING (image_id)
        LEFT JOIN unfit_image USING (image_id)
        ORDER BY export_place.place, root.position, image.path
        """
    )
    cursor.unregister("export_place")
    cursor.unregister("scored")


def count_rows(cursor: Cursor) -> list[RowCount]:
    """How many laid out rows there are of each place, apart by what happened to their pictures."""
    rows = cursor.execute(
        """
        SELECT
            place, issue, is_scored, coalesce(is_outlier, false) AS is_outlier, exclusion,
            count(*)
        FROM export_row
        GROUP BY ALL
        ORDER BY ALL
        """
    ).fetchall()
    return [RowCount(*row) for row in rows]


def stream_rows(cursor: Cursor) -> pa.RecordBatchReader:
    """The laid out rows in order: place, root_id, path, similarity, score, is_outlier, exclusion, issue, split."""
    return cursor.sql(
        "SELECT place, root_id, path, is_scored, similarity, score, is_outlier, exclusion, issue, split FROM export_row"
    ).to_arrow_reader(BATCH)


def stream_rows_of(cursor: Cursor, split: str) -> pa.RecordBatchReader:
    """The laid out rows of one split in their order, with the columns of stream_rows."""
    return cursor.sql(
        """
        SELECT place, root_id, path, is_scored, similarity, score, is_outlier, exclusion, issue, split
        FROM export_row
        WHERE split = $split
        """,
        params={"split": split},
    ).to_arrow_reader(PICTURES)


def sample_rows(cursor: Cursor, step: int) -> pa.RecordBatchReader:
    """Every step-th laid out row, with the columns of stream_rows."""
    return cursor.sql(
        """
        SELECT place, root_id, path, is_scored, similarity, score, is_outlier, exclusion, issue, split
        FROM export_row
        WHERE rowid % $step = 0
        """,
        params={"step": step},
    ).to_arrow_reader(BATCH)


def stream_listed_ids(cursor: Cursor) -> pa.RecordBatchReader:
    """The laid out rows of all splits in their order: image_id, place."""
    return cursor.sql("SELECT image_id, place FROM export_row WHERE split IS NOT NULL").to_arrow_reader(IDS)


def stream_listed(cursor: Cursor, split: str) -> pa.RecordBatchReader:
    """The laid out rows of one split in their order: place, root_id, path."""
    return cursor.sql(
        "SELECT place, root_id, path FROM export_row WHERE split = $split", params={"split": split}
    ).to_arrow_reader(BATCH)


def stream_in_order(cursor: Cursor, split: str, order: pa.Table, run_id: int) -> pa.RecordBatchReader:
    """The listed rows of one split: place, root_id, path; subclasses in a given order, pictures as an import met them.

    Args:
        cursor: with the rows laid out.
        split: which one.
        order: columns place and position.
        run_id: of the import; pictures that it does not know come behind, by root and path.
    """
    cursor.register("order_of_place", order)
    return cursor.sql(
        """
        SELECT export_row.place, export_row.root_id, export_row.path
        FROM export_row
        JOIN order_of_place USING (place)
        LEFT JOIN imported_picture
            ON imported_picture.image_id = export_row.image_id AND imported_picture.run_id = $run_id
        WHERE export_row.split = $split
        ORDER BY
            order_of_place.position, imported_picture.position NULLS LAST, export_row.root_id, export_row.path
        """,
        params={"split": split, "run_id": run_id},
    ).to_arrow_reader(BATCH)


def copy_as_csv(cursor: Cursor, rows: pa.RecordBatchReader, file: Path) -> None:
    """Write rows as CSV with a header, in their order."""
    with cursor.cursor() as writer:  # the cursor itself is busy with the rows
        writer.register("outgoing", rows)
        writer.execute(
            """
            COPY (
                SELECT
                    path, root, wnid, superclass, class_id, subclass, split, reason, similarity, score, subclass_mean,
                    is_outlier
                FROM outgoing
            ) TO $file (FORMAT csv, HEADER true)
            """,
            {"file": str(file)},
        )


def copy_as_json(cursor: Cursor, rows: pa.RecordBatchReader, file: Path) -> None:
    """Write rows as JSON lines, in their order."""
    with cursor.cursor() as writer:  # the cursor itself is busy with the rows
        writer.register("outgoing", rows)
        writer.execute(
            """
            COPY (
                SELECT
                    path, root, wnid, superclass, class_id, subclass, split, reason, similarity, score, subclass_mean,
                    is_outlier
                FROM outgoing
            ) TO $file (FORMAT json, ARRAY false)
            """,
            {"file": str(file)},
        )


def insert_export(
    cursor: Cursor, path: str, split: str, manifest_sha256: str, images: int, created_at: datetime
) -> None:
    """Record an export."""
    cursor.execute(
        """
        INSERT INTO export (export_id, path, split, manifest_sha256, images, created_at)
        SELECT coalesce(max(export_id), 0) + 1, $path, $split, $manifest_sha256, $images, $created_at
        FROM export
        """,
        {
            "path": path,
            "split": split,
            "manifest_sha256": manifest_sha256,
            "images": images,
            "created_at": created_at,
        },
    )


def fetch_exports(cursor: Cursor) -> list[ExportRecord]:
    """All exports, oldest first."""
    rows = cursor.execute(
        "SELECT export_id, path, split, manifest_sha256, images, created_at FROM export ORDER BY export_id"
    ).fetchall()
    return [ExportRecord(*row) for row in rows]


def fetch_root_names(cursor: Cursor) -> dict[int, str]:
    """The name of each root, with which paths in an export begin."""
    rows = cursor.execute("SELECT root_id, name FROM image_root ORDER BY root_id").fetchall()
    return {row[0]: row[1] for row in rows}


def fetch_root_paths(cursor: Cursor) -> dict[str, str]:
    """The absolute folder of each root, by its name."""
    rows = cursor.execute("SELECT name, path FROM image_root ORDER BY name").fetchall()
    return {row[0]: row[1] for row in rows}


def fetch_listed_names(cursor: Cursor, image_ids: Sequence[int]) -> list[str]:
    """The paths of pictures as lists name them: the name of the root, then the path below it; sorted."""
    cursor.register("asked_picture", pa.table({"image_id": pa.array(image_ids, pa.int64())}))
    try:
        rows = cursor.execute(
            """
            SELECT image_root.name || '/' || image.path AS path
            FROM image
            SEMI JOIN asked_picture USING (image_id)
            JOIN image_root USING (root_id)
            ORDER BY path
            """
        ).fetchall()
    finally:
        cursor.unregister("asked_picture")
    return [row[0] for row in rows]
