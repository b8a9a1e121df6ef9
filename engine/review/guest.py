"""A guest seat: reviewing in a workspace that another process has open, on what that one publishes."""

import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import EngineError
from engine.events import new_event_id
from engine.jobs.files import sync_folder, take_lock, write_whole
from engine.review.host import append_batch, read_batches
from engine.review.journal import Entry
from engine.review.seats import Published, Seat, Seats, share
from engine.workspace import Workspace
from store.errors import StoreError
from store.guest import GuestStore

PATIENCE = 120.0  # seconds that a guest waits for the first snapshot
PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Arrived:
    """What one look of a guest brought.

    Attributes:
        entries: what others decided since the last one.
        is_renewed: a newer snapshot is open: everything may have changed.
        has_owner: whether a process is there that takes in what the guest decides.
    """

    entries: tuple[Entry, ...]
    is_renewed: bool
    has_owner: bool


class Guest:
    """One guest, from sitting down to leaving. Decisions are on disk in its journal before they count."""

    def __init__(self, seats: Seats, seat: Seat, handle: int, published: Published) -> None:
        self._seats, self.seat, self._handle = seats, seat, handle
        self._published = published
        self._place = 0
        self.store = GuestStore(seats.path / published.snapshot, self._keep)
        self._read_log()

    @property
    def folder(self) -> Path:
        """Where the guest may keep what is its own."""
        return self.seat.path

    def look(self) -> Arrived:
        """Take in what the owner has published since the last look."""
        published = self._seats.published()
        is_renewed = published is not None and published.snapshot != self._published.snapshot
        if published is not None and is_renewed:
            snapshot = self._seats.path / published.snapshot
            try:
                self.store.renew(snapshot)
            except StoreError:
                if snapshot.exists():
                    raise
                return Arrived((), False, True)  # the next one has replaced it just now
            self._published, self._place = published, 0
        return Arrived(tuple(self._read_log()), is_renewed, self._seats.owner() is not None)

    def leave(self) -> None:
        """Close the snapshot and give the seat back; a journal with decisions stays for the owner to take in."""
        self.store.close()
        if self._handle >= 0:
            if not self.seat.journal.stat().st_size:
                self.seat.clear()
            os.close(self._handle)
            self._handle = -1

    def is_taken_in(self, patience: float) -> bool:
        """Whether the owner has taken in everything, once the seat was left; waits for it so many seconds."""
        ends = time.monotonic() + patience
        while self.seat.path.exists():
            if time.monotonic() > ends:
                return False
            time.sleep(PAUSE)
        return True

    def _keep(self, entries: Sequence[Entry]) -> None:
        append_batch(self.seat.journal, entries)

    def _read_log(self) -> list[Entry]:
        try:
            entries, self._place = read_batches(self._seats.path / self._published.log, self._place)
        except FileNotFoundError:
            return []
        return self.store.take(entries) if entries else []


def sit_down(
    workspace: Workspace, reviewer: str, tell: Callable[[str], object], patience: float = PATIENCE
) -> Workspace:
    """Take a guest seat in a workspace that another process has open.

    Args:
        workspace: not open.
        reviewer: who sits there.
        tell: called once with what is waited for, where one has to wait.
        patience: seconds to wait for the first snapshot.

    Returns: the workspace with the guest's store in it.

    Raises: EngineError where nobody publishes, or no snapshot comes in time; StoreError where it cannot be read.
    """
    seats = Seats(workspace.root / "seats")
    if seats.owner() is None:
        raise EngineError(
            "The workspace is open in a command, which has no guests.",
            "Wait until it ends. A sood-tui with its screens open takes guests in.",
        )
    seat, handle = _taken(seats, reviewer)
    try:
        guest = Guest(seats, seat, handle, _awaited(seats, tell, patience))
    except BaseException:
        seat.clear()
        os.close(handle)
        raise
    return replace(workspace, store=guest.store, guest=guest)


def _taken(seats: Seats, reviewer: str) -> tuple[Seat, int]:
    """A seat of one's own, with its lock."""
    word = re.sub(r"[^A-Za-z0-9]+", "-", reviewer).strip("-").lower()[:24] or "guest"
    seat = Seat(seats.path / f"{new_event_id()}-{word}")
    try:
        seat.path.mkdir()
    except PermissionError as error:
        raise EngineError(
            f"A guest seat needs to write into {seats.path}.", "Ask its owner for a group that both of you are in."
        ) from error
    share(seat.path, seats.path)
    handle = take_lock(seat.lock)
    if handle is None:
        raise EngineError(f"{seat.lock} is locked by another process.", "Try again.")
    card = json.dumps({"reviewer": reviewer, "process": os.getpid()}).encode()
    write_whole(seat.path / "seat.json", lambda file: file.write(card))
    seat.journal.touch()  # last: from now on the owner sees a guest
    share(seat.journal, seats.path)
    sync_folder(seat.path)
    return seat, handle


def _awaited(seats: Seats, tell: Callable[[str], object], patience: float) -> Published:
    ends, is_told = time.monotonic() + patience, False
    while (published := seats.published()) is None:
        owner = seats.owner()
        if owner is None:
            raise EngineError("The sood-tui that had the workspace open has ended.", "Open it again: it is free now.")
        if time.monotonic() > ends:
            raise EngineError(
                f"Process {owner[1]}, which has the workspace open, has published no snapshot for guests.",
                "It may be stopped or very busy; look at its screen, or try again.",
            )
        if not is_told:
            is_told = True
            tell(f"The workspace is open in process {owner[1]}: waiting for its snapshot to sit down as a guest.")
        time.sleep(PAUSE)
    return published
