"""What happened in a job, one JSON object a line, only ever appended."""

import json
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, cast, get_args

from engine.events import now
from engine.jobs.spec import JsonValue
from engine.jobs.timing import Bottleneck, bottleneck_of

EventKind = Literal["queued", "started", "progress", "warned", "part", "paused", "finished", "cancelled", "failed"]
KINDS_OF_EVENTS: tuple[str, ...] = get_args(EventKind)
# Enough for the last few dozen events; a job of hours has megabytes of them.
TAIL_BYTES = 65_536
_PROGRESS = b'{"kind":"progress"'


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One line of a job's events. Fields that do not concern its kind are None or empty.

    Attributes:
        kind: queued, started, progress, warned, part, paused, finished, cancelled or failed.
        at: when, in UTC.
        done: units done so far, those of earlier starts included.
        total: units in all; None while unknown.
        rate: units a second over the last seconds; None until it can be told.
        warnings: warnings since the start.
        part: file name of a finished part.
        rows: rows in that part.
        message: of a warning or a failure.
        hint: what to do about a failure.
        subject: what a warning speaks of, such as a path.
        pid: process that started.
        host: machine that it runs on.
        device: as it was asked for.
        detail: small values of the kind's own, such as batch or memory.
        members: name, state, done, rate, detail and spent of each process; see ``members_of``.
    """

    kind: EventKind
    at: datetime
    done: int | None = None
    total: int | None = None
    rate: float | None = None
    warnings: int | None = None
    part: str | None = None
    rows: int | None = None
    message: str | None = None
    hint: str | None = None
    subject: str | None = None
    pid: int | None = None
    host: str | None = None
    device: str | None = None
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    members: Sequence[Mapping[str, JsonValue]] = ()

    def line(self) -> bytes:
        """The event as it stands in the file, with its line end."""
        fields = {
            name: value for name, value in asdict(self).items() if value is not None and value not in ({}, (), [])
        }
        fields["at"] = self.at.isoformat()
        return json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class MemberProgress:
    """What one process of a job has told.

    Attributes:
        name: of its place: cuda:1, cpu:0.
        state: starting, working, silent (it does not answer), lost (its device is gone) or ended.
        done: units done by it since the job was started.
        rate: units a second; None until it can be told.
        detail: small values of the kind's own, such as batch or memory.
        spent: seconds by phase, see ``timing.PHASES``.
    """

    name: str
    state: str = "working"
    done: int = 0
    rate: float | None = None
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    spent: Mapping[str, float] = field(default_factory=dict)

    @property
    def bottleneck(self) -> Bottleneck | None:
        """The phase that takes most of its time."""
        return bottleneck_of(self.spent)


def members_of(event: JobEvent) -> tuple[MemberProgress, ...]:
    """The processes that an event speaks of; what cannot be understood is passed over."""
    found = []
    for values in event.members:
        try:
            member = MemberProgress(**values)
        except TypeError:
            continue
        if isinstance(member.detail, dict) and isinstance(member.spent, dict):
            found.append(member)
    return tuple(found)


def parse_event(line: bytes) -> JobEvent | None:
    """The event that a line holds; None for a line that is torn or not ours, which must never end a viewer."""
    try:
        fields = json.loads(line)
        event = JobEvent(**{**fields, "at": datetime.fromisoformat(fields["at"])})
    except (ValueError, TypeError, KeyError):
        return None
    known = event.kind in KINDS_OF_EVENTS and isinstance(event.detail, dict) and event.at.tzinfo is not None
    known = known and isinstance(event.members, list | tuple)
    numbers = (event.done, event.total, event.rate, event.warnings, event.rows)
    return event if known and all(isinstance(number, int | float | None) for number in numbers) else None


def read_events(path: Path, offset: int = 0, with_progress: bool = True) -> tuple[list[JobEvent], int]:
    """The events behind a position in the file, and the position to go on from.

    A line without its end is left for the next call. Lines that cannot be understood are passed over, and so is
    progress where it is not wanted: nearly all of a long file, which then is not parsed.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read()
    except FileNotFoundError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    lines = (line for line in whole.splitlines() if with_progress or not line.startswith(_PROGRESS))
    events = [event for line in lines if (event := parse_event(line)) is not None]
    return events, offset + len(whole)


def read_last_events(path: Path) -> list[JobEvent]:
    """The latest events, oldest first: all of them in a short file, some dozens at least in a long one."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return []
    events, _ = read_events(path, max(0, size - TAIL_BYTES))  # a line cut by the seek is passed over as torn
    return events if events or size <= TAIL_BYTES else read_events(path)[0]


class EventLog:
    """Appends events, each with a single write, so that a reader or a second writer never sees halves interleaved."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, kind: EventKind, **fields: JsonValue) -> None:
        """Append one event of the present moment; the fields are those of ``JobEvent``."""
        line = JobEvent(kind, now(), **fields).line()
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            os.write(handle, line if _ends_whole(handle) else b"\n" + line)
        finally:
            os.close(handle)


def _ends_whole(handle: int) -> bool:
    """Whether the last line is whole; a writer that was killed or a full disk may leave half of one."""
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"


class RateMeter:
    """Units a second over the last seconds, so that a slow start or a slow folder does not spoil the estimate."""

    def __init__(self, window: float = 10.0) -> None:
        self._window = window
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, seconds: float, done: int) -> float | None:
        """Note that so much is done at that moment.

        Args:
            seconds: a monotonic clock.
            done: units done so far.

        Returns: units a second; None until half a second has been seen.
        """
        self._samples.append((seconds, done))
        while len(self._samples) > 2 and self._samples[1][0] <= seconds - self._window:
            self._samples.popleft()
        first_seconds, first_done = self._samples[0]
        passed = seconds - first_seconds
        return (done - first_done) / passed if passed >= 0.5 else None


class Pace:
    """How far a stage is that the units of a job do not count, such as the words of an evaluation."""

    def __init__(self) -> None:
        self._meter = RateMeter()

    def words(self, done: int, total: int, moment: float | None = None) -> str:
        """In words: ``1,664 of 97,279, 540/s, 3 min left``; the rate and the rest when they can be told.

        Args:
            done: of the stage.
            total: of the stage.
            moment: a monotonic clock; None: this one's.
        """
        rate = self._meter.add(time.monotonic() if moment is None else moment, done)
        told = f"{done:,} of {total:,}"
        if not rate:
            return told
        left = (total - done) / rate
        return f"{told}, {rate:,.0f}/s, " + (f"{left:.0f} s left" if left < 90 else f"{left / 60:,.0f} min left")


def last_of(events: list[JobEvent], *kinds: EventKind) -> JobEvent | None:
    """The latest event of one of these kinds."""
    return next((event for event in reversed(events) if event.kind in cast("tuple[str, ...]", kinds)), None)
