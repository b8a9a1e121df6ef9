"""Who works on which device of this machine, and who waits for it: over all workspaces of a user.

The processes of a user meet in one folder of the machine. A device is a file there, locked by the worker that has the
device and holding the path of its job; a waiting job is a ticket there, which counts for as long as its worker lives.
The kernel gives the locks of a killed worker back, and whoever comes next clears its ticket away.
"""

import fcntl
import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.jobs.files import is_locked, take_lock, write_whole
from engine.jobs.folder import JobFolder

FOLDER = "SOOD_DEVICES"
"""Names another folder to meet in, for machines whose temporary folder is not the same for all sessions."""
_TICKET = ".ticket"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A job that waits.

    Attributes:
        job: its folder.
        queues: that it stands in.
    """

    job: JobFolder
    queues: tuple[str, ...]


def meeting_folder() -> Path:
    """The folder, made where it is missing. On the machine's own disk: not every network file system can lock.

    Raises:
        EngineError: it cannot be made, or it is somebody else's.
    """
    named = os.environ.get(FOLDER)
    # Not $TMPDIR, which may be another one in each session, and not the runtime folder, which goes at the last logout.
    shared = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())
    folder = Path(named) if named else shared / f"sood-tui-{os.getuid()}"
    hint = f"Set {FOLDER} to a folder of your own on this machine."
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.stat().st_uid if named else folder.lstat().st_uid
    except OSError as error:
        raise EngineError(f"Jobs cannot meet in {folder}: {error.strerror}.", hint) from error
    if owner != os.getuid():
        raise EngineError(f"Jobs cannot meet in {folder}: it belongs to somebody else.", hint)
    return folder


def announce(job: JobFolder, queues: tuple[str, ...]) -> None:
    """Leave the ticket of a job that begins to wait; one that is there is replaced.

    Without room for it the job waits all the same, but is not seen by those behind it.
    """
    text = json.dumps({"job": str(job.path), "queues": queues})
    ticket = _ticket_of(job)
    with suppress(OSError):
        write_whole(ticket, lambda stream: stream.write(text.encode()))


def is_announced(job: JobFolder) -> bool:
    """Whether its ticket is there."""
    return _ticket_of(job).exists()


def withdraw(job: JobFolder) -> None:
    """Take the ticket of a job away."""
    _ticket_of(job).unlink(missing_ok=True)


def waiting() -> list[Ticket]:
    """The tickets of all jobs that wait; those of dead and of ended ones are cleared away."""
    found = []
    for path in meeting_folder().glob(f"*{_TICKET}"):
        ticket = _read(path)
        if ticket is None:
            continue
        if ticket.job.outcome_file.exists() or not ticket.job.is_alive() or ticket.job.queued_at() is None:
            path.unlink(missing_ok=True)  # a job that was resumed this instant leaves its ticket again
            continue
        found.append(ticket)
    return found


def take_all(job: JobFolder, queues: tuple[str, ...]) -> list[int] | None:
    """The locks of all queues, or none of them: whoever keeps one while waiting for another could wait for ever.

    Returns: open descriptors that hold them, or None while another worker has one.
    """
    folder = meeting_folder()
    held: list[int] = [_kept_from_cleaning(folder)]
    for queue in queues:
        path = _lock_of(folder, queue)
        handle = take_lock(path, attempts=1)
        if handle is not None:
            held.append(handle)
        if handle is None or not _is_same(handle, path):
            for other in held:
                os.close(other)
            return None
    for handle in held[1:]:
        with suppress(OSError):  # on a full disk nobody learns who has the device
            os.truncate(handle, 0)
            os.pwrite(handle, os.fsencode(job.path), 0)
    return held


def holder_of(queue: str) -> JobFolder | None:
    """The job that has a device; None where it is free."""
    path = _lock_of(meeting_folder(), queue)
    if not is_locked(path):
        return None
    with suppress(OSError):
        if name := path.read_bytes():
            return JobFolder(Path(os.fsdecode(name)))
    return None


def _read(path: Path) -> Ticket | None:
    try:
        fields = json.loads(path.read_bytes())
        return Ticket(JobFolder(Path(fields["job"])), tuple(fields["queues"]))
    except (OSError, ValueError, KeyError, TypeError):  # gone meanwhile, or not ours
        return None


def _ticket_of(job: JobFolder) -> Path:
    return meeting_folder() / f"{hashlib.sha256(os.fsencode(job.path)).hexdigest()[:32]}{_TICKET}"


def _lock_of(folder: Path, queue: str) -> Path:
    return folder / f"{re.sub(r'[^a-z0-9]+', '-', queue.lower())}.lock"


def _kept_from_cleaning(folder: Path) -> int:
    """Lock the folder, shared, as tells systemd-tmpfiles that what lies in it is not to be removed for its age."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return handle


def _is_same(handle: int, path: Path) -> bool:
    """Whether the locked file is still the one of that name, and was not removed in between."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
