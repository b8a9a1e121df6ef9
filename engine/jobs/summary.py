"""A job in one row, as lists and screens show it. A damaged job gets a row too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.errors import EngineError
from engine.jobs.events import MemberProgress
from engine.jobs.folder import JobFolder, JobProgress, JobState
from engine.jobs.queue import waits_for
from engine.jobs.spec import JobSpec, JsonValue, Outcome
from engine.jobs.timing import Bottleneck


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What there is to know of a job at a glance.

    Attributes:
        job_id: name of its folder.
        kind: its kind.
        title: what a person calls it.
        state: queued, running, paused, finished, cancelled, failed or died.
        device: as the user wrote it; None for a kind without one.
        reviewer: who submitted it.
        created_at: when; None if the specification is damaged.
        unit: what is counted, in the plural.
        done: units done.
        total: units in all; None while unknown.
        rate: units a second; None unless it runs and it can be told.
        seconds_left: at that rate; None where it cannot be told.
        warnings: warnings since it was started.
        detail: small values of the kind's own, such as batch or memory.
        message: what went wrong; empty if nothing did.
        hint: what to do about it.
        result: what the kind's function returned.
        priority: jobs of a higher one go first.
        members: what each process of it has told; empty where there is nothing to tell of a single one.
        bottleneck: the phase that takes most of the time; None where none was measured.
        ended_at: when its last start ended with an outcome; None before, and for one that died.
        seconds: how long that start has worked; None likewise.
        waits_for: ids of the jobs that have its devices or go before it, with the workspace of those of another one.
    """

    job_id: str
    kind: str
    title: str
    state: JobState
    device: str | None
    reviewer: str
    created_at: datetime | None
    unit: str
    done: int
    total: int | None
    rate: float | None
    seconds_left: float | None
    warnings: int
    detail: Mapping[str, JsonValue]
    message: str
    hint: str
    result: Mapping[str, JsonValue]
    priority: int = 0
    members: Sequence[MemberProgress] = ()
    bottleneck: Bottleneck | None = None
    waits_for: Sequence[str] = ()
    ended_at: datetime | None = None
    seconds: float | None = None

    @property
    def stage(self) -> str:
        """What is done after the last unit of the work list: ``words 1,664 of 97,279``; empty while units are done."""
        if self.state != "running" or self.total is None or self.done < self.total:
            return ""
        working = [member.detail for member in self.members if member.state == "working"]
        told = working[-1] if working else self.detail
        stage = str(told.get("stage", ""))
        return f"{stage} {told[stage]}" if stage in told else stage


def summarise(folder: JobFolder) -> JobSummary:
    """The row of a job, from its folder alone."""
    state = folder.state()
    progress = folder.progress()
    spec, damage = _spec_of(folder)
    outcome = _outcome_of(folder)
    message, hint = _words(folder, state, outcome, damage)
    running = state == "running"
    return JobSummary(
        job_id=folder.id,
        kind=folder.id.partition("-")[2],
        title=spec.title if spec else folder.id.partition("-")[2],
        state=state,
        device=spec.device if spec else None,
        reviewer=spec.reviewer if spec else "",
        created_at=spec.created_at if spec else None,
        unit=spec.unit if spec else "",
        done=outcome.done if outcome else progress.done,
        total=_total(spec, progress),
        rate=progress.rate if running else None,
        seconds_left=progress.seconds_left if running else None,
        warnings=progress.warnings,
        detail=progress.detail,
        message=message,
        hint=hint,
        result=outcome.result if outcome else {},
        priority=_priority_of(folder),
        members=progress.members,
        bottleneck=progress.bottleneck,
        waits_for=_waits_for(folder, spec) if spec is not None and state == "queued" else (),
        ended_at=outcome.at if outcome else None,
        seconds=outcome.seconds if outcome else None,
    )


def _words(folder: JobFolder, state: JobState, outcome: Outcome | None, damage: EngineError | None) -> tuple[str, str]:
    if outcome is not None and outcome.message:
        return outcome.message, outcome.hint
    if damage is not None:
        return damage.message, damage.hint
    if state == "paused":
        return "", f"`sood-tui jobs resume {folder.id}` goes on."
    if state == "died":
        hint = f"`sood-tui jobs log {folder.id}` shows what it printed, `sood-tui jobs resume {folder.id}` goes on."
        printed = folder.printed().strip()
        last = f" The last it printed: {printed.splitlines()[-1]}" if printed else ""
        return f"Its process ended without a word: killed, out of memory, or the machine went down.{last}", hint
    return "", ""


def _spec_of(folder: JobFolder) -> tuple[JobSpec | None, EngineError | None]:
    try:
        return folder.spec(), None
    except EngineError as error:
        return None, error


def _outcome_of(folder: JobFolder) -> Outcome | None:
    try:
        return folder.outcome()
    except EngineError:  # its state is told as died then
        return None


def _priority_of(folder: JobFolder) -> int:
    try:
        return folder.priority()
    except EngineError:
        return 0


def _waits_for(folder: JobFolder, spec: JobSpec) -> tuple[str, ...]:
    try:
        return waits_for(folder, spec)
    except EngineError:  # the worker is about to end for the same reason, and says so
        return ()


def _total(spec: JobSpec | None, progress: JobProgress) -> int | None:
    return progress.total if progress.total is not None else spec.total if spec else None
