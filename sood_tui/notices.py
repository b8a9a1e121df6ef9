"""The one place where an exception becomes a sentence for a person."""

from dataclasses import dataclass
from typing import Literal

import duckdb

from engine.errors import EngineError
from store.errors import StoreError

EXIT_BUG = 1
EXIT_INPUT = 2
EXIT_JOB = 3
EXIT_INTERRUPTED = 130

DISK_FULL = "Free some space, then run the same command again."


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, what to do next, and how bad it is."""

    message: str
    hint: str
    severity: Literal["information", "warning", "error"]
    exit_code: int


def describe(error: BaseException) -> Notice | None:
    """The notice for an expected error; None for a bug, which must be raised further."""
    match error:
        case StoreError() | EngineError():
            return Notice(error.message, error.hint, "error", EXIT_INPUT)
        case duckdb.Error() if "No space left" in str(error):  # whatever DuckDB was doing
            return Notice("The disk is full.", DISK_FULL, "error", EXIT_INPUT)
        case duckdb.OutOfMemoryException():
            return Notice("DuckDB ran out of memory or disk.", "Free some, then run the command again.", "error", 2)
        case OSError(errno=28):
            return Notice("The disk is full.", DISK_FULL, "error", EXIT_INPUT)
        case duckdb.IOException():
            return Notice(str(error).splitlines()[0], "Check the disk and the path's permissions.", "error", EXIT_INPUT)
        case PermissionError() | FileNotFoundError() | IsADirectoryError() | NotADirectoryError():
            return Notice(f"{error.strerror}: {error.filename}", "Check the path and its permissions.", "error", 2)
        case KeyboardInterrupt():
            return Notice("Interrupted.", "", "warning", EXIT_INTERRUPTED)
        case _:
            return None
