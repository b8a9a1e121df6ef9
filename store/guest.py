"""The store of a guest: a published snapshot that nobody writes, and the log of decisions in memory above it.

Every name is looked for in memory first and in the snapshot then, so that the statements of all rooms hold as they are.
In memory are the two tables of the log, and all views, which thus see what the guest has decided. Every other table is
that of the snapshot and cannot be written.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import duckdb

from store.connection import Cursor, Store
from store.errors import NotACatalogue, StoreError
from store.migrate import require_current
from store.review.log import Event, append_events, fetch_known_events
from store.review.pictures import PictureEvent, append_picture_events, fetch_known_picture_events
from store.review.tail import fetch_after, fetch_last_rows

Entry = Event | PictureEvent
Keep = Callable[[Sequence[Entry]], None]

_PATH = "SET search_path = 'memory.main,snapshot.main'"


class GuestRefused(StoreError):
    """A guest asked for more than a decision."""

    def __init__(self) -> None:
        super().__init__(
            "A guest seat takes decisions and nothing else.", "Do it in the sood-tui that has the workspace open."
        )


class GuestStore(Store):
    """A snapshot with a log above it. What a transaction appends to the log is kept before it is committed."""

    is_guest = True

    def __init__(self, snapshot: Path, keep: Keep) -> None:
        """Open a snapshot.

        Args:
            snapshot: a published copy of a catalogue.
            keep: writes events where they outlast this process; raises when it cannot.

        Raises: NotACatalogue, CatalogueTooNew, CatalogueEdited.
        """
        super().__init__(_above(snapshot), snapshot)
        self._keep = keep
        self._retired: Cursor | None = None

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """A cursor that sees the snapshot with the guest's log."""
        with super().reading() as cursor:
            cursor.execute(_PATH)
            yield cursor

    def writing(self) -> NoReturn:
        """Refused.

        Raises: GuestRefused.
        """
        raise GuestRefused

    @contextmanager
    def deciding(self) -> Iterator[Cursor]:
        """A transaction whose decisions are kept before they count; where that fails, none of them is there."""
        with self._transaction() as cursor:
            before = fetch_last_rows(cursor)
            yield cursor
            fresh = fetch_after(cursor, before)
            if fresh:
                self._keep(fresh)

    def take(self, entries: Sequence[Entry]) -> list[Entry]:
        """Take in what others decided.

        Returns: what was not here yet.
        """
        with self._transaction() as cursor:
            return _append_unknown(cursor, entries)

    def renew(self, snapshot: Path) -> None:
        """Go on with a newer snapshot; what the log holds by now is in it afterwards, too.

        Raises: NotACatalogue, CatalogueTooNew, CatalogueEdited; the store is as before then.
        """
        fresh = _above(snapshot)
        with self._write_lock:
            with self.reading() as cursor:
                known = fetch_after(cursor, (-1, -1))
            above = fresh.cursor()
            above.execute(_PATH)
            _append_unknown(above, known)
            above.close()
            # Threads may still read the old one: it is closed when the next but one comes.
            retired, self._retired, self._connection = self._retired, self._connection, fresh
            self.path = snapshot
        if retired is not None:
            retired.close()

    def close(self) -> None:
        """Close it. Closing twice is harmless."""
        super().close()
        if self._retired is not None:
            self._retired.close()


def _append_unknown(cursor: Cursor, entries: Sequence[Entry]) -> list[Entry]:
    ids = [entry.event_id for entry in entries]
    known = fetch_known_events(cursor, ids).keys() | fetch_known_picture_events(cursor, ids).keys() if ids else set()
    fresh = list({entry.event_id: entry for entry in entries if entry.event_id not in known}.values())
    events = [entry for entry in fresh if isinstance(entry, Event)]
    pictures = [entry for entry in fresh if isinstance(entry, PictureEvent)]
    if events:
        append_events(cursor, events)
    if pictures:
        append_picture_events(cursor, pictures)
    return fresh


def _above(snapshot: Path) -> Cursor:
    """A connection to a new database in memory with the log of the snapshot, and everything that reads it."""
    connection = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        quoted = str(snapshot).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS snapshot (READ_ONLY)")
        connection.execute(_PATH)
        require_current(connection, snapshot)
        connection.execute("CREATE TABLE memory.main.decision AS FROM snapshot.main.decision ORDER BY event_id")
        connection.execute(
            "CREATE TABLE memory.main.picture_decision AS FROM snapshot.main.picture_decision ORDER BY event_id"
        )
        _copy_views(connection)
        return connection
    except duckdb.Error as error:
        connection.close()
        raise NotACatalogue(snapshot, str(error).splitlines()[0]) from error
    except BaseException:
        connection.close()
        raise


def _copy_views(connection: Cursor) -> None:
    """Make the snapshot's views anew, so that they read the log in memory; those that read others come after them."""
    waiting = connection.execute(
        "SELECT view_name, sql FROM duckdb_views() WHERE database_name = 'snapshot' AND NOT internal ORDER BY view_oid"
    ).fetchall()
    names = {name for name, _ in waiting}
    while waiting:
        left = [(name, sql) for name, sql in waiting if _reads_any(sql, names - {name})]
        for name, sql in waiting:
            if (name, sql) not in left:
                connection.execute(sql)
                names.discard(name)
        if len(left) == len(waiting):
            raise NotACatalogue(Path("snapshot"), f"its views {', '.join(name for name, _ in left)} read one another")
        waiting = left


def _reads_any(sql: str, names: set[str]) -> bool:
    words = {word.strip('".,();') for word in sql.replace(".", " ").replace("(", " ").replace(")", " ").split()}
    return bool(words & names)
