"""The queue as a film: what was decided on the left, what comes on the right, the present one in the middle."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from sood_tui.marks import MARKS
from sood_tui.plain import plain
from sood_tui.widgets.painting import LinePainter
from store.review.queue import QueueItem

BETWEEN = " │ "


class FilmStrip(LinePainter):
    """One line of candidates; a click goes to one."""

    PART_PREFIX = "film-strip"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "film-strip--now", "film-strip--range", "film-strip--accept", "film-strip--reject", "film-strip--unsure",
        "film-strip--pending", "film-strip--between",
    }  # fmt: skip
    DEFAULT_CSS = """
    FilmStrip {
        height: 1; width: 1fr; background: $surface;
        & .film-strip--now { background: $primary; color: $text; text-style: bold; }
        & .film-strip--range { background: $primary-muted; }
        & .film-strip--accept { color: $text-success; }
        & .film-strip--reject { color: $text-error; }
        & .film-strip--unsure { color: $text-warning; }
        & .film-strip--pending { color: $foreground; }
        & .film-strip--between { color: $foreground 30%; }
    }
    """

    class Chosen(Message):
        """A person clicked a candidate.

        Attributes:
            index: its place in the queue.
        """

        def __init__(self, index: int) -> None:
            self.index = index
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._items: Sequence[QueueItem] = ()
        self._at = 0
        self._range = range(0)
        self._spans: list[tuple[int, int, int]] = []

    def show(self, items: Sequence[QueueItem], at: int, marked: range) -> None:
        """Show the queue around a place; marked places are the range that a decision would touch."""
        self._items, self._at, self._range = items, at, marked
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line, the present candidate near its middle."""
        width, base = self.size.width, self.part_style()
        if not self._items:
            return Strip.blank(width, base)
        first = self._first(width)
        between = self.part_style("between")
        lead = "‹ " if first else "  "
        segments, self._spans, x = [Segment(lead, between)], [], len(lead)
        for index in range(first, len(self._items)):
            text = self._text(index)
            if x >= width - 2:
                break
            segments.append(Segment(text, self._style_of(index)))
            self._spans.append((x, x + cell_len(text), index))
            x += cell_len(text)
            if index + 1 < len(self._items):
                segments.append(Segment(BETWEEN, between))
                x += len(BETWEEN)
        line = Strip(segments)
        if line.cell_length <= width:
            return line.adjust_cell_length(width, base)
        return Strip.join([line.crop(0, width - 2), Strip([Segment(" ›", between)], 2)])

    def on_click(self, event: events.Click) -> None:
        """Go to the candidate under the mouse."""
        for start, end, index in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(index))
                return

    def _first(self, width: int) -> int:
        # So much of what lies before is shown that the present one stands a little left of the middle.
        left = width * 2 // 5 - cell_len(self._text(self._at)) // 2
        first = self._at
        while first > 0 and left >= cell_len(self._text(first - 1)) + len(BETWEEN):
            first -= 1
            left -= cell_len(self._text(first)) + len(BETWEEN)
        return first

    def _text(self, index: int) -> str:
        item = self._items[index]
        word = plain(item.lemma).replace("_", " ")
        mark = MARKS[item.state].sign
        told = f" {mark} {word.upper()} " if index == self._at else f"{mark} {word}"
        return f"[{told}]" if index in self._range else told

    def _style_of(self, index: int) -> Style:
        if index == self._at:
            return self.part_style("now")
        style = self.part_style(self._items[index].state)
        return style + self.part_style("range", alone=True) if index in self._range else style
