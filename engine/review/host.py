"""The owner's side of guest seats: a snapshot for those who are there, and taking in what they decide."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from engine.errors import EngineError
from engine.jobs.files import take_lock
from engine.review.exchange import take_in
from engine.review.journal import BadJournal, Entry, event_of, line_of
from engine.review.seats import Published, Seat, Seats, whole_batches
from engine.workspace import Workspace
from store.errors import StoreError
from store.review.tail import Rows, fetch_after, fetch_last_rows
from store.snapshot import copy_catalogue

REFRESH_AFTER = 15.0  # seconds at least between two snapshots
KEPT_FOR = 60.0  # seconds that a snapshot is kept for the next guest: commands come one after the other
SHARE_OF_TIME = 20  # a snapshot that took a second is followed by so many seconds without one


@dataclass(frozen=True, slots=True)
class TakenFrom:
    """What one look brought from one guest: new events, or the error for which their journal was left alone."""

    reviewer: str
    entries: tuple[Entry, ...]
    error: EngineError | StoreError | None = None


class Journals:
    """Reads the journals of all seats, each line once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._seats = Seats(workspace.root / "seats")
        self._read: dict[Path, int] = {}
        self._refused: set[Path] = set()

    def take_in(self) -> list[TakenFrom]:
        """Take in what guests have decided since the last time. The seats of guests that have left are cleared.

        A journal that cannot be taken in is told of once and left where it is.
        """
        found = []
        for seat in self._seats.seats():
            if seat.path in self._refused:
                continue
            has_left = not seat.is_taken  # before its journal is read: what comes later is a guest's who is there
            try:
                entries = self._take(seat)
            except FileNotFoundError:
                continue  # its guest decided nothing and has just left
            except (EngineError, StoreError, OSError) as error:
                self._refused.add(seat.path)
                found.append(TakenFrom(seat.reviewer, (), told(error)))
                continue
            if entries:
                found.append(TakenFrom(seat.reviewer, tuple(entries)))
            if has_left:
                self._read.pop(seat.path, None)
                seat.clear()
        return found

    def _take(self, seat: Seat) -> list[Entry]:
        start = self._read.get(seat.path, 0)
        with seat.journal.open("rb") as file:
            file.seek(start)
            fresh = whole_batches(file.read())
        if not fresh:
            return []
        lines = _lines(fresh, seat.journal)
        report = take_in(self._workspace, lines, seat.journal)
        self._read[seat.path] = start + len(fresh)
        return [entry for _, entry in lines] if report.added else []


