"""Opening the catalogue: one writer, a cursor for each user of it."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from store.errors import CatalogueLocked, NotACatalogue
from store.migrate import migrate

Cursor = duckdb.DuckDBPyConnection

# Nothing is fetched behind the user's back.
_SETTINGS: Final = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
PATIENCE, MOMENT = 10.0, 0.005
"""Seconds that closing waits for statements of other threads, and between two tries."""
_HOLDER = re.compile(r"PID (\d+)")


class Store:
    """The open catalogue.

    DuckDB gives a file to one process at a time; inside it every thread works with a cursor of its own. Writers
    take turns, so that two workers never conflict.
    """

    is_guest = False
    """Whether it is a snapshot above which only decisions can be taken."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
        self._connection = connection
        self._write_lock = threading.RLock()
        self.path = path
        self.changes = 0
        """How many transactions were more than decisions: whoever keeps a copy must make a new one."""

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """A cursor that sees one consistent state for each statement; closed at the end."""
        cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """A cursor inside one transaction: committed at the end, rolled back when anything is raised."""
        with self._transaction() as cursor:
            yield cursor
        self.changes += 1

    @contextmanager
    def deciding(self) -> Iterator[Cursor]:
        """A transaction that appends to the log of decisions and does nothing else: what a guest may do, too."""
        with self._transaction() as cursor:
            yield cursor

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        with self._write_lock, self.reading() as cursor:
            cursor.begin()
            try:
                yield cursor
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()

    def close(self) -> None:
        """Write everything into the one file and give it back. Closing twice is harmless.

        DuckDB refuses to close while another thread has a statement under way; those end soon, and are waited for.
        """
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._connection.close()
                return
            except duckdb.ResourceInUseException:
                if time.monotonic() > until:
                    raise
                time.sleep(MOMENT)


def open_store(path: Path) -> Store:
    """Open the catalogue for writing, make it if it is not there, and bring its schema up to date.

    Raises: CatalogueLocked, CatalogueTooNew, CatalogueEdited, NotACatalogue.
    """
    connection = _connect(path, read_only=False, settings={})
    try:
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return Store(connection, path)


def open_reader(path: Path) -> Cursor:
    """A connection that can neither write, nor open other files, nor change a setting.

    Raises: CatalogueLocked, CatalogueTooNew, CatalogueEdited, NotACatalogue.
    """
    open_store(path).close()  # a catalogue of an older schema is brought up to date first
    return _connect(path, read_only=True, settings={"enable_external_access": "false", "lock_configuration": "true"})


def memory_store() -> Store:
    """A migrated catalogue that lives in memory only."""
    connection = _connect(Path(":memory:"), read_only=False, settings={})
    migrate(connection, Path(":memory:"))
    return Store(connection, None)


def _connect(path: Path, read_only: bool, settings: dict[str, str]) -> Cursor:
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config={**_SETTINGS})
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        for name, value in settings.items():
            connection.execute(f"SET GLOBAL {name} = {value}")
        return connection
    except duckdb.Error as error:
        text = str(error)
        if "Could not set lock" in text:
            holder = _HOLDER.search(text)
            raise CatalogueLocked(path, int(holder.group(1)) if holder else None) from error
        raise NotACatalogue(path, text.splitlines()[0]) from error
