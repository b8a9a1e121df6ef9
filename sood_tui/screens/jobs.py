"""Jobs: what runs, what waits, what ended, and what it printed."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from engine.images.roots import start_add, start_rescan
from engine.jobs.events import JobEvent, read_last_events
from engine.jobs.runner import cancel, find_job, resume
from engine.jobs.summary import JobSummary
from engine.scoring.submission import ScoringRequest, SubmittedScoring, submit
from sood_tui.keys import JOBS
from sood_tui.plain import ago, duration, plain, some
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog, ConfirmDialog
from sood_tui.screens.room import RoomScreen
from sood_tui.settings import Settings
from sood_tui.widgets.job_strip import ACTIVE, job_bar, job_number, job_numbers
from sood_tui.widgets.lines import Lines, Tone, Words
from store.candidates import fetch_superclass_names

EVENTS_SHOWN = 30
BAR = 24
STATE_SIGNS: dict[str, tuple[str, Tone]] = {
    "queued": ("○ queued", "muted"),
    "running": ("▶ running", "accent"),
    "paused": ("‖ paused", "warn"),
    "finished": ("✓ finished", "good"),
    "cancelled": ("■ cancelled", "warn"),
    "failed": ("✗ failed", "bad"),
    "died": ("✗ died", "bad"),
}


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

    def compose_body(self) -> Iterable[Widget]:
        """The list, and the chosen job."""
        with Vertical(id="list_panel", classes="panel") as panel:
            panel.border_title = "jobs"
            yield Static("", id="list_head", markup=False)
            yield Lines(id="list")
        with Vertical(id="detail_panel", classes="panel"), VerticalScroll(id="detail_scroll", can_focus=False):
            yield Static("", id="detail", markup=False)

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
        lines.show([_line(job) for job in self._jobs], ids.index(chosen) if chosen in ids else None)
        self.query_one("#list_head", Static).update(Content(_head() if jobs else ""))
        self._show_detail()

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
            detail.update(Content("No job yet. Press n to begin one: scan a folder of pictures, or score them."))
            return
        panel.border_title = Content(plain(f"#{job_number(job)} {job.title}"))
        panel.border_subtitle = "what it printed" if self._with_log else Content(plain(job.job_id))
        root, with_log = self.workspace.root, self._with_log
        self.in_thread("detail", partial(_read_detail, root, job, with_log), detail.update)

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

    def action_log(self) -> None:
        """Show or hide what the job printed."""
        self._with_log = not self._with_log and self._job() is not None
        self.set_class(self._with_log, "-log")
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
        folder = find_job(self.workspace.root, job.job_id)
        self.in_thread(f"resume {job.job_id}", partial(resume, folder),
                       lambda nothing: self.sood.say(f"Job #{job_number(job)} goes on."))  # fmt: skip

    def action_new(self) -> None:
        """Choose what to begin."""
        model = self.sood.settings.text("scoring.model")
        choices = [
            Choice("score", "Score pictures", f"every candidate that is not rejected, with {model}"),
            Choice("score_accepted", "Score accepted pictures", f"accepted subclasses only, with {model}"),
            Choice("score_one", "Score one superclass", f"with {model}"),
            Choice("add", "Add a folder of pictures", "scans a folder for each wnid or class"),
            Choice("rescan", "Scan pictures again", "finds what was added and removed"),
        ]
        acts: dict[str, Callable[[], None]] = {
            "score": lambda: self._score(()),
            "score_accepted": lambda: self._score((), only_accepted=True),
            "score_one": self._ask_superclass,
            "add": self._ask_folder,
            "rescan": self._rescan,
        }

        def chosen(key: str | None) -> None:
            if key is not None:
                acts[key]()

        self.app.push_screen(ChooseDialog("New job", choices, opened_by="n"), chosen)

    def _ask_superclass(self) -> None:
        with self.workspace.opened().reading() as cursor:
            names = fetch_superclass_names(cursor)
        if not names:
            self.sood.report(EngineError("There is no superclass yet.", "F3 browses WordNet; s makes one."))
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                self._score((name,))

        choices = [Choice(name, name) for name in names]
        self.app.push_screen(ChooseDialog("Score", choices, self.sood.place.superclass), chosen)

    def _score(self, superclasses: Sequence[str], only_accepted: bool = False) -> None:
        request = scoring_request(self.sood.settings, superclasses, only_accepted)

        def told(job: SubmittedScoring) -> None:
            self.sood.say(f"{job.job_id}: {some(job.pictures, 'picture')} to score.")

        self.in_thread("submit", partial(submit, self.workspace, request), told)

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


def scoring_request(settings: Settings, superclasses: Sequence[str], only_accepted: bool) -> ScoringRequest:
    """What the settings say about scoring, for these superclasses."""
    return ScoringRequest(
        superclasses=superclasses,
        model=settings.text("scoring.model"),
        pretrained=settings.text("scoring.pretrained") or None,
        template=settings.text("scoring.template"),
        only_accepted=only_accepted,
        batch_size=settings.integer("scoring.batch_size"),
        device=settings.text("scoring.device"),
        reviewer=settings.reviewer,
    )


def _head() -> str:
    return f"{'':1}{'#':<5}{'state':<13}{'job':<30}  {'progress'}"


def _line(job: JobSummary) -> Words:
    sign, tone = STATE_SIGNS[job.state]
    done, left = job_bar(job, BAR) if job.state != "finished" else ("", "")
    numbers = job_numbers(job) if job.state != "finished" else f"{job.done:,} {job.unit}"
    when = f"  {ago(job.created_at)}" if job.created_at else ""
    return [
        (f" {job_number(job):<5}", "bold"),
        (f"{sign:<13}", tone),
        (f"{plain(job.title)[:30]:<30}  ", "plain"),
        (done, "good"),
        (f"{left} " if done or left else "", "muted"),
        (numbers, "plain"),
        (when, "muted"),
    ]


def _read_detail(root: Path, job: JobSummary, with_log: bool) -> Content:
    folder = find_job(root, job.job_id)
    if with_log:
        printed = folder.printed()
        return Content("\n".join(plain(line) for line in printed.splitlines()) or "It has printed nothing.")
    lines = _facts(job)
    events = read_last_events(folder.events_file)[-EVENTS_SHOWN:]
    if events:
        lines += [Content(""), Content.styled("what happened, newest first", "$foreground 60%")]
        lines += [_event(event) for event in reversed(events)]
    return Content("\n").join(lines)


def _facts(job: JobSummary) -> list[Content]:
    sign, _ = STATE_SIGNS[job.state]
    rows = [("state", f"{sign}   {job_numbers(job)}"), ("done", _amount(job))]
    if job.device:
        rows.append(("device", job.device))
    told = {**job.detail, **job.result}  # what the end says is newer than what progress said
    rows += [(str(key), _value(value)) for key, value in told.items() if not isinstance(value, (dict, list))]
    if job.warnings:
        rows.append(("warnings", f"{job.warnings:,}"))
    if job.reviewer:
        rows.append(("by", job.reviewer))
    lines = [_row(name, value) for name, value in rows]
    if job.message:
        lines = [Content.styled(plain(job.message), "bold $text-error"), Content(plain(job.hint)), Content(""), *lines]
    return lines


def _row(name: str, value: str) -> Content:
    return Content.assemble((f"{plain(name.replace('_', ' ')):<17}", "$foreground 60%"), plain(value))


def _amount(job: JobSummary) -> str:
    whole = f" of {job.total:,}" if job.total is not None else ""
    rate = f", {job.rate:,.1f}/s" if job.rate else ""
    left = f", {duration(job.seconds_left)} left" if job.seconds_left is not None else ""
    return f"{job.done:,}{whole} {job.unit}{rate}{left}"


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _event(event: JobEvent) -> Content:
    words: list[str] = [event.kind]
    if event.done is not None:
        words.append(f"{event.done:,}" + (f" of {event.total:,}" if event.total else ""))
    words += [str(word) for word in (event.part, event.subject, event.message, event.device) if word]
    colour = {"warned": "$text-warning", "failed": "$text-error", "finished": "$text-success"}.get(event.kind, "")
    return Content.assemble((f"{event.at:%H:%M:%S}  ", "$foreground 60%"), (plain("  ".join(words)), colour))
