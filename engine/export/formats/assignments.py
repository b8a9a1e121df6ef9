"""The small form: which picture of the catalogue stands in which split, a few bytes a picture and no path."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan
from store import export as store
from store.connection import Cursor

NAME = "assignments"
SENTENCE = "assignments.parquet: image_id, wnid and split of every listed picture, to be joined with the catalogue."

SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.int64(), nullable=False),
        pa.field("wnid", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("split", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    ]
)
BYTES_A_PICTURE = 0.1
"""Measured on 1.6 million pictures; only for the estimate before writing."""


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return ["assignments.parquet"]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held."""


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to, told from the number of pictures."""
    pictures = 0 if plan.counts is None else sum(plan.counts.listed.values())
    return Size(1, round(BYTES_A_PICTURE * pictures), False, False)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Write the file, in the order of the lists' pictures: superclass, wnid, root, path."""
    with pq.ParquetWriter(
        folder / files(plan)[0],
        SCHEMA,
        compression="zstd",
        use_dictionary=["wnid", "split"],
        write_statistics=["image_id"],
        write_batch_size=65_536,
        column_encoding={"image_id": "DELTA_BINARY_PACKED"},  # neighbours in a folder have neighbouring ids
    ) as writer:
        for batch in _batches(cursor, plan):
            writer.write_batch(batch)


def _batches(cursor: Cursor, plan: Plan) -> Iterator[pa.RecordBatch]:
    wnids = pa.array([sub.wnid for sub in plan.subclasses], pa.string())
    names = pa.array(plan.splits, pa.string())
    split_of = pc.index_in(pa.array([sub.split for sub in plan.subclasses], pa.string()), value_set=names)
    for batch in store.stream_listed_ids(cursor):
        place = batch["place"]
        columns = [
            batch["image_id"],
            pa.DictionaryArray.from_arrays(place, wnids),
            pa.DictionaryArray.from_arrays(split_of.take(place), names),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
