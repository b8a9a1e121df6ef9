"""What every key does here, made from the bindings."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from sood_tui.keys.binding import signs


class _Keys(Static):
    """The lines, laid out for the columns that there are."""

    def __init__(self, own: Sequence[Binding], everywhere: Sequence[Binding]) -> None:
        super().__init__()
        self._own, self._everywhere = own, everywhere

    def on_resize(self, event: events.Resize) -> None:
        """Lay them out anew."""
        self.update(help_content(self._own, self._everywhere, self.size.width))


class HelpScreen(ModalScreen[None]):
    """One line a key: the key, and the sentence of its binding."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "close", "close", id="help.close"),
        Binding("down,j", "scroll(1)", "down", id="help.down"),
        Binding("up,k", "scroll(-1)", "up", id="help.up"),
        Binding("pagedown,space", "scroll(10)", "page down", id="help.page_down"),
        Binding("pageup", "scroll(-10)", "page up", id="help.page_up"),
    ]

    def __init__(self, title: str, own: Sequence[Binding], everywhere: Sequence[Binding]) -> None:
        super().__init__()
        self._title, self._keys, self._everywhere = title, tuple(own), tuple(everywhere)

    def compose(self) -> Iterable[Widget]:
        """The keys of the screen, then those of every screen."""
        with Vertical(classes="dialog") as box:
            box.border_title = f"Keys of {self._title}"
            box.border_subtitle = "esc closes"
            with VerticalScroll(can_focus=False):
                yield _Keys(self._keys, self._everywhere)

    def action_scroll(self, lines: int) -> None:
        """Scroll."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Close."""
        self.dismiss()


def help_content(own: Sequence[Binding], everywhere: Sequence[Binding], columns: int) -> Content:
    """Keys and sentences in so many columns, those of the screen first."""
    width = max(len(signs(binding)) for binding in (*own, *everywhere)) + 2
    lines = [_line(binding, width, columns) for binding in own]
    lines += [Content(""), Content.styled("On every screen", "bold $text-accent")]
    lines += [_line(binding, width, columns) for binding in everywhere]
    return Content("\n").join(lines)


def _line(binding: Binding, width: int, columns: int) -> Content:
    first, *rest = _wrapped(binding.tooltip, columns - width)
    told = "\n".join([first, *(" " * width + line for line in rest)])
    return Content.assemble((signs(binding).ljust(width), "bold $text-primary"), told)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
