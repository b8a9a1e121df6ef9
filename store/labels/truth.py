"""Multi-label truth, proposals and what people said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from store.connection import Cursor
from store.errors import StoreError


class UnknownSource(StoreError):
    """No source of labels has this name."""

    def __init__(self, source: str, known: list[str]) -> None:
        names = f"Sources are: {', '.join(known)}." if known else "There is none yet: `sood-tui labels import`."
        super().__init__(f"No source of labels is named {source}.", names)


@dataclass(frozen=True, slots=True)
class LabelSource:
    """One imported file of truth."""

    source: str
    kind: str
    path: str
    sha256: str
    files: int
    matched: int
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One picture as one source sees it; `original` is the wnid of the folder it lies in."""

    source: str
    image_id: int
    path: str
    original: str
    wnids: tuple[str, ...]


def insert_source(cursor: Cursor, source: LabelSource) -> None:
    """Record an imported file."""
    cursor.execute(
        "INSERT INTO label_source (source, kind, path, sha256, files, matched, imported_at) "
        "VALUES ($source, $kind, $path, $sha256, $files, $matched, $imported_at)",
        {
            "source": source.source,
            "kind": source.kind,
            "path": source.path,
            "sha256": source.sha256,
            "files": source.files,
            "matched": source.matched,
            "imported_at": source.imported_at,
        },
    )


def match_entries(cursor: Cursor, entries: pa.Table, root_id: int | None) -> pa.Table:
    """Which pictures the entries of a truth file name.

    Args:
        entries: columns line, file.
        root_id: only pictures of this root; None: of all.

    Returns: columns line, file, images (how many pictures have that file name) and image_id (NULL unless one).
    """
    cursor.register("truth_entry", entries)
    try:
        return cursor.sql(
            "SELECT truth_entry.line, truth_entry.file, count(named.image_id) AS images, "
            "CASE WHEN count(named.image_id) = 1 THEN min(named.image_id) END AS image_id "
            "FROM truth_entry LEFT JOIN ("
            "  SELECT image_id, string_split(path, '/')[-1] AS file "
            "  FROM image WHERE $root_id IS NULL OR root_id = $root_id"
            ") AS named ON named.file = truth_entry.file "
            "GROUP BY truth_entry.line, truth_entry.file ORDER BY truth_entry.line",
            params={"root_id": root_id},
        ).to_arrow_table()
    finally:
        cursor.unregister("truth_entry")


def match_stems(cursor: Cursor, entries: pa.Table) -> pa.Table:
    """The same for file names without their ending (columns line, file), among all roots: line, file, image_id."""
    cursor.register("truth_entry", entries)
    try:
        return cursor.sql(
            """
            SELECT
                truth_entry.line, truth_entry.file,
                CASE WHEN count(named.image_id) = 1 THEN min(named.image_id) END AS image_id
            FROM truth_entry
            LEFT JOIN (
                SELECT image_id, regexp_replace(string_split(path, '/')[-1], '\\.[^.]*$', '') AS file FROM image
            ) AS named ON named.file = truth_entry.file
            GROUP BY truth_entry.line, truth_entry.file
            ORDER BY truth_entry.line
            """
        ).to_arrow_table()
    finally:
        cursor.unregister("truth_entry")


def insert_labels(cursor: Cursor, images: pa.Table, labels: pa.Table, unmatched: pa.Table) -> None:
    """Take in the matched pictures, their labels, and what did not match; columns as the tables'."""
    for name, rows in (("label_image", images), ("label", labels), ("label_unmatched", unmatched)):
        cursor.register("incoming", rows)
        cursor.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
        cursor.unregister("incoming")


def fetch_sources(cursor: Cursor) -> list[LabelSource]:
    """Every imported file, first to last."""
    rows = cursor.execute(
        "SELECT source, kind, path, sha256, files, matched, imported_at FROM label_source ORDER BY imported_at, source"
    ).fetchall()
    return [LabelSource(*row) for row in rows]


def fetch_source(cursor: Cursor, source: str) -> LabelSource:
    """The source of that name.

    Raises: UnknownSource.
    """
    known = {row.source: row for row in fetch_sources(cursor)}
    if source not in known:
        raise UnknownSource(source, list(known))
    return known[source]


def delete_source(cursor: Cursor, source: str) -> None:
    """Forget a source and everything that came with it."""
    for table in ("label", "label_image", "label_unmatched", "label_source"):
        cursor.execute(f"DELETE FROM {table} WHERE source = $source", {"source": source})


def fetch_unmatched(cursor: Cursor, source: str) -> list[tuple[int, str, str]]:
    """Line, file and reason of every entry that names no picture, in the order of the file."""
    return cursor.execute(
        "SELECT line, file, reason FROM label_unmatched WHERE source = $source ORDER BY line", {"source": source}
    ).fetchall()


def fetch_labelled_images(cursor: Cursor, source: str) -> list[LabelledImage]:
    """Every picture a source speaks of, with its valid labels, ordered by picture."""
    rows = cursor.execute(
        "SELECT label_image.source, label_image.image_id, image.path, image.wnid, "
        "list(label.wnid ORDER BY label.wnid) FILTER (WHERE label.wnid IS NOT NULL) AS wnids "
        "FROM label_image JOIN image USING (image_id) LEFT JOIN label USING (source, image_id) "
        "WHERE label_image.source = $source "
        "GROUP BY label_image.source, label_image.image_id, image.path, image.wnid ORDER BY label_image.image_id",
        {"source": source},
    ).fetchall()
    return [LabelledImage(row[0], row[1], row[2], row[3], tuple(row[4] or ())) for row in rows]


def fetch_all_wnids(cursor: Cursor) -> set[str]:
    """The wnids of all synsets of the catalogue."""
    return {row[0] for row in cursor.execute("SELECT wnid FROM synset").fetchall()}


def fetch_known_wnids(cursor: Cursor, wnids: Sequence[str]) -> set[str]:
    """Those of the wnids that are synsets of the catalogue."""
    rows = cursor.execute(
        "SELECT wnid FROM synset WHERE list_contains($wnids, wnid)", {"wnids": list(wnids)}
    ).fetchall()
    return {row[0] for row in rows}


def fetch_labelled_ids(cursor: Cursor) -> set[int]:
    """The pictures that any imported source speaks of."""
    return {row[0] for row in cursor.execute("SELECT DISTINCT image_id FROM label_image").fetchall()}
