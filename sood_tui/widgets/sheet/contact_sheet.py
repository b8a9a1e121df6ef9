"""A contact sheet: as many pictures as the space can show well, painted in a few milliseconds."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import ClassVar

from textual import events, on
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import get_current_worker

from sood_tui.terminal import half_blocks
from sood_tui.terminal.graphics import Graphics
from sood_tui.terminal.pixel_layer import PixelLayer
from sood_tui.widgets.sheet.layout import LEAST_SIDE, LEAST_SIDE_SHARP, MOST_TILES, Grid, grid_for
from sood_tui.widgets.sheet.painting import Look, Rgb, Tile, in_half_blocks, in_the_middle, in_words
from sood_tui.widgets.sheet.pixels import PixelSheet, colours_for
from sood_tui.widgets.sheet.sharpener import SheetSharpener
from sood_tui.widgets.sheet.thumbnails import Picture, Recent, Thumbnails

NO_MARKS: Mapping[int, str] = MappingProxyType({})

SHARP_AHEAD = 2  # sheets that are encoded in pixels before they are asked for
POST_EVERY = 0.06  # seconds between two paints of a sheet that is still being decoded


class ContactSheet(Widget):
    """Shows pictures; what arrives late for pictures that are no longer asked for is dropped."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"contact-sheet--empty", "contact-sheet--reason"}
    DEFAULT_CSS = """
    ContactSheet {
        width: 1fr; height: 1fr;
        & .contact-sheet--empty { background: $foreground 6%; }
        & .contact-sheet--reason { color: $text-warning; background: $foreground 6%; }
    }
    """

    class Chosen(Message):
        """A person clicked a picture.

        Attributes:
            sheet: the sheet.
            index: the picture's place among the pictures of the sheet.
        """

        def __init__(self, sheet: "ContactSheet", index: int) -> None:
            self.sheet, self.index = sheet, index
            super().__init__()

    class CapacityChanged(Message):
        """The sheet shows another number of pictures than before, since its size changed."""

    class Painted(Message):
        """Every picture of the sheet has been given to the terminal, or its reason."""

    class _Decoded(Message):
        def __init__(self, pictures: tuple[Picture, ...], grid: Grid, tiles: list[Tile]) -> None:
            self.pictures, self.grid, self.tiles = pictures, grid, tiles
            super().__init__()

    def __init__(
        self,
        thumbnails: Thumbnails | None,
        graphics: Graphics = Graphics.HALF,
        *,
        id: str | None = None,  # noqa: A002 (the name that Textual's own widgets have)
    ) -> None:
        super().__init__(id=id)
        self._thumbnails = thumbnails
        self._graphics = graphics
        self._pictures: tuple[Picture, ...] = ()
        self._note = ""
        self._marks: Mapping[int, str] = NO_MARKS
        self._tiles: list[Tile] = []
        self._sheets: Recent[tuple[tuple[int, ...], tuple[str, ...], Grid, Look], list[Strip]] = Recent(64)
        self._strips: list[Strip] | None = None
        self._painted_size = Size()
        self._capacity = 0
        self._sharpener: SheetSharpener | None = None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What is shown, first to last."""
        return self._pictures[: self.capacity]

    @property
    def capacity(self) -> int:
        """How many pictures fit here, large enough to be told apart."""
        if self._graphics is Graphics.OFF:
            return max(self.size.height, 1)
        return self._grid(MOST_TILES).tiles

    @property
    def complete(self) -> bool:
        """Whether every picture is there, or the reason why it is not."""
        return self._graphics is Graphics.OFF or all(tile is not None for tile in self._tiles)

    def show(self, pictures: Sequence[Picture], note: str = "", marks: Mapping[int, str] = NO_MARKS) -> None:
        """Show these pictures, from memory at once or as they are decoded.

        Args:
            pictures: first to last; what does not fit is left out.
            note: said in the middle when there are none.
            marks: image_id to a word or two, said in the first line of the picture's tile.
        """
        asked = (tuple(pictures), dict(marks), note)
        if asked == (self._pictures, self._marks, self._note) and self.complete and self._strips is not None:
            return  # a reload that changed nothing must not cost a sheet
        self._pictures, self._marks, self._note = asked
        self._begin()

    def use_graphics(self, graphics: Graphics) -> None:
        """Draw another way from now on."""
        self._graphics = graphics
        self._tell_capacity()
        self._begin()

    def warm(self, sheets: Sequence[Sequence[Picture]]) -> None:
        """Decode what will be asked for next, while nobody waits; a later call takes the place of this one."""
        if self._graphics is Graphics.OFF or self._thumbnails is None or not self.size:
            return
        look = self._look()
        wanted = [(picture, self._grid(len(sheet))) for sheet in sheets for picture in sheet[: self.capacity]]
        sharp = [self._in_pixels(tuple(sheet), look) for sheet in sheets[:SHARP_AHEAD]]
        self.run_worker(partial(self._warm, self._thumbnails, wanted, look.background, sharp),
                        thread=True, exclusive=True, group="sheet_warmers", exit_on_error=False)  # fmt: skip

    def on_resize(self, event: events.Resize) -> None:
        """Lay the tiles out anew."""
        self._tell_capacity()
        self._begin()

    def on_unmount(self) -> None:
        """Take the pixels off the terminal."""
        if self._sharpener is not None:
            self._sharpener.show(None)

    def _tell_capacity(self) -> None:
        if self.size and self.capacity != self._capacity:
            self._capacity = self.capacity
            self.post_message(self.CapacityChanged())

    def notify_style_update(self) -> None:
        """Paint in the colours of the new theme."""
        super().notify_style_update()
        self._strips = None
        if self.is_attached and self.size:
            self._sharpen()

    def on_click(self, event: events.Click) -> None:
        """Choose the picture under the mouse."""
        if self._graphics is Graphics.OFF:
            index: int | None = event.y
        else:
            index = self._grid(len(self._pictures)).tile_at(event.x, event.y)
        if index is not None and index < len(self.pictures):
            self.post_message(self.Chosen(self, index))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are: Textual's own way would make segments of every cell of every paint."""
        if self._painted_size != self.size:
            self._collect()  # asked for in a new size before the resize itself was heard of
        if self._strips is None:
            self._strips = self._painted()
        lines = self._strips[crop.y : crop.bottom]
        if crop.x == 0 and crop.width == self.size.width:
            return lines
        return [line.crop(crop.x, crop.right) for line in lines]

    def render_line(self, y: int) -> Strip:
        """One line, for whoever asks line by line."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    @on(_Decoded)
    def take_tiles(self, message: _Decoded) -> None:
        """Paint what was decoded, if it is still what the sheet is to show."""
        message.stop()
        if message.pictures == self._pictures and message.grid == self._grid(len(self._pictures)):
            self._tiles = message.tiles
            self._repaint()

    def _begin(self) -> None:
        if not self.size:
            return
        self._sharpen()
        self._collect()
        self._repaint()
        if not self.complete and self._thumbnails is not None:
            grid, background = self._grid(len(self._pictures)), self._look().background
            self.run_worker(partial(self._decode, self._thumbnails, self._pictures, grid, background),
                            thread=True, exclusive=True, group="sheet_decoders")  # fmt: skip

    def _collect(self) -> None:
        """Take from memory what is there for the present size."""
        self._strips, self._painted_size, self._tiles = None, self.size, []
        if self._graphics is not Graphics.OFF and self._thumbnails is not None:
            grid, background = self._grid(len(self._pictures)), self._look().background
            shape = (grid.tile_width, grid.tile_height)
            shown = self._pictures[: grid.tiles]
            self._tiles = [self._thumbnails.kept_tile(picture, *shape, background) for picture in shown]

    def _decode(self, thumbnails: Thumbnails, pictures: tuple[Picture, ...], grid: Grid, background: Rgb) -> None:
        worker = get_current_worker()
        tiles: list[Tile] = [None] * len(pictures[: grid.tiles])
        posted = time.monotonic()
        for index, picture in enumerate(pictures[: grid.tiles]):
            if worker.is_cancelled:
                return
            tiles[index] = thumbnails.tile(picture, grid.tile_width, grid.tile_height, background)
            if time.monotonic() - posted > POST_EVERY:
                posted = time.monotonic()
                self.post_message(self._Decoded(pictures, grid, list(tiles)))
        self.post_message(self._Decoded(pictures, grid, tiles))

    def _warm(
        self,
        thumbnails: Thumbnails,
        wanted: list[tuple[Picture, Grid]],
        background: Rgb,
        sharp: list[PixelSheet | None],
    ) -> None:
        worker = get_current_worker()
        for picture, grid in wanted:
            if worker.is_cancelled:
                return
            thumbnails.tile(picture, grid.tile_width, grid.tile_height, background)
        if self._sharpener is not None:
            self._sharpener.warm([sheet for sheet in sharp if sheet is not None])

    def _grid(self, pictures: int) -> Grid:
        least = LEAST_SIDE_SHARP if self._layer is not None else LEAST_SIDE
        return grid_for(self.size.width, self.size.height, pictures, least)

    # ---- pixels ----

    @property
    def _layer(self) -> PixelLayer | None:
        """Where pixels are drawn; None where they are not."""
        return getattr(self.app, "pixel_layer", None) if self._graphics.is_pixels else None

    def _sharpen(self) -> None:
        """Have the terminal draw the sheet in pixels soon, or no longer."""
        layer = self._layer
        if layer is not None and self._thumbnails is not None and self._sharpener is None:
            self._sharpener = SheetSharpener(self, layer, self._thumbnails)
        if self._sharpener is not None:
            self._sharpener.show(self._in_pixels(self._pictures, self._look()))

    def _in_pixels(self, pictures: tuple[Picture, ...], look: Look) -> PixelSheet | None:
        layer = self._layer
        if layer is None or not pictures:
            return None
        grid = self._grid(len(pictures))
        shown = pictures[: grid.tiles]
        colours = colours_for(self._graphics, layer.terminal)
        return PixelSheet(
            shown, self._marks_of(shown), grid, layer.cell,
            look.background, look.empty, look.ink, look.grey, self._graphics, colours, layer.terminal.largest,
        )  # fmt: skip

    def _look(self) -> Look:
        background = self.background_colors[1]
        empty = self.get_component_styles("contact-sheet--empty").background
        return Look(
            self.size,
            half_blocks.depth_of(self.app.console),
            self.app.no_color,
            _rgb(background),
            _rgb(background.blend(empty, empty.a, alpha=1.0)),
            _rgb(self.get_component_styles("contact-sheet--reason").color),
            self.get_component_rich_style("contact-sheet--reason"),
        )

    def _repaint(self) -> None:
        self._strips = None
        self.refresh()
        if self._pictures and self.complete:
            self.call_after_refresh(self.post_message, self.Painted())

    def _painted(self) -> list[Strip]:
        look = self._look()
        if not self._pictures:
            return in_the_middle(self._note, look, self.rich_style)
        if self._graphics is Graphics.OFF:
            return in_words(self.pictures, self._marks_of(self.pictures), look, self.rich_style)
        shown, grid = self._pictures[: len(self._tiles)], self._grid(len(self._pictures))
        marks = self._marks_of(shown)
        key = (tuple(picture.image_id for picture in shown), marks, grid, look)
        strips = self._sheets.get(key) if self.complete else None
        if strips is None:
            strips = in_half_blocks(grid, self._tiles, marks, look)
            if self.complete:
                self._sheets.put(key, strips)
        return strips

    def _marks_of(self, pictures: Sequence[Picture]) -> tuple[str, ...]:
        return tuple(self._marks.get(picture.image_id, "") for picture in pictures)


def _rgb(colour: Color) -> Rgb:
    return colour.r, colour.g, colour.b
