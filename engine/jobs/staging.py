"""The folder of a job in the making: it lies aside until all its files are there, and then gets its number and name.

It is locked from its first moment, so that what a killed start has left can be told from what still grows.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from engine.errors import EngineError
from engine.jobs.disk import reserve_room
from engine.jobs.files import note_holder, take_lock
from engine.jobs.folder import JobFolder
from engine.jobs.queue import list_folders

_PREFIX = ".new-"
_LAST_NUMBER = ".last-number"


@dataclass(frozen=True, slots=True)
class Staging:
    """A folder that is to become a job.

    Attributes:
        folder: where its files are written.
        lock: open descriptor that holds its ``alive.lock``.
    """

    folder: JobFolder
    lock: int


@contextmanager
def staged(jobs: Path) -> Iterator[Staging]:
    """A new folder for the files of a job; gone again if the block raises before it is named.

    What killed starts have left is cleared away first.

    Args:
        jobs: the folder of all jobs.

    Raises:
        EngineError: another process holds the numbers.
        OSError: the disk is full.
    """
    with _alone(jobs):  # nobody else is between making such a folder and locking it
        _clear_away(jobs)
        folder = JobFolder(jobs / f"{_PREFIX}{uuid4().hex}")
        folder.path.mkdir()
        lock = _locked(folder.lock_file)
    try:
        note_holder(lock, None)
        reserve_room(folder.reserve_file)
        yield Staging(folder, lock)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    finally:
        os.close(lock)


@contextmanager
def numbered(jobs: Path, kind: str) -> Iterator[JobFolder]:
    """The folder that the next job of a kind will have; its number is not given again, even when folders are removed.

    Raises:
        EngineError: another process holds the numbers.
    """
    with _alone(jobs) as handle:
        known = max((int(job.id.partition("-")[0]) for job in list_folders(jobs)), default=0)
        number = max(known, int(os.pread(handle, 20, 0) or b"0")) + 1
        os.pwrite(handle, str(number).encode(), 0)
        yield JobFolder(jobs / f"{number:04d}-{kind}")


def _clear_away(jobs: Path) -> None:
    for left in jobs.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # not ours to remove
            lock = take_lock(JobFolder(left).lock_file, attempts=1)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)


@contextmanager
def _alone(jobs: Path) -> Iterator[int]:
    handle = _locked(jobs / _LAST_NUMBER)
    try:
        yield handle
    finally:
        os.close(handle)


def _locked(path: Path) -> int:
    handle = take_lock(path)
    if handle is None:
        raise EngineError(f"{path} is held by another process.", hint="Try again; end the other sood-tui if it hangs.")
    return handle
