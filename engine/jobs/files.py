"""Files that are whole or absent, and locks that the kernel gives back when their holder dies."""

import fcntl
import glob
import hashlib
import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

TEMPORARY = ".tmp"
# A reader that asks whether a lock is held holds it for an instant itself; whoever wants it really tries again.
LOCK_ATTEMPTS = 50
LOCK_PAUSE = 0.02


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> str:
    """Write a file so that it is there with all its bytes or not at all, even after a loss of power.

    Args:
        path: where it shall be; an existing file is replaced.
        write: gets the open temporary file and writes into it.

    Returns: the SHA-256 of the bytes, in hexadecimal.
    """
    # Two processes may write the same file, each whole: a name of its own keeps them from taking it from each other.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{TEMPORARY}")
    try:
        with temporary.open("wb") as file:
            stream = HashedStream(file)
            write(cast("BinaryIO", stream))
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return stream.sha256.hexdigest()


def remove_drafts(folder: Path, name: str) -> None:
    """Remove what writers that were killed have left half-written.

    Args:
        folder: where they wrote; it may be missing.
        name: how the names of their files begin.
    """
    for entry in folder.glob(f".{glob.escape(name)}*{TEMPORARY}"):
        entry.unlink(missing_ok=True)


class HashedStream(io.BufferedIOBase):
    """Hashes what it writes, and writes strictly forward.

    It is not a plain file on purpose: given one, NumPy writes through C, and the reason of a failure, such as a full
    disk, is lost.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: "Buffer") -> int:
        """Write all of it.

        Returns: the number of bytes.
        """
        self.sha256.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        """How many bytes were written."""
        return self._file.tell()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def take_lock(path: Path, attempts: int = LOCK_ATTEMPTS) -> int | None:
    """Take the lock of a file for as long as the returned descriptor, or a copy in a child, stays open.

    Returns: the descriptor, or None while another process holds the lock.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    for attempt in range(attempts):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if attempt < attempts - 1:
                time.sleep(LOCK_PAUSE)
        except BaseException:
            os.close(handle)
            raise
    os.close(handle)
    return None


def note_holder(handle: int, pid: int | None) -> None:
    """Write the process id of its holder into a locked file, or that there is none.

    It always takes the same room, so that it can be written again when the disk is full.
    """
    os.pwrite(handle, f"{'' if pid is None else pid:<20}".encode(), 0)


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock. Readers share it, so that they do not take each other for a holder."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
