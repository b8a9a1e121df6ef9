"""A brush that draws polygons in the coordinates of the thing drawn, whatever its size and place in the picture."""

import colorsys
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

ELLIPSE_CORNERS = 48


def colour(hue: float, saturation: float, value: float) -> Colour:
    """RGB in 0..255; the hue wraps around 1, saturation and value are clipped to [0, 1]."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, clip(saturation), clip(value))
    return round(255 * red), round(255 * green), round(255 * blue)


def clip(share: float) -> float:
    """The nearest number in [0, 1]."""
    return min(1.0, max(0.0, share))


def between(low: float, high: float, share: float) -> float:
    """The point that lies `share` of the way from low to high."""
    return low + (high - low) * share


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a thing stands in the picture.

    Attributes:
        x: centre, in pixels.
        y: centre, in pixels.
        scale: pixels for one unit; things are drawn in about -1..1 with y pointing down.
        turn: clockwise, in radians.
        mirrored: left and right exchanged.
    """

    x: float
    y: float
    scale: float
    turn: float
    mirrored: bool

    def place(self, point: Point) -> Point:
        """The pixel of a point of the thing."""
        x = -point[0] if self.mirrored else point[0]
        cosine, sine = math.cos(self.turn), math.sin(self.turn)
        return (
            self.x + self.scale * (x * cosine - point[1] * sine),
            self.y + self.scale * (x * sine + point[1] * cosine),
        )


class Brush:
    """Draws flat shapes through a pose. Edges are hard: the picture is drawn large and made smaller.

    The sheet holds the number of a colour at each pixel, 0 where nothing was painted: a texture finds the body again.
    """

    def __init__(self, size: tuple[int, int], pose: Pose) -> None:
        self._sheet = Image.new("L", size)
        self._draw = ImageDraw.Draw(self._sheet)
        self._pose = pose
        self._numbers: dict[Colour, int] = {}

    def number_of(self, fill: Colour) -> int:
        """The number that stands for a colour on the sheet, from 1 on."""
        return self._numbers.setdefault(fill, len(self._numbers) + 1)

    def numbers(self) -> npt.NDArray[np.uint8]:
        """What was painted: uint8 [height, width], the number of the colour at each pixel, 0 for none."""
        return np.array(self._sheet)

    def palette(self) -> npt.NDArray[np.uint8]:
        """The colours by number: uint8 [colours + 1, 4], RGBA, the first one transparent."""
        return np.array([(0, 0, 0, 0), *((*fill, 255) for fill in self._numbers)], dtype=np.uint8)

    def polygon(self, points: Iterable[Point], fill: Colour) -> None:
        """A filled polygon; every other shape is one."""
        self._draw.polygon([self._pose.place(point) for point in points], fill=self.number_of(fill))

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """A filled rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], fill)

    def ellipse(self, x: float, y: float, half_width: float, half_height: float, fill: Colour) -> None:
        """A filled ellipse around a centre."""
        self.arch(x, y, half_width, half_height, fill, start=0.0, end=2 * math.pi)

    def arch(
        self, x: float, y: float, half_width: float, half_height: float, fill: Colour,
        *, start: float = math.pi, end: float = 2 * math.pi,
    ) -> None:  # fmt: skip
        """A filled piece of an ellipse between two angles, clockwise from the right; the upper half by default."""
        angles = (start + (end - start) * corner / ELLIPSE_CORNERS for corner in range(ELLIPSE_CORNERS + 1))
        self.polygon([(x + half_width * math.cos(a), y + half_height * math.sin(a)) for a in angles], fill)

    def line(self, start: Point, end: Point, width: float, fill: Colour) -> None:
        """A straight bar from start to end."""
        length = math.hypot(end[0] - start[0], end[1] - start[1]) or 1.0
        across = (width / 2 * (end[1] - start[1]) / length, -width / 2 * (end[0] - start[0]) / length)
        self.polygon(
            [
                (start[0] + across[0], start[1] + across[1]),
                (end[0] + across[0], end[1] + across[1]),
                (end[0] - across[0], end[1] - across[1]),
                (start[0] - across[0], start[1] - across[1]),
            ],
            fill,
        )
