"""What people say of single pictures: events beside those on candidates, and what stands of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from store.connection import Cursor
from store.images.pictures import Image

PictureKind = Literal["bad", "several", "clear"]
Mark = Literal["bad", "several"]


@dataclass(frozen=True, slots=True)
class PictureEvent:
    """One line of the log that speaks of a picture, which it names as every workspace can: root, synset and path."""

    event_id: UUID
    step_id: UUID
    root: str
    wnid: str
    path: str
    kind: PictureKind
    reviewer: str
    at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture of this workspace with the names that hold in every workspace."""

    image_id: int
    root: str
    wnid: str
    path: str


@dataclass(frozen=True, slots=True)
class MarkedPicture:
    """A picture of this workspace that somebody marked; bad ones take no part in scores, splits and exports."""

    image_id: int
    root: str
    wnid: str
    name: str | None
    path: str
    mark: Mark
    reviewer: str
    at: datetime
    note: str | None


def append_picture_events(cursor: Cursor, events: Sequence[PictureEvent]) -> None:
    """Append events on pictures."""
    cursor.execute(
        """
        INSERT INTO picture_decision (event_id, step_id, root, wnid, path, kind, reviewer, "at", note)
        SELECT
            unnest($event_ids::UUID[]),
            unnest($step_ids::UUID[]),
            unnest($roots::VARCHAR[]),
            unnest($wnids::VARCHAR[]),
            unnest($paths::VARCHAR[]),
            unnest($kinds::VARCHAR[]),
            unnest($reviewers::VARCHAR[]),
            unnest($times::TIMESTAMPTZ[]),
            unnest($notes::VARCHAR[])
        """,
        {
            "event_ids": [event.event_id for event in events],
            "step_ids": [event.step_id for event in events],
            "roots": [event.root for event in events],
            "wnids": [event.wnid for event in events],
            "paths": [event.path for event in events],
            "kinds": [event.kind for event in events],
            "reviewers": [event.reviewer for event in events],
            "times": [event.at for event in events],
            "notes": [event.note for event in events],
        },
    )


def fetch_picture_events(cursor: Cursor) -> list[PictureEvent]:
    """Every event on a picture, oldest first."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, root, wnid, path, kind, reviewer, "at", note
        FROM picture_decision
        ORDER BY event_id
        """
    ).fetchall()
    return [PictureEvent(*row) for row in rows]


def fetch_picture_step(cursor: Cursor, step_id: UUID) -> list[PictureEvent]:
    """The events on pictures of one step, in the order in which they were made."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, root, wnid, path, kind, reviewer, "at", note
        FROM picture_decision
        WHERE step_id = $step_id
        ORDER BY event_id
        """,
        {"step_id": step_id},
    ).fetchall()
    return [PictureEvent(*row) for row in rows]


def fetch_known_picture_events(cursor: Cursor, event_ids: Sequence[UUID]) -> dict[UUID, PictureEvent]:
    """Those of the events that the catalogue already has."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, root, wnid, path, kind, reviewer, "at", note
        FROM picture_decision
        WHERE event_id IN (SELECT unnest($event_ids::UUID[]))
        """,
        {"event_ids": list(event_ids)},
    ).fetchall()
    return {row[0]: PictureEvent(*row) for row in rows}


def fetch_named_pictures(cursor: Cursor, image_ids: Sequence[int]) -> list[NamedPicture]:
    """Those of the pictures that are there, by image_id."""
    rows = cursor.execute(
        """
        SELECT image.image_id, image_root.name, image.wnid, image.path
        FROM image
        JOIN image_root USING (root_id)
        WHERE image.image_id IN (SELECT unnest($image_ids::BIGINT[]))
        ORDER BY image.image_id
        """,
        {"image_ids": list(image_ids)},
    ).fetchall()
    return [NamedPicture(*row) for row in rows]


def fetch_picture_by_path(cursor: Cursor, root: str, path: str) -> list[NamedPicture]:
    """The pictures of a root that lie at a path; more than one only where a list names a file twice."""
    rows = cursor.execute(
        """
        SELECT image.image_id, image_root.name, image.wnid, image.path
        FROM image
        JOIN image_root USING (root_id)
        WHERE image_root.name = $root AND image.path = $path
        ORDER BY image.image_id
        """,
        {"root": root, "path": path},
    ).fetchall()
    return [NamedPicture(*row) for row in rows]


def fetch_marks(cursor: Cursor, wnid: str) -> dict[int, Mark]:
    """image_id to mark, of the pictures of one synset that have one."""
    rows = cursor.execute(
        "SELECT image_id, mark FROM marked_image WHERE wnid = $wnid ORDER BY image_id", {"wnid": wnid}
    ).fetchall()
    return dict(rows)


def fetch_marks_of(cursor: Cursor, image_ids: Sequence[int]) -> dict[int, Mark]:
    """image_id to mark, of those of the pictures that have one."""
    rows = cursor.execute(
        """
        SELECT image_id, mark
        FROM marked_image
        WHERE image_id IN (SELECT unnest($image_ids::BIGINT[]))
        ORDER BY image_id
        """,
        {"image_ids": list(image_ids)},
    ).fetchall()
    return dict(rows)


def fetch_markers(cursor: Cursor, image_ids: Sequence[int]) -> dict[int, str]:
    """image_id to the reviewer whose mark stands, of those of the pictures that have one."""
    rows = cursor.execute(
        """
        SELECT image_id, reviewer
        FROM marked_image
        WHERE image_id IN (SELECT unnest($image_ids::BIGINT[]))
        ORDER BY image_id
        """,
        {"image_ids": list(image_ids)},
    ).fetchall()
    return dict(rows)


def fetch_marked_pictures(cursor: Cursor, wnid: str | None = None) -> list[MarkedPicture]:
    """Every marked picture that is there, by root and path.

    Args:
        cursor: for reading.
        wnid: only of this synset.
    """
    rows = cursor.execute(
        """
        SELECT
            marked_image.image_id, marked_image.root, marked_image.wnid, synset.name, marked_image.path,
            marked_image.mark, marked_image.reviewer, marked_image."at", nullif(marked_image.note, '')
        FROM marked_image
        LEFT JOIN synset USING (wnid)
        WHERE $wnid IS NULL OR marked_image.wnid = $wnid
        ORDER BY marked_image.root, marked_image.path
        """,
        {"wnid": wnid},
    ).fetchall()
    return [MarkedPicture(*row) for row in rows]


def fetch_images_by_id(cursor: Cursor, image_ids: Sequence[int]) -> list[Image]:
    """Those of the pictures that are there, by image_id."""
    rows = cursor.execute(
        """
        SELECT image_id, root_id, wnid, path
        FROM image
        WHERE image_id IN (SELECT unnest($image_ids::BIGINT[]))
        ORDER BY image_id
        """,
        {"image_ids": list(image_ids)},
    ).fetchall()
    return [Image(*row) for row in rows]


def fetch_picture_scores(
    cursor: Cursor, run_id: int, superclass: str, wnid: str, image_ids: Sequence[int]
) -> dict[int, float]:
    """image_id to cosine in [-1, 1] with the prompt of the superclass, of those of the pictures that a run scored."""
    rows = cursor.execute(
        """
        SELECT image_id, similarity
        FROM similarity
        WHERE run_id = $run_id AND superclass = $superclass AND wnid = $wnid
          AND image_id IN (SELECT unnest($image_ids::BIGINT[]))
        ORDER BY image_id
        """,
        {"run_id": run_id, "superclass": superclass, "wnid": wnid, "image_ids": list(image_ids)},
    ).fetchall()
    return {row[0]: float(row[1]) for row in rows}