class Host:
    """The owner of a workspace, as guests see it: there for as long as it is open."""

    def __init__(self, workspace: Workspace, reviewer: str = "") -> None:
        """Begin. The catalogue is open, so nobody else can be the owner.

        Args:
            workspace: open.
            reviewer: the name that the owner signs with.

        Raises: OSError where the folder cannot be made.
        """
        self._workspace = workspace
        self._seats = Seats(workspace.root / "seats")
        self._seats.make()
        self._journals = Journals(workspace)
        self._id = uuid4().hex
        self._lock = take_lock(self._seats.owner_lock)
        if self._lock is not None:
            card = {"owner": self._id, "process": os.getpid(), "reviewer": reviewer}
            os.ftruncate(self._lock, 0)
            os.write(self._lock, json.dumps(card).encode())
        self._clear_published()
        self._number = 0
        self._published: Published | None = None
        self._changes = -1
        self._rows: Rows = (-1, -1)
        self._next_at = self._wanted_until = 0.0

    def look(self) -> list[TakenFrom]:
        """Take in what guests decided, and show them what changed here. Takes long only where a snapshot is due."""
        taken = self._journals.take_in()
        if any(seat.is_taken for seat in self._seats.seats()):
            self._wanted_until = time.monotonic() + KEPT_FOR
        if time.monotonic() < self._wanted_until:
            try:
                self._show_guests()
            except (StoreError, OSError) as error:
                self._next_at = time.monotonic() + REFRESH_AFTER
                taken.append(TakenFrom("", (), told(error)))
        elif self._published is not None:
            self._clear_published()
        return taken

    def _show_guests(self) -> None:
        changes = self._workspace.opened().changes
        if changes != self._changes and time.monotonic() >= self._next_at:
            self._publish(changes)
        if self._published is not None:
            self._go_on()

    def close(self) -> None:
        """Take in what is there, and let go: guests keep what they have open and go on in their journals."""
        self._journals.take_in()
        self._clear_published()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _publish(self, changes: int) -> None:
        self._number += 1
        name = f"{self._id[:8]}-{self._number}"
        snapshot, log = self._seats.path / f"snapshot-{name}.duckdb", self._seats.path / f"log-{name}.jsonl"
        began = time.monotonic()
        with self._workspace.opened().reading() as cursor:
            self._rows = fetch_last_rows(cursor)  # before the copy: what comes in between is in both, which is harmless
            copy_catalogue(cursor, snapshot)
        log.touch()
        earlier = self._published
        self._published = Published(self._id, os.getpid(), snapshot.name, log.name)
        self._seats.publish(self._published)
        if earlier is not None:
            self._remove(earlier)
        self._changes = changes
        took = time.monotonic() - began
        self._next_at = time.monotonic() + max(REFRESH_AFTER, SHARE_OF_TIME * took)

    def _go_on(self) -> None:
        """Append to the published log what was decided since the last time."""
        assert self._published is not None
        log = self._seats.path / self._published.log
        with self._workspace.opened().reading() as cursor:
            last = fetch_last_rows(cursor)
            fresh = fetch_after(cursor, self._rows) if last != self._rows else []
        if fresh:
            append_batch(log, fresh, sync=False)
        self._rows = last

    def _remove(self, published: Published) -> None:
        # Guests that have it open keep it until they close it.
        for name in (published.snapshot, published.log):
            (self._seats.path / name).unlink(missing_ok=True)

    def _clear_published(self) -> None:
        self._published = None
        self._changes, self._next_at = -1, 0.0
        self._seats.pointer.unlink(missing_ok=True)
        for pattern in ("snapshot-*", "log-*"):  # those of an owner that was killed, too
            for left in self._seats.path.glob(pattern):
                left.unlink(missing_ok=True)


def told(error: EngineError | StoreError | OSError) -> EngineError | StoreError:
    """An error of the system as a sentence; others as they are."""
    if isinstance(error, OSError):
        return EngineError(f"{error.strerror}: {error.filename}", "Check the disk and the permissions of the folder.")
    return error


def take_in_left(workspace: Workspace) -> list[TakenFrom]:
    """Take in the journals of guests once, as the next owner of the workspace does."""
    return Journals(workspace).take_in()


def append_batch(path: Path, entries: Sequence[Entry], sync: bool = True) -> None:
    """Append entries to a journal or a log, as one batch that counts as a whole or not at all.

    Args:
        path: a file that is there.
        entries: at least one.
        sync: on disk when this returns.

    Raises: OSError, such as that of a full disk; the file is as before then.
    """
    text = "".join(f"{line_of(entry)}\n" for entry in entries).encode() + b"\n"
    with path.open("ab", buffering=0) as file:
        start = os.fstat(file.fileno()).st_size
        try:
            written = 0
            while written < len(text):
                written += file.write(text[written:])
            if sync:
                os.fsync(file.fileno())
        except BaseException:
            os.ftruncate(file.fileno(), start)
            raise


def read_batches(path: Path, start: int) -> tuple[list[Entry], int]:
    """What was appended whole after a place in a file.

    Returns: the entries, and the place where to go on.

    Raises: BadJournal; FileNotFoundError where the file has gone.
    """
    with path.open("rb") as file:
        file.seek(start)
        fresh = whole_batches(file.read())
    return [entry for _, entry in _lines(fresh, path)], start + len(fresh)


def _lines(text: bytes, path: Path) -> list[tuple[int, Entry]]:
    lines, problems = [], []
    for number, line in enumerate(text.split(b"\n"), start=1):
        if line:
            try:
                lines.append((number, event_of(line)))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
    if problems:
        raise BadJournal(path, problems)
    return lines
