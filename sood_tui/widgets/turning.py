"""A line that holds one of a few words; the arrows turn to the next."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


class Turning(Static, can_focus=True):
    """Shows what is chosen between two signs; takes no other word."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "turn(1)", "next", id="turning.next"),
        Binding("left", "turn(-1)", "previous", id="turning.previous"),
    ]
    DEFAULT_CSS = """
    Turning {
        height: 1; width: 1fr; color: $foreground 80%;
        &:focus { background: $foreground 10%; color: $foreground; text-style: bold; }
    }
    """

    class Changed(Message):
        """Another word is chosen."""

    def __init__(self, choices: Sequence[str], value: str, name_of: str) -> None:
        """Begin with a word.

        Args:
            choices: the words.
            value: the first that is shown; the first of them where it is none of them.
            name_of: id of the widget.
        """
        super().__init__(markup=False, id=name_of)
        self._choices = tuple(choices)
        self._place = self._choices.index(value) if value in self._choices else 0

    @property
    def value(self) -> str:
        """The word that is chosen."""
        return self._choices[self._place]

    @value.setter
    def value(self, word: str) -> None:
        self._place = self._choices.index(word)
        self._show()

    def on_mount(self) -> None:
        """Show the first word."""
        self._show()

    def action_turn(self, step: int) -> None:
        """Choose the next word, around the ends."""
        self._place = (self._place + step) % len(self._choices)
        self._show()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Choose the next word."""
        self.action_turn(1)

    def _show(self) -> None:
        self.update(Content(f"‹ {self.value} ›"))
