"""What went wrong in a job, as words that travel between its processes and end up in its outcome."""

import errno
import os
import shutil
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from engine.errors import EngineError, first_line
from engine.jobs.spec import JsonValue

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LOST_DEVICE = "DeviceLost"
# An error of the CUDA runtime leaves the process unable to use its device; these have another cause than the device.
_CUDA = ("CUDA error", "CUDA driver error", "CUDNN_STATUS", "CUBLAS_STATUS_NOT_INITIALIZED", "NVML")
_NOT_THE_DEVICE = ("out of memory", "device-side assert", "no kernel image", "invalid argument", "ALLOC_FAILED")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a process of a job could not go on.

    Attributes:
        error: name of the exception's class.
        message: what went wrong.
        hint: what to do about it.
        traceback: of a bug; None for an error that was expected.
    """

    error: str
    message: str
    hint: str
    traceback: str | None = None

    @property
    def lost_device(self) -> bool:
        """Whether only this process's device is to blame, so that others may go on."""
        return self.error == LOST_DEVICE

    def values(self) -> dict[str, JsonValue]:
        """As JSON values; they are also the fields of an outcome."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, JsonValue]) -> Self:
        """Back from JSON values."""
        return cls(**values)


class MemberFailed(Exception):
    """A process of the job failed, and with it the job."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def describe(error: BaseException, job_id: str, folder: Path, place: str = "the device") -> Failure:
    """What to tell the user of an error.

    Args:
        error: as it was caught.
        job_id: whose process it ended.
        folder: on the disk that the job writes to.
        place: the device that it worked on.
    """
    name = type(error).__name__
    if isinstance(error, MemberFailed):
        return error.failure
    if isinstance(error, EngineError):
        return Failure(name, error.message, error.hint)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        message = f"There is no room left to write {error.filename or folder} ({os.strerror(error.errno)})."
        free = f"{shutil.disk_usage(folder).free / 2**20:,.0f} MiB are free there. "
        return Failure(name, message, f"{free}{_resume(job_id, 'Make room')}")
    if isinstance(error, MemoryError):
        hint = _resume(job_id, "Free some, or submit the job with a smaller batch")
        return Failure(name, "The machine ran out of memory.", hint)
    if is_lost_device(error):
        hint = (
            f"`nvidia-smi` and the kernel's log (Xid) say what became of it. Finished parts are kept: "
            f"`sood-tui jobs resume {job_id}` goes on there, with --device on another one."
        )
        return Failure(LOST_DEVICE, f"{place} was lost: {first_line(error)}", hint)
    text = "".join(traceback.format_exception(error))
    hint = f"This is a bug; `sood-tui jobs log {job_id}` shows where. Finished parts are kept."
    return Failure(name, f"{name}: {error}", hint, text)


def is_lost_device(error: BaseException) -> bool:
    """Whether an error says that the CUDA device does not work any more."""
    text = str(error)
    return (
        isinstance(error, RuntimeError)
        and any(words in text for words in _CUDA)
        and not any(words in text for words in _NOT_THE_DEVICE)
    )


def _resume(job_id: str, first: str) -> str:
    return f"{first}, then `sood-tui jobs resume {job_id}` goes on where it stopped."
