"""What a job was asked to do and how it ended, as it is written in its folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

from engine.errors import EngineError
from engine.jobs.files import write_whole

JsonValue = Any
EndState = Literal["finished", "cancelled", "failed", "paused"]
Executor = Literal["local", "ray"]


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job is to do; written once, when it is submitted.

    Attributes:
        id: name of its folder, ``0007-scoring``.
        kind: name of its kind, see ``kinds.find_kind``.
        created_at: when it was submitted.
        title: what a person calls it: ``scoring ViT-B-32 openai``.
        reviewer: who submitted it; empty if nobody said.
        device: as the user wrote it: auto, cpu, cpu:2, cuda, cuda:0,2; None for a kind without one.
        settings: what the kind's function is given.
        output: folder of the parts, relative to the workspace; None: the job's own folder.
        total: rows of the work list; None without one.
        shards: number of shards.
        unit: what a row of the work list is, in the plural.
        priority: jobs of a higher one go first; may be changed later, see ``JobFolder.priority``.
        executor: who schedules the shards: local or ray.
        address: of the Ray cluster; None: the one that $RAY_ADDRESS names, or one on this machine.
        storage: URL through which the machines of a cluster exchange parts; None: they share the workspace's folder.
        force: start even where the results would not fit on the disk.
    """

    id: str
    kind: str
    created_at: datetime
    title: str
    reviewer: str
    device: str | None
    settings: Mapping[str, JsonValue]
    output: str | None
    total: int | None
    shards: int
    unit: str
    priority: int = 0
    executor: Executor = "local"
    address: str | None = None
    storage: str | None = None
    force: bool = False

    @property
    def number(self) -> int:
        """The number in the id."""
        return int(self.id.partition("-")[0])

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        _write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read it back.

        Raises:
            EngineError: the file is missing or is not what ``write`` writes.
        """
        fields = _read_json(path, "Cancel the job if it runs, and submit it again.")
        try:
            return cls(**{**fields, "created_at": datetime.fromisoformat(fields["created_at"])})
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError(
                f"{path} is not the specification of a job: {error}.",
                hint="It may come from another version of sood-tui. Submit the job again.",
            ) from error


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes:
        state: finished, cancelled, failed or paused.
        at: when.
        done: rows of the work list that are done, those of earlier starts included.
        warnings: how many warnings this start has raised.
        seconds: how long this start has worked, without its time in the queue.
        result: what the kind's function returned.
        error: name of the exception's class; None unless it failed.
        message: what went wrong; empty unless it failed.
        hint: what to do about it.
        traceback: of a bug; None for an error that was expected.
    """

    state: EndState
    at: datetime
    done: int = 0
    warnings: int = 0
    seconds: float = 0.0
    result: Mapping[str, JsonValue] = field(default_factory=dict)
    error: str | None = None
    message: str = ""
    hint: str = ""
    traceback: str | None = None

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        _write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it back; None while the job has no outcome.

        Raises:
            EngineError: the file is there, but it is not what ``write`` writes.
        """
        if not path.exists():
            return None
        fields = _read_json(path, "Resume the job: finished parts are kept.")
        try:
            outcome = cls(**{**fields, "at": datetime.fromisoformat(fields["at"])})
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError(f"{path} is not the outcome of a job: {error}.", hint="Resume the job.") from error
        if outcome.state not in get_args(EndState):
            raise EngineError(f"{path} names an unknown state: {outcome.state}.", hint="Resume the job.")
        return outcome


def _write_json(path: Path, fields: Mapping[str, JsonValue]) -> None:
    text = json.dumps(fields, ensure_ascii=True, indent=2, default=_json_of)
    write_whole(path, lambda stream: stream.write(text.encode() + b"\n"))


def _json_of(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _read_json(path: Path, hint: str) -> dict[str, JsonValue]:
    try:
        fields = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read: {error}.", hint=hint) from error
    if not isinstance(fields, dict):
        raise EngineError(f"{path} is not a JSON object.", hint=hint)
    return cast("dict[str, JsonValue]", fields)
