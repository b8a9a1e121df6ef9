"""Single pictures: bad or off-topic ones, and those that show several objects. Every mark is an event with an undo."""

from collections.abc import Sequence

from engine.errors import EngineError
from engine.review.steps import Step, record_pictures
from engine.workspace import Workspace
from store.connection import Cursor
from store.review import pictures as store
from store.review.pictures import NamedPicture, PictureKind

MARK_WORDS = {"bad": "bad or off-topic", "several": "several objects"}


def mark(
    workspace: Workspace, image_ids: Sequence[int], kind: PictureKind, reviewer: str, note: str | None = None
) -> Step:
    """Mark pictures, as one step. It is on disk when this returns.

    Args:
        workspace: open.
        image_ids: pictures of this workspace.
        kind: bad (leaves scores, splits and exports), several (shows several objects), clear (neither).
        reviewer: who says so.
        note: why.

    Raises: EngineError if no picture is named, or one of them is not there.
    """
    wanted = list(dict.fromkeys(image_ids))
    with workspace.opened().deciding() as cursor:
        pictures = store.fetch_named_pictures(cursor, wanted)
        missing = set(wanted) - {picture.image_id for picture in pictures}
        if missing or not wanted:
            shown = ", ".join(str(number) for number in sorted(missing)[:5]) or "none"
            raise EngineError(f"No such picture: {shown}.", "It may have gone with the last scan of its root.")
        return record_pictures(cursor, [(picture, kind, note) for picture in pictures], reviewer)


def toggle(workspace: Workspace, image_id: int, kind: PictureKind, reviewer: str) -> Step:
    """Mark a picture, or take the mark off if it is there already.

    Raises: EngineError if the picture is not there.
    """
    with workspace.opened().reading() as cursor:
        stands = store.fetch_marks_of(cursor, [image_id]).get(image_id)
    return mark(workspace, [image_id], "clear" if stands == kind else kind, reviewer)


def find_picture(cursor: Cursor, text: str) -> NamedPicture:
    """The picture that a text names: its number, or its path with the name of its root before it.

    Raises: EngineError if there is none, or more than one.
    """
    if text.isdigit():
        found = store.fetch_named_pictures(cursor, [int(text)])
    else:
        root, _, path = text.partition("/")
        found = store.fetch_picture_by_path(cursor, root, path)
    if len(found) > 1:
        numbers = ", ".join(str(picture.image_id) for picture in found)
        raise EngineError(f"{text} is listed {len(found)} times.", f"Name it by its number: {numbers}.")
    if not found:
        raise EngineError(
            f"There is no picture {text}.", "Name it as ROOT/PATH, as exports do, or by its number in the catalogue."
        )
    return found[0]
