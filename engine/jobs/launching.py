"""Starting the worker of a job, signalling it, and waiting for its end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import engine
from engine.errors import EngineError
from engine.jobs.files import note_holder
from engine.jobs.folder import JobFolder


def start_worker(folder: JobFolder, lock: int) -> None:
    """Start the worker in a session of its own.

    Args:
        folder: of the job.
        lock: open descriptor that holds its ``alive.lock``; the worker inherits it.

    Raises:
        EngineError: it could not be started.
    """
    note_holder(lock, None)  # the process id of an earlier start may belong to somebody else by now
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
            process = _spawn(command, environment, folder.path, printed.fileno(), lock)
    except OSError as error:
        raise EngineError(
            f"The worker of {folder.id} could not be started: {error.strerror}.",
            hint=f"When that is mended, `sood-tui jobs resume {folder.id}` starts it.",
        ) from error
    note_holder(lock, process.pid)
    # Reaped when it ends, so that a long-lived screen does not collect zombies; it does not end with this process.
    threading.Thread(target=process.wait, name=f"reap {folder.id}", daemon=True).start()


def _spawn(
    command: Sequence[str], environment: Mapping[str, str], place: Path, printed: int, lock: int
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=printed,
        cwd=place,
        env=environment,
        pass_fds=(lock,),
        start_new_session=True,
    )


def send_signal(folder: JobFolder, number: signal.Signals) -> None:
    """Send a signal to the worker and all its helpers; nothing happens where it is gone."""
    pid = folder.worker_pid()
    if pid is None or pid <= 1 or not folder.is_alive():
        return
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)


def has_ended(folder: JobFolder, seconds: float) -> bool:
    """Whether the worker is gone within so many seconds."""
    limit = time.monotonic() + seconds
    while folder.is_alive():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True
