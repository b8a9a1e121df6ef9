"""An app that shows pictures in the way that its terminal has, and leaves none behind."""

from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.screen import Screen

from sood_tui.terminal.graphics import Graphics, Terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sood_tui.terminal.pixel_layer import PixelLayer


class TerminalApp(App[int]):
    """Cells are Textual's; what is drawn over them in real pixels is looked after here."""

    def __init__(self, graphics: Graphics, terminal: Terminal) -> None:
        """The app, not running yet.

        Args:
            graphics: how pictures are drawn.
            terminal: what it said that it can draw.
        """
        super().__init__()
        self.graphics = graphics
        self.terminal = terminal
        self._pixels: PixelLayer | None = None

    @property
    def pixel_layer(self) -> "PixelLayer":
        """The pictures in real pixels that lie over the text."""
        from sood_tui.terminal.pixel_layer import PixelLayer

        if self._pixels is None:
            self._pixels = PixelLayer(self, self.terminal, self.terminal.cell or (10, 20))
        return self._pixels

    def action_cycle_graphics(self) -> None:
        """Draw pictures in the next way that this terminal has."""
        ways = self.terminal.ways
        place = ways.index(self.graphics) if self.graphics in ways else -1
        self.use_graphics(ways[(place + 1) % len(ways)])
        self.notify(f"Pictures: {self.graphics.value}", timeout=2)

    def use_graphics(self, graphics: Graphics) -> None:
        """Draw pictures in this way from now on, on every screen."""
        from sood_tui.widgets.sheet.contact_sheet import ContactSheet

        self.graphics = graphics
        for stack in self._screen_stacks.values():
            for screen in stack:
                for sheet in screen.query(ContactSheet):
                    sheet.use_graphics(graphics)

    def on_mount(self) -> None:
        """Follow the terminal to the shell and back."""
        self.app_suspend_signal.subscribe(self, self._take_pixels_off)
        self.app_resume_signal.subscribe(self, self._paint_anew)

    def on_resize(self, event: events.Resize) -> None:
        """A cell may have another size in pixels than before."""
        if self._pixels is not None:
            self._pixels.measure(event.size, event.pixel_size)

    def exit(self, result: int | None = None, return_code: int = 0, message: "RenderableType | None" = None) -> None:
        """Leave, with no picture left on the terminal; it is still ours at this moment."""
        if self._pixels is not None:
            self._pixels.close()
        super().exit(result, return_code, message)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        # Textual's own affair, and the only place that knows which cells a frame has written. In a version without it
        # pictures in pixels would not come back after a dialog; half blocks need none of this.
        super()._display(screen, renderable)
        if self._pixels is not None and renderable is not None:
            self._pixels.after_frame(renderable)

    def _take_pixels_off(self, _: object = None) -> None:
        if self._pixels is not None:
            self._pixels.clear()

    def _paint_anew(self, _: object) -> None:
        """The terminal was the shell's for a while."""
        self._take_pixels_off()
        self.screen.refresh(layout=True)
