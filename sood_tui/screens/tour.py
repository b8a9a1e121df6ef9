"""The tour, page by page. A key that is none of its own closes it and does what it does on the screen below."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from sood_tui.tour import PAGES, page_text

if TYPE_CHECKING:
    from sood_tui.app import SoodApp


class TourScreen(ModalScreen[None]):
    """One page at a time."""

    CSS_PATH = "tour.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,right", "turn(1)", "next", id="tour.next"),
        Binding("left,backspace", "turn(-1)", "back", id="tour.back"),
        Binding("escape", "close", "close", id="tour.close"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._page = 0

    def compose(self) -> Iterable[Widget]:
        """One box."""
        with Vertical(classes="dialog"):
            yield Static(id="page")

    def on_mount(self) -> None:
        """Show the first page."""
        self._show()

    def on_key(self, event: events.Key) -> None:
        """Get out of the way of everything else."""
        own = {key for binding in self.BINDINGS if isinstance(binding, Binding) for key in binding.key.split(",")}
        if event.key not in own:
            event.stop()
            self.dismiss()
            self.app.call_after_refresh(self.app.post_message, events.Key(event.key, event.character))

    def action_turn(self, pages: int) -> None:
        """The next page, or the one before; after the last one it ends."""
        if self._page + pages >= len(PAGES):
            self.dismiss()
            return
        self._page = max(0, self._page + pages)
        self._show()

    def action_close(self) -> None:
        """Close."""
        self.dismiss()

    def _show(self) -> None:
        box, page = self.query_one(Vertical), PAGES[self._page]
        box.border_title = page.title
        last = self._page + 1 == len(PAGES)
        box.border_subtitle = f"{self._page + 1} of {len(PAGES)} · enter {'ends' if last else 'goes on'} · esc closes"
        paragraphs = [
            Content.assemble(*((text, "bold $text-primary" if is_key else "") for text, is_key in pieces))
            for pieces in page_text(page, cast("SoodApp", self.app).sign_of)
        ]
        self.query_one("#page", Static).update(Content("\n\n").join(paragraphs))
