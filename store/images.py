"""Roots, pictures, counts and issues: what is read, and the rows of roots. A scan comes in through image_scan.py."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from store.connection import Cursor
from store.errors import StoreError
from store.paths import path_of_text


class UnknownRoot(StoreError):
    """No picture root has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = ", ".join(known)
        hint = f"Roots are: {names}." if names else "There is no root yet: `sood-tui images add ROOT` adds one."
        super().__init__(f"No picture root is named {name}.", hint)


class UnknownImage(StoreError):
    """No picture has this id, or it is gone."""

    def __init__(self, image_id: int) -> None:
        super().__init__(f"There is no picture {image_id}.", "A rescan may have found that it is gone.")


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of pictures.

    Attributes:
        path: absolute; the text that stands for the folder, see ``store.paths``.
        list_path: absolute path of the list file, None for the other layouts.
        mapping: absolute path of the CSV that maps classes to wnids, or None.
        scanned_at: None until the first scan is in.
    """

    root_id: int
    name: str
    path: str
    layout: str
    list_path: str | None
    mapping: str | None
    added_at: datetime
    scanned_at: datetime | None

    @property
    def folder(self) -> Path:
        """The folder as the operating system's calls take it."""
        return Path(path_of_text(self.path))


@dataclass(frozen=True, slots=True)
class RootSummary:
    """A root with its numbers of pictures, of synsets that have any, and of issues."""

    root_id: int
    name: str
    path: str
    layout: str
    list_path: str | None
    mapping: str | None
    images: int
    synsets: int
    gone: int
    issues: int
    added_at: datetime
    scanned_at: datetime | None


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


def insert_root(cursor: Cursor, root: Root) -> None:
    """Add a root, not scanned yet."""
    cursor.execute(
        """
        INSERT INTO image_root (root_id, name, path, layout, list_path, mapping, added_at, scanned_at)
        VALUES ($root_id, $name, $path, $layout, $list_path, $mapping, $added_at, $scanned_at)
        """,
        {
            "root_id": root.root_id,
            "name": root.name,
            "path": root.path,
            "layout": root.layout,
            "list_path": root.list_path,
            "mapping": root.mapping,
            "added_at": root.added_at,
            "scanned_at": root.scanned_at,
        },
    )


def delete_root(cursor: Cursor, root_id: int) -> None:
    """Forget a root; its pictures must be gone, or never have been taken in."""
    cursor.execute("DELETE FROM image_root WHERE root_id = $root_id", {"root_id": root_id})


def next_root_id(cursor: Cursor) -> int:
    """A root_id that no root has or had: pictures that are gone keep theirs."""
    row = cursor.execute(
        """
        SELECT coalesce(max(root_id), 0) + 1
        FROM (SELECT root_id FROM image_root UNION ALL SELECT root_id FROM image_gone)
        """
    ).fetchone()
    return int(row[0]) if row else 1


def fetch_roots(cursor: Cursor) -> dict[int, Root]:
    """All roots by root_id, in the order in which they were added."""
    rows = cursor.execute(
        """
        SELECT root_id, name, path, layout, list_path, mapping, added_at, scanned_at
        FROM image_root
        ORDER BY root_id
        """
    ).fetchall()
    return {row[0]: Root(*row) for row in rows}


def fetch_root(cursor: Cursor, name: str) -> Root:
    """The root of that name.

    Raises: UnknownRoot.
    """
    roots = fetch_roots(cursor)
    for root in roots.values():
        if root.name == name:
            return root
    raise UnknownRoot(name, (root.name for root in roots.values()))


def fetch_root_summaries(cursor: Cursor) -> list[RootSummary]:
    """All roots with their counts, in the order in which they were added."""
    rows = cursor.execute(
        """
        WITH taken AS (
            SELECT root_id, count(*) AS images, count(DISTINCT wnid) AS synsets FROM image GROUP BY root_id
        ), lost AS (
            SELECT root_id, count(*) AS gone FROM image_gone GROUP BY root_id
        ), noted AS (
            SELECT root_id, count(*) AS issues FROM image_issue GROUP BY root_id
        )
        SELECT
            root_id, name, path, layout, list_path, mapping,
            coalesce(images, 0), coalesce(synsets, 0), coalesce(gone, 0), coalesce(issues, 0),
            added_at, scanned_at
        FROM image_root
        LEFT JOIN taken USING (root_id)
        LEFT JOIN lost USING (root_id)
        LEFT JOIN noted USING (root_id)
        ORDER BY root_id
        """
    ).fetchall()
    return [RootSummary(*row) for row in rows]


def fetch_images(cursor: Cursor, wnid: str, limit: int, offset: int = 0) -> list[Image]:
    """A page of the pictures of one synset, sorted by root and path."""
    rows = cursor.execute(
        """
        SELECT image_id, root_id, wnid, path
        FROM image
        WHERE wnid = $wnid
        ORDER BY root_id, path
        LIMIT $limit OFFSET $offset
        """,
        {"wnid": wnid, "limit": limit, "offset": offset},
    ).fetchall()
    return [Image(*row) for row in rows]


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


def fetch_image(cursor: Cursor, image_id: int) -> Image:
    """One picture.

    Raises: UnknownImage.
    """
    row = cursor.execute(
        "SELECT image_id, root_id, wnid, path FROM image WHERE image_id = $image_id", {"image_id": image_id}
    ).fetchone()
    if row is None:
        raise UnknownImage(image_id)
    return Image(*row)


def absolute_path(cursor: Cursor, image: Image) -> Path:
    """Where a picture lies. For many pictures fetch the roots once and use ``Image.file``."""
    return image.file(fetch_roots(cursor)[image.root_id])


def count_images(cursor: Cursor, wnid: str) -> int:
    """Number of pictures of the synset itself."""
    row = cursor.execute("SELECT images FROM image_count WHERE wnid = $wnid", {"wnid": wnid}).fetchone()
    return int(row[0]) if row else 0


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


def count_all(cursor: Cursor) -> tuple[int, int]:
    """Number of pictures, and of synsets that have pictures of their own."""
    row = cursor.execute("SELECT coalesce(sum(images), 0), count(*) FROM image_count WHERE images > 0").fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


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


def insert_issues(cursor: Cursor, issues: pa.Table) -> None:
    """Add issues that do not stand yet: columns root_id, image_id, wnid, path, kind, detail, found_at."""
    cursor.register("incoming", issues)
    cursor.execute(
        """
        INSERT INTO image_issue (root_id, image_id, wnid, path, kind, detail, found_at)
        SELECT root_id, image_id, wnid, path, kind, detail, found_at
        FROM incoming
        WHERE NOT EXISTS (
            SELECT 1 FROM image_issue AS known
            WHERE known.root_id = incoming.root_id AND known.path = incoming.path AND known.kind = incoming.kind
        )
        ORDER BY root_id, path, kind
        """
    )
    cursor.unregister("incoming")
