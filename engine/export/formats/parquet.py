"""The archival form: one row a picture, those that were left out among them, with the reason."""

from pathlib import Path

import pyarrow.parquet as pq

from engine.export.plan import ROW_SCHEMA, Plan, stream_rows
from store.connection import Cursor

NAME = "parquet"
SENTENCE = "pictures.parquet: one row a picture of every accepted subclass."


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return ["pictures.parquet"]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held."""


def write(cursor: Cursor, plan: Plan, folder: Path) -> None:
    """Write the file; the same rows give the same bytes with the same version of Arrow."""
    with pq.ParquetWriter(folder / files(plan)[0], ROW_SCHEMA, compression="zstd", compression_level=1) as writer:
        for batch in stream_rows(cursor, plan):
            writer.write_batch(batch)
