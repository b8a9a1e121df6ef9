"""A column of facts."""

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
        self._content = Content("")
        self._above = 0

    def show(self, content: Content) -> None:
        """Show these facts, from the top."""
        self._content, self._above = content, 0
        self.refresh()

    def scroll_lines(self, lines: int) -> None:
        """Show what lies further down, or up."""
        self._above = max(0, min(self._above + lines, len(self._wrapped()) - self.size.height))
        self.refresh()

    def render(self) -> Content:
        """What fits; the last line says when there is more."""
        lines, height = self._wrapped()[self._above :], self.size.height
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
        return [piece for line in self._content.split(allow_blank=True) for piece in line.wrap(width) or [line]]
