"""What every screen of the walk has: the frame, loading in a thread, and errors that reach the desk."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from engine.workspace import Workspace
from sood_tui.keys.frame import FRAME
from sood_tui.keys.type_ahead import HELD_BY
from sood_tui.marks import SAID
from sood_tui.plain import some
from sood_tui.widgets.funnel import HOME, Funnel
from sood_tui.widgets.job_strip import JobStrip
from sood_tui.widgets.key_footer import KeyFooter

if TYPE_CHECKING:
    from textual.binding import Binding

    from engine.jobs.summary import JobSummary
    from engine.review.decisions import Step
    from sood_tui.app import SoodApp

Result = TypeVar("Result")
HELP = tuple(binding for binding in FRAME if binding.id == "frame.help")


class RoomScreen(Screen[None]):
    """A screen with the frame around its body.

    Whatever takes longer than a frame runs in a thread through `in_thread`, which hands the result to a handler on
    the screen's own thread. Only the latest call of a group is heard.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012 (as Textual declares it)
    ROOM: ClassVar[str] = HOME
    KEYS: ClassVar[tuple["Binding", ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, int] = {}
        self._handlers: dict[Worker[Any], tuple[str, int, Callable[[Any], None]]] = {}
        self._is_entered = False

    @property
    def sood(self) -> "SoodApp":
        """The app, by its own type."""
        return cast("SoodApp", self.app)

    @property
    def workspace(self) -> Workspace:
        """The open workspace."""
        return self.sood.require_workspace()

    def compose(self) -> ComposeResult:
        """The frame, and the screen's own body in it."""
        yield Funnel(self.ROOM, self.sood.settings.reviewer, self.sood.is_guest)
        yield from self.compose_body()
        yield JobStrip()
        yield KeyFooter(self.sood.bound(self.KEYS), self.sood.bound(HELP))

    def compose_body(self) -> Iterable[Widget]:
        """What the screen itself shows."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show what is known; read the rest once the first frame is there."""
        self.call_after_refresh(self._enter_first)

    def _enter_first(self) -> None:
        self._is_entered = True
        self.enter()

    def enter(self) -> None:
        """Read again: other screens may have changed what is shown here. A dialog that closes is no such change."""
        self.show_frame(self.sood.counts, self.sood.jobs)
        self.reload()

    def holds_back(self, key: events.Key | None) -> bool:
        """Whether keys must wait: the screen is not there yet, or reads or writes what decides on their meaning.

        What takes long to read keeps nobody from leaving.
        """
        if self.sood.is_everywhere(key):
            return False
        return not self._is_entered or any(group.startswith(HELD_BY) for group, _, _ in self._handlers.values())

    def reload(self) -> None:
        """Read what the screen shows; called whenever it is opened and when the catalogue changed."""

    @property
    def stands(self) -> bool:
        """Whether its frame is there: not before it is composed, and no more while the app closes."""
        return self.is_mounted and bool(self.query(Funnel)) and bool(self.query(JobStrip))

    def show_frame(self, counts: Mapping[str, str], jobs: "tuple[JobSummary, ...]") -> None:
        """Bring the top bar and the line of jobs up to date."""
        if self.stands:
            self.query_one(Funnel).counts = counts
            self.query_one(JobStrip).jobs = jobs

    def jobs_seen(self, jobs: "tuple[JobSummary, ...]") -> None:
        """The jobs were looked at; for screens that show more of them than the line."""

    def others_decided(self, is_renewed: bool) -> None:
        """Somebody at another seat decided, or a guest's snapshot is a newer one."""
        self.reload()

    def close_something(self) -> bool:
        """Close what is open on the screen, if anything is; else the screen itself is left."""
        return False

    def in_thread(
        self, group: str, work: Callable[[], Result], then: Callable[[Result], None] = lambda result: None
    ) -> None:
        """Do work in a thread, then call a handler here with its result, unless a later call of the group began.

        Expected errors go to the error desk; any other ends the app with its traceback.
        """
        self._calls[group] = self._calls.get(group, 0) + 1
        worker = self.run_worker(work, thread=True, group=group, exit_on_error=False)
        self._handlers[worker] = (group, self._calls[group], then)

    def in_thread_to_open(self, group: str, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do work in a thread, then open something with its result, unless the person has left this screen meanwhile.

        Whoever is elsewhere by now, or has opened something else here, is not interrupted by what comes late.
        """

        def open_here(result: Result) -> None:
            if self.app.screen is self:
                then(result)

        self.in_thread(group, work, open_here)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Hand over the result of a thread, or its error."""
        if event.state not in (WorkerState.SUCCESS, WorkerState.ERROR, WorkerState.CANCELLED):
            return
        group, call, then = self._handlers.pop(event.worker, ("", 0, lambda result: None))
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.sood.report(event.worker.error)
        elif event.state is WorkerState.SUCCESS and self._calls.get(group, 0) == call:
            then(event.worker.result)

    def action_undo(self) -> None:
        """Take back the last decision."""
        self._turn_back("undo")

    def action_redo(self) -> None:
        """Bring back the decision that was taken back last."""
        self._turn_back("redo")

    def turned_back(self, step: "Step") -> None:
        """A step was taken back or brought back; screens that show its candidates read them again."""
        self.reload()

    def _turn_back(self, direction: str) -> None:
        from engine.review import decisions as review

        act = review.undo if direction == "undo" else review.redo

        def told(step: "Step") -> None:
            what = step_words(step)
            self.sood.say(f"{'Taken back' if direction == 'undo' else 'Brought back'}: {what}")
            self.sood.read_counts()
            self.turned_back(step)

        reviewer = self.sood.settings.reviewer
        # A person takes back what they did themselves: others may be deciding at the same time.
        self.in_thread("decisions", partial(act, self.workspace, reviewer, reviewer), told)


def step_words(step: "Step") -> str:
    """What a step did, in a few words."""
    kind = SAID.get(step.kinds[0], step.kinds[0])
    if not step.events:
        return f"{kind}: {some(len(step.pictures), 'picture')}"
    return f"{kind} {some(len(step.wnids), 'synset')} of {', '.join(step.superclasses)}"
