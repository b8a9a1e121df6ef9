"""The form of a new job: what it needs to be told, what it would take, and what is wrong with an answer."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from engine.errors import EngineError
from engine.jobs.runner import ACTIVE, cancel, find_job
from engine.jobs.waiting import wait_for
from engine.workspace import Workspace
from sood_tui.orders.fields import Answers, Field, WrongField
from sood_tui.orders.order import Begun, Order
from sood_tui.plain import plain
from sood_tui.settings import Settings
from sood_tui.widgets.turning import Turning
from store.errors import StoreError

if TYPE_CHECKING:
    from engine.jobs.estimate import Estimate

Result = TypeVar("Result")
AROUND = 11  # lines of the box beside its fields: borders, help, and an answer of some lines
TRY_FIRST = "ctrl+e tries a small part: time, disk, memory, and whether it fits."


class JobForm(ModalScreen[Begun | None]):
    """Asks how a job shall run; says what it would take before it is started."""

    CSS_PATH = "job_form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "start", id="job_form.start", priority=True),
        Binding("ctrl+e", "estimate", "estimate", id="job_form.estimate", priority=True),
        Binding("escape", "close", "close", id="job_form.close"),
        # First of all, since fields that scroll would take them for scrolling.
        Binding("down", "app.focus_next", "next", id="job_form.next", priority=True),
        Binding("up", "app.focus_previous", "previous", id="job_form.previous", priority=True),
    ]

    def __init__(
        self, workspace: Workspace, settings: Settings, order: Order, given: Mapping[str, str] | None = None
    ) -> None:
        """Ask about a job.

        Args:
            workspace: open.
            settings: what is filled in at first.
            order: the kind of work.
            given: filled in instead, by the names of fields.
        """
        super().__init__()
        self._workspace, self._settings, self._order, self._given = workspace, settings, order, given or {}
        self._fields: dict[str, Field] = {field.name: field for field in order.fields(settings)}
        self._busy = False
        self._trying: str | None = None

    def compose(self) -> ComposeResult:
        """A line for each field, and what the job would take."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._order.title))
            estimates = " · ctrl+e estimates" if self._order.can_estimate else ""
            box.border_subtitle = f"enter starts it{estimates} · esc leaves it"
            with VerticalScroll(id="fields", can_focus=False):
                for field in self._fields.values():
                    yield from self._line(field)
            yield Static("", id="help", markup=False)
            yield Static(TRY_FIRST if self._order.can_estimate else "", id="answer", markup=False)

    def _line(self, field: Field) -> ComposeResult:
        value = self._given.get(field.name, field.value)
        with Horizontal(classes="field"):
            yield Static(Content(field.title), classes="name")
            if field.choices:
                yield Turning(field.choices, value, field.name)
            else:
                yield Input(value, id=field.name, compact=True, select_on_focus=False)
        yield Static("", id=f"problem-{field.name}", classes="problem", markup=False)

    def on_mount(self) -> None:
        """Begin at the first field."""
        self._fit()
        self._entry(next(iter(self._fields))).focus()

    def on_resize(self) -> None:
        """The fields scroll where they do not all fit."""
        self._fit()

    def _fit(self) -> None:
        self.query_one("#fields").styles.max_height = max(4, self.app.size.height - AROUND)

    def on_descendant_focus(self) -> None:
        """Say what the chosen line means."""
        focused = self.focused
        if focused is not None and focused.id in self._fields:
            self.query_one("#help", Static).update(Content(self._fields[focused.id].help))

    @on(Input.Changed)
    @on(Turning.Changed)
    def forget(self) -> None:
        """What was said before does not hold for other values."""
        for problem in self.query(".problem"):
            problem.display = False
        if not self._busy:
            self._say(TRY_FIRST if self._order.can_estimate else "")

    def action_start(self) -> None:
        """Start the job, and close when it is."""
        if self._trying is None and self._busy:
            return
        self._give_up_estimate()
        self._say("Starting ...")
        self._work("start", partial(self._order.start, self._workspace, self._settings, self._answers()), self.dismiss)

    def action_close(self) -> None:
        """Close without one."""
        self._give_up_estimate()
        self.dismiss(None)

    def action_estimate(self) -> None:
        """Try a small part of the work."""
        if self._busy or not self._order.can_estimate:
            return
        self._say("Trying a small part ...")
        self._work("estimate", partial(self._try, self._answers(estimate=True)), self._say)

    def _answers(self, estimate: bool = False) -> Answers:
        return Answers({name: self._entry(name).value for name in self._fields}, estimate)

    def _entry(self, name: str) -> Input | Turning:
        found = self.query_one(f"#{name}")
        assert isinstance(found, Input | Turning)
        return found

    def _try(self, answers: Answers) -> str:
        """In a thread: start the estimate and wait for it."""
        from engine.jobs.estimate import read_estimate

        self._trying = self._order.start(self._workspace, self._settings, answers).job_id
        assert self._trying is not None
        folder = find_job(self._workspace.root, self._trying)
        wait_for(folder)
        return _sentences(read_estimate(folder))

    def _work(self, group: str, act: Callable[[], Result], then: Callable[[Result], object]) -> None:
        self._busy = True
        self.run_worker(partial(self._in_thread, act, then), thread=True, exclusive=True, group="orders", name=group)

    def _in_thread(self, act: Callable[[], Result], then: Callable[[Result], object]) -> None:
        worker = get_current_worker()
        finish: Callable[[], object]
        try:
            finish = partial(then, act())
        except WrongField as error:
            finish = partial(self._tell, error)
        except (EngineError, StoreError) as error:
            finish = partial(self._say, f"{error.message} {error.hint}".strip())
        if not worker.is_cancelled and self.is_attached:
            self.app.call_from_thread(self._finish, finish)

    def _finish(self, finish: Callable[[], object]) -> None:
        self._busy, self._trying = False, None
        finish()

    def _tell(self, error: WrongField) -> None:
        """Say what is wrong below its field, and go there."""
        if not self.is_mounted:
            return
        self._say("")
        problem = self.query_one(f"#problem-{error.field}", Static)
        problem.update(Content(plain(f"{error.message} {error.hint}".strip())))
        problem.display = True
        self._entry(error.field).focus()
        self.call_after_refresh(problem.scroll_visible, animate=False)

    def _give_up_estimate(self) -> None:
        if self._trying:
            folder = find_job(self._workspace.root, self._trying)
            if folder.state() in ACTIVE:
                self.app.run_worker(partial(cancel, folder), thread=True, exit_on_error=False)
        self._busy, self._trying = False, None

    def _say(self, text: str) -> None:
        if self.is_mounted:
            self.query_one("#answer", Static).update(Content("\n".join(plain(line) for line in text.splitlines())))


def _sentences(estimate: "Estimate") -> str:
    return "\n".join(["It fits." if estimate.fits else "It does not fit as it is.", *estimate.sentences()])
