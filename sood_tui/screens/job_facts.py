"""What the Jobs screen says of one job: its numbers, its processes, where its time goes, what happened."""

import re
from collections import deque
from collections.abc import Mapping, Reversible
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from textual.content import Content

from engine.jobs.disk import free_bytes, size_text
from engine.jobs.events import JobEvent, MemberProgress, read_events
from engine.jobs.runner import find_job
from engine.jobs.summary import JobSummary
from engine.jobs.timing import PHASES, added_up
from sood_tui.plain import duration, plain
from sood_tui.widgets.job_strip import job_numbers
from sood_tui.widgets.lines import Tone

EVENTS_SHOWN = 30
WARNINGS_SHOWN = 10
NAME = 17
BAR, SHORT_BAR = 20, 10
WIDE = 100
COUNTED = ("encoded", "embedded")
"""What a process tells beside its units, and is nearly the same number."""
HASH = re.compile(r"[0-9a-f]{40,64}")
TROUBLES = ("refused", "unreadable")
STATE_SIGNS: dict[str, tuple[str, Tone]] = {
    "queued": ("○ queued", "muted"),
    "running": ("▶ running", "accent"),
    "paused": ("‖ paused", "warn"),
    "finished": ("✓ finished", "good"),
    "cancelled": ("■ cancelled", "warn"),
    "failed": ("✗ failed", "bad"),
    "died": ("✗ died", "bad"),
}
_MEMBER_SIGNS = {"starting": "○", "working": "▶", "silent": "?", "lost": "✗", "ended": "✓"}


@dataclass(frozen=True, slots=True)
class JobDetail:
    """What the lower half shows of a job.

    Attributes:
        now: its numbers, processes and phases, or its log.
        before: its warnings and what happened, newest first.
    """

    now: Content
    before: Content


class Story:
    """What happened in a job, but its progress; reads of the events only what is new since the last time."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self._lock = Lock()  # two threads may read for the same screen
        self._offset = 0
        self._warnings: deque[JobEvent] = deque(maxlen=WARNINGS_SHOWN)
        self._others: deque[JobEvent] = deque(maxlen=EVENTS_SHOWN)

    def read(self, events_file: Path) -> list[Content]:
        """The latest warnings and events as lines, newest first."""
        with self._lock:
            found, self._offset = read_events(events_file, self._offset, with_progress=False)
            for event in found:
                (self._warnings if event.kind == "warned" else self._others).append(event)
            return [*_told("warnings", self._warnings), *_told("what happened", self._others)]


def read_detail(root: Path, job: JobSummary, story: Story, with_log: bool, width: int) -> JobDetail:
    """What there is to say of a job; reads its folder.

    Args:
        root: of the workspace.
        job: as the list shows it.
        story: of this job.
        with_log: what it printed instead.
        width: columns that a line may take.
    """
    folder = find_job(root, job.job_id)
    if with_log:
        printed = folder.printed()
        text = "\n".join(plain(line) for line in printed.splitlines()) or "It has printed nothing."
        return JobDetail(Content(text), Content(""))
    facts = _facts(job, root)
    # On a small terminal only a few lines are seen: the processes come before what seldom changes.
    lines = [*_problem(job), *facts[:2], *_members(job, width), *facts[2:], *_times(job)]
    return JobDetail(Content("\n").join(lines), Content("\n").join(story.read(folder.events_file)))


def _told(heading: str, events: Reversible[JobEvent]) -> list[Content]:
    lines = [_event(event) for event in reversed(events)]
    return [] if not lines else [Content.styled(f"{heading}, newest first", "$foreground 60%"), *lines, Content("")]


def _problem(job: JobSummary) -> list[Content]:
    if not job.message:
        return []
    return [Content.styled(plain(job.message), "bold $text-error"), Content(plain(job.hint)), Content("")]


def _facts(job: JobSummary, root: Path) -> list[Content]:
    sign, _ = STATE_SIGNS[job.state]
    waits = f"   {job_numbers(job)}" if job.state == "queued" else ""
    rows = [("state", f"{sign}{waits}"), ("done", _amount(job))]
    if job.seconds and job.state not in ("queued", "running"):
        rows.append(("took", duration(job.seconds)))
    told = {**job.detail, **job.result}  # what the end says is newer than what progress said
    if job.device:
        rows.append(("device", _device(job.device, told.pop("device", None))))
    if job.waits_for:
        rows.append(("waits for", ", ".join(job.waits_for)))
    if job.priority:
        rows.append(("priority", f"{job.priority:+d}"))
    if job.bottleneck is not None:
        share = f"{job.bottleneck.share:.0%}".replace("%", " %")
        rows.append(("bottleneck", f"{job.bottleneck.phase}, {share} of the time"))
    if len(job.members) > 1:
        told.pop("processes", None)  # they are seen
    rows += [(str(key), _value(value)) for key, value in told.items() if _is_news(key, value)]
    if job.state in ("queued", "running"):
        rows.append(("free on the disk", size_text(free_bytes(root))))
    if job.warnings:
        rows.append(("warnings", f"{job.warnings:,}"))
    if job.reviewer:
        rows.append(("by", job.reviewer))
    return [_row(name, value) for name, value in rows]


def _device(wanted: str, used: object) -> str:
    """The device as the user wrote it, with what it came to where that says more."""
    return f"{wanted}: {used}" if isinstance(used, str) and wanted in ("auto", "cuda") else wanted


def _is_news(name: str, value: object) -> bool:
    """Whether a value of the kind's own is worth a line; that nothing was refused or unreadable goes without one."""
    return not isinstance(value, (dict, list)) and not (name in TROUBLES and value == 0)


