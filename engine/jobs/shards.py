"""What a kind's function is given: the run with its settings, and the shards that are still to be done."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import pyarrow
import pyarrow.parquet as parquet

from engine.jobs.events import EventKind, EventLog, RateMeter
from engine.jobs.files import write_whole
from engine.jobs.folder import JobFolder
from engine.jobs.parts import FILES_KEY, MARKER, Part, PartNames
from engine.jobs.spec import JobSpec, JsonValue

# Five progress events a second show a smooth bar; after a minute one a second does, and the file stays small.
SHORT_PAUSE = 0.2
LONG_PAUSE = 1.0
SMOOTH_SECONDS = 60.0


class JobCancelled(BaseException):
    """The user asked for the end. Not an Exception, so that no ``except Exception`` of a kind swallows it."""


@dataclass(slots=True)
class Cancellation:
    """Whether the end was asked for; set from a signal handler, which must not take locks."""

    requested: bool = False


@dataclass(frozen=True, slots=True)
class Shard:
    """One piece of the work list. The same shard gives the same files, however often it runs.

    Attributes:
        run: the run that it belongs to.
        number: its number, from 0.
        table: its rows of the work list.
    """

    run: "ShardRun"
    number: int
    table: pyarrow.Table
    _hashes: dict[str, str] = field(default_factory=dict)

    def batches(self, rows: int) -> Iterator[pyarrow.Table]:
        """The work in slices of at most so many rows."""
        for start in range(0, self.table.num_rows, rows):
            yield self.table.slice(start, rows)

    def write_file(self, suffix: str, write: Callable[[BinaryIO], object]) -> Path:
        """Write a further file of this shard, such as ``.npy``; it counts once ``commit`` has followed.

        Args:
            suffix: with its dot; not ``.parquet``.
            write: gets the open file.

        Returns: where the file lies.
        """
        if suffix == MARKER:
            raise ValueError(f"{MARKER} is written by commit")
        path = self.run.names.path(self.number, suffix)
        self._hashes[suffix] = write_whole(path, write)
        return path

    def commit(self, table: pyarrow.Table, metadata: Mapping[str, str] | None = None) -> Part:
        """Write the results; from then on the shard is done and is not run again.

        Args:
            table: the rows that ``ingest`` takes in.
            metadata: kept in the file, see ``Part.metadata``.
        """
        texts = {**(metadata or {}), FILES_KEY: json.dumps(self._hashes)}
        marked = table.replace_schema_metadata(texts)
        path = self.run.names.path(self.number)
        write_whole(path, lambda stream: parquet.write_table(marked, stream, compression="zstd"))
        self.run.part_written(path.name, table.num_rows)
        return Part(self.number, path)


class ShardRun:
    """One start of a job, as its kind's function sees it. The contract stands in ``engine.jobs``."""

    def __init__(self, folder: JobFolder, spec: JobSpec, cancellation: Cancellation) -> None:
        self.folder = folder
        self.spec = spec
        self.total = spec.total
        self.done = 0
        self.warnings = 0
        self.detail: dict[str, JsonValue] = {}
        self._cancellation = cancellation
        self._log: EventLog = folder.log()
        self._meter = RateMeter()
        self._rate: float | None = None
        self._started = self._reported = time.monotonic()
        self.names.folder.mkdir(parents=True, exist_ok=True)
        self.names.remove_orphans()
        self._finished = frozenset(part.number for part in self.names.finished())
        self.done = sum(self._rows_of(number) for number in self._finished)
        self._meter.add(self._started, self.done)

    @property
    def settings(self) -> Mapping[str, JsonValue]:
        """What the job was submitted with."""
        return self.spec.settings

    @property
    def device(self) -> str | None:
        """The device as the user wrote it; None for a kind without one."""
        return self.spec.device

    @property
    def workspace_root(self) -> Path:
        """The folder of the workspace."""
        return self.folder.workspace_root

    @cached_property
    def names(self) -> PartNames:
        """Where the files of the parts lie."""
        return self.folder.part_names(self.spec)

    @property
    def cancelled(self) -> bool:
        """Whether the user has asked for the end."""
        return self._cancellation.requested

    @property
    def seconds(self) -> float:
        """How long this start has worked."""
        return time.monotonic() - self._started

    def shards(self) -> Iterator[Shard]:
        """The shards that have no part yet, in order; each is read when it is reached.

        Raises:
            JobCancelled: the user has asked for the end; asked before each shard.
        """
        for number in range(self.spec.shards):
            if number in self._finished:
                continue
            self.check()
            yield Shard(self, number, self._read(number))

    def missing(self) -> list[int]:
        """Numbers of the shards that have no part."""
        finished = {part.number for part in self.names.finished()}
        return [number for number in range(self.spec.shards) if number not in finished]

    def check(self) -> None:
        """Let the user end the job here.

        Raises:
            JobCancelled: the user has asked for the end.
        """
        if self._cancellation.requested:
            raise JobCancelled

    def expect(self, total: int) -> None:
        """Say how many units there are, where there is no work list."""
        self.total = total

    def advance(self, units: int = 1, **detail: JsonValue) -> None:
        """Count finished units, show them, and let the user end the job here.

        Args:
            units: rows of the work list, or what ``expect`` counts.
            **detail: small values to show beside the bar; each stays until it is replaced.

        Raises:
            JobCancelled: the user has asked for the end.
        """
        self.done += units
        self.detail.update(detail)
        self.report(at_once=False)
        self.check()

    def warn(self, message: str, subject: str | None = None) -> None:
        """Tell the user of something that was worked around.

        Args:
            message: what happened and what was done about it.
            subject: what it concerns, such as a path.
        """
        self.warnings += 1
        self._log.append("warned", message=message, subject=subject, warnings=self.warnings)

    def report(self, at_once: bool = True) -> None:
        """Append a progress event, unless one was appended a moment ago. A job does not fail because this does."""
        moment = time.monotonic()
        pause = SHORT_PAUSE if moment - self._started < SMOOTH_SECONDS else LONG_PAUSE
        if not at_once and moment - self._reported < pause:
            return
        self._reported = moment
        self._rate = self._meter.add(moment, self.done)
        self._append("progress")

    def part_written(self, name: str, rows: int) -> None:
        """Append the event of a finished part."""
        self._append("part", part=name, rows=rows)

    def _append(self, kind: EventKind, **fields: JsonValue) -> None:
        try:
            self._log.append(
                kind,
                done=self.done,
                total=self.total,
                rate=self._rate,
                warnings=self.warnings,
                detail=self.detail,
                **fields,
            )
        except OSError as error:
            print(f"the event {kind} could not be written: {error}", flush=True)

    def _rows_of(self, number: int) -> int:
        return int(self._work.metadata.row_group(number).num_rows) if self._work and number < self.spec.shards else 0

    def _read(self, number: int) -> pyarrow.Table:
        return self._work.read_row_group(number) if self._work else pyarrow.table({})

    @cached_property
    def _work(self) -> "parquet.ParquetFile | None":
        return parquet.ParquetFile(self.folder.work_file) if self.folder.work_file.exists() else None
