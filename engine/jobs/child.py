"""The worker: ``python -m engine.jobs.child FOLDER`` does one job, and leaves its outcome in the folder.

Whoever starts it has taken ``alive.lock`` already and hands the open descriptor over, so that there is no moment in
which the job seems to be dead.
"""

import argparse
import os
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.errors import EngineError
from engine.events import now
from engine.jobs.assignment import Assignment
from engine.jobs.crew import Crew
from engine.jobs.devices import Place, places_of
from engine.jobs.disk import reserve_room
from engine.jobs.estimate import clear_away
from engine.jobs.failures import MemberFailed, describe
from engine.jobs.files import note_holder, remove_drafts, take_lock
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import resolve
from engine.jobs.leaving import leave
from engine.jobs.ledger import Ledger, Member, OwnTeller
from engine.jobs.queue import places_for, wait_for_turn
from engine.jobs.shards import Cancellation, JobCancelled, JobPaused, ShardRun
from engine.jobs.spec import EndState, JobSpec, Outcome


class Reserve:
    """Some space on the disk that is given back at the end, so that a full disk can still be reported."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        with suppress(OSError):  # without the reserve the job may still have room enough
            reserve_room(self._path)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._path.unlink(missing_ok=True)


class Worker:
    """One start of one job."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._cancellation = Cancellation()
        self._ledger: Ledger | None = None

    def cancel(self) -> None:
        """Ask for the end; safe to call from a signal handler."""
        self._cancellation.requested = True

    def work(self) -> Outcome:
        """Do the job. Whatever happens becomes an outcome; the last event is appended here, the file is not written."""
        try:
            with Reserve(self._folder.reserve_file):
                result = self._wait_and_run(self._folder.spec())
            outcome = self._outcome("finished", result=dict(result or {}))
        except JobCancelled:
            outcome = self._outcome("cancelled")
        except JobPaused:
            outcome = self._outcome("paused")
        except (Exception, SystemExit) as error:
            if not isinstance(error, MemberFailed):  # that process has printed its own
                traceback.print_exc()
            # A cancel reaches every process of the group, and helpers that it ended make their leader fail.
            outcome = self._outcome("cancelled") if self._cancellation.requested else self._failure(error)
        if outcome.state != "paused":
            with suppress(EngineError):  # a damaged specification is the outcome's to tell
                clear_away(self._folder)
        with suppress(OSError):  # the outcome says the same, and it must be tried
            self._append_end(outcome)
        return outcome

    def _wait_and_run(self, spec: JobSpec) -> Mapping[str, Any] | None:
        for lock in wait_for_turn(self._folder, spec, self._check):
            keep_from_helpers(lock)
        self._check()
        places = places_for(spec)
        names = [place.name for place in places] if spec.executor == "local" else []
        work = Assignment.begin(self._folder, spec, self._cancellation, names)
        self._ledger = work.ledger
        work.require_space()
        self._folder.log().append(
            "started",
            done=work.ledger.done,
            total=work.ledger.total,
            warnings=0,
            pid=os.getpid(),
            host=socket.gethostname(),
            device=spec.device,
        )
        result = self._execute(work, places)
        if spec.total is not None and (missing := work.missing()):
            if work.pausing():
                raise JobPaused
            raise RuntimeError(f"{spec.kind} returned without its shards {missing[:10]} ({len(missing)} in all)")
        return result

    def _execute(self, work: Assignment, places: Sequence[Place]) -> Mapping[str, Any] | None:
        spec = work.spec
        if spec.executor == "local" and len(places) == 1:
            return self._call(work, places[0])
        result: Mapping[str, Any] = {}
        if work.todo or not work.kind.concludes:
            result = self._share(work, places)
        if not work.kind.concludes:
            return result
        # The processes that shared the work are gone, and so is what they held on the devices.
        place = places[0] if spec.executor == "local" else places_of("auto")[0]
        work.ledger.members.append(Member(f"{place.name} (the end)"))
        last = self._call(work, place, len(work.ledger.members) - 1)
        return work.merged([last or {}, result])

    def _share(self, work: Assignment, places: Sequence[Place]) -> Mapping[str, Any]:
        """Have several processes do the shards."""
        if work.spec.executor == "ray":
            from engine.jobs.cluster import Cluster

            return Cluster(work).run()
        return Crew(work, places).run()

    def _call(self, work: Assignment, place: Place, member: int = 0) -> Mapping[str, Any] | None:
        """Call the kind's function in this process."""
        if work.kind.on_device:  # before anything can have imported torch
            os.environ.update(place.environment)
        device = place.device if work.kind.on_device else work.spec.device
        run = ShardRun(
            self._folder,
            work.spec,
            self._cancellation,
            OwnTeller(work.ledger, member),
            work.numbers,
            device,
            place=place.name,
        )
        function = resolve(work.kind.function)
        result: Mapping[str, Any] | None = function(run)
        return result

    def _check(self) -> None:
        if self._cancellation.requested:
            raise JobCancelled
        if self._folder.pause_file.exists():
            raise JobPaused

    def _failure(self, error: Exception | SystemExit) -> Outcome:
        place = self._folder.spec().device or "the processor" if self._ledger is not None else ""
        return self._outcome("failed", **describe(error, self._folder.id, self._folder.path, place).values())

    def _outcome(self, state: EndState, **fields: Any) -> Outcome:
        count = self._ledger
        if count is None:
            return Outcome(state, now(), **fields)
        return Outcome(state, now(), count.done, count.warnings, round(count.seconds, 3), **fields)

    def _append_end(self, outcome: Outcome) -> None:
        count = self._ledger
        self._folder.log().append(
            outcome.state,
            done=count.done if count else None,
            total=count.total if count else None,
            warnings=outcome.warnings,
            detail=count.detail if count else {},
            members=count.values() if count else [],
            message=outcome.message or None,
            hint=outcome.hint or None,
        )


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
    note_holder(lock, os.getpid())
    remove_drafts(folder.path, folder.outcome_file.name)
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
    leave(main(sys.argv[1:]))
