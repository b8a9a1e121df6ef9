"""A column of facts."""

from collections.abc import Callable, Hashable

from textual import events
from textual.content import Content
from textual.widget import Widget


class Facts(Widget):
    """A column of facts. It scrolls by itself, so that other facts never mean another layout of the screen."""

    DEFAULT_CSS = """
    Facts { width: 1fr; height: 1fr; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: Callable[[int], Content] = lambda width: Content("")
        self._about: Hashable = None
        self._above = 0
        self._lines: tuple[int, list[Content]] = (0, [])

    def show(self, told: Content | Callable[[int], Content], about: Hashable = None) -> None:
        """Show these facts, from the top unless they are about what was shown before.

        Args:
            told: the facts, or what lays them out for so many columns.
            about: what they are about; None where that is never the same.
        """
        if about is None or about != self._about:
            self._above = 0
        self._told, self._about = told if callable(told) else lambda width: told, about
        self._lines = (0, [])
        self.refresh()

    def scroll_lines(self, lines: int) -> None:
        """Show what lies further down, or up."""
        self._above += lines
        self.refresh()

    def render(self) -> Content:
        """What fits; the last line says when there is more."""
        every, height = self._wrapped(), self.size.height
        self._above = max(0, min(self._above, len(every) - height))
        lines = every[self._above :]
        if len(lines) > height > 0:
            more = Content.styled(f"▾ {len(lines) - height + 1} more lines", "$foreground 60%")
            lines = [*lines[: height - 1], more]
        return Content("\n").join(lines)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Further down."""
        self.scroll_lines(2)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Further up."""
        self.scroll_lines(-2)

    def _wrapped(self) -> list[Content]:
        width = max(self.size.width, 1)
        if self._lines[0] != width:
            lines = self._told(width).split(allow_blank=True)
            self._lines = (width, [piece for line in lines for piece in line.wrap(width) or [line]])
        return self._lines[1]
