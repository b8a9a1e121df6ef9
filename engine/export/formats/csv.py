"""Comma-separated values with a header: one row a picture, those that were left out among them."""

from pathlib import Path

from engine.export.plan import Plan, stream_rows
from store import export as store
from store.connection import Cursor

NAME = "csv"
SENTENCE = "pictures.csv: the rows of pictures.parquet; an empty field is NULL."


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return ["pictures.csv"]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held: what needs quotes is quoted."""


def write(cursor: Cursor, plan: Plan, folder: Path) -> None:
    """Write the file."""
    store.copy_as_csv(cursor, stream_rows(cursor, plan), folder / files(plan)[0])
