"""Pictures as sixels: six rows of pixels a line, a palette of at most 64 colours, one image for a whole sheet.

Encoded by array operations throughout: a sheet of a large terminal has a million pixels and some hundred thousand runs.
Source: DEC STD 070, chapter 9 (sixel data), and xterm's ctlseqs for raster attributes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sood_tui.terminal.half_blocks import Pixels

COLOURS = 64
BEGIN, END = "\x1bP0;1;0q", "\x1b\\"
BAND = 6
LONGEST_PLAIN = 3  # a run is counted from four on: !4~ is as short as ~~~~, and both are read by every terminal
_SAMPLE = 16384  # pixels from which a palette is chosen
_BITS = 5  # of each channel, when a colour is looked up: finer than the distance between 64 colours


@dataclass(frozen=True, slots=True)
class Indexed:
    """A picture by the places of its colours in a palette: uint8 [height, width] and uint8 [colours, 3]."""

    places: NDArray[np.uint8]
    palette: Pixels


def quantised(pixels: Pixels, colours: int = COLOURS) -> Indexed:
    """The picture in few colours, by median cut, without dither: dither would triple the runs.

    Args:
        pixels: uint8 [height, width, 3].
        colours: at most so many, 2 to 256.
    """
    from PIL import Image

    flat = pixels.reshape(-1, 3)
    sample = flat[:: max(1, len(flat) // _SAMPLE)]
    cut = Image.fromarray(sample[None]).quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = np.array(cut.getpalette(), dtype=np.uint8).reshape(-1, 3)[: int(np.asarray(cut).max()) + 1]
    cells = (pixels >> (8 - _BITS)).astype(np.int32)
    keys = (cells[..., 0] << (2 * _BITS)) | (cells[..., 1] << _BITS) | cells[..., 2]
    return Indexed(_nearest(palette)[keys], palette)


def _nearest(palette: Pixels) -> NDArray[np.uint8]:
    """For each colour of 5 bits a channel the place of the nearest one in the palette: uint8 [32768]."""
    side = (np.arange(1 << _BITS, dtype=np.float32) + 0.5) * (256 >> _BITS)
    cube = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    wide = palette.astype(np.float32)
    # |a - b|² without |a|², which is the same for every colour of the palette.
    distance = (wide**2).sum(axis=1) - 2 * cube @ wide.T
    nearest: NDArray[np.uint8] = distance.argmin(axis=1).astype(np.uint8)
    return nearest


def encode(picture: Indexed) -> str:
    """The picture as one sixel image: everything from the introducer to the terminator."""
    height, width = picture.places.shape
    percent = np.rint(picture.palette.astype(np.float64) * (100 / 255)).astype(int).tolist()
    colours = "".join(f"#{place};2;{red};{green};{blue}" for place, (red, green, blue) in enumerate(percent))
    return f'{BEGIN}"1;1;{width};{height}{colours}{_body(picture).decode("ascii")}{END}'


def _body(picture: Indexed) -> bytes:
    lines, colour, is_last_of_band = _lines(picture)
    count, width = lines.shape
    begins = np.ones((count, width), dtype=bool)
    begins[:, 1:] = lines[:, 1:] != lines[:, :-1]
    starts = np.flatnonzero(begins)
    value, length, line = lines.reshape(-1)[starts], np.diff(starts, append=count * width), starts // width
    is_first = np.diff(line, prepend=-1) != 0
    is_last = np.diff(line, append=count) != 0
    # What follows the last pixel of a colour is not said; a line of nothing keeps its one run.
    kept = (value != 0) | ~is_last | is_first
    value, length, line = value[kept], length[kept], line[kept]
    is_first, is_last = np.diff(line, prepend=-1) != 0, np.diff(line, append=count) != 0
    return _written(value + 63, length, colour[line], is_first, np.where(is_last, _ends(is_last_of_band)[line], 0))


def _lines(picture: Indexed) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """The sixels of each colour in each band: uint8 [lines, width], the line's colour, and whether it ends the band."""
    height, width = picture.places.shape
    none = len(picture.palette)
    bands = -(-height // BAND)
    padded = np.full((bands * BAND, width), none, dtype=np.int64)
    padded[:height] = picture.places
    rows = padded.reshape(bands, BAND, width)
    sixels = np.zeros((bands, none + 1, width), dtype=np.uint8)
    band, column = np.arange(bands)[:, None], np.arange(width)[None]
    for bit in range(BAND):
        sixels[band, rows[:, bit], column] |= np.uint8(1 << bit)
    used = sixels[:, :none].any(axis=2)
    of_band, colour = np.nonzero(used)
    return sixels[of_band, colour], colour, np.diff(of_band, append=bands) != 0


def _ends(is_last_of_band: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Back to the left edge for the next colour, or down to the next band."""
    return np.where(is_last_of_band, ord("-"), ord("$")).astype(np.uint8)


def _written(
    signs: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    colours: NDArray[np.int64],
    is_first: NDArray[np.bool_],
    ends: NDArray[np.integer],
) -> bytes:
    """The runs one after the other, each first one with its colour before it, each last one with its end after it."""
    is_counted = lengths > LONGEST_PLAIN
    colour_digits, digits = _digits(colours), _digits(lengths)
    before = np.where(is_first, 1 + colour_digits, 0)
    size = np.where(is_counted, 2 + digits, lengths)
    at = np.cumsum(before + size + (ends != 0))
    end = at - (ends != 0)
    at = end - size
    out = np.empty(int(end[-1] + (ends[-1] != 0)), dtype=np.uint8)
    out[(at - before)[is_first]] = ord("#")
    _number(out, at[is_first], colours[is_first], colour_digits[is_first])
    out[at[is_counted]] = ord("!")
    _number(out, (end - 1)[is_counted], lengths[is_counted], digits[is_counted])
    out[end - 1] = signs
    for place in range(LONGEST_PLAIN - 1):
        again = ~is_counted & (lengths > place + 1)
        out[at[again] + place] = signs[again]
    out[end[ends != 0]] = ends[ends != 0]
    return out.tobytes()


def _digits(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    return 1 + (numbers > 9).astype(np.int64) + (numbers > 99) + (numbers > 999)


def _number(
    out: NDArray[np.uint8], ends: NDArray[np.int64], numbers: NDArray[np.int64], digits: NDArray[np.int64]
) -> None:
    """Write numbers of up to four digits so that each ends before its place."""
    for place in range(4):
        has = digits > place
        out[ends[has] - 1 - place] = ord("0") + (numbers[has] // 10**place) % 10
