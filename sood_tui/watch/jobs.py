"""Looking after jobs while the screens are open: how they stand, what they bring, and how they ended."""

import threading
import time

from textual.notifications import SeverityLevel

from engine.jobs.folder import JobFolder
from engine.jobs.ingest import TakenIn, ingest_ready
from engine.jobs.runner import list_jobs
from engine.jobs.summary import JobSummary, summarise
from engine.workspace import Workspace
from sood_tui.widgets.job_strip import job_number

TAKE_IN_EVERY = 5.0  # seconds between two looks for new parts while a job runs


class JobWatch:
    """Looks at the job folders of one workspace. Its methods are called from one worker at a time."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._ended: dict[str, tuple[int, JobSummary]] = {}
        self._seen: tuple[JobSummary, ...] | None = None
        self._states: dict[str, str] | None = None
        self._taken_at = 0.0
        self._busy = threading.Lock()
        self._reported: set[tuple[str, str]] = set()

    @property
    def busy(self) -> bool:
        """Whether a look is still going on; the next one is left out then."""
        return self._busy.locked()

    def look(self) -> tuple[JobSummary, ...] | None:
        """Every job, oldest first; None when nothing changed since the last look."""
        with self._busy:
            jobs = tuple(self._summary(job) for job in list_jobs(self._workspace.root))
            changed = jobs != self._seen
            self._seen = jobs
            return jobs if changed else None

    def take_in(self) -> list[TakenIn]:
        """Take results into the catalogue when a job may have some. An error is told once, not at each look."""
        if self._workspace.guest is not None:
            return []  # the owner takes them in
        states: dict[str, str] = {job.job_id: job.state for job in self._seen or ()}
        due = "running" in states.values() and time.monotonic() - self._taken_at > TAKE_IN_EVERY
        if states == self._states and not due:
            return []
        with self._busy:
            self._states, self._taken_at = states, time.monotonic()
            reports = ingest_ready(self._workspace)
        fresh = [report for report in reports if not self._is_known(report)]
        self._reported |= {(report.job_id, str(report.error)) for report in reports if report.error is not None}
        return fresh

    def _is_known(self, report: TakenIn) -> bool:
        return report.error is not None and (report.job_id, str(report.error)) in self._reported

    def _summary(self, job: JobFolder) -> JobSummary:
        # Jobs that ended are many after some weeks, and do not change until they are resumed: that removes the outcome.
        try:
            written = job.outcome_file.stat().st_mtime_ns
        except FileNotFoundError:
            return summarise(job)
        kept = self._ended.get(job.id)
        if kept is None or kept[0] != written:
            kept = (written, summarise(job))
            self._ended[job.id] = kept
        return kept[1]


def end_words(job: JobSummary) -> tuple[SeverityLevel, str]:
    """How a job ended, for a toast: how grave that is, and what to say."""
    number = job_number(job)
    if job.state == "finished":
        return "information", f"Job #{number} is finished: {job.title}"
    words = f" {job.message}" if job.message else ""
    grave: SeverityLevel = "warning" if job.state == "cancelled" else "error"
    return grave, f"Job #{number} {job.state}: {job.title}.{words}\n{job.hint}".strip()
