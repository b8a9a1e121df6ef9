"""Questions: yes or no, a text, one of several, one of what a search finds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from sood_tui.plain import plain

if TYPE_CHECKING:
    from sood_tui.app import SoodApp

SEARCH_LIMIT = 50
MOST_WIDE = 92  # columns of a box with choices, as its style sheet has it


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be chosen: what the program calls it, what a person reads, and a word about it."""

    key: str
    title: str
    detail: str = ""

    def content(self, width: int = 0) -> Content:
        """Title and detail in one line; the detail dimmed."""
        title = plain(self.title).ljust(width)
        return Content.assemble(title, (f"  {plain(self.detail)}" if self.detail else "", "dim"))


class _Answer(Static):
    """A word that answers when clicked."""

    def __init__(self, words: str, act: Callable[[], None]) -> None:
        super().__init__(words, markup=False, classes="answer")
        self._act = act

    def on_click(self, event: events.Click) -> None:
        """Answer."""
        self._act()


class ConfirmDialog(ModalScreen[bool]):
    """Asks before something that touches much; says how much."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes", id="confirm.yes"),
        Binding("n,escape,q", "answer(False)", "no", id="confirm.no"),
    ]

    def __init__(self, title: str, question: str, yes: str = "yes") -> None:
        super().__init__()
        self._title, self._question, self._yes = title, question, yes

    def compose(self) -> ComposeResult:
        """The question and two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            yield Static(Content(self._question), classes="question")
            with Horizontal(classes="answers"):
                yield _Answer(f"y  {self._yes}", lambda: self.action_answer(True))
                yield _Answer("n  no", lambda: self.action_answer(False))

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)


class AskDialog(ModalScreen[str | None]):
    """Asks for a text. A text that is not fit is said to be so, and can be corrected."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", id="ask.close")]

    def __init__(
        self, title: str, question: str, value: str = "", problem_of: Callable[[str], str] = lambda text: ""
    ) -> None:
        super().__init__()
        self._title, self._question, self._value, self._problem_of = title, question, value, problem_of

    def compose(self) -> ComposeResult:
        """The question and the line to type in."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            box.border_subtitle = "enter takes it · esc leaves it"
            yield Static(Content(self._question), classes="question")
            yield Input(self._value, select_on_focus=False)
            yield Static("", markup=False, classes="problem")

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        """Close with the text, if it is fit."""
        problem = self._problem_of(event.value)
        if problem:
            self.query_one(".problem", Static).update(Content(plain(problem)))
        else:
            self.dismiss(event.value)

    def action_close(self) -> None:
        """Close without a text."""
        self.dismiss(None)


