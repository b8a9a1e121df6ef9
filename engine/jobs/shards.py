"""What a kind's function is given: the run with its settings, and the shards that are still to be done."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import pyarrow
import pyarrow.parquet as parquet

from engine.jobs.devices import usable_cores
from engine.jobs.disk import DiskWatch, require_space
from engine.jobs.files import write_whole
from engine.jobs.folder import JobFolder
from engine.jobs.ledger import Teller
from engine.jobs.parts import FILES_KEY, MARKER, Part, PartNames
from engine.jobs.spec import JobSpec, JsonValue
from engine.jobs.timing import Stopwatch

# A pause waits for the shard in hand, whose work would be lost, but not for ever.
PAUSE_PATIENCE = 20.0
PAUSE_LOOK = 0.5
_NO_MORE = object()

Item = TypeVar("Item")


class JobCancelled(BaseException):
    """The user asked for the end. Not an Exception, so that no ``except Exception`` of a kind swallows it."""


class JobPaused(BaseException):
    """The user asked for a pause, and the shard in hand takes too long to wait for."""


@dataclass(slots=True)
class Cancellation:
    """Whether the end was asked for; set from a signal handler, which must not take locks.

    Attributes:
        requested: the end.
        paused_at: when a pause was asked for, on the monotonic clock; None if it was not.
    """

    requested: bool = False
    paused_at: float | None = None

    def pause(self) -> None:
        """Ask for a pause."""
        if self.paused_at is None:
            self.paused_at = time.monotonic()


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
        with self.run.timed("write"):
            self._hashes[suffix] = write_whole(path, write)
        self.run.wrote(path)
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
        with self.run.timed("write"):
            write_whole(path, lambda stream: parquet.write_table(marked, stream, compression="zstd"))
        self.run.wrote(path)
        self.run.part_written(self.number, path.name, table.num_rows)
        return Part(self.number, path)


class ShardRun:
    """One start of a job in one process, as its kind's function sees it. The contract stands in ``engine.jobs``.

    Args:
        folder: of the job.
        spec: its specification.
        cancellation: set by whoever hears of the user's wish.
        teller: takes note of what is done.
        numbers: gives the numbers of the shards that this process shall do.
        device: that torch is told; None for a kind without one.
        cores: that this process shall use; None for all of the machine.
        place: name of the place, for messages.
        read: gives the rows of a shard; None reads them from the job's folder.
        concludes: whether what has to be done once, after all shards, is this process's to do.
    """

    def __init__(
        self,
        folder: JobFolder,
        spec: JobSpec,
        cancellation: Cancellation,
        teller: Teller,
        numbers: Callable[[], Iterator[int]],
        device: str | None = None,
        cores: int | None = None,
        place: str = "",
        read: Callable[[int], pyarrow.Table] | None = None,
        concludes: bool = True,
    ) -> None:
        self.folder = folder
        self.spec = spec
        self.total = spec.total
        self.device = device
        self.cores = cores or usable_cores()
        self.place = place
        self.concludes = concludes
        self._cancellation = cancellation
        self._teller = teller
        self._numbers = numbers
        self._read = read or self._read_work
        self._watch = Stopwatch()
        self._looked = float("-inf")
        self.names.folder.mkdir(parents=True, exist_ok=True)
        self._disk = DiskWatch()

    @property
    def settings(self) -> Mapping[str, JsonValue]:
        """What the job was submitted with."""
        return self.spec.settings

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

    @cached_property
    def left(self) -> int:
        """Rows of the work list that had no part when this was first asked; all, where the list lies elsewhere."""
        if self._work is None:
            return self.total or 0
        groups = self._work.metadata
        finished = {part.number for part in self.names.finished()}
        return sum(
            groups.row_group(number).num_rows for number in range(groups.num_row_groups) if number not in finished
        )

    def shards(self) -> Iterator[Shard]:
        """The shards that this process shall do; each is read when it is reached.

        Raises:
            JobCancelled: the user has asked for the end; asked before each shard.
        """
        for number in self._numbers():
            self._check_cancelled()
            if self.pausing():
                return
            self._disk.check()
            yield Shard(self, number, self._read(number))
            self._disk.finish()
        self._check_cancelled()

    def check(self) -> None:
        """Let the user end the job here.

        Raises:
            JobCancelled: the user has asked for the end.
            JobPaused: the user has asked for a pause some time ago.
        """
        self._check_cancelled()
        if self.pausing() and self.spec.total is not None:
            assert self._cancellation.paused_at is not None
            if time.monotonic() - self._cancellation.paused_at < PAUSE_PATIENCE:
                return
        if self._cancellation.paused_at is not None:
            raise JobPaused

    def pausing(self) -> bool:
        """Whether the user has asked for a pause."""
        moment = time.monotonic()
        if self._cancellation.paused_at is None and moment - self._looked >= PAUSE_LOOK:
            self._looked = moment
            if self.folder.pause_file.exists():
                self._cancellation.pause()
        return self._cancellation.paused_at is not None

    def expect(self, total: int) -> None:
        """Say how many units there are, where there is no work list."""
        self.total = total
        self._teller.expect(total)

    def need_space(self, count: int, what: str = "The results", folder: Path | None = None) -> None:
        """Refuse to start where the results would not fit on the disk, unless the user has insisted.

        Args:
            count: bytes, for all shards that are left.
            what: is written, for the message.
            folder: where they will lie; None: in the workspace.

        Raises:
            EngineError: they would not fit.
        """
        if not self.spec.force:
            require_space(folder or self.workspace_root, count, what, self.folder.id)

    def timed(self, phase: str) -> AbstractContextManager[None]:
        """Count the time of a block to a phase; see ``timing.PHASES``."""
        return self._watch.timed(phase)

    def timed_each(self, phase: str, items: Iterable[Item]) -> Iterator[Item]:
        """The items, with the time that each is waited for counted to a phase."""
        waiting = iter(items)
        while True:
            with self._watch.timed(phase):
                found = next(waiting, _NO_MORE)
            if found is _NO_MORE:
                return
            yield cast("Item", found)

    def spend(self, phase: str, seconds: float) -> None:
        """Count seconds to a phase that were measured elsewhere, such as on the device."""
        self._watch.add(phase, seconds)

    def forget_times(self) -> None:
        """Count where the time goes from here on: what was done so far was no work."""
        self._watch.take()

    def advance(self, units: int = 1, **detail: JsonValue) -> None:
        """Count finished units, show them, and let the user end the job here.

        Args:
            units: rows of the work list, or what ``expect`` counts.
            **detail: small values to show beside the bar; each stays until it is replaced, or taken off by None.

        Raises:
            JobCancelled: the user has asked for the end.
        """
        self._teller.advance(units, detail, self._watch.take())
        self.check()

    def warn(self, message: str, subject: str | None = None) -> None:
        """Tell the user of something that was worked around.

        Args:
            message: what happened and what was done about it.
            subject: what it concerns, such as a path.
        """
        self._teller.warn(message, subject)

    def wrote(self, path: Path) -> None:
        """Note a file of the shard in hand."""
        self._disk.wrote(path)

    def part_written(self, number: int, name: str, rows: int) -> None:
        """Tell of a finished part."""
        self._teller.part(number, name, rows)

    def _check_cancelled(self) -> None:
        if self._cancellation.requested:
            raise JobCancelled

    def _read_work(self, number: int) -> pyarrow.Table:
        return self._work.read_row_group(number) if self._work else pyarrow.table({})

    @cached_property
    def _work(self) -> "parquet.ParquetFile | None":
        return parquet.ParquetFile(self.folder.work_file) if self.folder.work_file.exists() else None
