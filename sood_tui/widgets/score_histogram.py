"""How the scores of one superclass are spread, with its thresholds as lines that can be moved."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from sood_tui.widgets.painting import LinePainter

EIGHTHS = " ▁▂▃▄▅▆▇█"
TICK, LINE = "▴", "│"
LEVELS = 8

Floats = NDArray[np.float64]


class ScoreHistogram(LinePainter):
    """Columns of counts over scores in [0, 1]; below them a mark for each subclass's mean and a name for each band."""

    PART_PREFIX = "score-histogram"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "score-histogram--hard", "score-histogram--easy", "score-histogram--train", "score-histogram--line",
        "score-histogram--chosen", "score-histogram--axis",
    }  # fmt: skip
    DEFAULT_CSS = """
    ScoreHistogram {
        width: 1fr; height: 1fr;
        & .score-histogram--hard { color: $error; }
        & .score-histogram--easy { color: $warning; }
        & .score-histogram--train { color: $success; }
        & .score-histogram--line { color: $foreground; }
        & .score-histogram--chosen { color: $text-accent; text-style: bold; }
        & .score-histogram--axis { color: $foreground 60%; }
    }
    """

    class Pointed(Message):
        """A person pressed or dragged the mouse over the scores.

        Attributes:
            score: under the mouse, in [0, 1].
            begins: whether the mouse was pressed just now.
        """

        def __init__(self, score: float, begins: bool = False) -> None:
            self.score, self.begins = score, begins
            super().__init__()

        def can_replace(self, message: Message) -> bool:
            """Only where the mouse is now counts, and where it was pressed."""
            return isinstance(message, ScoreHistogram.Pointed) and not self.begins

    def __init__(self) -> None:
        super().__init__()
        self._scores: Floats = np.empty(0)
        self._means: Floats = np.empty(0)
        self._thresholds: tuple[float, ...] = ()
        self._labels: tuple[str, ...] = ()
        self._bands: tuple[str, ...] = ()
        self._chosen = 0
        self._pressed = False
        self._heights: tuple[int, NDArray[np.int64]] = (0, np.empty(0, np.int64))

    def show_scores(self, scores: Floats, means: Floats) -> None:
        """Show other scores.

        Args:
            scores: of the pictures, float64 [n_pictures] in [0, 1].
            means: of the subclasses, float64 [n_subclasses] in [0, 1].
        """
        self._scores, self._means, self._heights = scores, means, (0, np.empty(0, np.int64))
        self.refresh()

    def show_thresholds(
        self, thresholds: Sequence[float], labels: Sequence[str], bands: Sequence[str], chosen: int
    ) -> None:
        """Move the lines.

        Args:
            thresholds: ascending, in [0, 1].
            labels: said at the foot of each line.
            bands: names of the bands, hardest first; one more than thresholds.
            chosen: the line that digits and the mouse move.
        """
        self._thresholds, self._labels = tuple(thresholds), tuple(labels)
        self._bands, self._chosen = tuple(bands), chosen
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of columns, or the marks and names below them."""
        width, height = self.size
        base = self.part_style()
        columns = height - 3
        if width < 8 or columns < 1:
            return Strip.blank(width, base)
        if y < columns:
            return self._column_line(columns - 1 - y, columns, base)
        return (self._mean_line, self._label_line, self._band_line)[y - columns](base)

    # ---- lines ----

    def _column_line(self, level: int, columns: int, base: Style) -> Strip:
        lines = self._line_columns()
        cells = []
        for x, height in enumerate(self._counted(columns * LEVELS)):
            part = EIGHTHS[max(0, min(LEVELS, int(height) - level * LEVELS))]
            if x in lines:
                cells.append((LINE, self._line_style(lines[x], base)))
            else:
                cells.append((part, self._band_style(x, base)))
        return _joined(cells, self.size.width, base)

    def _mean_line(self, base: Style) -> Strip:
        width = self.size.width
        lines, marked = self._line_columns(), {self._column(float(mean)) for mean in self._means}
        cells = [
            (LINE, self._line_style(lines[x], base))
            if x in lines and x not in marked
            else (TICK, self._band_style(x, base))
            if x in marked
            else ("─", self._style("axis", base))
            for x in range(width)
        ]
        return _joined(cells, width, base)

    def _label_line(self, base: Style) -> Strip:
        width = self.size.width
        line = [(" ", base)] * width
        free = 0
        places = sorted((index, x) for x, index in self._line_columns().items())
        for rank, (index, x) in enumerate(places):
            text = self._labels[index] if index < len(self._labels) else ""
            rest = sum(len(self._labels[later]) + 2 for later, _ in places[rank + 1 :])
            # Lines may stand side by side: their labels then make room for each other.
            following = places[rank + 1][1] if rank + 1 < len(places) else width
            wanted = x - len(text) // 2 if following - x > len(text) + 2 else x - len(text) + 1
            start = max(free, min(wanted, width - len(text) - rest))
            for place, character in enumerate(text[: max(width - start, 0)]):
                line[start + place] = (character, self._line_style(index, base))
            free = start + len(text) + 2
        return _joined(line, width, base)

    def _band_line(self, base: Style) -> Strip:
        width = self.size.width
        line = [(" ", base)] * width
        edges = [0, *(self._column(threshold) for threshold in self._thresholds), width]
        for index, name in enumerate(self._bands):
            left, right = edges[index], edges[index + 1]
            text = next((way.upper() for way in (name, name[:1]) if len(way) <= right - left), "")
            start = left + (right - left - len(text)) // 2
            for place, character in enumerate(text):
                line[start + place] = (character, self._style(_tone(index, len(self._bands)), base))
        return _joined(line, width, base)

    # ---- mouse ----

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag the line that is nearest."""
        self._pressed = True
        self.capture_mouse()
        self._point(event.x, begins=True)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag it."""
        if self._pressed:
            self._point(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        self._pressed = False
        self.release_mouse()

    def _point(self, x: int, begins: bool = False) -> None:
        score = max(0.0, min((x + 0.5) / max(self.size.width, 1), 1.0))
        self.post_message(self.Pointed(score, begins))

    # ---- numbers ----

    def _counted(self, tallest: int) -> NDArray[np.int64]:
        width = self.size.width
        if self._heights[0] != width * 10_000 + tallest:
            counts, _ = np.histogram(self._scores, bins=width, range=(0.0, 1.0))
            scaled = counts * (tallest / max(int(counts.max(initial=0)), 1))
            # A column with a single picture is still seen.
            heights = np.where(counts > 0, np.maximum(np.rint(scaled), 1), 0).astype(np.int64)
            self._heights = (width * 10_000 + tallest, heights)
        return self._heights[1]

    def _column(self, score: float) -> int:
        return max(0, min(int(score * self.size.width), self.size.width - 1))

    def _line_columns(self) -> dict[int, int]:
        order = sorted(range(len(self._thresholds)), key=lambda index: index == self._chosen)
        return {self._column(self._thresholds[index]): index for index in order}

    def _band_style(self, x: int, base: Style) -> Style:
        score = (x + 0.5) / max(self.size.width, 1)
        band = sum(score >= threshold for threshold in self._thresholds)
        return self._style(_tone(band, len(self._thresholds) + 1), base)

    def _line_style(self, index: int, base: Style) -> Style:
        return self._style("chosen" if index == self._chosen else "line", base)

    def _style(self, name: str, base: Style) -> Style:
        return self.part_style(name)


def _tone(band: int, bands: int) -> str:
    return "train" if band == bands - 1 else "hard" if band == 0 else "easy"


def _joined(cells: Sequence[tuple[str, Style]], width: int, base: Style) -> Strip:
    """Neighbours of one style become one segment."""
    segments: list[Segment] = []
    for text, style in cells:
        if segments and segments[-1].style is style:
            segments[-1] = Segment(segments[-1].text + text, style)
        else:
            segments.append(Segment(text, style))
    return Strip(segments).adjust_cell_length(width, base)
