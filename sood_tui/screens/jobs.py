"""Jobs: what runs, what waits, what ended, and what it printed."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from engine.images.roots import start_add, start_rescan
from engine.jobs.devices import check_device
from engine.jobs.runner import cancel, find_job, pause, resume, set_priority
from engine.jobs.summary import JobSummary
from sood_tui.keys.jobs import JOBS
from sood_tui.lines.job import head_line, job_line, shape_of
from sood_tui.orders.every import ORDERS
from sood_tui.orders.order import Begun, Order
from sood_tui.plain import plain, some
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog, ConfirmDialog
from sood_tui.screens.job_facts import JobDetail, Story, read_detail
from sood_tui.screens.job_form import JobForm
from sood_tui.screens.room import RoomScreen
from sood_tui.widgets.job_strip import ACTIVE, job_number
from sood_tui.widgets.lines import Lines

LIST_FRAME = 3  # lines of the list beside its jobs
LEAST_LIST = 6
LIST_SHARE = 0.45
FRAME = 3  # top bar, job strip and footer


class JobsScreen(RoomScreen):
    """The jobs, newest first; below them the chosen one, in numbers or with its log."""

    CSS_PATH = "jobs.tcss"
    ROOM = "scoring"
    KEYS = JOBS
    BINDINGS: ClassVar[list[BindingType]] = list(JOBS)

    def __init__(self) -> None:
        super().__init__()
        self._jobs: tuple[JobSummary, ...] = ()
        self._with_log = False
        self._story = Story("")
        self._begun = ""
        self._to_end = False  # the last that a job printed tells most

    def compose_body(self) -> Iterable[Widget]:
        """The list, and the chosen job."""
        with Vertical(id="list_panel", classes="panel") as panel:
            panel.border_title = "jobs"
            yield Static("", id="list_head", markup=False)
            yield Lines(id="list")
        with (
            Vertical(id="detail_panel", classes="panel"),
            VerticalScroll(id="detail_scroll", can_focus=False),
            Container(id="columns"),
        ):
            yield Static("", id="detail", markup=False)
            yield Static("", id="before", markup=False)

    def reload(self) -> None:
        """Show what was seen last."""
        self.jobs_seen(self.sood.jobs)

    def jobs_seen(self, jobs: tuple[JobSummary, ...]) -> None:
        """Show the jobs; the cursor stays on its job."""
        if not self.is_mounted:
            return
        lines = self.query_one("#list", Lines)
        chosen = self._jobs[lines.cursor].job_id if lines.cursor < len(self._jobs) else ""
        self._jobs = jobs[::-1]
        ids = [job.job_id for job in self._jobs]
        if self._begun in ids:
            chosen, self._begun = self._begun, ""
        shape = shape_of(self.size.width)
        lines.show([job_line(job, shape) for job in self._jobs], ids.index(chosen) if chosen in ids else None)
        self._share_room()
        self.query_one("#list_head", Static).update(Content(head_line(shape) if jobs else ""))
        self._show_detail()

    def _share_room(self) -> None:
        """Few jobs leave their room to the chosen one."""
        most = max(LEAST_LIST, round((self.size.height - FRAME) * LIST_SHARE))
        wanted = LEAST_LIST if self._with_log else len(self._jobs) + LIST_FRAME
        self.query_one("#list_panel").styles.height = max(LEAST_LIST, min(wanted, most))

    def on_resize(self) -> None:
        """The lines follow the width."""
        self.call_after_refresh(self.reload)

    @on(Lines.CursorMoved)
    def follow(self) -> None:
        """Show the job under the cursor."""
        self._show_detail()

    def _show_detail(self) -> None:
        panel, detail = self.query_one("#detail_panel"), self.query_one("#detail", Static)
        job = self._job()
        if job is None:
            panel.border_title = ""
            detail.update(Content("No job yet. Press n to begin one: scan pictures, score them, ask a model."))
            self.query_one("#before", Static).update("")
            return
        panel.border_title = Content(plain(f"#{job_number(job)} {job.title}"))
        panel.border_subtitle = "what it printed" if self._with_log else Content(plain(job.job_id))
        root, with_log = self.workspace.root, self._with_log
        if self._story.job_id != job.job_id:
            self._story = Story(job.job_id)
            self.query_one("#detail_scroll").scroll_home(animate=False)
        width = detail.size.width or self.size.width
        self.in_thread("detail", partial(read_detail, root, job, self._story, with_log, width), self._show_read)

    def _show_read(self, found: JobDetail) -> None:
        self.query_one("#detail", Static).update(found.now)
        self.query_one("#before", Static).update(found.before)
        if self._to_end:
            self._to_end = False
            self.call_after_refresh(self.query_one("#detail_scroll").scroll_end, animate=False)

    # ---- moving ----

    def action_move(self, step: int) -> None:
        """Move by lines; in the log, scroll."""
        if self._with_log:
            self.query_one("#detail_scroll").scroll_relative(y=step, animate=False)
        else:
            self.query_one("#list", Lines).move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages."""
        if self._with_log:
            scroll = self.query_one("#detail_scroll")
            scroll.scroll_relative(y=pages * max(scroll.size.height - 1, 1), animate=False)
        else:
            self.query_one("#list", Lines).move_page(pages)

    def action_move_to_end(self, end: int) -> None:
        """Go to the first or the last job; in the log, to its first or last line."""
        if self._with_log:
            scroll = self.query_one("#detail_scroll")
            scroll.scroll_home(animate=False) if end < 0 else scroll.scroll_end(animate=False)
        else:
            self.query_one("#list", Lines).go(0 if end < 0 else len(self._jobs) - 1)

    def action_scroll_facts(self, lines: int) -> None:
        """Show what of the chosen job does not fit."""
        self.query_one("#detail_scroll").scroll_relative(y=lines, animate=False)

    def action_log(self) -> None:
        """Show or hide what the job printed."""
        self._with_log = self._to_end = not self._with_log and self._job() is not None
        self.set_class(self._with_log, "-log")
        self.query_one("#detail_scroll").scroll_home(animate=False)
        self._share_room()
        self._show_detail()

    def close_something(self) -> bool:
        """Hide the log, if it is shown."""
        if self._with_log:
            self.action_log()
            return True
        return False

    # ---- acting on jobs ----

    def action_cancel(self) -> None:
        """End the job, after a question."""
        job = self._chosen()
        if job.state not in ACTIVE:
            raise EngineError(f"Job #{job_number(job)} does not run: it is {job.state}.", "R resumes one that stopped.")

        def answered(yes: bool | None) -> None:
            if yes:
                self.sood.say(f"Job #{job_number(job)} ends after its batch.")
                folder = find_job(self.workspace.root, job.job_id)
                self.in_thread(f"cancel {job.job_id}", partial(cancel, folder))

        question = f"End job #{job_number(job)}, {plain(job.title)}?\nWhat is done stays done; R goes on from there."
        self.app.push_screen(ConfirmDialog("Cancel", question, "end it"), answered)

    def action_resume(self) -> None:
        """Go on where the job stopped."""
        job = self._chosen()
        ways = _ways_on(job)
        acts: dict[str, Callable[[], None]] = {
            "again": lambda: self._resume(job),
            "force": lambda: self._resume(job, force=True),
            "device": lambda: self._resume_elsewhere(job),
        }
        if len(ways) == 1:
            self._resume(job)
            return

        def chosen(key: str | None) -> None:
            if key is not None:
                acts[key]()

        self.app.push_screen(ChooseDialog(f"Job #{job_number(job)}", ways, opened_by="R"), chosen)

    def _resume(self, job: JobSummary, device: str | None = None, force: bool = False) -> None:
        folder = find_job(self.workspace.root, job.job_id)
        self.in_thread(f"resume {job.job_id}", partial(resume, folder, device, force=force),
                       lambda nothing: self.sood.say(f"Job #{job_number(job)} goes on."))  # fmt: skip

    def _resume_elsewhere(self, job: JobSummary) -> None:
        def problem_of(text: str) -> str:
            try:
                check_device(text)
            except EngineError as error:
                return f"{error.message} {error.hint}"
            return ""

        def named(text: str | None) -> None:
            if text:
                self._resume(job, device=text)

        asked = "The device: auto, cpu, cpu:N, cuda, cuda:0 or cuda:0,2."
        self.app.push_screen(AskDialog("Go on elsewhere", asked, job.device or "auto", problem_of), named)

    def action_pause(self) -> None:
        """Give the device to the next one; R goes on."""
        job = self._chosen()
        if job.state not in ACTIVE:
            raise EngineError(f"Job #{job_number(job)} does not run: it is {job.state}.", "R resumes one that stopped.")
        folder = find_job(self.workspace.root, job.job_id)
        words = f"Job #{job_number(job)} pauses after its shard; R goes on."
        self.in_thread(f"pause {job.job_id}", partial(pause, folder), lambda nothing: self.sood.say(words))

    def action_priority(self, step: int) -> None:
        """Let a waiting job overtake others, or be overtaken."""
        job = self._chosen()
        folder = find_job(self.workspace.root, job.job_id)

        def change() -> int:
            wanted = folder.priority() + step  # what the list shows may be older than the last key
            set_priority(folder, wanted)
            return wanted

        self.in_thread(f"priority {job.job_id}", change,
                       lambda now: self.sood.say(f"Job #{job_number(job)} has priority {now:+d}."))  # fmt: skip

    def action_new(self) -> None:
        """Choose what to begin."""
        choices = [
            *(Choice(order.key, order.title, order.detail) for order in ORDERS),
            Choice("add", "Add a folder of pictures", "one for each wnid or class"),
            Choice("rescan", "Scan pictures again", "what was added and removed"),
        ]
        acts: dict[str, Callable[[], None]] = {
            **{order.key: partial(self._order, order) for order in ORDERS},
            "add": self._ask_folder,
            "rescan": self._rescan,
        }

        def chosen(key: str | None) -> None:
            if key is not None:
                acts[key]()

        self.app.push_screen(ChooseDialog("New job", choices, opened_by="n"), chosen)

    def _order(self, order: Order) -> None:
        """Ask what the job has to be told; the form starts it."""

        def begun(found: Begun | None) -> None:
            if found is not None:
                self._begun = found.job_id or ""
                self.sood.say(found.sentence)

        self.app.push_screen(JobForm(self.workspace, self.sood.settings, order), begun)

    def _ask_folder(self) -> None:
        def named(text: str | None) -> None:
            if text:
                path = Path(text).expanduser()
                self.in_thread("submit", partial(start_add, self.workspace, path),
                               lambda started: self.sood.say(f"Scanning {plain(str(path))}."))  # fmt: skip

        def problem_of(text: str) -> str:
            return "" if Path(text).expanduser().exists() else f"{text!r} is not there."

        asked = "A folder with one folder for each wnid or class name, or a list file."
        self.app.push_screen(AskDialog("Add pictures", asked, problem_of=problem_of), named)

    def _rescan(self) -> None:
        self.in_thread("submit", partial(start_rescan, self.workspace),
                       lambda scans: self.sood.say(f"{some(len(scans), 'scan')} began."))  # fmt: skip

    def _job(self) -> JobSummary | None:
        place = self.query_one("#list", Lines).cursor
        return self._jobs[place] if place < len(self._jobs) else None

    def _chosen(self) -> JobSummary:
        job = self._job()
        if job is None:
            raise EngineError("There is no job yet.", "n begins one.")
        return job


def _ways_on(job: JobSummary) -> list[Choice]:
    """How a job can be resumed: those that its failure speaks of beside the usual one."""
    ways = [Choice("again", "Go on", "as it was submitted")]
    if job.state == "failed" and "--force" in job.hint:
        ways.append(Choice("force", "Go on all the same", "although there seems to be no room"))
    if job.state == "failed" and "--device" in job.hint:
        ways.append(Choice("device", "Go on elsewhere", "on another device"))
    return ways
