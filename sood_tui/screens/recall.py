"""The recall of every ID class, with the negative labels that take its pictures; one key takes such a word out."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from engine.evaluation.reports.mistakes import LOW_RECALL, HurtClass
from sood_tui.plain import plain
from sood_tui.widgets.lines import Lines, Tone, Words

Dropped = dict[str, HurtClass]
"""Word -> the class that it is dropped for."""


class RecallScreen(ModalScreen[Dropped | None]):
    """Answers with the words that were taken out, each with the class it hurts."""

    CSS_PATH = "view.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "answer(False)", "close", id="recall.close"),
        Binding("x", "mark", "drop its worst word", id="recall.mark"),
        Binding("enter", "answer(True)", "score again without them", id="recall.score"),
        Binding("down,j", "move(1)", "down", id="recall.down"),
        Binding("up,k", "move(-1)", "up", id="recall.up"),
        Binding("pagedown,space", "page(1)", "page down", id="recall.page_down"),
        Binding("pageup", "page(-1)", "page up", id="recall.page_up"),
    ]

    def __init__(self, title: str, classes: Sequence[HurtClass]) -> None:
        """A page.

        Args:
            title: of the run, the method and the set.
            classes: the lowest recall first.
        """
        super().__init__()
        self._title, self._found = title, tuple(classes)
        self._dropped: Dropped = {}

    def compose(self) -> Iterable[Widget]:
        """A box with a head that stays and a line for each class."""
        with Vertical(classes="dialog view") as box:
            box.border_title = Content(plain(self._title))
            head = f"{'keeps':>6} {'pictures':>9}  {'class':<{self._room()}}words that take its mass"
            yield Static(head, classes="head")
            yield Lines(id="recalls")

    def on_mount(self) -> None:
        """No taller than its lines: two for the border, one for the head."""
        self.query_one(".view").styles.height = len(self._found) + 3
        self._paint()

    def _paint(self) -> None:
        hurt = sum(bool(one.negatives) for one in self._found)
        keys = f"enter scores again without {len(self._dropped)}" if self._dropped else "esc closes"
        told = f"{hurt} of {len(self._found)} keep less than {LOW_RECALL:.0%} · x drops the first word · {keys}"
        self.query_one(".view").border_subtitle = Content(told)
        self.query_one(Lines).show([self._line(one) for one in self._found])

    def _room(self) -> int:
        """Columns for the name of a class."""
        return 24 if self.app.size.width >= 100 else 16

    def _line(self, one: HurtClass) -> Words:
        tone: Tone = "bad" if one.id_recall < LOW_RECALL / 2 else "warn" if one.id_recall < LOW_RECALL else "good"
        pieces: list[tuple[str, Tone]] = [
            (f"{one.id_recall:>6.0%}", tone),
            (f" {one.pictures:>9,}  ", "muted"),
            (set_cell_size(plain(one.label), self._room() - 1) + " ", "plain"),
        ]
        for named in one.negatives:
            is_out = named.word in self._dropped
            text = f"{plain(named.word)} {named.share:.0%}"
            pieces.append((f"− {text} dropped  " if is_out else f"{text}  ", "accent" if is_out else "muted"))
        return pieces

    # ---- keys ----

    def action_mark(self) -> None:
        """Take out the word that takes most of this class, or the next one; all of them out, and all come back."""
        one = self._found[self.query_one(Lines).cursor]
        words = [named.word for named in one.negatives]
        left = [word for word in words if word not in self._dropped]
        if left:
            self._dropped[left[0]] = one
        else:
            for word in words:
                self._dropped.pop(word, None)
        self._paint()

    def action_answer(self, yes: bool) -> None:
        """Close, with the words or without."""
        self.dismiss(self._dropped if yes and self._dropped else None)

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.query_one(Lines).move(step)

    def action_page(self, pages: int) -> None:
        """Move by pages."""
        self.query_one(Lines).move_page(pages)
