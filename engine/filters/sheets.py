"""The contact sheet that a model is shown: letterboxed tiles, row after row."""

import math
from collections.abc import Sequence

from PIL import Image, ImageOps

TILE = 256
BACKGROUND = (0, 0, 0)


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


def tile_of(picture: Image.Image, tile: int = TILE) -> Image.Image:
    """A picture in a square cell of so many pixels, its proportions kept."""
    return ImageOps.pad(picture, (tile, tile), color=BACKGROUND)


def compose(tiles: Sequence[Image.Image], tile: int = TILE) -> Image.Image:
    """The sheet of these tiles.

    Args:
        tiles: see ``tile_of``.
        tile: pixels along a side of a cell.
    """
    cells = cells_per_side(len(tiles))
    sheet = Image.new("RGB", (cells * tile, cells * tile), BACKGROUND)
    for (left, top, _, _), picture in zip(tile_boxes(cells * tile, cells), tiles, strict=False):
        sheet.paste(picture, (left, top))
    return sheet
