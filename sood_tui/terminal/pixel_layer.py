"""What the terminal draws over the text: which pictures are on it now, and when they are drawn again or taken off.

Textual knows cells only. A cell that it writes wipes the sixels behind it, and leaves Kitty's pictures standing over
it; so after every frame this layer compares what was written with where the pictures are. A picture is drawn only where
nothing lies over its sheet: under a dialog or a toast the half blocks below it show, which Textual can cut and dim.
"""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.errors import NoWidget
from textual.geometry import Offset, Region, Size
from textual.timer import Timer

from sood_tui.terminal import kitty
from sood_tui.terminal.graphics import NOT_ASKED, Graphics, Terminal
from sood_tui.terminal.probe import cell_by_kernel
from sood_tui.widgets.sheet.thumbnails import Recent

if TYPE_CHECKING:
    from sood_tui.widgets.sheet.contact_sheet import ContactSheet

KEPT_BYTES = 24 * 1024**2  # of encoded sheets in this process
KEPT_BY_TERMINAL = 12  # pictures that a terminal with Kitty's protocol keeps for us
AFTER_WIPE = 0.05  # seconds from a frame over a sixel image until it is drawn again
SAVE, RESTORE = "\x1b7", "\x1b8"
COVERS = "Toast, Tooltip"  # what Textual lays over a screen without making it a dialog
NUMBERS_EACH = 1 << 12  # Kitty's numbers are shared by all programs on a terminal: those of this process


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture of a whole sheet as the terminal takes it.

    Attributes:
        graphics: sixel or kitty.
        pieces: for sixel images, each with the column and row of the sheet where it begins: more than one where the
            terminal has a largest size.
        png: for Kitty.
        columns, rows: cells that it covers.
    """

    graphics: Graphics
    columns: int
    rows: int
    pieces: tuple[tuple[int, int, str], ...] = ()
    png: bytes = b""

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.png) + sum(len(data) for _, _, data in self.pieces)


@dataclass(slots=True)
class _Offer:
    """A picture that a sheet wants to be seen.

    Attributes:
        picture: the whole sheet.
        at: where it is on the terminal; None while it is not.
        is_wiped: whether a frame was written over it.
    """

    picture: Encoded
    at: Region | None = None
    is_wiped: bool = False


@dataclass(slots=True)
class PixelLayer:
    """The pictures of one app on one terminal.

    Attributes:
        app: whose frames they lie over.
        terminal: what it can do.
        cell: width and height of a cell in pixels, as it is now.
        encoded: sheets that were encoded lately, by all that they look like.
        write: gives text to the terminal; None for Textual's driver.
        written: bytes of pictures given to the terminal so far.
    """

    app: App[Any]
    terminal: Terminal = NOT_ASKED
    cell: tuple[int, int] = (10, 20)
    encoded: Recent[Any, Encoded] = field(default_factory=lambda: Recent(256, KEPT_BYTES, lambda picture: picture.size))
    write: Callable[[str], None] | None = None
    written: int = 0
    _is_closed: bool = False
    _timer: Timer | None = None
    _offers: "dict[ContactSheet, _Offer]" = field(default_factory=dict)
    _sent: dict[int, int] = field(default_factory=dict)  # id of an Encoded to its number with Kitty, oldest first
    _held: dict[int, Encoded] = field(default_factory=dict)  # by number: keeps the ids above from being given again
    _numbers: Iterable[int] = field(default_factory=lambda: count(1 + os.getpid() % (1 << 19) * NUMBERS_EACH))

    def offer(self, sheet: "ContactSheet", picture: Encoded) -> None:
        """Show a picture over a sheet as long as nothing else is there."""
        known = self._offers.get(sheet)
        if known is not None and known.picture is picture:
            return
        if self._is_closed:
            return
        self.withdraw(sheet)
        self._offers[sheet] = _Offer(picture)
        self.settle()

    def withdraw(self, sheet: "ContactSheet") -> None:
        """Show it no longer. A sheet repaints itself right after, which wipes sixels."""
        offer = self._offers.pop(sheet, None)
        if offer is not None:
            self._write(self._hidden(offer))

    def measure(self, size: Size, pixels: Size | None) -> None:
        """The terminal has another size, and perhaps another font.

        Args:
            size: of the whole terminal in cells.
            pixels: of the same in pixels; None where it did not say.
        """
        told = (pixels.width // size.width, pixels.height // size.height) if pixels and size else (0, 0)
        self.cell = told if min(told) > 0 else cell_by_kernel(sys.__stderr__) or self.cell

    def after_frame(self, update: Any) -> None:
        """Textual has written a frame: draw again what it wiped.

        Args:
            update: what was written; its spans tell which cells.
        """
        spans = getattr(update, "spans", None)
        for offer in self._offers.values():
            is_sixel = offer.picture.graphics is Graphics.SIXEL
            if is_sixel and offer.at is not None and (spans is None or _touches(spans, offer.at)):
                offer.at, offer.is_wiped = None, True
        self.settle()

    def _draw_again(self) -> None:
        self._timer = None
        for offer in self._offers.values():
            offer.is_wiped = False
        self.settle()

    def settle(self) -> None:
        """Bring the terminal to what should be seen."""
        out: list[str] = []
        later = False
        for sheet, offer in list(self._offers.items()):
            region = self._clear_region(sheet)
            if region == offer.at:
                continue
            if region is not None and offer.is_wiped:
                later = True  # screens come in several frames, and each would wipe it again
                continue
            out.append(self._hidden(offer))
            if region is not None and region.size == (offer.picture.columns, offer.picture.rows):
                out.append(self._drawn(offer.picture, region.offset))
                offer.at = region
        self._write("".join(out))
        if later and self._timer is None:
            self._timer = self.app.set_timer(AFTER_WIPE, self._draw_again)

    def clear(self) -> None:
        """Take everything off, and out of the terminal's memory; the next frame draws it again."""
        self._write("".join(kitty.forget(number) for number in self._held))
        self._sent.clear()
        self._held.clear()
        for offer in self._offers.values():
            offer.at = None

    def close(self) -> None:
        """Take everything off for good."""
        self.clear()
        self._offers.clear()
        self._is_closed = True

    def _clear_region(self, sheet: "ContactSheet") -> Region | None:
        """Where the sheet is on the terminal; None when some of it is hidden."""
        screen = self.app.screen
        if not sheet.is_attached or sheet.screen is not screen:
            return None
        try:
            geometry = screen.find_widget(sheet)
        except NoWidget:
            return None
        region = geometry.region
        # A sixel that reaches the last line scrolls the terminal.
        if not region or geometry.visible_region != region or region.bottom >= self.app.size.height:
            return None
        covers = (widget for widget in screen.query(COVERS) if widget.display)
        return None if any(widget.region.overlaps(region) for widget in covers) else region

    def _drawn(self, picture: Encoded, corner: Offset) -> str:
        if picture.graphics is Graphics.SIXEL:
            drawn = "".join(_at(corner.x + column, corner.y + row) + data for column, row, data in picture.pieces)
            return f"{SAVE}{drawn}{RESTORE}"
        number = self._sent.pop(id(picture), None)
        sending = ""
        if number is None:
            number = next(iter(self._numbers))
            self._held[number] = picture
            sending = kitty.send(number, picture.png)
        self._sent[id(picture)] = number
        placed = kitty.place(number, picture.columns, picture.rows)
        return f"{self._evicted()}{sending}{SAVE}{_at(corner.x, corner.y)}{placed}{RESTORE}"

    def _evicted(self) -> str:
        """Let the terminal forget what was shown longest ago."""
        shown = {id(offer.picture) for offer in self._offers.values() if offer.at is not None}
        old = [key for key in self._sent if key not in shown][: max(0, len(self._sent) - KEPT_BY_TERMINAL)]
        numbers = [self._sent.pop(key) for key in old]
        for number in numbers:
            del self._held[number]
        return "".join(kitty.forget(number) for number in numbers)

    def _hidden(self, offer: _Offer) -> str:
        if offer.at is None:
            return ""
        offer.at = None
        number = self._sent.get(id(offer.picture))
        return "" if number is None else kitty.hide(number)

    def _write(self, data: str) -> None:
        if not data:
            return
        self.written += len(data)
        driver = self.app._driver
        if self.write is not None:
            self.write(data)
        elif driver is not None and not driver.is_headless:
            driver.write(data)


def _at(column: int, row: int) -> str:
    return f"\x1b[{row + 1};{column + 1}H"


def _touches(spans: Iterable[tuple[int, int, int]], region: Region) -> bool:
    return any(region.y <= y < region.bottom and x1 < region.right and x2 > region.x for y, x1, x2 in spans)
