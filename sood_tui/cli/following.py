"""Following a job from the command line: a bar on a terminal, plain lines elsewhere, then its results are taken in."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.progress import BarColumn, Progress, TextColumn

from engine.jobs.folder import JobFolder
from engine.jobs.ingest import TakenIn, ingest_ready
from engine.jobs.runner import ACTIVE, find_job
from engine.jobs.summary import JobSummary, summarise
from engine.jobs.waiting import wait_for
from engine.workspace import Workspace
from sood_tui.cli.output import emit_json, messages, say
from sood_tui.notices import EXIT_INTERRUPTED, EXIT_JOB
from sood_tui.workspace import opened, require_workspace
from store.errors import CatalogueLocked

LOOK_EVERY = 0.2
LINE_EVERY = 5.0


def follow(workspace_root: Path, job_id: str, as_json: bool = False) -> int:
    """Show a job until it ends, then take its results into the catalogue, which must not be open in this process.

    Ctrl-C leaves the job running. Where another process has the catalogue open, the results are left to that one.

    Args:
        workspace_root: the workspace.
        job_id: name of the job's folder.
        as_json: write the job's summary to standard output at the end.

    Returns: exit code: 0 finished, 3 cancelled, failed or died, 130 interrupted.

    Raises:
        EngineError, StoreError: no such job, or its results cannot be taken in.
    """
    job = find_job(workspace_root, job_id)
    try:
        summary = _watch(job)
    except KeyboardInterrupt:
        say(f"{job.id} goes on without this terminal.")
        say(f"Watch it: sood-tui jobs watch {job.id}    End it: sood-tui jobs cancel {job.id}")
        return EXIT_INTERRUPTED
    _say_end(job, summary)
    _take_in(require_workspace(workspace_root), job)
    if as_json:
        emit_json(summary)
    return 0 if summary.state == "finished" else EXIT_JOB


def finish_job(workspace: Workspace, job: JobFolder) -> None:
    """Show a job until it ends, and take its results into the catalogue, which is open in this process.

    Ctrl-C leaves the job running, and ends the command with that exit code.

    Raises:
        EngineError: it was cancelled, failed or died, or its results cannot be taken in.
        typer.Exit: the user pressed Ctrl-C.
    """
    try:
        summary = _watch(job)
    except KeyboardInterrupt:
        say(f"{job.id} goes on without this command, which uses its results when it is given again.")
        say(f"Watch it: sood-tui jobs watch {job.id}    End it: sood-tui jobs cancel {job.id}")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    say(printable(f"{job.id} {summary.state}: {progress_text(summary)}"))
    for report in take_in_results(workspace):
        if report.job_id == job.id and report.error is not None:
            raise report.error
    wait_for(job)  # it has ended: this only raises what went wrong


def take_in_results(workspace: Workspace) -> list[TakenIn]:
    """Take in what jobs have left since the last time, and tell of those that cannot be taken in.

    Args:
        workspace: open.

    Returns: what was taken in, and what could not be.
    """
    taken = ingest_ready(workspace)
    for report in taken:
        _say_problem(report)
    return taken


def progress_text(summary: JobSummary) -> str:
    """How far a job is, in words: ``1,024 of 4,096 pictures (25 %), 512/s, 6 s left, batch 64``."""
    if summary.state == "queued":
        if not summary.waits_for:
            return "queued"
        device = "its device" if summary.device in ("auto", None) else summary.device
        return f"waits for {device}, after {waits_text(summary.waits_for)}"
    total = "" if summary.total is None else f" of {summary.total:,}"
    share = f" ({summary.done / summary.total:.0%})".replace("%", " %") if summary.total else ""
    words = [f"{summary.done:,}{total} {summary.unit}{share}"]
    if summary.stage:
        return f"{words[0]}, {summary.stage}"
    if summary.rate is not None:
        words.append(rate_text(summary.rate))
    if summary.seconds_left is not None:
        words.append(f"{duration_text(summary.seconds_left)} left")
    words += [f"{name.replace('_', ' ')} {_short(value)}" for name, value in summary.detail.items()]
    if summary.bottleneck is not None:
        words.append(f"{summary.bottleneck.share:.0%} {summary.bottleneck.phase}".replace("%", " %"))
    if summary.warnings:
        words.append(f"{summary.warnings:,} warning{'s' if summary.warnings > 1 else ''}")
    return ", ".join(words)


def waits_text(jobs: Sequence[str]) -> str:
    """The jobs that one waits for: ``0003-scoring of /data/birds and 2 more``."""
    more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
    return f"{jobs[0]}{more}"


def rate_text(rate: float) -> str:
    """Units a second with two digits that matter."""
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s"


def duration_text(seconds: float) -> str:
    """A time span in its two largest units: ``4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def printable(text: str) -> str:
    """The text with control characters as escapes, since names and messages are data and may hold any."""
    return "".join(
        char if char == "\n" or char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _watch(job: JobFolder) -> JobSummary:
    with _shown() as show:
        while True:
            summary = summarise(job)
            show(summary)
            if summary.state not in ACTIVE:
                return summary
            time.sleep(LOOK_EVERY)


@contextmanager
def _shown() -> Iterator[Callable[[JobSummary], None]]:
    if not messages.is_terminal:
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[words]}", markup=False),
    )
    with Progress(*columns, console=messages, transient=True) as bar:
        task = bar.add_task("", total=None, words="")

        def show(summary: JobSummary) -> None:
            bar.update(
                task,
                description=printable(summary.title),
                total=summary.total,
                completed=summary.done,
                words=printable(progress_text(summary)),
            )

        yield show


def _lines() -> Callable[[JobSummary], None]:
    """A line when the state changes, and one every few seconds while there is news."""
    said_at, said_state, said_text = float("-inf"), "", ""

    def show(summary: JobSummary) -> None:
        nonlocal said_at, said_state, said_text
        text = printable(f"{summary.job_id}: {progress_text(summary)}")
        due = time.monotonic() - said_at >= LINE_EVERY and text != said_text
        if summary.state in ACTIVE and (due or summary.state != said_state):
            said_at, said_state, said_text = time.monotonic(), summary.state, text
            say(text)

    return show


def _say_end(job: JobFolder, summary: JobSummary) -> None:
    took = f" in {duration_text(summary.seconds or 0)}" if summary.state == "finished" else ""
    say(printable(f"{job.id} {summary.state}{took}: {progress_text(summary)}"))
    if summary.warnings:
        say(f"`sood-tui jobs log {job.id}` shows the warnings.")
    if summary.state == "finished":
        return
    if summary.message:
        say(printable(f"{summary.message}\n{summary.hint}".rstrip()))
    else:
        say(f"Finished parts are kept; `sood-tui jobs resume {job.id}` goes on.")


def _take_in(workspace: Workspace, job: JobFolder) -> None:
    try:
        with opened(workspace) as open_workspace:
            taken = ingest_ready(open_workspace)
    except CatalogueLocked as locked:
        say(f"{locked.message} It takes the results of {job.id} in, or the next command does.")
        return
    for report in taken:
        if report.job_id != job.id:
            _say_problem(report)
        elif report.error is not None:
            raise report.error


def _say_problem(report: TakenIn) -> None:
    if report.error is not None:
        reason = f"{report.error.message} {report.error.hint}".rstrip()
        say(printable(f"The results of {report.job_id} cannot be taken in. {reason}"))


def _short(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if isinstance(value, float) else str(value)
