"""How a state is told: by a sign and a word, and only besides by a colour."""

from collections.abc import Mapping
from dataclasses import dataclass

from sood_tui.plain import plain, some


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign of one cell, the word for it, and the theme's variable that colours it."""

    sign: str
    word: str
    colour: str


MARKS = {
    "accept": Mark("✓", "accepted", "$text-success"),
    "reject": Mark("✗", "rejected", "$text-error"),
    "unsure": Mark("?", "unsure", "$text-warning"),
    "pending": Mark("·", "undecided", "$foreground 60%"),
    "superclass": Mark("◆", "superclass", "$text-accent"),
}

UNDER = {
    "all": Mark("●", "all accepted", "$text-success"),
    "some": Mark("◐", "some accepted", "$text-warning"),
    "none": Mark("○", "none accepted", "$foreground 60%"),
}
"""What is accepted of the candidates at and under a synset: all of them, some, or none."""

SAID = {
    "bad": "bad or off-topic", "several": "several objects", "clear": "put back", "undo": "undo", "redo": "redo",
}  # fmt: skip
"""Words for the kinds of events that are no state of a candidate."""

VERBS = {"accept": "Accept", "reject": "Reject", "unsure": "Mark as unsure", "clear": "Put back as undecided"}


def under_of(tally: Mapping[str, int]) -> str:
    """all, some or none: how much of what lies at and under a synset is accepted."""
    accepted = tally.get("accept", 0)
    return "none" if not accepted else "all" if accepted == sum(tally.values()) else "some"


def route_words(route: str, depth: int | None) -> str:
    """How a synset became a candidate, and how many steps below the superclass."""
    if route == "hyponym" and depth is not None:
        return f"hyponym, {some(depth, 'step')} down"
    return {"root": "the superclass itself", "match": "text match"}.get(route, plain(route))