class ChooseDialog(ModalScreen[str | None]):
    """Asks for one of several; the key that opened it moves on, so that two presses are enough."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close", id="choose.close"),
        Binding("j", "step(1)", "down", id="choose.down"),
        Binding("k", "step(-1)", "up", id="choose.up"),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], current: str = "", opened_by: str = "") -> None:
        """Ask for one of several.

        Args:
            title: of the box.
            choices: first to last.
            current: the key of the choice that holds now.
            opened_by: the key that opens it on the screen below unless the person gave that action another one.
        """
        super().__init__()
        self._title, self._choices, self._current, self._opened_by = title, tuple(choices), current, opened_by

    def compose(self) -> ComposeResult:
        """The list, the cursor on what holds now."""
        width = max((len(choice.title) for choice in self._choices), default=0)
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            box.border_subtitle = "enter takes it · esc leaves it"
            inside = min(MOST_WIDE, self.app.size.width * 9 // 10) - 8
            lines = [choice.content(width).truncate(inside, ellipsis=True) for choice in self._choices]
            yield OptionList(*(Option(line) for line in lines), markup=False)

    def on_mount(self) -> None:
        """Put the cursor on what holds now."""
        keys = [choice.key for choice in self._choices]
        self.query_one(OptionList).highlighted = keys.index(self._current) if self._current in keys else 0

    def on_key(self, event: events.Key) -> None:
        """The key that opened the dialog goes to the next choice."""
        if event.key in self._openers():
            event.stop()
            self.action_step(1)

    def _openers(self) -> list[str]:
        """The keys of the action that opened it, as the person has them."""
        stack = self.app.screen_stack
        below = stack[stack.index(self) - 1]
        bindings: Sequence[Binding] = getattr(below, "KEYS", ())
        opener = [binding for binding in bindings if self._opened_by in binding.key.split(",")]
        return [key for binding in cast("SoodApp", self.app).bound(opener) for key in binding.key.split(",")]

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        """Close with the choice."""
        self.dismiss(self._choices[event.option_index].key)

    def action_step(self, step: int) -> None:
        """Move the cursor, around the ends."""
        options = self.query_one(OptionList)
        options.highlighted = ((options.highlighted or 0) + step) % max(len(self._choices), 1)

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(None)


class FindDialog(ModalScreen[str | None]):
    """Searches as one types."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="find.close"),
        Binding("down,ctrl+n", "step(1)", "down", id="find.down", priority=True),
        Binding("up", "step(-1)", "up", id="find.up", priority=True),
    ]

    def __init__(self, title: str, search: Callable[[str], Sequence[Choice]], hint: str) -> None:
        """Ask for one of what a search finds.

        Args:
            title: of the box.
            search: what a text finds, best first; called in a thread.
            hint: shown while nothing is typed.
        """
        super().__init__()
        self._title, self._search, self._hint = title, search, hint
        self._found: Sequence[Choice] = ()
        self._found_for = ""
        self._asked = ""

    def compose(self) -> ComposeResult:
        """The line to type in, and what it finds."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            box.border_subtitle = "enter goes there · esc leaves it"
            yield Input(placeholder=self._hint)
            yield OptionList(markup=False)

    def holds_back(self, key: events.Key | None) -> bool:
        """Keys that mean what was found wait until that is what was typed last."""
        means_found = key is not None and key.key in ("enter", "down", "ctrl+n", "up")
        return means_found and self.query_one(Input).value != self._found_for

    @on(Input.Changed)
    def look(self, event: Input.Changed) -> None:
        """Search for what is typed now; an earlier search is no longer waited for."""
        self._asked = event.value
        self.run_worker(lambda text=event.value: self._find(text), thread=True, exclusive=True, group="searchers")

    @on(Input.Submitted)
    def take_typed(self, event: Input.Submitted) -> None:
        """Close with the choice under the cursor."""
        highlighted = self.query_one(OptionList).highlighted
        if self._found and highlighted is not None:
            self.dismiss(self._found[highlighted].key)

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        """Close with the choice that was clicked."""
        self.dismiss(self._found[event.option_index].key)

    def action_step(self, step: int) -> None:
        """Move the cursor in the list while the line keeps the keyboard."""
        options = self.query_one(OptionList)
        if self._found:
            options.highlighted = ((options.highlighted or 0) + step) % len(self._found)

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(None)

    def _find(self, text: str) -> None:
        found: Any = self._search(text.strip()) if text.strip() else ()
        self.app.call_from_thread(self._show, text, found)

    def _show(self, text: str, found: Sequence[Choice]) -> None:
        if text != self._asked or not self.is_mounted:
            return
        self._found, self._found_for = found[:SEARCH_LIMIT], text
        options = self.query_one(OptionList)
        options.clear_options()
        width = min(max((len(choice.title) for choice in self._found), default=0), 28)
        inside = max(self.query_one(Input).size.width - 2, 20)
        options.add_options([Option(choice.content(width).truncate(inside, ellipsis=True)) for choice in self._found])
        options.highlighted = 0 if self._found else None
        if text.strip() and not self._found:
            options.add_option(Option(Content.styled("Nothing has it.", "dim"), disabled=True))
