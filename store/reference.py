"""What an import of the reference's work leaves behind, and how its pictures are found again."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class ImportedSubclass:
    """A subclass as the scripts' statistics have it."""

    superclass: str
    wnid: str
    position: int
    name: str
    mean: float | None
    standard_deviation: float | None


@dataclass(frozen=True, slots=True)
class Match:
    """How many incoming pictures are pictures of the catalogue, and examples of those that are not."""

    incoming: int
    found: int
    missing: tuple[str, ...]


def create_incoming(cursor: Cursor) -> None:
    """Make room for incoming pictures, for as long as the cursor lives."""
    cursor.execute(
        """
        CREATE OR REPLACE TEMP TABLE incoming_picture (
            position BIGINT, superclass VARCHAR, root VARCHAR, wnid VARCHAR, file VARCHAR, similarity FLOAT,
            is_outlier BOOLEAN
        )
        """
    )


def append_incoming(cursor: Cursor, rows: pa.Table) -> None:
    """Append incoming pictures: position, superclass, root, wnid, file, similarity, is_outlier."""
    cursor.register("incoming_rows", rows)
    try:
        cursor.execute(
            """
            INSERT INTO incoming_picture
            SELECT position, superclass, root, wnid, file, similarity, is_outlier
            FROM incoming_rows
            """
        )
    finally:
        cursor.unregister("incoming_rows")


def match_incoming(cursor: Cursor) -> Match:
    """Find the picture of each incoming row: same synset, same file name, and the same root where one has its name."""
    cursor.execute(
        """
        CREATE OR REPLACE TEMP TABLE matched_picture AS
        SELECT incoming.position, incoming.superclass, incoming.wnid, incoming.similarity, incoming.is_outlier,
            arg_min(image.image_id, (root.name <> incoming.root)::INTEGER * 1000000 + root.root_id) AS image_id
        FROM incoming_picture AS incoming
        JOIN image ON image.wnid = incoming.wnid AND regexp_extract(image.path, '[^/]*$') = incoming.file
        JOIN image_root AS root USING (root_id)
        GROUP BY ALL
        """
    )
    counts = cursor.execute(
        """
        SELECT (SELECT count(*) FROM incoming_picture), (SELECT count(DISTINCT position) FROM matched_picture)
        """
    ).fetchone()
    assert counts is not None
    missing = cursor.execute(
        """
        SELECT root || '/' || wnid || '/' || file
        FROM incoming_picture
        ANTI JOIN matched_picture USING (position)
        ORDER BY position
        LIMIT 5
        """
    ).fetchall()
    return Match(counts[0], counts[1], tuple(row[0] for row in missing))


def insert_matched_similarities(cursor: Cursor, run_id: int) -> None:
    """Take in the similarities of the incoming pictures that were found, sorted as the table is."""
    cursor.execute(
        """
        INSERT INTO similarity (run_id, superclass, wnid, image_id, similarity)
        SELECT $run_id, superclass, wnid, image_id, any_value(similarity)
        FROM matched_picture
        WHERE similarity IS NOT NULL
        GROUP BY superclass, wnid, image_id
        ORDER BY superclass, wnid, image_id
        """,
        {"run_id": run_id},
    )


def insert_matched_pictures(cursor: Cursor, run_id: int) -> None:
    """Keep in which order the scripts met the pictures, and which they called outliers."""
    cursor.execute(
        """
        INSERT INTO imported_picture (run_id, image_id, position, is_outlier)
        SELECT $run_id, image_id, min(position), bool_or(is_outlier)
        FROM matched_picture
        GROUP BY image_id
        ORDER BY min(position)
        """,
        {"run_id": run_id},
    )


