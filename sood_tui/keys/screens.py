"""The screens, and which keys each of them has: footer, help, palette, manual and tests read this."""

from textual.binding import Binding

from sood_tui.keys.browse import BROWSE
from sood_tui.keys.duplicates import DUPLICATES
from sood_tui.keys.evaluate import EVALUATE
from sood_tui.keys.frame import FRAME
from sood_tui.keys.home import HOME
from sood_tui.keys.jobs import JOBS
from sood_tui.keys.labels import LABELS
from sood_tui.keys.picture import PICTURE
from sood_tui.keys.review import REVIEW
from sood_tui.keys.settings import SETTINGS
from sood_tui.keys.splits import SPLITS
from sood_tui.keys.start import START
from sood_tui.keys.why import WHY

SCREEN_KEYS = {
    "home": "f2", "browse": "f3", "review": "f4", "jobs": "f5", "splits": "f6", "evaluate": "f7", "settings": "f8",
}  # fmt: skip
SCREEN_TITLES = {
    "home": "Home", "browse": "Browse", "review": "Review", "jobs": "Jobs", "splits": "Splits", "evaluate": "Evaluate",
    "settings": "Settings",
    "start": "Start", "picture": "One picture", "labels": "Labels", "duplicates": "Duplicates",
}  # fmt: skip

BY_SCREEN: dict[str, tuple[Binding, ...]] = {
    "start": START, "home": HOME, "browse": BROWSE, "review": REVIEW, "jobs": JOBS, "splits": SPLITS,
    "evaluate": EVALUATE, "labels": LABELS, "settings": SETTINGS, "picture": PICTURE, "why": WHY,
    "duplicates": DUPLICATES,
}  # fmt: skip

MODAL = frozenset({"picture", "why"})
"""Dialogs with keys of their own: what lies below them is not heard."""

FIXED = frozenset({"splits.digits"})
"""Actions whose keys are what they mean: nobody gives them others."""


def every_binding() -> tuple[Binding, ...]:
    """The bindings of every screen, those of all screens first."""
    return tuple(binding for bindings in (FRAME, *BY_SCREEN.values()) for binding in bindings)
