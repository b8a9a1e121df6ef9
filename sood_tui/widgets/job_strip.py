"""The line of jobs: what runs now, how far it is, how long it will take."""

from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual import events
from textual.reactive import reactive
from textual.strip import Strip

from sood_tui.plain import duration, plain
from sood_tui.widgets.painting import LinePainter

if TYPE_CHECKING:
    from engine.jobs.summary import JobSummary
    from sood_tui.app import SoodApp

ACTIVE = ("queued", "running")


class JobStrip(LinePainter):
    """The first running job with its bar, and how many more there are; not there when nothing runs."""

    PART_PREFIX = "job-strip"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"job-strip--done", "job-strip--left", "job-strip--number"}
    DEFAULT_CSS = """
    JobStrip {
        height: 1; width: 1fr; background: $surface; display: none;
        &.-busy { display: block; }
        & .job-strip--number { color: $text-accent; text-style: bold; }
        & .job-strip--done { color: $success; }
        & .job-strip--left { color: $foreground 30%; }
    }
    """

    jobs: "reactive[tuple[JobSummary, ...]]" = reactive(())
    """All jobs of the workspace, oldest first."""

    def watch_jobs(self) -> None:
        """Take no space while nothing runs."""
        self.set_class(any(job.state in ACTIVE for job in self.jobs), "-busy")

    def render_line(self, y: int) -> Strip:
        """The line."""
        width, base = self.size.width, self.part_style()
        active = [job for job in self.jobs if job.state in ACTIVE]
        if not active:
            return Strip.blank(width, base)
        job = next((job for job in active if job.state == "running"), active[0])
        number = f" #{job_number(job)} "
        left = f"{job_name(job, max(12, width // 3) - 2)}  "
        more = f"  and {len(active) - 1} more" if len(active) > 1 else ""
        right = f" {job_numbers(job)}{more} "[: max(0, width - len(number) - len(left))]
        room = width - len(number) - len(left) - len(right)
        bar = job_bar(job, room) if room >= 6 else (" " * max(room, 0), "")
        segments = [
            Segment(number, self.part_style("number")),
            Segment(left, base),
            Segment(bar[0], self.part_style("done")),
            Segment(bar[1], self.part_style("left")),
            Segment(right, base),
        ]
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Open the Jobs screen."""
        cast("SoodApp", self.app).do_now("app.go('jobs')", self.screen)


def job_name(job: "JobSummary", room: int) -> str:
    """Title and device in so many cells: the title is cut, never the device, which is left out where it is long."""
    device = f" {job.device}" if job.device and len(job.device) < room // 2 else ""
    title, most = plain(job.title), room - len(device)
    return f"{title}{device}" if len(title) <= most else f"{title[: most - 1].rstrip()}…{device}"


def job_number(job: "JobSummary") -> str:
    """The number that people say, `3` of 0003-scoring; the id itself where it has none."""
    number = job.job_id.partition("-")[0]
    return str(int(number)) if number.isdigit() else plain(job.job_id)


def job_fraction(job: "JobSummary") -> float | None:
    """Share that is done, in [0, 1]; None while the total is unknown."""
    if job.state == "finished":
        return 1.0
    return min(1.0, job.done / job.total) if job.total else None


def job_bar(job: "JobSummary", width: int) -> tuple[str, str]:
    """A bar as its done and its open part, told apart by shape as well."""
    fraction = job_fraction(job) or 0.0
    done = round(width * fraction)
    return "━" * done, "─" * (width - done)


def job_numbers(job: "JobSummary") -> str:
    """How far it is in words: `47 %  11,830/s  4 min left`."""
    if job.state == "queued":
        if not job.waits_for:
            return "queued"
        more = f" and {len(job.waits_for) - 1} more" if len(job.waits_for) > 1 else ""
        number, _, workspace = job.waits_for[0].partition(" of ")
        of = f" of {workspace.rpartition('/')[2]}" if workspace else ""  # the Jobs screen has the whole path
        return f"waits for {plain(number)}{plain(of)}{more}"
    fraction = job_fraction(job)
    parts = [f"{100 * fraction:.0f} %" if fraction is not None else f"{job.done:,} {job.unit}"]
    if job.stage:
        return "  ".join([*parts, plain(job.stage)])
    if job.state == "running" and job.rate:
        parts.append(f"{job.rate:,.0f}/s" if job.rate >= 10 else f"{job.rate:.1f}/s")
    if job.state == "running" and job.seconds_left is not None:
        parts.append(f"{duration(job.seconds_left)} left")
    return "  ".join(parts)
