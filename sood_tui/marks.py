"""How a state is told: by a sign and a word, and only besides by a colour."""

from dataclasses import dataclass


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

SAID = {
    "bad": "bad or off-topic", "several": "several objects", "clear": "put back", "undo": "undo", "redo": "redo",
}  # fmt: skip
"""Words for the kinds of events that are no state of a candidate."""

VERBS = {"accept": "Accept", "reject": "Reject", "unsure": "Mark as unsure", "clear": "Put back as undecided"}
