"""The keys that work here, made from the bindings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual import events
from textual.actions import parse
from textual.binding import Binding
from textual.strip import Strip

from sood_tui.keys.binding import sign
from sood_tui.widgets.painting import LinePainter

if TYPE_CHECKING:
    from sood_tui.app import SoodApp

SPACE = "  "


class KeyFooter(LinePainter):
    """One line of keys; a click does what the key does. What does not fit is in the help, which always fits."""

    PART_PREFIX = "key-footer"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-footer--key", "key-footer--word"}
    DEFAULT_CSS = """
    KeyFooter {
        height: 1; width: 1fr; background: $panel;
        & .key-footer--key { color: $footer-key-foreground; text-style: bold; }
        & .key-footer--word { color: $foreground 80%; }
    }
    """

    def __init__(self, bindings: Sequence[Binding], always: Sequence[Binding]) -> None:
        super().__init__()
        self._keys = tuple(binding for binding in bindings if binding.show)
        self._always = tuple(always)
        self._spans: list[tuple[int, int, str]] = []

    def render_line(self, y: int) -> Strip:
        """The line."""
        width = self.size.width
        fixed = sum(_length(binding) + len(SPACE) for binding in self._always)
        shown, used = [], 1
        for binding in self._keys:
            if self.screen.check_action(*parse(binding.action)[1:]) is False:
                continue
            if used + _length(binding) + len(SPACE) > width - fixed:
                break
            shown.append(binding)
            used += _length(binding) + len(SPACE)
        base = self.part_style()
        segments, self._spans, x = [Segment(" ", base)], [], 1
        for binding in (*shown, *self._always):
            if self._always and binding is self._always[0]:
                gap = max(0, width - x - fixed)
                segments.append(Segment(" " * gap, base))
                x += gap
            self._spans.append((x, x + _length(binding), binding.action))
            segments += [
                Segment(sign(binding), self.part_style("key")),
                Segment(f" {binding.description}", self.part_style("word")),
                Segment(SPACE, base),
            ]
            x += _length(binding) + len(SPACE)
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        for start, end, action in self._spans:
            if start <= event.x < end:
                cast("SoodApp", self.app).do_now(action, self.screen)
                return


def _length(binding: Binding) -> int:
    return len(sign(binding)) + 1 + len(binding.description)
