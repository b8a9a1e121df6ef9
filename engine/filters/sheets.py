"""The contact sheet that a model is shown: letterboxed tiles, row after row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

TILE = 256
BACKGROUND = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One composed sheet and the positions, in the given list, of the pictures on it."""

    picture: Image.Image
    used: tuple[int, ...]


def cells_per_side(pictures: int) -> int:
    """Cells along one side of the smallest square grid that holds so many pictures: 4 for 10 to 16."""
    return max(1, math.isqrt(max(0, pictures - 1)) + 1) if pictures > 1 else 1


def tile_boxes(size: int, cells: int) -> list[tuple[int, int, int, int]]:
    """Left, top, right, bottom of each cell of a square sheet, row after row.

    Args:
        size: pixels along a side of the sheet.
        cells: cells along a side.
    """
    step = size // cells
    return [
        (column * step, row * step, (column + 1) * step, (row + 1) * step)
        for row in range(cells)
        for column in range(cells)
    ]


def readable(path: str | bytes) -> Image.Image | None:
    """The picture in RGB, its first frame and upright; None where it cannot be decoded.

    Greys of more than 8 bits are scaled: converted plainly they would be white. Transparency is dropped.
    """
    try:
        with Image.open(path) as picture:
            upright = ImageOps.exif_transpose(picture)
            return (_eight_bits(upright) if upright.mode[:1] in "IF" else upright).convert("RGB")
    except Exception:
        # Pillow's decoders raise whatever their bytes lead them to; the next sample takes the place.
        return None


def _eight_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture).astype(np.float64)
    scaled = values // 257 if values.max(initial=0) > 255 else values
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))


def compose(paths: Sequence[str | bytes], wanted: int, tile: int = TILE) -> Sheet:
    """Put the first so many readable pictures on one sheet.

    Args:
        paths: more than wanted, so that others can stand in for pictures that cannot be read.
        wanted: how many to show at most.
        tile: pixels along a side of a cell; pictures keep their proportions inside it.
    """
    found: list[tuple[int, Image.Image]] = []
    for position, path in enumerate(paths):
        if len(found) == wanted:
            break
        if (picture := readable(path)) is not None:
            found.append((position, ImageOps.pad(picture, (tile, tile), color=BACKGROUND)))
    cells = cells_per_side(len(found))
    sheet = Image.new("RGB", (cells * tile, cells * tile), BACKGROUND)
    for (left, top, _, _), (_, picture) in zip(tile_boxes(cells * tile, cells), found, strict=False):
        sheet.paste(picture, (left, top))
    return Sheet(sheet, tuple(position for position, _ in found))
