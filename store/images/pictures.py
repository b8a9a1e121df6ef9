"""Pictures, counts and issues: what is read. A scan comes in through scan.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from store.connection import Cursor
from store.images.roots import Root
from store.paths import path_of_text


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: where it lies and which synset it shows. The path is text (``store.paths``), relative to its root."""

    image_id: int
    root_id: int
    wnid: str
    path: str

    def file(self, root: Root) -> Path:
        """The absolute path, as the operating system's calls take it."""
        return root.folder / path_of_text(self.path)


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """Where a picture lies: name and folder of its root (as text), and its path below it."""

    image_id: int
    wnid: str
    root: str
    folder: str
    path: str


@dataclass(frozen=True, slots=True)
class ImageCount:
    """Pictures of a synset, and of the synset with all that lies under it, each picture once."""

    wnid: str
    images: int
    subtree_images: int
    subtree_synsets: int


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that was found among the pictures and not taken in, or could not be read; ``root`` is its name."""

    root: str
    image_id: int | None
    wnid: str | None
    path: str
    kind: str
    detail: str
    found_at: datetime


def fetch_sample(cursor: Cursor, wnid: str, key: str, limit: int, offset: int = 0) -> list[Image]:
    """A page of the pictures of one synset in an order drawn by ``key``.

    The order is that of MD5(key, root name, path): the same on every machine, and a new picture moves no other.
    """
    rows = cursor.execute(
        """
        SELECT image_id, root_id, wnid, image.path
        FROM image
        JOIN image_root USING (root_id)
        WHERE wnid = $wnid
        ORDER BY md5(concat($key, '/', image_root.name, '/', image.path)), image_id
        LIMIT $limit OFFSET $offset
        """,
        {"wnid": wnid, "key": key, "limit": limit, "offset": offset},
    ).fetchall()
    return [Image(*row) for row in rows]


def fetch_count(cursor: Cursor, wnid: str) -> ImageCount:
    """Pictures of a synset and of its subtree; zeros where there are none."""
    row = cursor.execute(
        "SELECT wnid, images, subtree_images, subtree_synsets FROM image_count WHERE wnid = $wnid", {"wnid": wnid}
    ).fetchone()
    return ImageCount(*row) if row else ImageCount(wnid, 0, 0, 0)


def fetch_subtree_counts(cursor: Cursor, wnid: str) -> list[ImageCount]:
    """The synset and all below it that have pictures of their own, sorted by wnid."""
    rows = cursor.execute(
        """
        SELECT wnid, images, subtree_images, subtree_synsets
        FROM image_count
        WHERE images > 0 AND (
            wnid = $wnid OR wnid IN (SELECT below.wnid FROM hyponym_closure AS below WHERE ancestor_wnid = $wnid)
        )
        ORDER BY wnid
        """,
        {"wnid": wnid},
    ).fetchall()
    return [ImageCount(*row) for row in rows]


def fetch_issues(cursor: Cursor, kind: str | None = None, root: str | None = None) -> list[Issue]:
    """Issues, sorted by kind, root and path; of one kind or one root where given."""
    rows = cursor.execute(
        """
        SELECT image_root.name, image_id, wnid, image_issue.path, kind, detail, found_at
        FROM image_issue
        JOIN image_root USING (root_id)
        WHERE ($kind IS NULL OR kind = $kind) AND ($root IS NULL OR image_root.name = $root)
        ORDER BY kind, image_root.name, image_issue.path, image_id, detail
        """,
        {"kind": kind, "root": root},
    ).fetchall()
    return [Issue(*row) for row in rows]


def fetch_image_ids_of_path(cursor: Cursor, text: str) -> list[int]:
    """The pictures whose path, with or without the name of their root, ends with these folders and this name."""
    rows = cursor.execute(
        """
        SELECT image.image_id
        FROM image
        JOIN image_root USING (root_id)
        WHERE ends_with('/' || image_root.name || '/' || image.path, '/' || $text)
        ORDER BY image.image_id
        """,
        {"text": text},
    ).fetchall()
    return [row[0] for row in rows]


def has_image(cursor: Cursor, image_id: int) -> bool:
    """Whether there is a picture of that number."""
    found = cursor.execute("SELECT 1 FROM image WHERE image_id = $image_id", {"image_id": image_id}).fetchone()
    return found is not None


def fetch_places(cursor: Cursor, image_ids: Sequence[int]) -> list[ImagePlace]:
    """Where pictures lie, by number."""
    rows = cursor.execute(
        """
        SELECT image.image_id, image.wnid, image_root.name, image_root.path, image.path
        FROM image
        JOIN image_root USING (root_id)
        SEMI JOIN (SELECT unnest($image_ids::BIGINT[]) AS image_id) AS wanted USING (image_id)
        ORDER BY image.image_id
        """,
        {"image_ids": list(image_ids)},
    ).fetchall()
    return [ImagePlace(*row) for row in rows]
