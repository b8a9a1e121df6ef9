"""Embeddings: of which model, in which files, and in which row of them a picture is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class EmbeddingSet:
    """The embeddings of one model."""

    set_id: int
    model_key: str
    model: str
    pretrained: str | None
    weights_sha256: str
    dimensions: int
    added_at: datetime


@dataclass(frozen=True, slots=True)
class EmbeddingPart:
    """A float16 array [rows, dimensions]; the path is relative to the workspace."""

    part_id: int
    set_id: int
    path: str
    rows: int
    sha256: str


def fetch_set(cursor: Cursor, model_key: str) -> EmbeddingSet | None:
    """The embeddings of a model; None if there are none yet."""
    rows = cursor.execute(
        """
        SELECT set_id, model_key, model, pretrained, weights_sha256, dimensions, added_at
        FROM embedding_set
        WHERE model_key = $model_key
        """,
        {"model_key": model_key},
    ).fetchall()  # read to its end: nothing can be registered with a cursor whose result is still open
    return EmbeddingSet(*rows[0]) if rows else None


def insert_set(
    cursor: Cursor,
    model_key: str,
    model: str,
    pretrained: str | None,
    weights_sha256: str,
    dimensions: int,
    added_at: datetime,
) -> None:
    """Add the embeddings of a model, without parts."""
    cursor.execute(
        """
        INSERT INTO embedding_set (set_id, model_key, model, pretrained, weights_sha256, dimensions, added_at)
        SELECT coalesce(max(set_id), 0) + 1, $model_key, $model, $pretrained, $weights_sha256, $dimensions, $added_at
        FROM embedding_set
        """,
        {
            "model_key": model_key,
            "model": model,
            "pretrained": pretrained,
            "weights_sha256": weights_sha256,
            "dimensions": dimensions,
            "added_at": added_at,
        },
    )


def fetch_parts(cursor: Cursor, set_id: int) -> list[EmbeddingPart]:
    """The parts of a model's embeddings, in the order in which they came."""
    rows = cursor.execute(
        """
        SELECT part_id, set_id, path, rows, sha256
        FROM embedding_part
        WHERE set_id = $set_id
        ORDER BY part_id
        """,
        {"set_id": set_id},
    ).fetchall()
    return [EmbeddingPart(*row) for row in rows]


def fetch_part_id(cursor: Cursor, path: str) -> int | None:
    """The id of a part; None if it is not registered."""
    row = cursor.execute("SELECT part_id FROM embedding_part WHERE path = $path", {"path": path}).fetchone()
    return None if row is None else int(row[0])


def insert_part(cursor: Cursor, set_id: int, path: str, rows: int, sha256: str) -> int:
    """Register a part.

    Returns: its id.
    """
    row = cursor.execute(
        """
        INSERT INTO embedding_part (part_id, set_id, path, rows, sha256)
        SELECT coalesce(max(part_id), 0) + 1, $set_id, $path, $rows, $sha256
        FROM embedding_part
        RETURNING part_id
        """,
        {"set_id": set_id, "path": path, "rows": rows, "sha256": sha256},
    ).fetchone()
    assert row is not None
    return int(row[0])


def append_embeddings(cursor: Cursor, set_id: int, part_id: int, part: pa.Table) -> None:
    """Note where the rows of a part's pictures are; pictures that have an embedding already keep it.

    Args:
        part: image_id and row, NULL where a picture could not be read.
    """
    cursor.register("incoming", part)
    try:
        cursor.execute(
            """
            INSERT INTO embedding (set_id, image_id, part_id, row)
            SELECT $set_id, incoming.image_id, $part_id, incoming.row
            FROM incoming
            ANTI JOIN (SELECT image_id FROM embedding WHERE set_id = $set_id) AS known
                ON known.image_id = incoming.image_id
            WHERE incoming.row IS NOT NULL
            ORDER BY incoming.row
            """,
            {"set_id": set_id, "part_id": part_id},
        )
    finally:
        cursor.unregister("incoming")


def delete_read_issues(cursor: Cursor, part: pa.Table) -> None:
    """Forget that the pictures of a part (image_id) could not be read; what is still so is written again."""
    cursor.register("incoming", part)
    try:
        cursor.execute(
            """
            DELETE FROM image_issue
            WHERE kind IN ('undecodable', 'missing_file') AND image_id IN (SELECT image_id FROM incoming)
            """
        )
    finally:
        cursor.unregister("incoming")


def append_read_issues(cursor: Cursor, part: pa.Table, found_at: datetime) -> None:
    """Record the pictures of a part that could not be read: image_id, row (NULL), status (the kind) and reason."""
    cursor.register("incoming", part)
    try:
        cursor.execute(
            """
            INSERT INTO image_issue (root_id, image_id, wnid, path, kind, detail, found_at)
            SELECT image.root_id, image.image_id, image.wnid, image.path, incoming.status, incoming.reason, $found_at
            FROM incoming
            JOIN image ON image.image_id = incoming.image_id
            WHERE incoming.row IS NULL
            ORDER BY image.wnid, image.root_id, image.path
            """,
            {"found_at": found_at},
        )
    finally:
        cursor.unregister("incoming")


def fetch_embedded(cursor: Cursor, set_id: int, wnids: Sequence[str]) -> pa.Table:
    """Where the embeddings of the synsets' pictures are: wnid, image_id, part_id, row; sorted by wnid and image_id."""
    return cursor.sql(
        """
        SELECT image.wnid AS wnid, image.image_id AS image_id, embedding.part_id AS part_id, embedding.row AS row
        FROM image
        JOIN embedding ON embedding.image_id = image.image_id AND embedding.set_id = $set_id
        WHERE list_contains($wnids, image.wnid)
        ORDER BY image.wnid, image.image_id
        """,
        params={"set_id": set_id, "wnids": list(wnids)},
    ).to_arrow_table()
