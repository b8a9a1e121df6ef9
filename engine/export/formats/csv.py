"""Comma-separated values with a header: one row a picture, those that were left out among them."""

from pathlib import Path

from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, stream_rows
from engine.export.sizes import sampled_size
from store import export as store
from store.connection import Cursor

NAME = "csv"
SENTENCE = "pictures.csv: the rows of pictures.parquet; an empty field is NULL."


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return ["pictures.csv"]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held: what needs quotes is quoted."""


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to, told from a sample of the rows."""
    return sampled_size(cursor, plan, lambda rows, folder: store.copy_as_csv(cursor, rows, folder / files(plan)[0]))


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Write the file."""
    store.copy_as_csv(cursor, stream_rows(cursor, plan), folder / files(plan)[0])
