"""Draws a contact sheet in real pixels once the cursor rests: half blocks are there at once, and stay below."""

from functools import partial
from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.worker import get_current_worker

from sood_tui.terminal.pixel_layer import Encoded, PixelLayer
from sood_tui.widgets.sheet.pixels import PixelSheet, encoded
from sood_tui.widgets.sheet.thumbnails import Thumbnails

if TYPE_CHECKING:
    from sood_tui.widgets.sheet.contact_sheet import ContactSheet

REST = 0.08  # seconds without another sheet: between two keys of somebody who pages through, a picture is never sent


class SheetSharpener:
    """The pixels of one sheet."""

    def __init__(self, sheet: "ContactSheet", layer: PixelLayer, thumbnails: Thumbnails) -> None:
        self._sheet, self._layer, self._thumbnails = sheet, layer, thumbnails
        self._wanted: PixelSheet | None = None
        self._timer: Timer | None = None

    def show(self, wanted: PixelSheet | None) -> None:
        """Draw this soon; None takes away what is drawn."""
        if wanted is not None and wanted == self._wanted:
            return
        self._wanted = wanted
        self._layer.withdraw(self._sheet)
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if wanted is not None:
            self._timer = self._sheet.set_timer(REST, self._begin)

    def warm(self, sheets: list[PixelSheet]) -> None:
        """Encode sheets that may be asked for next; runs in a worker's thread until it is cancelled."""
        for sheet in sheets:
            if get_current_worker().is_cancelled:
                return
            self._encoded(sheet)

    def _begin(self) -> None:
        wanted = self._wanted
        if wanted is None:
            return
        kept = self._layer.encoded.get(wanted)
        if kept is not None:
            self._layer.offer(self._sheet, kept)
        else:
            self._sheet.run_worker(partial(self._encode, wanted), thread=True, exclusive=True, group="sheet_encoders")

    def _encode(self, wanted: PixelSheet) -> None:
        made = self._encoded(wanted)
        if not get_current_worker().is_cancelled:
            self._sheet.app.call_from_thread(self._take, wanted, made)

    def _encoded(self, wanted: PixelSheet) -> Encoded:
        made = self._layer.encoded.get(wanted)
        if made is None:
            made = encoded(wanted, self._thumbnails)
            self._layer.encoded.put(wanted, made)
        return made

    def _take(self, wanted: PixelSheet, made: Encoded) -> None:
        if wanted == self._wanted:
            self._layer.offer(self._sheet, made)
