"""The archival form: one row a picture, those that were left out among them, with the reason."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import ROW_SCHEMA, Plan, stream_rows
from engine.export.sizes import sampled_size
from store.connection import Cursor

NAME = "parquet"
SENTENCE = "pictures.parquet: one row a picture of every accepted subclass."


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return ["pictures.parquet"]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held."""


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to, told from a sample of the rows."""
    return sampled_size(cursor, plan, lambda rows, folder: _write(rows, folder / files(plan)[0]))


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Write the file; the same rows give the same bytes with the same version of Arrow."""
    _write(stream_rows(cursor, plan), folder / files(plan)[0])


def _write(rows: pa.RecordBatchReader, file: Path) -> None:
    with pq.ParquetWriter(file, ROW_SCHEMA, compression="zstd", compression_level=1) as writer:
        for batch in rows:
            writer.write_batch(batch)
