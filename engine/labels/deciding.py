"""What people say of single labels of single pictures: events that are only ever appended, with undo and redo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from engine.errors import EngineError
from engine.events import new_event_id, now
from engine.review.decisions import NothingToUndo
from engine.workspace import Workspace
from store.connection import Cursor
from store.images.pictures import fetch_image_ids_of_path, has_image
from store.labels import decisions as log
from store.labels.claims import LabelClaim, fetch_claims
from store.labels.decisions import LabelEvent
from store.wordnet.synsets import fetch_synset

LabelDecision = Literal["confirm", "reject"]


@dataclass(frozen=True, slots=True)
class LabelStep:
    """One action of a person: what one undo takes back."""

    step_id: UUID
    events: tuple[LabelEvent, ...]

    @property
    def image_id(self) -> int:
        """The picture that it speaks of first."""
        return self.events[0].image_id


def decide(workspace: Workspace, image_id: int, wnids: Sequence[str], kind: LabelDecision, reviewer: str) -> LabelStep:
    """Confirm or reject labels of a picture as one step; a label that nobody proposed can be confirmed too.

    It is on disk when this returns.

    Raises: EngineError without a picture of that number, a label or a reviewer; UnknownWnid.
    """
    return decide_each(workspace, image_id, [(wnid, kind) for wnid in dict.fromkeys(wnids)], reviewer)


def decide_each(
    workspace: Workspace, image_id: int, choices: Sequence[tuple[str, LabelDecision]], reviewer: str
) -> LabelStep:
    """The same with a decision for each label, as one step.

    Raises: as decide.
    """
    if not choices:
        raise EngineError("No label was named.", "Name the synsets after the picture.")
    if not reviewer.strip():
        raise EngineError("A decision needs a name.", "Set `reviewer` in the settings, or say --by NAME.")
    with workspace.opened().writing() as cursor:
        if not has_image(cursor, image_id):
            raise EngineError(f"There is no picture {image_id}.", "`sood-tui labels queue` lists numbers.")
        for wnid, _ in choices:
            fetch_synset(cursor, wnid)
        (step_id, *event_ids), at = _ids(cursor, len(choices) + 1), now()
        events = tuple(
            LabelEvent(event_id, step_id, image_id, wnid, kind, None, reviewer, at)
            for event_id, (wnid, kind) in zip(event_ids, choices, strict=True)
        )
        log.append_label_events(cursor, events)
        return LabelStep(step_id, events)


def undo(workspace: Workspace, reviewer: str) -> LabelStep:
    """Take back the newest step that stands; the log keeps both.

    Returns: the step that was taken back.
    Raises: NothingToUndo.
    """
    with workspace.opened().writing() as cursor:
        target = log.fetch_undoable_label_step(cursor)
        if target is None:
            raise NothingToUndo("There is no decision on a label to take back.", "`sood-tui labels log` lists them.")
        return _reverse(cursor, "undo", target, reviewer)


def redo(workspace: Workspace, reviewer: str) -> LabelStep:
    """Bring back the step that was taken back last. A decision after the undo ends what can be brought back.

    Raises: NothingToUndo.
    """
    with workspace.opened().writing() as cursor:
        target = log.fetch_redoable_label_step(cursor)
        if target is None:
            raise NothingToUndo("There is no step to bring back.", "A new decision ends what redo can bring back.")
        return _reverse(cursor, "redo", target, reviewer)


def find_image(cursor: Cursor, text: str) -> int:
    """The picture that a person means: its number, or the end of its path.

    Raises: EngineError when there is none, or several have such a path.
    """
    if text.isdecimal() and has_image(cursor, int(text)):
        return int(text)
    found = fetch_image_ids_of_path(cursor, text)
    if len(found) != 1:
        number = "No picture has" if not found else f"{len(found)} pictures have"
        hint = "" if not found else "Say more of its folders, or its number."
        raise EngineError(f"{number} a path that ends with {text}.", hint or "`sood-tui labels queue` lists pictures.")
    return found[0]


def claims_of(cursor: Cursor, image_id: int) -> list[LabelClaim]:
    """All that is said of the labels of one picture, its own label first."""
    return fetch_claims(cursor, [image_id])


def _reverse(cursor: Cursor, kind: str, target: UUID, reviewer: str) -> LabelStep:
    step_id, event_id = _ids(cursor, 2)
    event = LabelEvent(event_id, step_id, 0, "", kind, target, reviewer, now())
    log.append_label_events(cursor, [event])
    return LabelStep(target, tuple(log.fetch_label_step(cursor, target)))


def _ids(cursor: Cursor, count: int) -> list[UUID]:
    """Ids in ascending order that sort after all that are there, although another clock may have been ahead."""
    newest = log.fetch_newest_label_event_id(cursor)
    ids: list[UUID] = []
    for _ in range(count):
        fresh = new_event_id()
        newest = fresh if newest is None or fresh > newest else UUID(int=newest.int + 1)
        ids.append(newest)
    return ids
