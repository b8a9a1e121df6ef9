"""What the Jobs screen says of one job: its numbers, its processes, where its time goes, what happened."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.content import Content

from engine.jobs.disk import free_bytes, size_text
from engine.jobs.events import JobEvent, MemberProgress, read_last_events
from engine.jobs.runner import find_job
from engine.jobs.summary import JobSummary
from engine.jobs.timing import PHASES, added_up
from sood_tui.plain import duration, plain
from sood_tui.widgets.job_strip import job_numbers
from sood_tui.widgets.lines import Tone

EVENTS_SHOWN = 30
WARNINGS_SHOWN = 10
NAME = 17
BAR = 20
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


def read_detail(root: Path, job: JobSummary, with_log: bool) -> Content:
    """What the lower half shows of a job; reads its folder."""
    folder = find_job(root, job.job_id)
    if with_log:
        printed = folder.printed()
        return Content("\n".join(plain(line) for line in printed.splitlines()) or "It has printed nothing.")
    facts = _facts(job, root)
    # On a small terminal only a few lines are seen: the processes come before what seldom changes.
    lines = [*_problem(job), *facts[:2], *_members(job), *facts[2:], *_times(job)]
    events = read_last_events(folder.events_file)
    warnings = [event for event in events if event.kind == "warned"][-WARNINGS_SHOWN:]
    lines += _told("warnings, newest first", warnings)
    lines += _told("what happened, newest first", [one for one in events if one.kind != "warned"][-EVENTS_SHOWN:])
    return Content("\n").join(lines)


def _told(heading: str, events: Sequence[JobEvent]) -> list[Content]:
    if not events:
        return []
    return [Content(""), Content.styled(heading, "$foreground 60%"), *(_event(event) for event in reversed(events))]


def _problem(job: JobSummary) -> list[Content]:
    if not job.message:
        return []
    return [Content.styled(plain(job.message), "bold $text-error"), Content(plain(job.hint)), Content("")]


def _facts(job: JobSummary, root: Path) -> list[Content]:
    sign, _ = STATE_SIGNS[job.state]
    rows = [("state", f"{sign}   {job_numbers(job)}"), ("done", _amount(job))]
    if job.device:
        rows.append(("device", job.device))
    if job.waits_for:
        rows.append(("waits for", ", ".join(job.waits_for)))
    if job.priority:
        rows.append(("priority", f"{job.priority:+d}"))
    if job.bottleneck is not None:
        share = f"{job.bottleneck.share:.0%}".replace("%", " %")
        rows.append(("bottleneck", f"{job.bottleneck.phase}, {share} of the time"))
    told = {**job.detail, **job.result}  # what the end says is newer than what progress said
    rows += [(str(key), _value(value)) for key, value in told.items() if not isinstance(value, (dict, list))]
    if job.state in ("queued", "running"):
        rows.append(("free on the disk", size_text(free_bytes(root))))
    if job.warnings:
        rows.append(("warnings", f"{job.warnings:,}"))
    if job.reviewer:
        rows.append(("by", job.reviewer))
    return [_row(name, value) for name, value in rows]


def _members(job: JobSummary) -> list[Content]:
    """A bar for each process: its part of the whole work."""
    if len(job.members) < 2:
        return []
    head = Content.styled("processes, each with its part of the whole", "$foreground 60%")
    width = max(len(member.name) for member in job.members)
    return [head, *(_member(member, job.total or 0, width) for member in job.members), Content("")]


def _member(member: MemberProgress, total: int, width: int) -> Content:
    share = min(1.0, member.done / total) if total else 0.0
    words = [f"{member.done:,}"]
    if member.rate and member.state == "working":
        words.append(f"{member.rate:,.0f}/s" if member.rate >= 10 else f"{member.rate:.1f}/s")
    if member.state != "working":
        words.append(member.state)
    words += [f"{name.replace('_', ' ')} {_value(value)}" for name, value in member.detail.items()]
    if member.bottleneck is not None:
        words.append(f"{member.bottleneck.phase} {member.bottleneck.share:.0%}".replace("%", " %"))
    sign = _MEMBER_SIGNS.get(member.state, "?")
    colour = "$text-error" if member.state in ("lost", "silent") else ""
    return Content.assemble(
        (f"{sign} {plain(member.name):<{width}} ", colour), *_bar(share), f" {plain('  '.join(words))}"
    )


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


def _bar(share: float) -> tuple[tuple[str, str], tuple[str, str]]:
    done = round(BAR * share)
    return ("━" * done, "$success"), ("─" * (BAR - done), "$foreground 30%")


def _row(name: str, value: str) -> Content:
    return Content.assemble((f"{plain(name.replace('_', ' ')):<{NAME}}", "$foreground 60%"), plain(value))


def _amount(job: JobSummary) -> str:
    whole = f" of {job.total:,}" if job.total is not None else ""
    rate = f", {job.rate:,.1f}/s" if job.rate else ""
    left = f", {duration(job.seconds_left)} left" if job.seconds_left is not None else ""
    return f"{job.done:,}{whole} {job.unit}{rate}{left}"


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _event(event: JobEvent) -> Content:
    words: list[str] = [event.kind]
    if event.done is not None:
        words.append(f"{event.done:,}" + (f" of {event.total:,}" if event.total else ""))
    words += [str(word) for word in (event.part, event.subject, event.message, event.device) if word]
    colour = {"warned": "$text-warning", "failed": "$text-error", "finished": "$text-success"}.get(event.kind, "")
    return Content.assemble((f"{event.at:%H:%M:%S}  ", "$foreground 60%"), (plain("  ".join(words)), colour))
