"""Submitting, cancelling and resuming jobs. All of it works without the catalogue and from any process."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import engine
from engine.errors import EngineError
from engine.events import now
from engine.jobs.devices import check_device, places_of
from engine.jobs.execution import LOCAL, Execution
from engine.jobs.files import LOCK_ATTEMPTS, take_lock, write_whole
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import find_kind
from engine.jobs.queue import list_folders
from engine.jobs.spec import JobSpec, JsonValue, Outcome

if TYPE_CHECKING:
    import pyarrow

SHARD_ROWS = 4096
SHARDS_EACH = 4
ON_A_CLUSTER = 16
"""Processes that a cluster is taken to have before anybody has asked it."""
PATIENCE = 10.0
LEAVING_ATTEMPTS = 500
ACTIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class WrittenWork:
    """What the work list holds: rows in all, and shards."""

    rows: int
    shards: int


def submit(
    workspace_root: Path,
    kind: str,
    settings: Mapping[str, JsonValue],
    work: "pyarrow.Table | Iterable[pyarrow.RecordBatch] | None" = None,
    device: str | None = None,
    *,
    shard_rows: int | None = None,
    output: str | None = None,
    title: str = "",
    reviewer: str = "",
    execution: Execution = LOCAL,
) -> JobFolder:
    """Make the folder of a job and start its worker, which waits for its device and outlives this process.

    Args:
        workspace_root: the workspace.
        kind: a name that ``kinds.find_kind`` knows.
        settings: JSON values, given to the kind's function.
        work: the work list. A table is cut into shards; of other batches each is a shard.
        device: as the user wrote it; None for a kind without one.
        shard_rows: rows of a shard; None: 4,096, or less where several processes would not all get some.
        output: folder for the parts, relative to the workspace; None: the job's own.
        title: what a person calls the job; the kind's name if empty.
        reviewer: who submits it.
        execution: who schedules its shards, and how urgent it is.

    Raises:
        EngineError: unknown kind, a device or an executor that cannot be, or the worker could not be started.
    """
    unit = find_kind(kind).unit
    execution.check_for(kind)
    check_device(device or "cpu")
    if execution.estimate:
        kind, settings, work, shard_rows, output = _probe_of(kind, settings, work)
        title = f"{kind} {title}"
    jobs = workspace_root / "jobs"
    jobs.mkdir(exist_ok=True)
    staging = jobs / f".new-{uuid4().hex}"  # made aside, so that a job's folder is there with all its files
    staging.mkdir()
    try:
        rows = shard_rows or _shard_rows(kind, settings, work, device, execution)
        written = _write_work(staging / "work.parquet", work, rows)
        total = None if work is None else written.rows
        lock = _locked(staging / "alive.lock")
        try:
            with _numbering(jobs) as numbers:
                folder = JobFolder(jobs / f"{numbers.next():04d}-{kind}")
                spec = JobSpec(
                    folder.id,
                    kind,
                    now(),
                    title or kind,
                    reviewer,
                    device,
                    settings,
                    output,
                    total,
                    written.shards,
                    unit,
                    execution.priority,
                    execution.executor,
                    execution.address,
                    execution.storage,
                )
                spec.write(staging / "spec.json")
                JobFolder(staging).log().append("queued")
                staging.rename(folder.path)
            _start(folder, lock)
        finally:
            os.close(lock)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return folder


def resume(folder: JobFolder, device: str | None = None) -> None:
    """Start a job again that did not finish; finished parts are kept and not repeated.

    Args:
        folder: the job.
        device: another one than it was submitted for; None: the same.

    Raises:
        EngineError: it still runs, has finished, or its specification is damaged.
    """
    spec = folder.spec()
    check_device(device or "cpu")
    # A worker that has ended may take seconds to give back what it holds on a device.
    lock = take_lock(folder.lock_file, LEAVING_ATTEMPTS if folder.outcome_file.exists() else LOCK_ATTEMPTS)
    if lock is None:
        raise EngineError(f"{folder.id} still runs.", hint=f"`sood-tui jobs watch {folder.id}` shows how far it is.")
    try:
        if folder.state() == "finished":
            raise EngineError(f"{folder.id} has finished; nothing is left to do.")
        folder.outcome_file.unlink(missing_ok=True)
        folder.cancel_file.unlink(missing_ok=True)
        folder.pause_file.unlink(missing_ok=True)
        if device is not None:
            replace(spec, device=device).write(folder.spec_file)
        folder.log().append("queued")
        _start(folder, lock)
    finally:
        os.close(lock)


def cancel(folder: JobFolder, patience: float = PATIENCE) -> None:
    """End a job after its current batch; its parts are kept. Comes back when it has ended.

    Args:
        folder: the job.
        patience: seconds until it is ended by force.

    Raises:
        EngineError: it has ended already.
    """
    if folder.state() not in ACTIVE:
        raise EngineError(
            f"{folder.id} is not running: {folder.state()}.", hint="`sood-tui jobs list` shows what runs."
        )
    folder.cancel_file.touch()
    _signal(folder, signal.SIGTERM)
    if not _ended(folder, patience):
        _signal(folder, signal.SIGKILL)
        if not _ended(folder, patience):
            raise EngineError(
                f"{folder.id} does not end although it was killed.",
                hint="It may hang in the file system; look with ps.",
            )
    lock = take_lock(folder.lock_file)
    if lock is None:  # somebody resumed it meanwhile
        return
    try:
        if not folder.outcome_file.exists():  # killed before it could say so itself
            folder.log().append("cancelled")
            Outcome("cancelled", now(), folder.progress().done).write(folder.outcome_file)
    finally:
        os.close(lock)


def pause(folder: JobFolder) -> None:
    """Ask a job to end after the shard in hand and to give its device back; ``resume`` takes it up again.

    Comes back at once. A shard that takes long is given up after some seconds, like that of a cancelled job.

    Raises:
        EngineError: it does not run.
    """
    if folder.state() not in ACTIVE:
        raise EngineError(
            f"{folder.id} is not running: {folder.state()}.", hint="`sood-tui jobs list` shows what runs."
        )
    folder.pause_file.touch()


def set_priority(folder: JobFolder, priority: int) -> None:
    """Let a waiting job overtake those of a lower priority; 0 is usual.

    Raises:
        EngineError: it has ended.
    """
    if folder.state() not in ACTIVE:
        raise EngineError(f"{folder.id} does not wait: {folder.state()}.", hint="Priorities order waiting jobs.")
    write_whole(folder.priority_file, lambda stream: stream.write(str(priority).encode()))


def list_jobs(workspace_root: Path) -> list[JobFolder]:
    """The jobs of a workspace by number, oldest first."""
    return list_folders(workspace_root / "jobs")


def find_job(workspace_root: Path, text: str) -> JobFolder:
    """The job that a person means: its id, its number, or ``last``.

    Raises:
        EngineError: there is none.
    """
    jobs = list_jobs(workspace_root)
    if text == "last" and jobs:
        return jobs[-1]
    for job in jobs:
        if job.id == text or (text.isdecimal() and int(job.id.partition("-")[0]) == int(text)):
            return job
    raise EngineError(f"There is no job {text!r} in {workspace_root}.", hint="`sood-tui jobs list` shows them all.")


@dataclass(slots=True)
class _Numbers:
    """Numbers of jobs; none is given twice, even when folders were removed."""

    handle: int
    highest: int

    def next(self) -> int:
        number = max(self.highest, int(os.pread(self.handle, 20, 0) or b"0")) + 1
        os.pwrite(self.handle, str(number).encode(), 0)
        return number

    def __enter__(self) -> "_Numbers":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)


def _numbering(jobs: Path) -> _Numbers:
    handle = _locked(jobs / ".last-number")
    return _Numbers(handle, max((int(job.id.partition("-")[0]) for job in list_folders(jobs)), default=0))


def _locked(path: Path) -> int:
    handle = take_lock(path)
    if handle is None:
        raise EngineError(f"{path} is held by another process.", hint="Try again; end the other sood-tui if it hangs.")
    return handle


def _probe_of(
    kind: str, settings: Mapping[str, JsonValue], work: "pyarrow.Table | Iterable[pyarrow.RecordBatch] | None"
) -> tuple[str, Mapping[str, JsonValue], "pyarrow.Table", int, None]:
    """The job that finds out what another would take, on a sample of its work."""
    import pyarrow

    from engine.jobs import estimate

    if not isinstance(work, pyarrow.Table) or not work.num_rows:
        raise EngineError(f"What a {kind} job takes cannot be estimated: it has no list of work.")
    rows, shard_rows = estimate.sample(work, settings)
    return estimate.KIND, {"kind": kind, "settings": settings, "units": work.num_rows}, rows, shard_rows, None


def _shard_rows(
    kind: str,
    settings: Mapping[str, JsonValue],
    work: "pyarrow.Table | Iterable[pyarrow.RecordBatch] | None",
    device: str | None,
    execution: Execution,
) -> int:
    """Shards so small that every process gets several, but none smaller than a batch."""
    count = getattr(work, "num_rows", 0)
    if not find_kind(kind).parallel:
        return SHARD_ROWS
    processes = ON_A_CLUSTER if execution.executor == "ray" else len(places_of(device))
    if processes == 1:
        return SHARD_ROWS
    batch = settings.get("batch_size")
    least = batch if isinstance(batch, int) else 1
    return max(1, least, min(SHARD_ROWS, -(-count // (processes * SHARDS_EACH))))


def _write_work(
    path: Path, work: "pyarrow.Table | Iterable[pyarrow.RecordBatch] | None", shard_rows: int
) -> WrittenWork:
    if work is None:
        return WrittenWork(0, 1)
    import pyarrow
    import pyarrow.parquet as parquet

    if isinstance(work, pyarrow.Table):
        write_whole(
            path, lambda stream: parquet.write_table(work, stream, row_group_size=shard_rows, compression="zstd")
        )
    else:
        write_whole(path, lambda stream: _write_batches(stream, work))
    metadata = parquet.read_metadata(path)
    return WrittenWork(metadata.num_rows, metadata.num_row_groups if metadata.num_rows else 0)


def _write_batches(stream: object, batches: "Iterable[pyarrow.RecordBatch]") -> None:
    import pyarrow
    import pyarrow.parquet as parquet

    filled = (pyarrow.Table.from_batches([batch]) for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        parquet.write_table(pyarrow.table({}), stream)
        return
    with parquet.ParquetWriter(stream, first.schema, compression="zstd") as writer:
        writer.write_table(first, row_group_size=first.num_rows)
        for table in filled:
            writer.write_table(table, row_group_size=table.num_rows)


def _start(folder: JobFolder, lock: int) -> None:
    """Start the worker in a session of its own, with the lock that this process has taken."""
    os.truncate(lock, 0)  # the process id of an earlier start may belong to somebody else by now
    command = [sys.executable, "-P", "-m", "engine.jobs.child", str(folder.path), "--lock", str(lock)]
    home = str(Path(engine.__file__).parent.parent)
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    # Threads that spin while they wait make torch several times slower as soon as something else wants the cores.
    environment = {
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONFAULTHANDLER": "1",
        "PYTHONUNBUFFERED": "1",
    }
    try:
        with folder.log_file.open("ab") as printed:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                cwd=folder.path,
                env=environment,
                pass_fds=(lock,),
                start_new_session=True,
            )
    except OSError as error:
        raise EngineError(
            f"The worker of {folder.id} could not be started: {error.strerror}.",
            hint=f"When that is mended, `sood-tui jobs resume {folder.id}` starts it.",
        ) from error
    os.pwrite(lock, str(process.pid).encode(), 0)
    # Reaped when it ends, so that a long-lived screen does not collect zombies; it does not end with this process.
    threading.Thread(target=process.wait, name=f"reap {folder.id}", daemon=True).start()


def _signal(folder: JobFolder, number: signal.Signals) -> None:
    pid = folder.worker_pid()
    if pid is None or pid <= 1 or not folder.is_alive():
        return
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)


def _ended(folder: JobFolder, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while folder.is_alive():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True
