"""A data card in Markdown, told from the record of the export."""

from pathlib import Path

from engine.export.card import card_body
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan
from store.connection import Cursor

NAME = "card"
SENTENCE = "DATACARD.md: counts, thresholds, model, prompts, rules, reviewers, limits, and ImageNet's terms."


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return ["DATACARD.md"]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held."""


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to, to the byte."""
    return Size(1, len(card_body(cursor, plan).encode()), True, False)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Write the card."""
    (folder / files(plan)[0]).write_text(card_body(cursor, plan), encoding="utf-8", newline="\n")
