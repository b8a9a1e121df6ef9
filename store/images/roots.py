"""Roots of pictures: the folders that were added, and what lies in each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from store.connection import Cursor
from store.errors import StoreError
from store.paths import path_of_text


class UnknownRoot(StoreError):
    """No picture root has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = ", ".join(known)
        hint = f"Roots are: {names}." if names else "There is no root yet: `sood-tui images add ROOT` adds one."
        super().__init__(f"No picture root is named {name}.", hint)


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