def insert_subclasses(cursor: Cursor, run_id: int, subclasses: Sequence[ImportedSubclass]) -> None:
    """Keep the statistics of subclasses."""
    if subclasses:
        cursor.executemany(
            """
            INSERT INTO imported_subclass (run_id, superclass, wnid, position, name, mean, standard_deviation)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                (run_id, one.superclass, one.wnid, one.position, one.name, one.mean, one.standard_deviation)
                for one in subclasses
            ],
        )


def fetch_subclasses(cursor: Cursor, run_id: int) -> list[ImportedSubclass]:
    """The imported statistics of a run, in the order of their file; none for a run that was not imported."""
    rows = cursor.execute(
        """
        SELECT superclass, wnid, position, name, mean, standard_deviation
        FROM imported_subclass
        WHERE run_id = $run_id
        ORDER BY position
        """,
        {"run_id": run_id},
    ).fetchall()
    return [ImportedSubclass(*row) for row in rows]


def fetch_imported_pictures(cursor: Cursor, pairs: pa.Table) -> pa.Table:
    """Pictures of subclasses that have imported statistics but no similarities: place, image_id, is_outlier.

    Args:
        pairs: columns place, superclass, wnid, run_id.
    """
    cursor.register("asked_pair", pairs)
    try:
        return cursor.sql(
            """
            SELECT asked_pair.place, image.image_id, coalesce(imported_picture.is_outlier, false) AS is_outlier
            FROM asked_pair
            JOIN image USING (wnid)
            LEFT JOIN imported_picture
                ON imported_picture.run_id = asked_pair.run_id AND imported_picture.image_id = image.image_id
            ANTI JOIN (
                SELECT image_id FROM image_issue WHERE kind IN ('undecodable', 'missing_file') AND image_id IS NOT NULL
            ) AS broken ON broken.image_id = image.image_id
            ORDER BY asked_pair.place, image.image_id
            """
        ).to_arrow_table()
    finally:
        cursor.unregister("asked_pair")


def fetch_picture_names(cursor: Cursor, wnids: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Wnid, name of the root, folder of the root and path of the pictures of synsets, by root and wnid."""
    rows: list[tuple[str, str, str, str]] = cursor.execute(
        """
        SELECT image.wnid, image_root.name, image_root.path, image.path
        FROM image
        JOIN image_root USING (root_id)
        WHERE image.wnid IN (SELECT unnest($wnids))
        ORDER BY image_root.name, image.wnid, image.path
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    return rows


def fetch_image_counts(cursor: Cursor, wnids: Sequence[str]) -> dict[str, int]:
    """How many pictures synsets have of their own."""
    rows = cursor.execute(
        "SELECT wnid, count(*) FROM image WHERE wnid IN (SELECT unnest($wnids)) GROUP BY wnid", {"wnids": list(wnids)}
    ).fetchall()
    return dict(rows)


def fetch_namesakes(cursor: Cursor, wnids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Other synsets with pictures or in ImageNet-21K whose first lemma is the same but for case, by wnid."""
    rows = cursor.execute(
        """
        WITH known AS (
            SELECT wnid FROM membership WHERE list_name = 'imagenet_21k_p_fall11'
            UNION
            SELECT wnid FROM image_count WHERE images > 0
        )
        SELECT mine.wnid, other.wnid
        FROM lemma AS mine
        JOIN lemma AS other ON lower(other.lemma) = lower(mine.lemma) AND other.position = 0 AND other.wnid <> mine.wnid
        SEMI JOIN known ON known.wnid = other.wnid
        WHERE mine.position = 0 AND mine.wnid IN (SELECT unnest($wnids))
        ORDER BY mine.wnid, other.wnid
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    found: dict[str, list[str]] = {}
    for wnid, other in rows:
        found.setdefault(wnid, []).append(other)
    return {wnid: tuple(others) for wnid, others in found.items()}


def fetch_senses_above(cursor: Cursor, lemma: str, wnids: Sequence[str]) -> list[tuple[str, int]]:
    """Noun senses of a word with how many of some synsets they are or lie above, the most first."""
    rows: list[tuple[str, int]] = cursor.execute(
        """
        SELECT lemma.wnid, count(DISTINCT below.wnid) AS covered
        FROM lemma
        JOIN synset USING (wnid)
        LEFT JOIN (
            SELECT ancestor_wnid, wnid FROM hyponym_closure
            UNION ALL
            SELECT wnid, wnid FROM synset
        ) AS below ON below.ancestor_wnid = lemma.wnid AND below.wnid IN (SELECT unnest($wnids))
        WHERE lower(lemma.lemma) = lower($lemma) AND synset.pos = 'n'
        GROUP BY lemma.wnid
        ORDER BY covered DESC, lemma.wnid
        """,
        {"lemma": lemma, "wnids": list(wnids)},
    ).fetchall()
    return rows


def fetch_known_synsets(cursor: Cursor, wnids: Sequence[str]) -> set[str]:
    """Which wnids are synsets of the catalogue."""
    rows = cursor.execute(
        "SELECT wnid FROM synset WHERE wnid IN (SELECT unnest($wnids))", {"wnids": list(wnids)}
    ).fetchall()
    return {row[0] for row in rows}


def fetch_depths(cursor: Cursor, superclass: str) -> dict[str, int]:
    """How many steps below its nearest root each synset of a superclass's closure lies, roots with 0."""
    rows = cursor.execute(
        """
        SELECT wnid, min(depth) FROM (
            SELECT below.wnid, below.depth
            FROM superclass_root AS root
            JOIN hyponym_closure AS below ON below.ancestor_wnid = root.wnid
            WHERE root.superclass = $superclass
            UNION ALL
            SELECT wnid, 0 FROM superclass_root WHERE superclass = $superclass
        )
        GROUP BY wnid
        """,
        {"superclass": superclass},
    ).fetchall()
    return dict(rows)


def insert_candidates(cursor: Cursor, rows: pa.Table) -> list[str]:
    """Add candidates that are not there yet: superclass, wnid, route, depth, similarity, added_at.

    Returns: wnids that are new under their superclass.
    """
    cursor.register("incoming_candidate", rows)
    try:
        added = cursor.execute(
            """
            INSERT INTO candidate (superclass, wnid, route, depth, similarity, added_at)
            SELECT superclass, wnid, route, depth, similarity, added_at
            FROM incoming_candidate
            ANTI JOIN candidate AS there USING (superclass, wnid)
            ORDER BY superclass, wnid
            RETURNING wnid
            """
        ).fetchall()
    finally:
        cursor.unregister("incoming_candidate")
    return [row[0] for row in added]


def fetch_incoming_superclasses(cursor: Cursor) -> list[str]:
    """The superclasses of the incoming pictures, sorted."""
    rows = cursor.execute("SELECT DISTINCT superclass FROM incoming_picture ORDER BY superclass").fetchall()
    return [row[0] for row in rows]
