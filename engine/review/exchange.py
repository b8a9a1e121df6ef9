"""The log between workspaces: written whole, taken in whole or not at all, and twice without a change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from engine.review.journal import BadJournal, Entry, read_journal, write_journal
from engine.workspace import Workspace
from store.connection import Cursor
from store.review import log
from store.review import pictures as picture_log
from store.review.log import Event
from store.review.pictures import PictureEvent
from store.review.queue import count_strangers


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import brought: new events, events that were here already, and synsets that are no candidates here."""

    added: int
    known: int
    strangers: int


def export_events(workspace: Workspace, path: Path) -> int:
    """Write the whole log as JSON lines. Returns: the number of events."""
    with workspace.opened().reading() as cursor:
        entries: list[Entry] = [*log.fetch_events(cursor), *picture_log.fetch_picture_events(cursor)]
    return write_journal(sorted(entries, key=lambda entry: entry.event_id), path)


def import_events(workspace: Workspace, path: Path) -> ImportReport:
    """Take in a journal: all of it or nothing. Events that are here already change nothing.

    Raises: BadJournal if a line is no event, or contradicts an event of the same id.
    """
    return take_in(workspace, read_journal(path), path)


def take_in(workspace: Workspace, lines: Sequence[tuple[int, Entry]], path: Path) -> ImportReport:
    """Take in the lines of a journal, each with its number: all of them or none.

    Raises: BadJournal naming the journal's path, if a line contradicts an event of the same id.
    """
    with workspace.opened().deciding() as cursor:
        known = _known(cursor, [entry.event_id for _, entry in lines])
        fresh: dict[UUID, Entry] = {}
        problems = []
        for number, entry in lines:
            earlier = known.get(entry.event_id) or fresh.setdefault(entry.event_id, entry)
            if earlier != entry:
                problems.append(f"line {number}: {entry.event_id} is known with other contents")
        if problems:
            raise BadJournal(path, problems)
        events = [entry for entry in fresh.values() if isinstance(entry, Event)]
        pictures = [entry for entry in fresh.values() if isinstance(entry, PictureEvent)]
        if events:
            log.append_events(cursor, events)
        if pictures:
            picture_log.append_picture_events(cursor, pictures)
        pairs = [(event.superclass, event.wnid) for event in events if event.kind not in ("undo", "redo")]
        return ImportReport(len(fresh), len(lines) - len(fresh), count_strangers(cursor, pairs))


def _known(cursor: Cursor, event_ids: Sequence[UUID]) -> Mapping[UUID, Entry]:
    return {**log.fetch_known_events(cursor, event_ids), **picture_log.fetch_known_picture_events(cursor, event_ids)}
