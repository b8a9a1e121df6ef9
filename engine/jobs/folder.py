"""A job as its folder tells it. Nothing is remembered elsewhere, so that any process can look, at any time."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from engine.errors import EngineError
from engine.jobs.events import EventLog, JobEvent, MemberProgress, last_of, members_of, read_events, read_last_events
from engine.jobs.files import is_locked
from engine.jobs.parts import Part, PartNames
from engine.jobs.spec import JobSpec, JsonValue, Outcome
from engine.jobs.timing import Bottleneck, added_up, bottleneck_of

JobState = Literal["queued", "running", "paused", "finished", "cancelled", "failed", "died"]
LOG_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is, by its latest event.

    Attributes:
        at: when that was; None before it started.
        done: units done, those of earlier starts included.
        total: units in all; None while unknown.
        rate: units a second over the last seconds; None until it can be told.
        warnings: warnings since it was started.
        detail: small values of the kind's own, such as batch or memory.
        members: what each of its processes has told; empty where there is nothing to tell of a single one.
    """

    at: datetime | None = None
    done: int = 0
    total: int | None = None
    rate: float | None = None
    warnings: int = 0
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    members: Sequence[MemberProgress] = ()

    @property
    def bottleneck(self) -> Bottleneck | None:
        """The phase that takes most of the time, over all processes; None where none was measured."""
        return bottleneck_of(added_up(member.spent for member in self.members))

    @property
    def fraction(self) -> float | None:
        """Share that is done, in [0, 1]; None while the total is unknown."""
        if self.total is None:
            return None
        return min(1.0, self.done / self.total) if self.total else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Time left at the present rate; None where it cannot be told."""
        if self.total is None or not self.rate:
            return None
        return max(0, self.total - self.done) / self.rate


@dataclass(frozen=True, slots=True)
class JobFolder:
    """One job.

    Attributes:
        path: its folder, ``<workspace>/jobs/0007-scoring``.
    """

    path: Path

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def workspace_root(self) -> Path:
        """The folder of the workspace that it belongs to."""
        return self.path.parent.parent

    @property
    def spec_file(self) -> Path:
        """What is to be done."""
        return self.path / "spec.json"

    @property
    def work_file(self) -> Path:
        """The work list, one row group a shard."""
        return self.path / "work.parquet"

    @property
    def events_file(self) -> Path:
        """What happened, for those who tail it themselves with ``read_events``."""
        return self.path / "events.jsonl"

    @property
    def outcome_file(self) -> Path:
        """How it ended."""
        return self.path / "outcome.json"

    @property
    def lock_file(self) -> Path:
        """Locked while the worker lives; holds its process id."""
        return self.path / "alive.lock"

    @property
    def reserve_file(self) -> Path:
        """Room on the disk that is given back at the end, so that a full one can still be reported."""
        return self.path / ".reserve"

    @property
    def cancel_file(self) -> Path:
        """There when somebody asked for the end."""
        return self.path / "cancel"

    @property
    def pause_file(self) -> Path:
        """There when somebody asked for a pause."""
        return self.path / "pause"

    @property
    def priority_file(self) -> Path:
        """Holds the priority, where it was changed after the submission."""
        return self.path / "priority"

    @property
    def log_file(self) -> Path:
        """What the worker printed."""
        return self.path / "stderr.log"

    def spec(self) -> JobSpec:
        """What the job is to do.

        Raises:
            EngineError: the file is missing or damaged.
        """
        return JobSpec.read(self.spec_file)

    def outcome(self) -> Outcome | None:
        """How the job ended; None while it has not, or when its worker died.

        Raises:
            EngineError: the file is damaged.
        """
        return Outcome.read(self.outcome_file)

    def log(self) -> EventLog:
        """Where events are appended."""
        return EventLog(self.events_file)

    def events(self) -> list[JobEvent]:
        """All events, oldest first; damaged lines are passed over."""
        return read_events(self.events_file)[0]

    def is_alive(self) -> bool:
        """Whether the worker lives, waiting or working."""
        return is_locked(self.lock_file)

    def state(self) -> JobState:
        """What the files say, and the kernel about the lock.

        The lock is asked before the outcome is read: a worker writes its outcome while it holds the lock.
        """
        for _ in range(2):  # a resume between the two looks would seem to be a death
            alive = self.is_alive()
            try:
                outcome = self.outcome()
            except EngineError:
                outcome = None
            if outcome is not None:
                return outcome.state
            if alive:
                return "queued" if self.queued_at() else "running"
        if self.cancel_file.exists():
            return "cancelled"
        return "paused" if self.pause_file.exists() else "died"

    def priority(self) -> int:
        """Jobs of a higher one go first; what was asked for last counts.

        Raises:
            EngineError: the specification is damaged.
        """
        try:
            return int(self.priority_file.read_text())
        except (FileNotFoundError, ValueError):
            return self.spec().priority

    def queued_at(self) -> datetime | None:
        """Since when the job waits to start; None if it has started."""
        events = read_last_events(self.events_file)
        return events[-1].at if events and events[-1].kind == "queued" else None

    def worker_pid(self) -> int | None:
        """Process id of the worker, which leads a process group of its own; None where no worker was ever started."""
        try:
            return int(self.lock_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def progress(self) -> JobProgress:
        """How far the job is."""
        events = read_last_events(self.events_file)
        latest = last_of(events, "started", "progress", "part", "finished", "cancelled", "failed", "paused")
        if latest is None:
            return JobProgress()
        warnings = next((event.warnings for event in reversed(events) if event.warnings is not None), 0)
        return JobProgress(
            latest.at, latest.done or 0, latest.total, latest.rate, warnings, latest.detail, members_of(latest)
        )

    def part_names(self, spec: JobSpec | None = None) -> PartNames:
        """Where the files of the parts lie, and what they are called.

        Raises:
            EngineError: the specification is damaged.
        """
        spec = spec or self.spec()
        if spec.output is None:
            return PartNames(self.path, "part-")
        return PartNames(self.workspace_root / spec.output, f"part-{spec.number:04d}-")

    def parts(self) -> list[Part]:
        """The finished parts, in the order of their shards.

        Raises:
            EngineError: the specification is damaged.
        """
        return self.part_names().finished()

    def printed(self) -> str:
        """The end of what the worker printed; bytes that are not UTF-8 are shown as escapes."""
        try:
            with self.log_file.open("rb") as stream:
                stream.seek(max(0, os.fstat(stream.fileno()).st_size - LOG_BYTES))
                return stream.read().decode(errors="backslashreplace")
        except FileNotFoundError:
            return ""
