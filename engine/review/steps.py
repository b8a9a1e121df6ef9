"""Steps: what one action records, and what one undo takes back, of candidates and of pictures alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from engine.errors import EngineError
from engine.events import new_event_id, now
from engine.workspace import Workspace
from store.connection import Cursor
from store.review import log
from store.review import pictures as picture_log
from store.review.log import Event, Kind
from store.review.pictures import NamedPicture, PictureEvent, PictureKind

Change = tuple[str, str, Kind, str | None]  # superclass, wnid, kind, note
PictureChange = tuple[NamedPicture, PictureKind, str | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a person: what one undo takes back. It speaks of candidates, of pictures, or of both."""

    step_id: UUID
    events: tuple[Event, ...]
    pictures: tuple[PictureEvent, ...] = ()

    @property
    def entries(self) -> tuple[Event | PictureEvent, ...]:
        """All its events, those of candidates first."""
        return (*self.events, *self.pictures)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its events, each once, in their order."""
        return tuple(dict.fromkeys(event.kind for event in self.entries))

    @property
    def superclasses(self) -> tuple[str, ...]:
        """The superclasses it speaks of, each once, in their order."""
        return tuple(dict.fromkeys(event.superclass for event in self.events))

    @property
    def wnids(self) -> tuple[str, ...]:
        """The synsets it speaks of, or those of its pictures, each once, in their order."""
        return tuple(dict.fromkeys(event.wnid for event in self.entries))

    @property
    def reviewer(self) -> str:
        """Who took it."""
        return self.entries[0].reviewer

    @property
    def at(self) -> datetime:
        """When, in UTC."""
        return self.entries[0].at


class NothingToUndo(EngineError):
    """No step is left that could be taken back, or brought back."""


def undo(workspace: Workspace, reviewer: str, of: str | None = None) -> Step:
    """Take back the newest step that stands; the log keeps both.

    Args:
        workspace: open.
        reviewer: who takes it back.
        of: only a step of this person.

    Returns: the step that was taken back.

    Raises: NothingToUndo.
    """
    with workspace.opened().deciding() as cursor:
        target = log.fetch_undoable_step(cursor, of)
        if target is None:
            whose = f" of {of}" if of is not None else ""
            raise NothingToUndo(
                f"There is no decision{whose} to take back.",
                "`sood-tui review log` shows what was decided, and by whom.",
            )
        return _reverse(cursor, "undo", target, reviewer)


def redo(workspace: Workspace, reviewer: str, of: str | None = None) -> Step:
    """Bring back the step that was taken back last. A decision after the undo ends what can be brought back.

    Raises: NothingToUndo.
    """
    with workspace.opened().deciding() as cursor:
        target = log.fetch_redoable_step(cursor, of)
        if target is None:
            raise NothingToUndo("There is no step to bring back.", "A new decision ends what redo can bring back.")
        return _reverse(cursor, "redo", target, reviewer)


def record(
    cursor: Cursor,
    changes: Sequence[Change],
    reviewer: str,
    inherited_from: str | None = None,
    is_adjudication: bool = False,
) -> Step:
    """Append changes of candidates as one step.

    Args:
        cursor: for writing.
        changes: at least one.
        reviewer: who signs.
        inherited_from: the synset whose subtree was decided; the event on that very synset is no inherited one.
        is_adjudication: whether it settles what reviewers dispute.

    Raises: EngineError without a name.
    """
    event_ids = event_ids_after(cursor, len(changes) + 1)
    step_id, at, name = event_ids[0], now(), signed(reviewer)
    events = tuple(
        Event(event_id, step_id, superclass, wnid, kind, None, name, at, note or None,
              None if wnid == inherited_from else inherited_from, is_adjudication)
        for event_id, (superclass, wnid, kind, note) in zip(event_ids[1:], changes, strict=True)
    )  # fmt: skip
    log.append_events(cursor, events)
    return Step(step_id, events)


def record_pictures(cursor: Cursor, changes: Sequence[PictureChange], reviewer: str) -> Step:
    """Append changes of pictures (at least one) as one step.

    Raises: EngineError without a name.
    """
    event_ids = event_ids_after(cursor, len(changes) + 1)
    step_id, at, name = event_ids[0], now(), signed(reviewer)
    events = tuple(
        PictureEvent(event_id, step_id, picture.root, picture.wnid, picture.path, kind, name, at, note or None)
        for event_id, (picture, kind, note) in zip(event_ids[1:], changes, strict=True)
    )
    picture_log.append_picture_events(cursor, events)
    return Step(step_id, (), events)


def event_ids_after(cursor: Cursor, count: int) -> list[UUID]:
    """New ids, each after everything in the log: the clock of whoever's events were taken in may run ahead of ours."""
    newest = log.fetch_newest_event_id(cursor)
    ids: list[UUID] = []
    for _ in range(count):
        fresh = new_event_id()
        newest = fresh if newest is None or fresh > newest else UUID(int=newest.int + 1)
        ids.append(newest)
    return ids


def signed(reviewer: str) -> str:
    """The name that a decision is signed with.

    Raises: EngineError if it is empty.
    """
    if not reviewer.strip():
        raise EngineError("A decision needs a name.", "Set `reviewer` in the settings, or say --by NAME.")
    return reviewer


def _reverse(cursor: Cursor, kind: Literal["undo", "redo"], target: UUID, reviewer: str) -> Step:
    step_id, event_id = event_ids_after(cursor, 2)
    log.append_events(cursor, [Event(event_id, step_id, "", "", kind, target, signed(reviewer), now(), None)])
    return Step(target, tuple(log.fetch_step(cursor, target)), tuple(picture_log.fetch_picture_step(cursor, target)))
