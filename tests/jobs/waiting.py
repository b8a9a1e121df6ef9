"""Waiting for real processes without guessing at times."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from engine.errors import EngineError
from engine.jobs.folder import JobFolder, JobState
from engine.jobs.runner import ACTIVE, cancel, list_jobs
from engine.workspace import Workspace

LIMIT = 60.0
PLUGIN = Path(__file__).parent / "plugin"


def wait_until(condition: Callable[[], bool], limit: float = LIMIT) -> None:
    """Come back as soon as the condition holds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def wait_for(job: JobFolder, *states: JobState) -> JobState:
    """Come back when the job is in one of the states, by default in one of the ends."""
    wanted = states or ("finished", "cancelled", "failed", "died")
    wait_until(lambda: job.state() in wanted)
    return job.state()


def wait_for_parts(job: JobFolder, count: int) -> None:
    """Come back when that many parts are there."""
    wait_until(lambda: len(job.parts()) >= count)


def end_jobs(workspace: Workspace) -> None:
    """End the jobs that a test has left behind."""
    for job in list_jobs(workspace.root):
        if job.state() in ACTIVE:
            with suppress(EngineError):
                cancel(job, patience=0.2)


def pid_of(job: JobFolder) -> int:
    """The process id of a worker that has one."""
    pid = job.worker_pid()
    assert pid is not None
    return pid


class Owners:
    """Processes that open the catalogue, one after the other, and take the results of jobs in."""

    def __init__(self, root: Path) -> None:
        self._line = other_process("owners", root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.communicate(timeout=LIMIT)

    def start(self) -> int:
        """A new one; comes back when it has opened the catalogue.

        Returns: its process id.
        """
        assert self._line.stdin is not None
        assert self._line.stdout is not None
        self._line.stdin.write("next\n")
        self._line.stdin.flush()
        return int(self._line.stdout.readline())

    def kill(self, owner: int) -> bool:
        """Kill -9; comes back when it is gone.

        Returns: whether it was still at work.
        """
        alive = is_there(owner)
        if alive:
            os.kill(owner, signal.SIGKILL)
        wait_until(lambda: not is_there(owner))
        return alive


def is_there(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


def other_process(verb: str, root: Path) -> "subprocess.Popen[str]":
    """Start another process of the tests' plugin: owners, hold, submit or follow."""
    return subprocess.Popen(
        [sys.executable, "-m", "jobs_for_tests", verb, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_on_terminal(*arguments: str) -> tuple[int, int]:
    """Start a Python with these arguments on a pseudo-terminal of its own.

    Returns: its process id, and the other end of its terminal.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would not hear that the terminal is closed
        os.execv(sys.executable, [sys.executable, *arguments])
    return pid, terminal


def identities(job: JobFolder) -> dict[str, tuple[int, int]]:
    """Part to inode and time of change: both change when a part is written again."""
    found = {part.name: os.stat(part.path) for part in job.parts()}
    return {name: (entry.st_ino, entry.st_mtime_ns) for name, entry in found.items()}
