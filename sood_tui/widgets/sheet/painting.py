"""A contact sheet as lines of the terminal: half blocks with words on them, or words alone."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip

from sood_tui.plain import plain
from sood_tui.terminal import half_blocks
from sood_tui.terminal.half_blocks import Pixels
from sood_tui.widgets.sheet.layout import Grid, compose
from sood_tui.widgets.sheet.thumbnails import Broken, Picture

Rgb = tuple[int, int, int]
Tile = Pixels | Broken | None


@dataclass(frozen=True, slots=True)
class Look:
    """Everything but the pictures that decides what a sheet looks like.

    Attributes:
        size: columns and rows.
        depth: how many colours the terminal has.
        grey: whether colours are left out.
        background, empty, ink: colours between the tiles, of tiles without a picture, and of letters.
        reason: the style of words on a tile.
    """

    size: Size
    depth: half_blocks.Depth
    grey: bool
    background: Rgb
    empty: Rgb
    ink: Rgb
    reason: Style


def in_half_blocks(grid: Grid, tiles: Sequence[Tile], marks: Sequence[str], look: Look) -> list[Strip]:
    """The sheet in half blocks.

    Args:
        grid: where the tiles lie.
        tiles: what is there of each; None for what is not decoded yet.
        marks: for each tile a word or two in its first line, empty for none.
        look: colours and size.
    """
    shown = [None if isinstance(tile, Broken) else tile for tile in tiles]
    canvas = compose(grid, shown, look.background, look.empty)
    strips = half_blocks.paint(half_blocks.grey(canvas) if look.grey else canvas, look.depth)
    for index, (tile, mark) in enumerate(zip(tiles, marks, strict=True)):
        left, top = grid.corner(index)
        if isinstance(tile, Broken):
            middle = (top + grid.tile_height // 2) // 2
            for row, words in enumerate(_wrapped(f"× {tile.reason}", grid.tile_width)[:2], middle):
                if row < len(strips):
                    strips[row] = _lettered(strips[row], left, words, grid.tile_width, look.reason)
        if mark:
            words = f" {mark} "[: grid.tile_width]
            strips[top // 2] = _lettered(strips[top // 2], left, words, len(words), look.reason)
    return strips


def in_words(pictures: Sequence[Picture], marks: Sequence[str], look: Look, style: Style) -> list[Strip]:
    """The sheet without pictures: each file with its folder, which names the synset, and what it is marked as."""
    lines = []
    for place, (picture, mark) in enumerate(zip(pictures, marks, strict=True), 1):
        said = f"{place:>3}  {mark}  " if mark else f"{place:>3}  "
        folder = plain(os.path.basename(os.path.dirname(picture.path)))
        lines.append(said + path_tail(f"{folder}/{picture.name}", look.size.width - len(said)))
    return _filled(lines, 0, look.size, style)


def in_the_middle(words: str, look: Look, style: Style) -> list[Strip]:
    """A note in the middle of an empty sheet."""
    lines = [line.center(look.size.width) for line in _wrapped(words, max(look.size.width - 2, 1))]
    return _filled(lines, max(look.size.height - len(lines), 0) // 2, look.size, style)


def path_tail(path: str, room: int) -> str:
    """As much of the end of a path as there is room for: it tells a picture from its neighbours."""
    shown = plain(path)
    if cell_len(shown) <= room:
        return shown
    while shown and cell_len(shown) >= max(room, 2):
        shown = shown[1:]
    return f"…{shown}"


def _filled(lines: list[str], above: int, size: Size, style: Style) -> list[Strip]:
    blank = Strip.blank(size.width, style)
    strips = [Strip([Segment(line, style)]).adjust_cell_length(size.width, style) for line in lines]
    return ([blank] * above + strips + [blank] * size.height)[: size.height]


def _wrapped(words: str, width: int) -> list[str]:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line[:width] for line in lines]


def _lettered(strip: Strip, left: int, words: str, width: int, style: Style) -> Strip:
    text = Strip([Segment(words.center(width), style)], width)
    return Strip.join([strip.crop(0, left), text, strip.crop(left + width)])
