"""A list of lines with a cursor: what Home, Jobs, Splits, Settings and Start show."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sood_tui.widgets.painting import LinePainter

Tone = Literal["plain", "bold", "muted", "accent", "good", "bad", "warn"]
Words = Sequence[tuple[str, Tone]]
"""One line: pieces of plain text, each with its tone."""


class Lines(ScrollView, LinePainter, can_focus=False):
    """Paints only the lines that are seen; the screen moves the cursor."""

    PART_PREFIX = "lines"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--cursor", "lines--bold", "lines--muted", "lines--accent", "lines--good", "lines--bad", "lines--warn",
    }  # fmt: skip
    DEFAULT_CSS = """
    Lines {
        width: 1fr; height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1;
        & .lines--cursor { background: $primary-muted; }
        & .lines--bold { text-style: bold; }
        & .lines--muted { color: $foreground 60%; }
        & .lines--accent { color: $text-accent; }
        & .lines--good { color: $text-success; }
        & .lines--bad { color: $text-error; }
        & .lines--warn { color: $text-warning; }
    }
    """

    class CursorMoved(Message):
        """The cursor stands on another line.

        Attributes:
            lines: the list.
            index: the line.
        """

        def __init__(self, lines: "Lines", index: int) -> None:
            self.lines, self.index = lines, index
            super().__init__()

        @property
        def control(self) -> "Lines":
            """The list."""
            return self.lines

    class Chosen(CursorMoved):
        """A line was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (the name that Textual's own widgets have)
        super().__init__(id=id)
        self.cursor = 0
        self._lines: Sequence[Words] = ()

    def __len__(self) -> int:
        return len(self._lines)

    def __bool__(self) -> bool:
        # An empty list is still a widget.
        return True

    def show(self, lines: Sequence[Words], cursor: int | None = None) -> None:
        """Show these lines; the cursor keeps its place unless one is given."""
        self._lines = lines
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, len(lines) - 1))
        self.virtual_size = Size(self.size.width, len(lines))
        self.refresh()
        if cursor is not None:
            self.call_after_refresh(self._into_view)

    def move(self, step: int) -> None:
        """Move the cursor by so many lines."""
        self.go(self.cursor + step)

    def move_page(self, pages: int) -> None:
        """Move the cursor by pages."""
        self.move(pages * max(self.size.height - 1, 1))

    def go(self, index: int) -> None:
        """Put the cursor on a line, or on the nearest end."""
        index = max(0, min(index, len(self._lines) - 1))
        if index != self.cursor:
            self.cursor = index
            self._into_view()
            self.refresh()
            self.post_message(self.CursorMoved(self, index))

    def render_line(self, y: int) -> Strip:
        """One line."""
        index, base = y + self.scroll_offset.y, self.part_style()
        width = self.size.width
        if index >= len(self._lines):
            return Strip.blank(width, base)
        if index == self.cursor:
            base += self.part_style("cursor", alone=True)
        segments = [Segment(text, self._toned(tone, base)) for text, tone in self._lines[index]]
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line under the mouse; a double click chooses it."""
        index = event.y + self.scroll_offset.y
        if index < len(self._lines):
            self.go(index)
            if event.chain == 2:
                self.post_message(self.Chosen(self, index))

    def _toned(self, tone: Tone, base: Style) -> Style:
        return base if tone == "plain" else base + self.part_style(tone, alone=True)

    def _into_view(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
