"""A frame with a title above and a caption below that change without painting anew what stands inside.

A border of the style sheet belongs to the container: a new title paints the container, and all it holds, again. Here
the edges are lines of their own.
"""

from collections.abc import Iterable
from typing import ClassVar, Literal

from rich.segment import Segment
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from sood_tui.plain import plain
from sood_tui.widgets.painting import LinePainter

EDGE = 1


class _Edge(LinePainter):
    """The upper or the lower line, with its words."""

    PART_PREFIX = "frame"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"frame--title", "frame--caption"}
    DEFAULT_CSS = """
    _Edge {
        height: 1; color: $foreground 25%;
        & .frame--title { color: $text-accent; text-style: bold; }
        & .frame--caption { color: $foreground 60%; }
        &.-upper { dock: top; }
        &.-lower { dock: bottom; }
    }
    """

    words: reactive[str] = reactive("")

    def __init__(self, side: Literal["upper", "lower"], words: str) -> None:
        super().__init__(classes=f"-{side}")
        self._upper = side == "upper"
        self.set_reactive(_Edge.words, words)

    def render_line(self, y: int) -> Strip:
        """The line: a title near its beginning, a caption near its end."""
        width, base = self.size.width, self.part_style()
        left, right = "╭╮" if self._upper else "╰╯"
        room = max(width - 6, 0)
        content = Content(plain(self.words)).truncate(room, ellipsis=True)
        used = content.cell_length
        rest = "─" * max(width - 4 - used - (2 if used else 0), 0)
        space = " " if used else ""
        words = Segment(f"{space}{content.plain}{space}", self.part_style("title" if self._upper else "caption"))
        if self._upper:
            segments = [Segment(f"{left}─", base), words, Segment(f"{rest}─{right}", base)]
        else:
            segments = [Segment(f"{left}─{rest}", base), words, Segment(f"─{right}", base)]
        return Strip(segments).adjust_cell_length(width, base)


class _Side(LinePainter):
    """The line on the left or on the right."""

    DEFAULT_CSS = """
    _Side {
        width: 1; height: 1fr; color: $foreground 25%;
        &.-left { dock: left; }
        &.-right { dock: right; }
    }
    """

    def __init__(self, side: Literal["left", "right"]) -> None:
        super().__init__(classes=f"-{side}")
        self._corners = "╭╰" if side == "left" else "╮╯"

    def render_line(self, y: int) -> Strip:
        """A piece of it; it goes over the ends of the upper and the lower line, and so has their corners."""
        sign = self._corners[0] if y == 0 else self._corners[1] if y == self.size.height - 1 else "│"
        return Strip([Segment(sign, self.part_style())], EDGE)


class Frame(Vertical):
    """Holds what is composed inside it."""

    DEFAULT_CSS = """
    Frame { width: 1fr; height: 1fr; }
    """

    def __init__(self, *, id: str | None = None, title: str = "", caption: str = "") -> None:  # noqa: A002 (as Textual)
        super().__init__(id=id)
        self._edges = (_Edge("upper", title), _Edge("lower", caption))

    def compose(self) -> Iterable[Widget]:
        """The four lines."""
        yield from self._edges
        yield _Side("left")
        yield _Side("right")

    @property
    def title(self) -> str:
        """The words in the upper line."""
        return self._edges[0].words

    @title.setter
    def title(self, words: str) -> None:
        self._edges[0].words = words

    @property
    def caption(self) -> str:
        """The words in the lower line."""
        return self._edges[1].words

    @caption.setter
    def caption(self, words: str) -> None:
        self._edges[1].words = words
