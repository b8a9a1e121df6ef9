"""The form of a new scoring job: with what, where, how urgent, and what it would take."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from engine.errors import EngineError
from engine.jobs.devices import check_device
from engine.jobs.estimate import Estimate, read_estimate
from engine.jobs.execution import Execution
from engine.jobs.runner import ACTIVE, cancel, find_job
from engine.jobs.spec import Executor
from engine.jobs.waiting import wait_for
from engine.scoring.submission import ScoringRequest, SubmittedScoring
from engine.workspace import Workspace
from sood_tui.plain import plain
from store.errors import StoreError

_HELP = {
    "model": "open_clip's architecture, local-dir:FOLDER or hf-hub:ORG/NAME",
    "pretrained": "open_clip's tag or a checkpoint; empty with local-dir: and hf-hub:",
    "device": "auto, cpu, cpu:N, cuda, cuda:0 or cuda:0,2: a process each",
    "batch_size": "pictures; halved by itself when memory runs out",
    "priority": "waiting jobs of a higher one go first",
    "executor": "local, or ray for a cluster",
    "address": "of the Ray cluster; empty: $RAY_ADDRESS",
    "storage": "URL for a cluster's parts; empty: the workspace",
}


class JobForm(ModalScreen[ScoringRequest | None]):
    """Asks how a scoring job shall run; says what it would take before it is started."""

    CSS_PATH = "job_form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,ctrl+s", "start", "start", id="job_form.start", priority=True),
        Binding("ctrl+e", "estimate", "estimate", id="job_form.estimate", priority=True),
        Binding("escape", "close", "close", id="job_form.close"),
        Binding("down", "app.focus_next", "next", id="job_form.next"),
        Binding("up", "app.focus_previous", "previous", id="job_form.previous"),
    ]

    def __init__(
        self,
        workspace: Workspace,
        request: ScoringRequest,
        submit: Callable[[Workspace, ScoringRequest], SubmittedScoring],
    ) -> None:
        """Ask about a job.

        Args:
            workspace: open.
            request: what is filled in at first.
            submit: starts a job; used for the estimate only.
        """
        super().__init__()
        self._workspace, self._request, self._submit = workspace, request, submit
        self._trying: str | None = None

    def compose(self) -> ComposeResult:
        """A line for each choice, and what the job would take."""
        values = {
            "model": self._request.model,
            "pretrained": self._request.pretrained or "",
            "device": self._request.device,
            "batch_size": str(self._request.batch_size),
            "priority": str(self._request.execution.priority),
            "executor": self._request.execution.executor,
            "address": self._request.execution.address or "",
            "storage": self._request.execution.storage or "",
        }
        with Vertical(classes="dialog") as box:
            names = ", ".join(self._request.superclasses) or "every superclass"
            box.border_title = Content(plain(f"Score {names}"))
            box.border_subtitle = "enter starts it · ctrl+e estimates · esc leaves it"
            for name, value in values.items():
                with Horizontal(classes="field"):
                    yield Static(name.replace("_", " ").replace("pretrained", "weights"), classes="name")
                    yield Input(value, id=name, compact=True, select_on_focus=False)
            yield Static(Content(_HELP["model"]), id="help")
            yield Static("", id="answer", markup=False)

    def on_descendant_focus(self) -> None:
        """Say what the chosen line means."""
        focused = self.focused
        if focused is not None and focused.id in _HELP:
            self.query_one("#help", Static).update(Content(_HELP[focused.id]))

    @on(Input.Changed)
    def forget(self) -> None:
        """What was said before does not hold for other values."""
        if self._trying is None:
            self.query_one("#answer", Static).update("")

    def action_start(self) -> None:
        """Close with the request, if it can be."""
        request = self._filled_in()
        if request is not None:
            self._give_up_estimate()
            self.dismiss(request)

    def action_close(self) -> None:
        """Close without one."""
        self._give_up_estimate()
        self.dismiss(None)

    def action_estimate(self) -> None:
        """Try a small part of the work."""
        request = self._filled_in()
        if request is None or self._trying is not None:
            return
        wanted = replace(request, execution=replace(request.execution, estimate=True))
        self._trying = ""
        self._say("Trying a small part ...")
        self.run_worker(partial(self._try, wanted), thread=True, exclusive=True, group="estimate")

    def _filled_in(self) -> ScoringRequest | None:
        value = {name: self.query_one(f"#{name}", Input).value.strip() for name in _HELP}
        try:
            for name in ("batch_size", "priority"):
                if not value[name].removeprefix("-").isdecimal():
                    raise EngineError(f"{value[name]!r} is no whole number.", _HELP[name])
            execution = Execution(
                cast("Executor", value["executor"]),
                value["address"] or None,
                value["storage"] or None,
                int(value["priority"]),
            )
            execution.check()
            return replace(
                self._request,
                model=value["model"],
                pretrained=value["pretrained"] or None,
                device=check_device(value["device"]),
                batch_size=int(value["batch_size"]),
                execution=execution,
            )
        except EngineError as error:
            self._say(f"{error.message} {error.hint}")
            return None

    def _try(self, request: ScoringRequest) -> None:
        """In a thread: start the estimate and wait for it."""
        worker = get_current_worker()
        try:
            self._trying = self._submit(self._workspace, request).job_id
            folder = find_job(self._workspace.root, self._trying)
            wait_for(folder)
            said = _sentences(read_estimate(folder))
        except (EngineError, StoreError) as error:
            said = f"{error.message} {error.hint}"
        self._trying = None
        if not worker.is_cancelled and self.is_attached:
            self.app.call_from_thread(self._say, said)

    def _give_up_estimate(self) -> None:
        if self._trying:
            folder = find_job(self._workspace.root, self._trying)
            if folder.state() in ACTIVE:
                self.app.run_worker(partial(cancel, folder), thread=True, exit_on_error=False)

    def _say(self, text: str) -> None:
        if self.is_mounted:
            self.query_one("#answer", Static).update(Content(plain(text) if "\n" not in text else text))


def _sentences(estimate: Estimate) -> str:
    fits = "It fits." if estimate.fits else "It does not fit as it is."
    return "\n".join(plain(sentence) for sentence in [fits, *estimate.sentences()])
