"""A copy of the open catalogue for others to read, made while this process goes on writing."""

from pathlib import Path

import duckdb

from store.connection import Cursor
from store.errors import StoreError


class SnapshotFailed(StoreError):
    """A copy of the catalogue could not be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"No snapshot could be written to {path.parent}: {reason}", "Is the disk full?")


def copy_catalogue(cursor: Cursor, path: Path) -> None:
    """Write a copy of the catalogue as it is now, in one consistent state, everything in the one file.

    Args:
        cursor: for reading, outside a transaction.
        path: of a file that is not there; what is half written when something is raised is taken away again.

    Raises: SnapshotFailed.
    """
    quoted = str(path).replace("'", "''")
    row = cursor.execute("SELECT current_database()").fetchone()
    own = str(row[0] if row else "").replace('"', '""')
    try:
        cursor.execute(f"ATTACH '{quoted}' AS published_copy")
        try:
            cursor.execute(f'COPY FROM DATABASE "{own}" TO published_copy')
            cursor.execute("CHECKPOINT published_copy")
        finally:
            cursor.execute("DETACH published_copy")
    except BaseException as error:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        if isinstance(error, duckdb.Error):
            raise SnapshotFailed(path, str(error).splitlines()[0]) from error
        raise
