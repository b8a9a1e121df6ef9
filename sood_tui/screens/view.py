"""A page of lines over a screen: read it, go to one of its superclasses, close it."""

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from sood_tui.lines.splits import View
from sood_tui.plain import plain
from sood_tui.widgets.lines import Lines


class ViewScreen(ModalScreen[str | None]):
    """Answers with the superclass of the line that was chosen, or with nothing."""

    CSS_PATH = "view.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close", id="view.close"),
        Binding("down,j", "move(1)", "down", id="view.down"),
        Binding("up,k", "move(-1)", "up", id="view.up"),
        Binding("pagedown,space", "page(1)", "page down", id="view.page_down"),
        Binding("pageup", "page(-1)", "page up", id="view.page_up"),
        Binding("enter", "choose", "go there", id="view.choose"),
    ]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> Iterable[Widget]:
        """A box with a head that stays and lines that scroll."""
        with Vertical(classes="dialog view") as box:
            box.border_title = Content(plain(self._view.title))
            box.border_subtitle = Content(plain(self._view.caption))
            if self._view.head:
                yield Static(Content(plain(self._view.head)), classes="head")
            yield Lines(id="view_lines")

    def on_mount(self) -> None:
        """Fill the lines."""
        # No taller than its lines: two for the border, one for the head.
        self.query_one(".view").styles.height = len(self._view.lines) + 2 + bool(self._view.head)
        self.query_one(Lines).show(self._view.lines, 0)

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.query_one(Lines).move(step)

    def action_page(self, pages: int) -> None:
        """Move by pages."""
        self.query_one(Lines).move_page(pages)

    @on(Lines.Chosen)
    def action_choose(self) -> None:
        """Go to the superclass of the line."""
        at = self.query_one(Lines).cursor
        self.dismiss(self._view.leads_to[at] if at < len(self._view.leads_to) else None)

    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)
