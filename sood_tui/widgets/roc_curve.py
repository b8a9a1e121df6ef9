"""A curve in a square of braille dots: ROC, or a setting's effect."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
BRAILLE = 0x2800


class RocCurve(Widget):
    """Points in [0, 1] x [0, 1] joined by dots, with a title and what the axes are."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"roc-curve--curve", "roc-curve--axis"}
    DEFAULT_CSS = """
    RocCurve {
        width: 1fr; height: 1fr;
        & .roc-curve--curve { color: $text-accent; }
        & .roc-curve--axis { color: $foreground 60%; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._x: NDArray[np.float64] = np.empty(0)
        self._y: NDArray[np.float64] = np.empty(0)
        self._words = ("", "")

    def show_curve(self, x: Sequence[float], y: Sequence[float], under: str, beside: str) -> None:
        """Show another curve.

        Args:
            x: ascending, scaled to [0, 1] by the caller.
            y: the same length, in [0, 1].
            under: what the horizontal axis is.
            beside: what the vertical one is, and the number to remember.
        """
        self._x, self._y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        self._words = (under, beside)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line: a title, dots, and the axis at the end."""
        width, height = self.size
        base = self.rich_style
        axis = base + self.get_component_rich_style("roc-curve--axis", partial=True)
        if not len(self._x) or height < 4:
            return Strip.blank(width, base)
        if y == 0:
            return Strip([Segment(self._words[1], axis)]).adjust_cell_length(width, base)
        if y == height - 1:
            return Strip([Segment("└" + self._words[0].center(width - 1, "─")[: width - 1], axis)])
        curve = base + self.get_component_rich_style("roc-curve--curve", partial=True)
        cells = self._cells(width - 1, height - 2)[y - 1]
        text = "".join(chr(BRAILLE + int(cell)) if cell else " " for cell in cells)
        return Strip([Segment("│", axis), Segment(text, curve)]).adjust_cell_length(width, base)

    def _cells(self, wide: int, high: int) -> NDArray[np.int64]:
        across = np.arange(wide * 2)
        values = np.interp(across / max(wide * 2 - 1, 1), self._x, self._y)
        rows = np.clip(np.round((1 - values) * (high * 4 - 1)), 0, high * 4 - 1).astype(int)
        cells = np.zeros((high, wide), dtype=np.int64)
        before = rows[0]
        for column, row in zip(across, rows, strict=True):
            for place in range(min(before, row), max(before, row) + 1):
                cells[place // 4, column // 2] |= DOTS[place % 4][column % 2]
            before = row
        return cells
