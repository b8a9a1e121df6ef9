"""One picture, as large as the terminal shows it."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widget import Widget

from sood_tui.keys import PICTURE
from sood_tui.plain import size
from sood_tui.widgets.contact_sheet import ContactSheet
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.key_footer import KeyFooter
from sood_tui.widgets.thumbnails import Picture

if TYPE_CHECKING:
    from sood_tui.app import SoodApp


class PictureScreen(ModalScreen[None]):
    """A sheet of one tile, with where the file lies and how large it is."""

    CSS_PATH = "picture.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(PICTURE)

    def __init__(self, pictures: Sequence[Picture], index: int, title: str) -> None:
        super().__init__()
        self._pictures = tuple(pictures)
        self._index = index
        self._title = title

    def compose(self) -> Iterable[Widget]:
        """The tile and the keys."""
        sood = cast("SoodApp", self.app)
        with Frame():
            yield ContactSheet(sood.thumbnails, sood.graphics)
        yield KeyFooter(PICTURE, ())

    def on_mount(self) -> None:
        """Show the picture that was chosen."""
        self._show()

    def action_move(self, step: int) -> None:
        """Show the next picture, around the end."""
        self._index = (self._index + step) % len(self._pictures)
        self._show()

    def action_close(self) -> None:
        """Back to the sheet."""
        self.dismiss()

    def _show(self) -> None:
        picture = self._pictures[self._index]
        frame = self.query_one(Frame)
        frame.title = f"{self._title} · picture {self._index + 1} of {len(self._pictures)}"
        frame.caption = picture.path
        self.query_one(ContactSheet).show([picture])
        self.run_worker(lambda: self._measure(picture), thread=True, exclusive=True, group="measurers")

    def _measure(self, picture: Picture) -> None:
        from sood_tui.labels_bench import label_line

        sood = cast("SoodApp", self.app)
        labels = label_line(sood.require_workspace(), picture.image_id) if sood.has_workspace else ""
        told = " · ".join(filter(None, (describe_file(picture), labels)))
        self.app.call_from_thread(self._tell, picture, told)

    def _tell(self, picture: Picture, told: str) -> None:
        if self.is_mounted and picture == self._pictures[self._index]:
            self.query_one(Frame).caption = f"{told} · {picture.path}"


def describe_file(picture: Picture) -> str:
    """The picture's sides in pixels, its format and its size on disk, or that it cannot be read."""
    from PIL import Image

    try:
        with Image.open(picture.path) as image:
            return f"{image.width}×{image.height} {image.format} · {size(os.stat(picture.path).st_size)}"
    except Exception:  # decoders raise whatever the bytes lead them to; the tile tells the reason
        return "cannot be read"
