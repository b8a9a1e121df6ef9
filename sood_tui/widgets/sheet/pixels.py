"""A whole contact sheet as one picture of real pixels: its tiles, with marks and reasons written into them."""

from dataclasses import dataclass

import numpy as np

from sood_tui.terminal import half_blocks, kitty, sixel
from sood_tui.terminal.graphics import Graphics, Terminal
from sood_tui.terminal.half_blocks import Pixels
from sood_tui.terminal.pixel_layer import Encoded
from sood_tui.widgets.sheet.layout import Grid
from sood_tui.widgets.sheet.thumbnails import Broken, Picture, Thumbnails

Rgb = tuple[int, int, int]
LETTER = 0.7  # height of a letter in a cell


@dataclass(frozen=True, slots=True)
class PixelSheet:
    """All that a sheet looks like, and with it the key under which its encoded picture is kept.

    Attributes:
        pictures: first to last.
        marks: for each picture a word or two, empty for none.
        grid: where the tiles lie, in half cells.
        cell: width and height of a cell in pixels.
        background, empty, ink: colours between the tiles, of tiles without a picture, and of letters.
        is_grey: whether colours are left out.
        graphics: sixel or kitty.
        colours: at most so many.
        largest: width and height of the largest image that the terminal takes; None for any.
    """

    pictures: tuple[Picture, ...]
    marks: tuple[str, ...]
    grid: Grid
    cell: tuple[int, int]
    background: Rgb
    empty: Rgb
    ink: Rgb
    is_grey: bool
    graphics: Graphics
    colours: int
    largest: tuple[int, int] | None


def colours_for(graphics: Graphics, terminal: Terminal) -> int:
    """How many colours a sheet gets: more would cost bytes that nobody sees."""
    return (
        min(sixel.COLOURS, max(terminal.colours or sixel.COLOURS, 2)) if graphics is Graphics.SIXEL else sixel.COLOURS
    )


def encoded(sheet: PixelSheet, thumbnails: Thumbnails) -> Encoded:
    """The sheet as the terminal takes it; decodes its pictures, so that no screen may wait for it."""
    canvas = composed(sheet, thumbnails)
    picture = sixel.quantised(half_blocks.grey(canvas) if sheet.is_grey else canvas, sheet.colours)
    columns, rows = sheet.grid.width, sheet.grid.height // 2
    if sheet.graphics is Graphics.KITTY:
        return Encoded(sheet.graphics, columns, rows, png=kitty.packed(picture))
    (width, height), (most_wide, most_high) = sheet.cell, sheet.largest or canvas.shape[1::-1]
    across, down = max(1, most_wide // width), max(1, most_high // height)
    pieces = []
    for row in range(0, rows, down):
        for column in range(0, columns, across):
            part = np.s_[row * height : (row + down) * height, column * width : (column + across) * width]
            pieces.append((column, row, sixel.encode(sixel.Indexed(picture.places[part], picture.palette))))
    return Encoded(sheet.graphics, columns, rows, tuple(pieces))


def composed(sheet: PixelSheet, thumbnails: Thumbnails) -> Pixels:
    """The sheet in pixels.

    Returns: uint8 [rows x cell height, columns x cell width, 3].
    """
    grid, (width, height) = sheet.grid, sheet.cell
    canvas = np.empty((grid.height // 2 * height, grid.width * width, 3), dtype=np.uint8)
    canvas[:] = sheet.background
    across, down = grid.tile_width * width, grid.tile_height * height // 2
    for index, picture in enumerate(sheet.pictures[: grid.tiles]):
        left, top = grid.corner(index)
        part = canvas[top * height // 2 :, left * width :][:down, :across]
        tile = thumbnails.tile(picture, across, down, sheet.background)
        part[:] = sheet.empty if isinstance(tile, Broken) else tile
        if isinstance(tile, Broken):
            _letter(part, f"× {tile.reason}", down // 2, sheet)
        if sheet.marks[index]:
            _letter(part, sheet.marks[index], 0, sheet)
    return canvas


def _letter(part: Pixels, words: str, top: int, sheet: PixelSheet) -> None:
    """Write a line into a tile, on a ground of its own."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(max(8.0, sheet.cell[1] * LETTER))
    image = Image.fromarray(part)
    draw = ImageDraw.Draw(image)
    left, above, right, below = draw.textbbox((4, top + 2), words, font=font)
    draw.rectangle((left - 4, above - 2, right + 4, below + 2), fill=sheet.empty)
    draw.text((4, top + 2), words, font=font, fill=sheet.ink)
    part[:] = np.asarray(image)
