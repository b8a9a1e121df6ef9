"""What classifiers predicted for pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from store.connection import Cursor
from store.errors import StoreError


class UnknownPredictions(StoreError):
    """No predictions have this name."""

    def __init__(self, predictions: str, known: list[str]) -> None:
        names = f"There are: {', '.join(known)}." if known else "There are none yet: `sood-tui evaluation predict`."
        super().__init__(f"No predictions are named {predictions}.", names)


@dataclass(frozen=True, slots=True)
class PredictionRun:
    """The predictions of one classifier; classes are wnids in the order of the class indices."""

    predictions: str
    kind: str
    origin: str
    sha256: str
    settings: str
    classes: tuple[str, ...]
    depth: int
    rows: int
    matched: int
    made_at: datetime


def insert_prediction_run(cursor: Cursor, run: PredictionRun) -> None:
    """Record predictions."""
    cursor.execute(
        """
        INSERT INTO prediction_run (
            predictions, kind, origin, sha256, settings, classes, depth, rows, matched, made_at
        )
        VALUES (
            $predictions, $kind, $origin, $sha256, $settings, $classes, $depth, $rows, $matched, $made_at
        )
        """,
        {
            "predictions": run.predictions,
            "kind": run.kind,
            "origin": run.origin,
            "sha256": run.sha256,
            "settings": run.settings,
            "classes": list(run.classes),
            "depth": run.depth,
            "rows": run.rows,
            "matched": run.matched,
            "made_at": run.made_at,
        },
    )


def insert_predictions(cursor: Cursor, predictions: str, rows: pa.Table) -> None:
    """Take in a table of image_id and ranked (lists of class indices)."""
    cursor.register("incoming", rows)
    try:
        cursor.execute(
            """
            INSERT INTO prediction (predictions, image_id, ranked)
            SELECT $predictions, image_id, ranked FROM incoming ORDER BY image_id
            """,
            {"predictions": predictions},
        )
    finally:
        cursor.unregister("incoming")


def insert_prediction_parts(cursor: Cursor, predictions: str, parts: Sequence[str]) -> None:
    """Take in Parquet files of image_id and ranked."""
    cursor.execute(
        """
        INSERT INTO prediction (predictions, image_id, ranked)
        SELECT $predictions, image_id, ranked FROM read_parquet($parts) ORDER BY image_id
        """,
        {"predictions": predictions, "parts": list(parts)},
    )


def delete_predictions(cursor: Cursor, predictions: str) -> None:
    """Forget the predictions of a classifier."""
    for table in ("prediction", "prediction_run"):
        cursor.execute(f"DELETE FROM {table} WHERE predictions = $predictions", {"predictions": predictions})


def fetch_prediction_runs(cursor: Cursor) -> list[PredictionRun]:
    """The predictions of every classifier, first to last."""
    rows = cursor.execute(
        """
        SELECT predictions, kind, origin, sha256, settings, classes, depth, rows, matched, made_at
        FROM prediction_run
        ORDER BY made_at, predictions
        """
    ).fetchall()
    return [
        PredictionRun(row[0], row[1], row[2], row[3], row[4], tuple(row[5]), row[6], row[7], row[8], row[9])
        for row in rows
    ]


def fetch_prediction_run(cursor: Cursor, predictions: str) -> PredictionRun:
    """The predictions of that name.

    Raises: UnknownPredictions.
    """
    known = {run.predictions: run for run in fetch_prediction_runs(cursor)}
    if predictions not in known:
        raise UnknownPredictions(predictions, list(known))
    return known[predictions]


def fetch_predictions(cursor: Cursor, predictions: str, image_ids: pa.Array) -> pa.Table:
    """The rankings of those of the pictures that have one: image_id, wnid (of the folder), ranked; by picture."""
    cursor.register("wanted", pa.table({"image_id": image_ids}))
    try:
        return cursor.sql(
            """
            SELECT image.image_id, image.wnid, prediction.ranked
            FROM prediction
            JOIN image USING (image_id)
            SEMI JOIN wanted USING (image_id)
            WHERE prediction.predictions = $predictions
            ORDER BY image.image_id
            """,
            params={"predictions": predictions},
        ).to_arrow_table()
    finally:
        cursor.unregister("wanted")


def fetch_pictures(cursor: Cursor, root_id: int | None) -> pa.Table:
    """The pictures of a root, or of all, as a work list: image_id and absolute path (as text), sorted by synset."""
    return cursor.sql(
        """
        SELECT image.image_id, rtrim(image_root.path, '/') || '/' || image.path AS path
        FROM image
        JOIN image_root USING (root_id)
        WHERE $root_id IS NULL OR image.root_id = $root_id
        ORDER BY image.wnid, image.root_id, image.path
        """,
        params={"root_id": root_id},
    ).to_arrow_table()
