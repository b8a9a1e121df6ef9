"""A process of a job on some machine of a Ray cluster: it does the shards that the leader sends it, one at a time."""

import os
import queue
import shutil
import socket
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from engine.errors import EngineError
from engine.jobs.devices import usable_cores
from engine.jobs.failures import Failure, describe
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import find_kind, resolve
from engine.jobs.shards import Cancellation, JobCancelled, JobPaused, ShardRun
from engine.jobs.spec import JobSpec, JsonValue
from engine.jobs.storage import Storage, new_files


@dataclass(frozen=True, slots=True)
class Task:
    """What every process of the job is told.

    Attributes:
        spec: of the job.
        workspace_root: where the leader has it.
        storage: where files go; None where all machines share the workspace.
        needed: files in the storage that the kind needs.
        device: that torch is told.
        cores: that each process shall use.
    """

    spec: JobSpec
    workspace_root: str
    storage: Storage | None
    needed: tuple[str, ...]
    device: str
    cores: int


@dataclass(frozen=True, slots=True)
class Done:
    """A shard is done.

    Attributes:
        number: of the shard.
        rows: of its part.
        part: file name of its part.
        files: that lie in the storage now, in the order in which they are to be fetched.
    """

    number: int
    rows: int
    part: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What a process has to tell since it was last asked.

    Attributes:
        life: another one after a restart.
        place: machine and device.
        units: done since.
        detail: small values of the kind's own.
        spent: seconds by phase since.
        warnings: message and subject, each.
    """

    life: str
    place: str
    units: int
    detail: Mapping[str, JsonValue]
    spent: Mapping[str, float]
    warnings: tuple[tuple[str, str | None], ...]


@dataclass(slots=True)
class _Notes:
    """Keeps what the kind tells until the leader asks for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    units: int = 0
    detail: dict[str, JsonValue] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    warnings: list[tuple[str, str | None]] = field(default_factory=list)
    last_part: tuple[str, int] = ("", 0)

    def advance(self, units: int, detail: Mapping[str, JsonValue], spent: Mapping[str, float]) -> None:
        """See ``ledger.Teller``."""
        with self.lock:
            self.units += units
            self.detail.update(detail)
            for phase, seconds in spent.items():
                self.spent[phase] = self.spent.get(phase, 0.0) + seconds

    def warn(self, message: str, subject: str | None) -> None:
        """See ``ledger.Teller``."""
        with self.lock:
            self.warnings.append((message, subject))

    def part(self, number: int, name: str, rows: int) -> None:
        """See ``ledger.Teller``."""
        self.last_part = name, rows

    def expect(self, total: int) -> None:
        """See ``ledger.Teller``."""

    def take(self, life: str, place: str) -> News:
        """All of it, once."""
        with self.lock:
            news = News(life, place, self.units, dict(self.detail), self.spent, tuple(self.warnings))
            self.units, self.spent, self.warnings = 0, {}, []
        return news


class ShardActor:
    """Calls the kind's function once, in a thread, and feeds it shard by shard."""

    def __init__(self, task: Task, name: str) -> None:
        self._task = task
        self._place = f"{name} on {socket.gethostname()}"
        self._life = uuid4().hex
        self._cancellation = Cancellation()
        self._notes = _Notes()
        self._given: queue.SimpleQueue[tuple[int, Any] | None] = queue.SimpleQueue()
        self._answered = threading.Condition()
        self._answers: dict[int, Done] = {}
        self._asked: set[int] = set()
        self._failure: Failure | None = None
        self._result: Mapping[str, JsonValue] = {}
        self._table: Any = None
        self._sent: set[str] = set()
        self._scratch: Path | None = None
        self._thread = threading.Thread(target=self._work, name="shards", daemon=True)
        self._thread.start()

    def do(self, number: int, table: Any) -> Done | Failure:
        """Do one shard; what goes wrong is an answer, too. Doing one twice leaves the same files."""
        with self._answered:
            if number not in self._asked:  # asked again where the answer was lost on its way
                self._asked.add(number)
                self._given.put((number, table))
            self._answered.wait_for(lambda: number in self._answers or self._failure is not None)
            if number in self._answers:
                return self._answers[number]
            assert self._failure is not None
            return self._failure

    def news(self) -> News:
        """What has happened since the last time; also shows that the process lives."""
        return self._notes.take(self._life, self._place)

    def stop(self) -> None:
        """End after the batch in hand."""
        self._cancellation.requested = True
        self._given.put(None)

    def finish(self) -> Mapping[str, JsonValue]:
        """Let the kind's function come to its end.

        Returns: what it returned.
        """
        self._given.put(None)
        self._thread.join()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return self._result

    def _work(self) -> None:
        try:
            self._result = dict(resolve(find_kind(self._task.spec.kind).function)(self._run()) or {})
        except (JobCancelled, JobPaused):
            self._fail(Failure("JobCancelled", "It was cancelled.", ""))
        except BaseException as error:
            traceback.print_exc()
            self._fail(describe(error, self._task.spec.id, Path(tempfile.gettempdir()), self._place))

    def _fail(self, failure: Failure) -> None:
        with self._answered:
            self._failure = failure
            self._answered.notify_all()

    def _run(self) -> ShardRun:
        task = self._task
        root = Path(task.workspace_root)
        if task.storage is not None:
            root = self._scratch = Path(tempfile.mkdtemp(prefix="sood-"))
            task.storage.get(root, task.needed)
        folder = JobFolder(root / "jobs" / task.spec.id)
        if task.storage is not None:
            folder.path.mkdir(parents=True)
            task.spec.write(folder.spec_file)
            self._sent = set(new_files(root, set()))
        elif not folder.spec_file.exists():
            raise EngineError(
                f"The machine {socket.gethostname()} does not see the workspace {root}.",
                "Put the workspace on storage that all machines share under the same path, or give --storage URL.",
            )
        cores = min(task.cores, usable_cores())
        # A scratch workspace holds one shard at a time: that all of them fit is asked where they come together.
        spec = task.spec if task.storage is None else replace(task.spec, force=True)
        return ShardRun(
            folder, spec, self._cancellation, self._notes, self._numbers, task.device, cores, self._place,
            read=lambda number: self._table, concludes=False,
        )  # fmt: skip

    def _numbers(self) -> Iterator[int]:
        while (given := self._given.get()) is not None:
            number, self._table = given
            yield number
            part, rows = self._notes.last_part
            done = Done(number, rows, part, self._leave_files())
            with self._answered:
                self._answers[number] = done
                self._answered.notify_all()

    def _leave_files(self) -> tuple[str, ...]:
        """Bring what was written since the last shard into the storage; its copies here are not needed any more."""
        storage, root = self._task.storage, self._scratch
        if storage is None or root is None:
            return ()
        fresh = new_files(root, self._sent)
        storage.put(root, fresh)
        self._sent.update(fresh)
        for name in fresh:
            if not name.endswith(".parquet"):  # tables are small, and the kind may look for its own
                os.unlink(root / name)
        return tuple(fresh)
