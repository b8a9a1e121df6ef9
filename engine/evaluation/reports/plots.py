"""Plots of an evaluation as SVG and PNG: drawn once as lines, boxes and words, and then written in either form."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.evaluation.numbers.metrics import roc_points

WIDTH, HEIGHT = 720, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 60
INK = "#222222"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
"""Okabe and Ito's colours, told apart by nearly everybody."""
SCALE = 2
_ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}


@dataclass
class Drawing:
    """Lines, boxes and words on a white sheet."""

    width: int = WIDTH
    height: int = HEIGHT
    lines: list[tuple[list[tuple[float, float]], str, float]] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float, str]] = field(default_factory=list)
    words: list[tuple[float, float, str, str]] = field(default_factory=list)

    def svg(self) -> bytes:
        """The drawing as SVG, UTF-8."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="sans-serif" font-size="13">'
        )
        parts = [head, '<rect width="100%" height="100%" fill="white"/>']
        for left, top, right, bottom, colour in self.boxes:
            size = f'width="{right - left:.2f}" height="{bottom - top:.2f}"'
            parts.append(f'<rect x="{left:.2f}" y="{top:.2f}" {size} fill="{colour}" fill-opacity="0.45"/>')
        for points, colour, width in self.lines:
            path = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        for x, y, anchor, text in self.words:
            place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="middle"'
            parts.append(f'<text {place} fill="{INK}">{escape(text)}</text>')
        return "\n".join([*parts, "</svg>", ""]).encode()

    def png(self) -> bytes:
        """The drawing as PNG, twice as large."""
        sheet = Image.new("RGB", (self.width * SCALE, self.height * SCALE), "white")
        for box in self.boxes:
            layer = Image.new("RGBA", sheet.size, (0, 0, 0, 0))
            ImageDraw.Draw(layer).rectangle([value * SCALE for value in box[:4]], fill=f"{box[4]}73")
            sheet.paste(layer, mask=layer)
        draw = ImageDraw.Draw(sheet)
        for points, colour, width in self.lines:
            draw.line([(x * SCALE, y * SCALE) for x, y in points], fill=colour, width=max(1, round(width * SCALE)))
        font = ImageFont.load_default(13 * SCALE)
        for x, y, anchor, text in self.words:
            draw.text((x * SCALE, y * SCALE), text, fill=INK, font=font, anchor=_ANCHORS[anchor])
        stream = io.BytesIO()
        sheet.save(stream, "PNG", optimize=True)
        return stream.getvalue()


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes of a drawing: data limits, and where a point of the data lies on the sheet."""

    drawing: Drawing
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Sheet coordinates of a point."""
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        wide = self.drawing.width - LEFT - RIGHT
        high = self.drawing.height - TOP - BOTTOM
        return LEFT + across * wide, TOP + (1 - up) * high


def framed(title: str, x_title: str, y_title: str, x: tuple[float, float], y: tuple[float, float]) -> Frame:
    """A sheet with a title, axes and ticks."""
    drawing = Drawing()
    frame = Frame(drawing, x, y)
    corner, right, top = frame.at(x[0], y[0]), frame.at(x[1], y[0]), frame.at(x[0], y[1])
    drawing.lines.append(([top, corner, right], INK, 1.0))
    drawing.words.append((drawing.width / 2, TOP / 2, "middle", title))
    drawing.words.append((drawing.width / 2, drawing.height - 18, "middle", x_title))
    drawing.words.append((LEFT - 58, TOP - 14, "start", y_title))
    for value in ticks(*x):
        place = frame.at(value, y[0])
        drawing.lines.append(([place, (place[0], place[1] + 5)], INK, 1.0))
        drawing.words.append((place[0], place[1] + 16, "middle", f"{value:g}"))
    for value in ticks(*y):
        place = frame.at(x[0], value)
        drawing.lines.append(([place, (place[0] - 5, place[1])], INK, 1.0))
        drawing.words.append((place[0] - 9, place[1], "end", f"{value:g}"))
    return frame


def ticks(low: float, high: float, wanted: int = 6) -> list[float]:
    """Round numbers from low to high, about so many."""
    span = high - low
    if span <= 0:
        return [low]
    step = 10 ** math.floor(math.log10(span / wanted))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= wanted)
    first = math.ceil(low / step - 1e-9)
    return [round(first * step + k * step, 12) for k in range(int((high - first * step) / step + 1e-9) + 1)]


def histogram(title: str, scores: Mapping[str, NDArray[np.float64]], bins: int = 48) -> Drawing:
    """Shares of pictures by id_score, one colour a set."""
    values = np.concatenate(list(scores.values()))
    low, high = float(values.min()), float(values.max())
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    shares = {name: np.histogram(one, edges)[0] / len(one) for name, one in scores.items()}
    top = max(float(one.max()) for one in shares.values())
    frame = framed(title, "id_score (higher = more ID)", "share of pictures", (edges[0], edges[-1]), (0.0, top))
    for one, colour in zip(shares.values(), _colours(len(shares)), strict=True):
        for left, right, share in zip(edges, edges[1:], one, strict=False):
            if share > 0:
                start, end = frame.at(float(left), float(share)), frame.at(float(right), 0.0)
                frame.drawing.boxes.append((start[0], start[1], end[0], end[1], colour))
    _legend(frame, [f"{name}, n = {len(one):,}" for name, one in scores.items()])
    return frame.drawing


def roc(title: str, of_id: NDArray[np.float64], of_ood: Mapping[str, NDArray[np.float64]]) -> Drawing:
    """ROC curves with ID positive, one for each OOD set."""
    frame = framed(title, "share of OOD accepted", "share of ID accepted", (0.0, 1.0), (0.0, 1.0))
    frame.drawing.lines.append(([frame.at(0, 0), frame.at(1, 1)], "#bbbbbb", 1.0))
    for one, colour in zip(of_ood.values(), _colours(len(of_ood)), strict=True):
        accepted, kept = roc_points(of_id, one)
        frame.drawing.lines.append(([frame.at(x, y) for x, y in zip(accepted, kept, strict=True)], colour, 2.0))
    _legend(frame, list(of_ood), low=True)
    return frame.drawing


def lines(title: str, x_title: str, y_title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> Drawing:
    """Curves over a setting, one colour a series; the setting's axis is logarithmic where it spans more than 50."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    logarithmic = min(xs) > 0 and max(xs) / min(xs) > 50

    def place(x: float) -> float:
        return math.log10(x) if logarithmic else float(x)

    margin = 0.05 * (max(ys) - min(ys) or 1)
    limits = (place(min(xs)), place(max(xs)) if max(xs) > min(xs) else place(min(xs)) + 1)
    heading = f"log10 of {x_title}" if logarithmic else x_title
    frame = framed(title, heading, y_title, limits, (min(ys) - margin, max(ys) + margin))
    for points, colour in zip(series.values(), _colours(len(series)), strict=True):
        frame.drawing.lines.append(([frame.at(place(x), y) for x, y in sorted(points)], colour, 2.0))
    _legend(frame, list(series), low=True)
    return frame.drawing


def _legend(frame: Frame, names: Sequence[str], low: bool = False) -> None:
    drawing = frame.drawing
    first = drawing.height - BOTTOM - 18 * len(names) - 4 if low else TOP + 10
    for number, (name, colour) in enumerate(zip(names, _colours(len(names)), strict=True)):
        y = first + 18 * number
        left = drawing.width - RIGHT - 230
        drawing.lines.append(([(left, y), (left + 22, y)], colour, 6.0))
        drawing.words.append((left + 30, y, "start", name))


def _colours(count: int) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(count)]
