"""JSON lines, for grep and jq: one row a picture, those that were left out among them."""

from pathlib import Path

from engine.export.plan import Plan, stream_rows
from store import export as store
from store.connection import Cursor

NAME = "jsonl"
SENTENCE = "pictures.jsonl: the rows of pictures.parquet."


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return ["pictures.jsonl"]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held."""


def write(cursor: Cursor, plan: Plan, folder: Path) -> None:
    """Write the file."""
    store.copy_as_json(cursor, stream_rows(cursor, plan), folder / files(plan)[0])