def _members(job: JobSummary, room: int) -> list[Content]:
    """A bar for each process: its part of the whole work."""
    if len(job.members) < 2:
        return []
    head = Content.styled("processes, each with its part of the whole", "$foreground 60%")
    width = max(len(member.name) for member in job.members)
    return [head, *(_member(member, job.total or 0, width, room < WIDE) for member in job.members), Content("")]


def _member(member: MemberProgress, total: int, width: int, is_narrow: bool) -> Content:
    share = min(1.0, member.done / total) if total else 0.0
    words = [f"{member.done:,}"]
    if member.rate and member.state == "working":
        words.append(f"{member.rate:,.0f}/s" if member.rate >= 10 else f"{member.rate:.1f}/s")
    if member.state != "working":
        words.append(member.state)
    told = {name: value for name, value in member.detail.items() if name not in COUNTED}
    for name, value in told.items():
        title = "" if is_narrow and name == "memory" else f"{name.replace('_', ' ')} "
        words.append(f"{title}{_value(value)}")
    if member.bottleneck is not None:
        words.append(f"{member.bottleneck.phase} {member.bottleneck.share:.0%}".replace("%", " %"))
    sign = _MEMBER_SIGNS.get(member.state, "?")
    colour = "$text-error" if member.state in ("lost", "silent") else ""
    bar = _bar(share, SHORT_BAR if is_narrow else BAR)
    return Content.assemble((f"{sign} {plain(member.name):<{width}} ", colour), *bar, f" {plain('  '.join(words))}")


def _times(job: JobSummary) -> list[Content]:
    """A bar for each phase, over all processes."""
    spent = added_up(member.spent for member in job.members)
    whole = sum(spent.values())
    if job.bottleneck is None:
        return []
    head = Content.styled("where the time goes", "$foreground 60%")
    names = [*(phase for phase in PHASES if phase in spent), *(phase for phase in spent if phase not in PHASES)]
    return [Content(""), head, *(_phase(name, spent, whole) for name in names)]


def _phase(name: str, spent: Mapping[str, float], whole: float) -> Content:
    share = spent[name] / whole
    return Content.assemble(
        (f"{plain(name):<{NAME}}", "$foreground 60%"), *_bar(share), f" {share:4.0%} ".replace("%", " %")
    )


def _bar(share: float, width: int = BAR) -> tuple[tuple[str, str], tuple[str, str]]:
    done = round(width * share)
    return ("━" * done, "$success"), ("─" * (width - done), "$foreground 30%")


def _row(name: str, value: str) -> Content:
    return Content.assemble((f"{plain(name.replace('_', ' ')):<{NAME}}", "$foreground 60%"), plain(value))


def _amount(job: JobSummary) -> str:
    whole = f" of {job.total:,}" if job.total is not None else ""
    share = f" ({100 * job.done / job.total:.0f} %)" if job.total else ""
    rate = f", {job.rate:,.1f}/s" if job.rate else ""
    left = f", {duration(job.seconds_left)} left" if job.seconds_left is not None else ""
    return f"{job.done:,}{whole} {job.unit}{share}{rate}{left}"


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}"
    if isinstance(value, str) and HASH.fullmatch(value):
        return f"{value[:16]}…"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _event(event: JobEvent) -> Content:
    words: list[str] = [event.kind]
    if event.done is not None:
        words.append(f"{event.done:,}" + (f" of {event.total:,}" if event.total else ""))
    words += [str(word) for word in (event.part, event.subject, event.message, event.device) if word]
    colour = {"warned": "$text-warning", "failed": "$text-error", "finished": "$text-success"}.get(event.kind, "")
    return Content.assemble(
        (f"{event.at.astimezone():%H:%M:%S}  ", "$foreground 60%"), (plain("  ".join(words)), colour)
    )
