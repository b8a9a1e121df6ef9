"""Progress of work that the command itself does: a bar on a terminal, plain lines otherwise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from sood_tui.cli.output import messages, say

SECONDS_BETWEEN_LINES = 5.0

Tell = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0 or 1: not counted)."""


@contextmanager
def shown_progress() -> Iterator[Tell]:
    """What to call while the work goes on."""
    if not messages.is_terminal:
        yield _Lines().tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, whole: int) -> None:
            nonlocal task
            if bar.tasks[-1].description != what:
                # A total that is not known cannot replace one that is: each step has a line of its own.
                bar.remove_task(task)
                task = bar.add_task(what, total=whole if whole > 1 else None)
            bar.update(task, completed=done)

        yield tell


class _Lines:
    """Says what is being done when that changes, and every few seconds how far it is."""

    def __init__(self) -> None:
        self._what = ""
        self._next = 0.0

    def tell(self, what: str, done: int, whole: int) -> None:
        """One step of progress."""
        if what == self._what and monotonic() < self._next:
            return
        say(what if whole <= 1 else f"{what}: {done:,} of {whole:,}")
        self._what, self._next = what, monotonic() + SECONDS_BETWEEN_LINES


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """The speed where one is known."""
        return Text(f"{task.speed:,.0f}/s" if task.speed and task.total else "")
