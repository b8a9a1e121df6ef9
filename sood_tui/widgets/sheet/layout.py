"""Where the tiles of a contact sheet lie: as many as are worth looking at."""

from dataclasses import dataclass

import numpy as np

from sood_tui.terminal.half_blocks import Pixels

LEAST_SIDE = 16  # below this a picture is guesswork: a smaller space shows fewer pictures instead
LEAST_SIDE_SHARP = 8  # where the terminal draws real pixels, of which half a cell holds a hundred
MOST_TILES = 16
GAP = 1

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Grid:
    """Tiles in pixels; a cell of the terminal is one pixel wide and two high."""

    across: int
    down: int
    tile_width: int
    tile_height: int
    width: int
    height: int

    @property
    def tiles(self) -> int:
        """How many pictures it holds."""
        return self.across * self.down

    @property
    def side(self) -> int:
        """The shorter side of a tile."""
        return min(self.tile_width, self.tile_height)

    def corner(self, index: int) -> tuple[int, int]:
        """The left and upper pixel of a tile; the sheet stands in the middle of its space."""
        left = (self.width - self.across * (self.tile_width + GAP) + GAP) // 2
        top = (self.height - self.down * (self.tile_height + GAP) + GAP) // 2
        return (
            left + (index % self.across) * (self.tile_width + GAP),
            top + (index // self.across) * (self.tile_height + GAP),
        )

    def tile_at(self, column: int, row: int) -> int | None:
        """The tile under a cell of the terminal; None beside all of them."""
        for index in range(self.tiles):
            left, top = self.corner(index)
            if left <= column < left + self.tile_width and top <= 2 * row + 1 < top + self.tile_height + 1:
                return index
        return None


def grid_for(columns: int, rows: int, pictures: int, least: int = LEAST_SIDE) -> Grid:
    """The grid that shows most of the pictures at the least size or more, and among those the largest tiles.

    Args:
        columns, rows: cells of the terminal.
        pictures: how many there are to show; never more than 16 at once.
        least: pixels of the shorter side of a tile, below which fewer pictures are shown.
    """
    width, height = max(columns, 1), max(rows, 1) * 2
    wanted = max(1, min(pictures, MOST_TILES))
    most_across, most_down = ((side + GAP) // (least + GAP) for side in (width, height))
    grids = [
        _grid(across, down, width, height)
        for across in range(1, max(1, most_across) + 1)
        for down in range(1, max(1, most_down) + 1)
        if (across - 1) * down < wanted and across * (down - 1) < wanted
    ]
    readable = [grid for grid in grids if grid.tiles == 1 or grid.side >= least]
    return max(readable, key=lambda grid: (min(grid.tiles, wanted), grid.side, -grid.tiles))


def _grid(across: int, down: int, width: int, height: int) -> Grid:
    tile_width, tile_height = (width - GAP * (across - 1)) // across, (height - GAP * (down - 1)) // down
    # Photographs are rarely wider than 4 to 3, and seldom upright: another shape only adds bars.
    tile_width = min(tile_width, tile_height * 4 // 3 + 1)
    return Grid(across, down, tile_width, min(tile_height, tile_width), width, height)


def compose(grid: Grid, tiles: list[Pixels | None], background: Rgb, empty: Rgb) -> Pixels:
    """One picture of all tiles.

    Args:
        grid: where they lie.
        tiles: uint8 [tile_height, tile_width, 3] each; None is painted as an empty tile.
        background: between the tiles.
        empty: the colour of a tile that is not there yet.

    Returns: uint8 [grid.height, grid.width, 3].
    """
    canvas = np.empty((grid.height, grid.width, 3), dtype=np.uint8)
    canvas[:] = background
    for index, tile in enumerate(tiles[: grid.tiles]):
        left, top = grid.corner(index)
        canvas[top : top + grid.tile_height, left : left + grid.tile_width] = empty if tile is None else tile
    return canvas
