"""The worker: ``python -m engine.jobs.child FOLDER`` does one job, and leaves its outcome in the folder.

Whoever starts it has taken ``alive.lock`` already and hands the open descriptor over, so that there is no moment in
which the job seems to be dead.
"""

import argparse
import errno
import importlib
import os
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.errors import EngineError
from engine.events import now
from engine.jobs.files import take_lock
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import find_kind
from engine.jobs.queue import wait_for_turn
from engine.jobs.shards import Cancellation, JobCancelled, ShardRun
from engine.jobs.spec import JobSpec, Outcome

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
RESERVED_BYTES = 65_536


class Reserve:
    """Some space on the disk that is given back at the end, so that a full disk can still be reported."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with suppress(OSError):  # without the reserve the job may still have room enough
                os.posix_fallocate(handle, 0, RESERVED_BYTES)
        finally:
            os.close(handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._path.unlink(missing_ok=True)


class Worker:
    """One start of one job."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._cancellation = Cancellation()
        self._run: ShardRun | None = None

    def cancel(self) -> None:
        """Ask for the end; safe to call from a signal handler."""
        self._cancellation.requested = True

    def work(self) -> Outcome:
        """Do the job. Whatever happens becomes an outcome; the last event is appended here, the file is not written."""
        try:
            with Reserve(self._folder.path / ".reserve"):
                result = self._wait_and_run(self._folder.spec())
            outcome = self._outcome("finished", result=dict(result or {}))
        except JobCancelled:
            outcome = self._outcome("cancelled")
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            # A cancel reaches every process of the group, and helpers that it ended make their leader fail.
            outcome = self._outcome("cancelled") if self._cancellation.requested else self._failure(error)
        with suppress(OSError):  # the outcome says the same, and it must be tried
            self._append_end(outcome)
        return outcome

    def _wait_and_run(self, spec: JobSpec) -> Mapping[str, Any] | None:
        for lock in wait_for_turn(self._folder, spec, self._check):
            keep_from_helpers(lock)
        self._check()
        run = self._run = ShardRun(self._folder, spec, self._cancellation)
        self._folder.log().append(
            "started",
            done=run.done,
            total=run.total,
            warnings=0,
            pid=os.getpid(),
            host=socket.gethostname(),
            device=spec.device,
        )
        function = resolve(find_kind(spec.kind).function)
        result: Mapping[str, Any] | None = function(run)
        if spec.total is not None and (missing := run.missing()):
            raise RuntimeError(f"{spec.kind} returned without its shards {missing[:10]} ({len(missing)} in all)")
        return result

    def _check(self) -> None:
        if self._cancellation.requested:
            raise JobCancelled

    def _failure(self, error: Exception | SystemExit) -> Outcome:
        name = type(error).__name__
        if isinstance(error, EngineError):
            return self._outcome("failed", error=name, message=error.message, hint=error.hint)
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            place = error.filename or self._folder.path
            message = f"There is no room left to write {place} ({os.strerror(error.errno)})."
            free = f"{shutil.disk_usage(self._folder.path).free / 2**20:,.0f} MiB are free there. "
            return self._outcome("failed", error=name, message=message, hint=f"{free}{self._resume_hint('Make room')}")
        if isinstance(error, MemoryError):
            hint = self._resume_hint("Free some, or submit the job with a smaller batch")
            return self._outcome("failed", error=name, message="The machine ran out of memory.", hint=hint)
        text = "".join(traceback.format_exception(error))
        hint = f"This is a bug; `sood-tui jobs log {self._folder.id}` shows where. Finished parts are kept."
        return self._outcome("failed", error=name, message=f"{name}: {error}", hint=hint, traceback=text)

    def _resume_hint(self, first: str) -> str:
        return f"{first}, then `sood-tui jobs resume {self._folder.id}` goes on where it stopped."

    def _outcome(self, state: Any, **fields: Any) -> Outcome:
        run = self._run
        if run is None:
            return Outcome(state, now(), **fields)
        return Outcome(state, now(), run.done, run.warnings, round(run.seconds, 3), **fields)

    def _append_end(self, outcome: Outcome) -> None:
        run = self._run
        self._folder.log().append(
            outcome.state,
            done=run.done if run else None,
            total=run.total if run else None,
            warnings=outcome.warnings,
            detail=run.detail if run else {},
            message=outcome.message or None,
            hint=outcome.hint or None,
        )


def resolve(name: str) -> Callable[..., Any]:
    """The function that ``module:function`` names. This is where heavy libraries are loaded.

    Raises:
        EngineError: it is not there.
    """
    module, _, function = name.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise EngineError(
            f"{name} cannot be loaded: there is no module {error.name}.",
            hint="Install what is missing, then resume the job.",
        ) from error
    return found


def main(arguments: list[str]) -> int:
    """Do the job of a folder.

    Returns: exit code 0 when it finished, 3 when it did not, 2 when another worker has it.
    """
    parser = argparse.ArgumentParser(prog="python -m engine.jobs.child", description="Does one job of sood-tui.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lock", type=int, help="open descriptor that holds alive.lock")
    given = parser.parse_args(arguments)
    folder = JobFolder(given.folder.resolve())
    lock = given.lock if given.lock is not None else take_lock(folder.lock_file)
    if lock is None:
        print(f"another worker does {folder.id}", file=sys.stderr)
        return 2
    keep_from_helpers(lock)
    os.truncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    worker = Worker(folder)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.cancel())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if folder.cancel_file.exists():  # asked for before this process could hear a signal
        worker.cancel()
    outcome = worker.work()
    outcome.write(folder.outcome_file)
    return 0 if outcome.state == "finished" else 3


def keep_from_helpers(lock: int) -> None:
    """Keep processes that this one starts, and that may outlive it when it is killed, from holding the lock."""
    os.set_inheritable(lock, False)

    def close_in_helper() -> None:
        with suppress(OSError):
            os.close(lock)

    os.register_at_fork(after_in_child=close_in_helper)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
