"""Scores of two sets over one another: ID above the axis, OOD below it, the threshold between them as a line."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

EIGHTHS = " ▁▂▃▄▅▆▇█"
HANGING = " ▔▔▀▀▀███"
LINE = "│"

Floats = NDArray[np.float64]

EDGE = 9  # columns for a number at either end of the axis


class OverlaidHistogram(Widget):
    """Two histograms that share their axis: shares of ID pictures grow up, those of OOD pictures hang down."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "overlaid-histogram--id", "overlaid-histogram--ood", "overlaid-histogram--line", "overlaid-histogram--axis",
    }  # fmt: skip
    DEFAULT_CSS = """
    OverlaidHistogram {
        width: 1fr; height: 1fr;
        & .overlaid-histogram--id { color: $success; }
        & .overlaid-histogram--ood { color: $error; }
        & .overlaid-histogram--line { color: $text-accent; }
        & .overlaid-histogram--axis { color: $foreground 60%; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._inside: Floats = np.empty(0)
        self._outside: Floats = np.empty(0)
        self._threshold = 0.0
        self._names = ("ID", "OOD")

    def show_scores(self, of_id: Floats, of_ood: Floats, threshold: float, names: tuple[str, str]) -> None:
        """Show other scores.

        Args:
            of_id: id_scores of the ID pictures.
            of_ood: those of the OOD pictures.
            threshold: what scores at or above it is called ID.
            names: what the two sets are called.
        """
        self._inside, self._outside, self._threshold, self._names = of_id, of_ood, threshold, names
        self.refresh()

    def clear(self) -> None:
        """Show nothing."""
        self.show_scores(np.empty(0), np.empty(0), 0.0, ("ID", "OOD"))

    def render_line(self, y: int) -> Strip:
        """One line: the upper half of the widget is ID, the lower OOD, the last line the axis."""
        width, height = self.size
        base = self.rich_style
        style = {
            name: base + self.get_component_rich_style(f"overlaid-histogram--{name}", partial=True)
            for name in ("id", "ood", "line", "axis")
        }
        if not len(self._inside) or height < 3 or width < 10:
            return Strip.blank(width, base)
        low, high = self._limits()
        if y == height - 1:
            room = width - 2 * EDGE
            words = f"{low:.2g}".ljust(EDGE) + self._told(room).center(room) + f"{high:.2g}".rjust(EDGE)
            return Strip([Segment(words[:width], style["axis"])])
        upper = (height - 1) // 2
        shares = self._shares(width)
        column = int((self._threshold - low) / (high - low) * (width - 1)) if high > low else 0
        above = y < upper
        rows = upper if above else height - 1 - upper
        top = max(float(shares[0].max()), float(shares[1].max())) or 1.0
        # Roots of the shares: most scores lie at 0 or 1, and a tail of a few percent must be seen beside them.
        levels = np.ceil(np.sqrt(shares[0 if above else 1] / top) * rows * 8)
        from_axis = upper - 1 - y if above else y - upper
        cells = np.clip(levels - 8 * from_axis, 0, 8).astype(int)
        text = "".join((EIGHTHS if above else HANGING)[cell] for cell in cells)
        name = f" {self._names[0 if above else 1]} n={len(self._inside if above else self._outside):,}"
        if from_axis == rows - 1:
            text = name[:width] + text[len(name) :]
        return Strip(
            [
                Segment(text[:column], style["id" if above else "ood"]),
                Segment(LINE, style["line"]),
                Segment(text[column + 1 :], style["id" if above else "ood"]),
            ]
        ).adjust_cell_length(width, base)

    def _told(self, room: int) -> str:
        """What the axis is, as much of it as finds room."""
        told = f"threshold {self._threshold:.4g}"
        ways = (f"id_score · {told} · heights: √share", f"id_score · {told}", told, "id_score")
        return next((words for words in ways if len(words) <= room), "")

    def _limits(self) -> tuple[float, float]:
        both = np.concatenate([self._inside, self._outside])
        return float(both.min()), float(both.max())

    def _shares(self, width: int) -> tuple[Floats, Floats]:
        low, high = self._limits()
        edges = np.linspace(low, high if high > low else low + 1, width + 1)
        first, second = (
            np.histogram(values, edges)[0] / max(len(values), 1) for values in (self._inside, self._outside)
        )
        return first, second
