"""A copy of the open catalogue for others to read, made while this process goes on writing."""

from pathlib import Path

from store.connection import Cursor


def copy_catalogue(cursor: Cursor, path: Path) -> None:
    """Write a copy of the catalogue as it is now, in one consistent state, everything in the one file.

    Args:
        cursor: for reading, outside a transaction.
        path: of a file that is not there; what is half written when something is raised is taken away again.
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
    except BaseException:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        raise
