"""Pictures as half blocks: two pixels a cell, encoded once and written to the terminal as they stand.

Textual would turn each cell into a Segment with a Style, merge, divide and encode them again for each paint: 270 ms
for a full screen. A `PixelStrip` knows its bytes already and makes segments only when somebody asks for them: a dialog
that covers part of it, or a screenshot.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Pixels = NDArray[np.uint8]
Depth = Literal["truecolor", "256", "standard"]

UPPER, LOWER = "▀", "▄"
RESET = "\x1b[0m"

# Both are Textual's own affair. Where a version has them no more, pictures are painted by ordinary segments.
PRE_ENCODED = {"_render_cache", "_segments"} <= set(getattr(Strip, "__slots__", ()))

# The sixteen colours of an xterm, as most themes have them near enough.
_STANDARD = np.array(
    [
        (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
        (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
        (255, 255, 255),
    ],
    dtype=np.int32,
)  # fmt: skip


def grey(pixels: Pixels) -> Pixels:
    """The same picture without colour (Rec. 709 luma), for NO_COLOR.

    Args:
        pixels: uint8 [height, width, 3].

    Returns: uint8 [height, width, 3] with three equal channels.
    """
    luma = pixels @ np.array([0.2126, 0.7152, 0.0722])
    return np.repeat(np.rint(luma).astype(np.uint8)[:, :, None], 3, axis=2)


def colour_codes(pixels: Pixels, depth: Depth) -> NDArray[np.uint32]:
    """One number a pixel: 0xRRGGBB, a place in the palette of 256, or one of the sixteen.

    Args:
        pixels: uint8 [height, width, 3].
        depth: what the terminal can show.

    Returns: uint32 [height, width].
    """
    wide = pixels.astype(np.uint32)
    if depth == "truecolor":
        packed: NDArray[np.uint32] = wide[..., 0] * 65536 + wide[..., 1] * 256 + wide[..., 2]
        return packed
    if depth == "standard":
        distance = ((pixels[..., None, :].astype(np.int32) - _STANDARD) ** 2).sum(axis=-1)
        nearest: NDArray[np.uint32] = distance.argmin(axis=-1).astype(np.uint32)
        return nearest
    return _codes_of_256(pixels.astype(np.int32))


def _codes_of_256(pixels: NDArray[np.int32]) -> NDArray[np.uint32]:
    # The palette is a cube with sides 0, 95, 135, 175, 215, 255 and a ramp of 24 greys from 8 to 238.
    side = np.clip((pixels - 35) // 40, 0, 5)
    cube = 16 + 36 * side[..., 0] + 6 * side[..., 1] + side[..., 2]
    of_cube = np.where(side == 0, 0, 55 + 40 * side)
    ramp = np.clip((pixels.sum(axis=-1) // 3 - 3) // 10, 0, 23)
    of_ramp = (8 + 10 * ramp)[..., None]
    nearer_ramp = ((pixels - of_ramp) ** 2).sum(axis=-1) < ((pixels - of_cube) ** 2).sum(axis=-1)
    codes: NDArray[np.uint32] = np.where(nearer_ramp, 232 + ramp, cube).astype(np.uint32)
    return codes


@lru_cache(maxsize=65536)
def _foreground_true(code: int) -> str:
    return f"38;2;{code >> 16};{code >> 8 & 255};{code & 255}"


@lru_cache(maxsize=65536)
def _background_true(code: int) -> str:
    return f"48;2;{code >> 16};{code >> 8 & 255};{code & 255}"


@lru_cache(maxsize=256)
def _foreground_256(code: int) -> str:
    return f"38;5;{code}"


@lru_cache(maxsize=256)
def _background_256(code: int) -> str:
    return f"48;5;{code}"


@lru_cache(maxsize=16)
def _foreground_standard(code: int) -> str:
    return str(30 + code if code < 8 else 82 + code)


@lru_cache(maxsize=16)
def _background_standard(code: int) -> str:
    return str(40 + code if code < 8 else 92 + code)


_SGR: dict[Depth, tuple[Callable[[int], str], Callable[[int], str]]] = {
    "truecolor": (_foreground_true, _background_true),
    "256": (_foreground_256, _background_256),
    "standard": (_foreground_standard, _background_standard),
}


def encode(upper: Sequence[int], lower: Sequence[int], depth: Depth) -> str:
    """One line of half blocks as the bytes that a terminal paints.

    A colour is named only where it changes, and two equal pixels are a space: letterbox bars cost one byte a cell.

    Args:
        upper: colour codes of the upper pixels, [width].
        lower: colour codes of the lower pixels, [width].
        depth: how the codes were made.
    """
    foreground, background = _SGR[depth]
    fore = back = -1
    out: list[str] = []
    append = out.append
    for above, below in zip(upper, lower, strict=True):
        if above == below:
            if above != back:
                append(f"\x1b[{background(above)}m")
                back = above
            append(" ")
        elif above == fore and below == back:
            append(UPPER)
        elif below == fore and above == back:
            append(LOWER)
        elif above == fore:
            append(f"\x1b[{background(below)}m{UPPER}")
            back = below
        elif below == back:
            append(f"\x1b[{foreground(above)}m{UPPER}")
            fore = above
        else:
            append(f"\x1b[{foreground(above)};{background(below)}m{UPPER}")
            fore, back = above, below
    append(RESET)
    return "".join(out)


class PixelStrip(Strip):
    """One line of half blocks that is written as encoded, and turned into segments only when it has to be cut."""

    __slots__ = ("_codes", "_depth", "_made", "_pixels")

    def __init__(self, pixels: Pixels, codes: NDArray[np.uint32], depth: Depth) -> None:
        self._made: list[Segment] | None = None
        self._pixels = pixels
        self._codes = codes
        self._depth = depth
        super().__init__((), pixels.shape[1])
        self._made = None
        self._render_cache = encode(codes[0].tolist(), codes[1].tolist(), depth)

    @property
    def _segments(self) -> list[Segment]:
        if self._made is None:
            self._made = pixel_segments(self._pixels)
        return self._made

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        self._made = segments

    @property
    def cell_count(self) -> int:
        """How many cells it paints; known without making segments."""
        return int(self._pixels.shape[1])

    def __bool__(self) -> bool:
        return bool(self.cell_count)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """Cut at cell positions, so that a dialog may cover the middle; the pieces are encoded as well."""
        width = self.cell_count
        within = [cut for cut in cuts if cut <= width]
        if within == [width]:
            return [self]
        starts = [0, *within][: len(within)]
        return [self._piece(start, cut) for start, cut in zip(starts, within, strict=True)]

    def crop(self, start: int, end: int | None = None) -> Strip:
        """The cells from start to end."""
        first, last = max(0, start), self.cell_count if end is None else min(self.cell_count, end)
        if first == 0 and last == self.cell_count:
            return self
        return self._piece(first, last) if last > first else Strip([], 0)

    def _piece(self, start: int, end: int) -> "PixelStrip":
        return PixelStrip(self._pixels[:, start:end], self._codes[:, start:end], self._depth)


def pixel_segments(pixels: Pixels) -> list[Segment]:
    """The same line as ordinary segments, for screenshots and for a Textual that has other strips.

    Args:
        pixels: uint8 [2, width, 3].
    """
    upper, lower = pixels.tolist()
    return [Segment(UPPER, _style(tuple(above), tuple(below))) for above, below in zip(upper, lower, strict=True)]


@lru_cache(maxsize=16384)
def _style(above: tuple[int, int, int], below: tuple[int, int, int]) -> Style:
    return Style.parse("#{:02x}{:02x}{:02x} on #{:02x}{:02x}{:02x}".format(*above, *below))


def paint(pixels: Pixels, depth: Depth, pre_encoded: bool = PRE_ENCODED) -> list[Strip]:
    """A picture as the lines that show it.

    Args:
        pixels: uint8 [height, width, 3]; height is even.
        depth: what the terminal can show.
        pre_encoded: False paints by ordinary segments.

    Returns: height / 2 strips, each of width cells.
    """
    height, width = pixels.shape[:2]
    lines = pixels.reshape(height // 2, 2, width, 3)
    if not pre_encoded:
        return [Strip(pixel_segments(line), width) for line in lines]
    codes = colour_codes(pixels, depth).reshape(height // 2, 2, width)
    return [PixelStrip(line, code, depth) for line, code in zip(lines, codes, strict=True)]


def depth_of(console: Any, no_colour: bool = False) -> Depth:
    """What the terminal behind a Rich console can show; as Textual does, everything when it does not say."""
    system = getattr(console, "color_system", None)
    if system in ("256", "standard"):
        return "256" if system == "256" else "standard"
    return "standard" if system == "windows" and not no_colour else "truecolor"
