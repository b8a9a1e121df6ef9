"""Submitting, cancelling and resuming jobs. All of it works without the catalogue and from any process."""

import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.events import now
from engine.jobs import turns
from engine.jobs.devices import check_device
from engine.jobs.execution import LOCAL, Execution
from engine.jobs.files import LOCK_ATTEMPTS, take_lock, write_whole
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import find_kind
from engine.jobs.launching import has_ended, send_signal, start_worker
from engine.jobs.queue import announce, list_folders
from engine.jobs.spec import JobSpec, JsonValue, Outcome
from engine.jobs.staging import numbered, staged
from engine.jobs.worklist import require_space_for, rows_of_a_shard, write_work

if TYPE_CHECKING:
    import pyarrow

PATIENCE = 10.0
LEAVING_ATTEMPTS = 500
ACTIVE = ("queued", "running")


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
        shard_rows: rows of a shard; None: as ``worklist.rows_of_a_shard`` has it.
        output: folder for the parts, relative to the workspace; None: the job's own.
        title: what a person calls the job; the kind's name if empty.
        reviewer: who submits it.
        execution: who schedules its shards, and how urgent it is.

    Raises:
        EngineError: unknown kind, a device or an executor that cannot be, results that would not fit on the disk, or
            the worker could not be started.
    """
    unit = find_kind(kind).unit
    execution.check_for(kind)
    check_device(device or "cpu")
    turns.meeting_folder()
    if execution.estimate:
        kind, settings, work, shard_rows, output = _probe_of(kind, settings, work)
        title = f"{kind} {title}"
    require_space_for(workspace_root, kind, work, execution)
    jobs = workspace_root.resolve() / "jobs"  # by its own path a job is known to others
    jobs.mkdir(exist_ok=True)
    with staged(jobs) as staging:
        rows = shard_rows or rows_of_a_shard(kind, settings, work, device, execution)
        written = write_work(staging.folder.work_file, work, rows)
        total = None if work is None else written.rows
        with numbered(jobs, kind) as folder:
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
                execution.force,
            )
            spec.write(staging.folder.spec_file)
            staging.folder.log().append("queued")
            staging.folder.path.rename(folder.path)
        announce(folder, spec)
        start_worker(folder, staging.lock)
    return folder


def resume(folder: JobFolder, device: str | None = None, *, force: bool = False) -> None:
    """Start a job again that did not finish; finished parts are kept and not repeated.

    Args:
        folder: the job.
        device: another one than it was submitted for; None: the same.
        force: start even where its results would not fit on the disk.

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
        if device is not None or force:
            spec = replace(spec, device=device or spec.device, force=force or spec.force)
            spec.write(folder.spec_file)
        folder.log().append("queued")
        announce(folder, spec)
        start_worker(folder, lock)
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
    send_signal(folder, signal.SIGTERM)
    if not has_ended(folder, patience):
        send_signal(folder, signal.SIGKILL)
        if not has_ended(folder, patience):
            raise EngineError(
                f"{folder.id} does not end although it was killed.",
                hint="It may hang in the file system; look with ps.",
            )
    lock = take_lock(folder.lock_file)
    if lock is None:  # somebody resumed it meanwhile
        return
    try:
        if not folder.outcome_file.exists():  # killed before it could say so itself
            known = folder.progress()
            folder.log().append("cancelled", done=known.done, total=known.total)
            Outcome("cancelled", now(), known.done).write(folder.outcome_file)
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


def _probe_of(
    kind: str, settings: Mapping[str, JsonValue], work: "pyarrow.Table | Iterable[pyarrow.RecordBatch] | None"
) -> tuple[str, Mapping[str, JsonValue], "pyarrow.Table", int, None]:
    """The job that finds out what another would take, on a sample of its work."""
    import pyarrow

    from engine.jobs import estimate

    if not isinstance(work, pyarrow.Table) or not work.num_rows:
        raise EngineError(f"What a {kind} job takes cannot be estimated: it has no list of work.")
    rows = estimate.sample(work, find_kind(kind), settings)
    return estimate.KIND, {"kind": kind, "settings": settings, "units": work.num_rows}, rows, rows.num_rows, None
