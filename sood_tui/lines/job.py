"""A job as a line of the list on the Jobs screen."""

from engine.jobs.summary import JobSummary
from sood_tui.plain import ago, plain
from sood_tui.screens.job_facts import STATE_SIGNS
from sood_tui.widgets.job_strip import ACTIVE, job_bar, job_number, job_numbers
from sood_tui.widgets.lines import Words

SHORTEST_BAR = 6


def shape_of(width: int) -> tuple[int, int]:
    """Columns for a job's title and its bar."""
    return (24, SHORTEST_BAR) if width < 100 else (30, 24) if width < 160 else (56, 40)


def head_line(shape: tuple[int, int]) -> str:
    """What stands over the columns."""
    return f"{'':1}{'#':<5}{'state':<13}{'job':<{shape[0]}}  {'progress'}"


def job_line(job: JobSummary, shape: tuple[int, int]) -> Words:
    """A job, with its columns as wide as ``shape_of`` says."""
    title, bar = shape
    sign, tone = STATE_SIGNS[job.state]
    done, left = job_bar(job, bar) if job.state != "finished" else ("", "")
    numbers = job_numbers(job) if job.state != "finished" else f"{job.done:,} {job.unit}"
    has_room = bar > SHORTEST_BAR or job.state not in ACTIVE
    when = f"  {ago(job.created_at)}" if job.created_at and has_room else ""
    return [
        (f" {job_number(job):<5}", "bold"),
        (f"{sign:<13}", tone),
        (f"{_short(plain(job.title), title):<{title}}  ", "plain"),
        (done, "good"),
        (f"{left} " if done or left else "", "muted"),
        (numbers, "plain"),
        (when, "muted"),
    ]


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
