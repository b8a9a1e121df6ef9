"""Room on the disk: asked for before a job starts, and looked after while it runs."""

import errno
import os
import shutil
import time
from pathlib import Path

from engine.errors import EngineError

RESERVED_BYTES = 65_536
MARGIN = 1.2
"""What is announced is an estimate."""
FORECAST_EVERY = 30.0
"""Seconds between two looks whether the space will last."""


def require_space(folder: Path, needed: int, what: str, job_id: str = "") -> None:
    """Refuse work whose results would not fit.

    Args:
        folder: where they shall lie.
        needed: bytes.
        what: is written, for the message.
        job_id: of the job that has asked; empty where there is none yet.

    Raises:
        EngineError: they would not.
    """
    free = free_bytes(folder)
    if needed * MARGIN > free:
        again = f"; then `sood-tui jobs resume {job_id}`" if job_id else ""
        raise EngineError(
            f"{what} need about {size_text(needed)} in {folder}, and {size_text(free)} are free there.",
            f"Make room, or move the workspace to a larger disk{again}. With --force the job starts all the same, and "
            "ends before the disk is full.",
        )


def free_bytes(folder: Path) -> int:
    """Bytes that are free where a folder is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def size_text(count: float) -> str:
    """Bytes as a person reads them: 512 bytes, 3.1 MB, 12 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{int(count)} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def reserve_room(path: Path) -> None:
    """Keep some room on the disk in a file, so that a job can still say that the disk is full.

    Raises:
        OSError: there is none.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.posix_fallocate(handle, 0, RESERVED_BYTES)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):  # this file system cannot keep room
            return
        raise OSError(error.errno, error.strerror, str(path.parent)) from error
    finally:
        os.close(handle)


class DiskWatch:
    """Ends a job before a disk is full: each part needs about as much as the largest so far."""

    def __init__(self) -> None:
        self._largest: dict[Path, int] = {}
        self._current: dict[Path, int] = {}

    def wrote(self, path: Path) -> None:
        """A file of the present shard is written; folders may lie on different disks."""
        self._current[path.parent] = self._current.get(path.parent, 0) + path.stat().st_size

    def finish(self) -> None:
        """The present shard is done."""
        for folder, count in self._current.items():
            self._largest[folder] = max(self._largest.get(folder, 0), count)
        self._current = {}

    def check(self) -> None:
        """Look whether another shard fits.

        Raises:
            OSError: ENOSPC, as if the disk were full already.
        """
        for folder, count in self._largest.items():
            if free_bytes(folder) < count * MARGIN:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


class Forecast:
    """Foresees during the run that a disk will be full before the job is done, whoever fills it.

    Args:
        folder: on the disk.
        done: units of work that were done when the job started.
    """

    def __init__(self, folder: Path, done: int) -> None:
        self._folder = folder
        self._begun = done
        self._free = free_bytes(folder)
        self._looked = time.monotonic()
        self._said = False

    def warning(self, done: int, total: int | None) -> str:
        """A sentence where the space will not last; empty where it will, where it was said, or where nobody can tell.

        Args:
            done: units that are done by now.
            total: units in all; None while unknown.
        """
        moment = time.monotonic()
        if self._said or not total or done <= self._begun or moment - self._looked < FORECAST_EVERY:
            return ""
        self._looked = moment
        free = free_bytes(self._folder)
        each = (self._free - free) / (done - self._begun)
        if each * (total - done) <= free:
            return ""
        self._said = True
        lasts = (done + free / each) / total
        return (
            f"The disk will be full when about {lasts:.0%} are done: {size_text(free)} are free, and at this rate "
            f"{size_text(each * (total - done))} are still to be written. Make room while the job runs."
        ).replace("%", " %")
