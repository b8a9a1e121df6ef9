"""The pictures of the two subclasses between which a threshold lies."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.containers import Container
from textual.widget import Widget

from sood_tui.benches.folio import read_pictures
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.sheet.contact_sheet import ContactSheet

if TYPE_CHECKING:
    from engine.splits.show import SubclassCut
    from sood_tui.screens.room import RoomScreen


class Neighbours(Container):
    """Two sheets, below and above; the screen that holds them reads their pictures in its threads."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, SubclassCut | None] = {}

    @property
    def _room(self) -> "RoomScreen":
        return cast("RoomScreen", self.screen)

    def compose(self) -> Iterable[Widget]:
        """A frame with a sheet for either side."""
        for side in ("below", "above"):
            with Frame(id=f"{side}_panel"):
                yield ContactSheet(self._room.sood.thumbnails, self._room.sood.graphics, id=side)

    def show(self, threshold: str, below: "SubclassCut | None", above: "SubclassCut | None") -> None:
        """Show the subclasses next to a threshold.

        Args:
            threshold: its name.
            below: the subclass just below it; None where there is none.
            above: the one just above.
        """
        self._rows = {"below": below, "above": above}
        for side, row in self._rows.items():
            named = f"{row.lemma.replace('_', ' ')} ({row.split})" if row else "nothing"
            is_narrow = self.screen.has_class("-short")
            title = f"{side}: {named}" if is_narrow else f"{side} {threshold}: {named}"
            self.query_one(f"#{side}_panel", Frame).title = title
            sheet = self.query_one(f"#{side}", ContactSheet)
            if row is None:
                sheet.show((), "no subclass")
                continue
            read = partial(read_pictures, self._room.workspace, row.wnid, sheet.capacity)
            self._room.in_thread(f"{side} pictures", read, partial(sheet.show, note="no pictures"))

    def row_of(self, sheet: ContactSheet) -> "SubclassCut | None":
        """The subclass that a sheet shows; None where there is none."""
        return self._rows.get(sheet.id or "")
