"""A finished scan on its way into the catalogue: statements for one transaction, in the order in which they stand here.

The parts of a scan are Parquet files with the columns path, wnid, issue, detail: a picture has no issue, and an
issue that is not about one file has the folder or the line as its path.
"""

from collections.abc import Sequence
from datetime import datetime

from store.connection import Cursor

# What a scan finds anew each time. Other kinds come from the jobs that open pictures, and stay until the picture goes.
SCAN_ISSUES = (
    "unknown_wnid",
    "not_a_noun",
    "unknown_folder",
    "unmapped_class",
    "unknown_class",
    "ambiguous_class",
    "empty_folder",
    "hidden_folder",
    "unreadable_folder",
    "vanished_folder",
    "folder_loop",
    "not_a_picture",
    "broken_link",
    "stray_file",
    "unreadable_line",
    "duplicate_line",
    "duplicate_picture",
    "outside_root",
)


def stage_found(cursor: Cursor, parts: Sequence[str]) -> None:
    """Keep what was found at hand for the statements below; pictures of what is no noun synset become issues there."""
    cursor.execute(
        """
        CREATE OR REPLACE TEMP TABLE found AS
        SELECT scanned.path, scanned.wnid, scanned.issue, scanned.detail, synset.pos
        FROM read_parquet($parts) AS scanned
        LEFT JOIN synset ON synset.wnid = scanned.wnid
        """,
        {"parts": list(parts)},
    )


def mark_duplicates(cursor: Cursor, root_id: int, folder: str, others: Sequence[int]) -> None:
    """Turn pictures that another root has already into issues.

    Args:
        folder: of the scanned root, absolute text.
        others: roots that share a folder with it; two lists may, and a list may name files of a root of folders.
    """
    cursor.execute(
        """
        UPDATE found
        SET issue = 'duplicate_picture', detail = concat('taken in with the root ', taken.root)
        FROM (
            SELECT
                CASE WHEN starts_with(image.path, '/') THEN image.path
                     ELSE image_root.path || '/' || image.path END AS file,
                min(image_root.name) AS root
            FROM image
            JOIN image_root USING (root_id)
            WHERE root_id <> $root_id AND list_contains($others, root_id)
            GROUP BY file
        ) AS taken
        WHERE found.issue IS NULL
          AND taken.file = CASE WHEN starts_with(found.path, '/') THEN found.path
                                ELSE $folder || '/' || found.path END
        """,
        {"root_id": root_id, "folder": folder, "others": list(others)},
    )


def move_gone(cursor: Cursor, root_id: int, at: datetime) -> int:
    """Record the pictures of a root that were not found again.

    What lies in a folder that could not be read counts as still there: a slow disk must not empty the catalogue.

    Returns: how many are gone.
    """
    row = cursor.execute(
        """
        INSERT INTO image_gone (image_id, root_id, wnid, path, gone_at)
        SELECT image_id, root_id, wnid, path, $at
        FROM image
        WHERE root_id = $root_id
          AND NOT EXISTS (
              SELECT 1 FROM found
              WHERE found.issue IS NULL AND found.pos = 'n' AND found.path = image.path AND found.wnid = image.wnid
          )
          AND NOT EXISTS (
              SELECT 1 FROM found
              WHERE found.issue = 'unreadable_folder' AND starts_with(image.path, found.path || '/')
          )
        """,
        {"root_id": root_id, "at": at},
    ).fetchone()
    return int(row[0]) if row else 0


def stage_images(cursor: Cursor, root_id: int) -> int:
    """Put together what the table of pictures will hold: what stays, and what is new, with ids never used before.

    Returns: how many are new.
    """
    cursor.execute(
        """
        CREATE OR REPLACE TEMP TABLE staged AS
        WITH stays AS (
            SELECT image_id, root_id, wnid, path
            FROM image
            WHERE NOT EXISTS (
                SELECT 1 FROM image_gone WHERE image_gone.image_id = image.image_id
            )
        ), greatest_id AS (
            SELECT coalesce(max(image_id), 0) AS image_id
            FROM (SELECT image_id FROM image UNION ALL SELECT image_id FROM image_gone)
        ), fresh AS (
            SELECT DISTINCT found.wnid, found.path
            FROM found
            WHERE found.issue IS NULL AND found.pos = 'n'
              AND NOT EXISTS (SELECT 1 FROM image WHERE image.root_id = $root_id AND image.path = found.path
                              AND image.wnid = found.wnid)
        )
        SELECT image_id, root_id, wnid, path, FALSE AS is_new
        FROM stays
        UNION ALL
        SELECT
            (SELECT image_id FROM greatest_id) + row_number() OVER (ORDER BY wnid, path) AS image_id,
            $root_id AS root_id,
            wnid,
            path,
            TRUE AS is_new
        FROM fresh
        """,
        {"root_id": root_id},
    )
    row = cursor.execute("SELECT count(*) FROM staged WHERE is_new").fetchone()
    return int(row[0]) if row else 0


def move_all_gone(cursor: Cursor, root_id: int, at: datetime) -> int:
    """Record all pictures of a root as gone; ``delete_root_images`` takes them away then.

    Returns: how many.
    """
    row = cursor.execute(
        """
        INSERT INTO image_gone (image_id, root_id, wnid, path, gone_at)
        SELECT image_id, root_id, wnid, path, $at
        FROM image
        WHERE root_id = $root_id
        """,
        {"root_id": root_id, "at": at},
    ).fetchone()
    return int(row[0]) if row else 0


def delete_root_images(cursor: Cursor, root_id: int) -> None:
    """Take away the pictures of a root."""
    cursor.execute("DELETE FROM image WHERE root_id = $root_id", {"root_id": root_id})


def delete_root_issues(cursor: Cursor, root_id: int) -> None:
    """Take away all issues of a root."""
    cursor.execute("DELETE FROM image_issue WHERE root_id = $root_id", {"root_id": root_id})


def clear_images(cursor: Cursor) -> None:
    """Empty the table of pictures; ``insert_staged`` fills it again in the same transaction."""
    cursor.execute("DELETE FROM image")


def insert_staged(cursor: Cursor) -> None:
    """Write the pictures sorted by wnid, root and path, which makes a page of one synset quick without an index."""
    cursor.execute(
        """
        INSERT INTO image (image_id, root_id, wnid, path)
        SELECT image_id, root_id, wnid, path
        FROM staged
        ORDER BY wnid, root_id, path
        """
    )


def clear_issues(cursor: Cursor, root_id: int) -> None:
    """Remove what earlier scans found, and what was said of pictures of this root that are gone."""
    cursor.execute(
        """
        DELETE FROM image_issue
        WHERE root_id = $root_id
          AND (list_contains($kinds, kind) OR image_id IN (SELECT gone.image_id FROM image_gone AS gone))
        """,
        {"root_id": root_id, "kinds": list(SCAN_ISSUES)},
    )


def insert_found_issues(cursor: Cursor, root_id: int, at: datetime) -> None:
    """Record the issues that the scan itself named."""
    cursor.execute(
        """
        INSERT INTO image_issue (root_id, image_id, wnid, path, kind, detail, found_at)
        SELECT $root_id, NULL, wnid, path, issue, coalesce(detail, ''), $at
        FROM found
        WHERE issue IS NOT NULL
        ORDER BY issue, path
        """,
        {"root_id": root_id, "at": at},
    )


def insert_wnid_issues(cursor: Cursor, root_id: int, at: datetime) -> None:
    """Record the folders whose wnid names no noun synset, with the number of pictures that are left out."""
    cursor.execute(
        r"""
        INSERT INTO image_issue (root_id, image_id, wnid, path, kind, detail, found_at)
        SELECT
            $root_id,
            NULL,
            wnid,
            CASE WHEN contains(path, '/') THEN regexp_replace(path, '/[^/]*$', '') ELSE '.' END AS folder,
            CASE WHEN pos IS NULL THEN 'unknown_wnid' ELSE 'not_a_noun' END AS kind,
            concat(count(*), ' pictures left out'),
            $at
        FROM found
        WHERE issue IS NULL AND pos IS DISTINCT FROM 'n'
        GROUP BY wnid, folder, pos
        ORDER BY kind, folder, wnid
        """,
        {"root_id": root_id, "at": at},
    )


def clear_counts(cursor: Cursor) -> None:
    """Empty the table of counts; ``insert_counts`` fills it again in the same transaction."""
    cursor.execute("DELETE FROM image_count")


def insert_counts(cursor: Cursor) -> None:
    """Count pictures per synset and subtree.

    The closure has each pair of synsets once, so a synset that is reached by two ways is counted once.
    """
    cursor.execute(
        """
        INSERT INTO image_count (wnid, images, subtree_images, subtree_synsets)
        WITH own AS (
            SELECT wnid, count(*) AS images FROM image GROUP BY wnid
        ), lineage AS (
            SELECT wnid AS ancestor_wnid, wnid FROM own
            UNION ALL
            SELECT ancestor_wnid, wnid FROM hyponym_closure
        )
        SELECT
            lineage.ancestor_wnid,
            coalesce(max(own.images) FILTER (lineage.wnid = lineage.ancestor_wnid), 0),
            sum(own.images),
            count(*)
        FROM lineage
        JOIN own USING (wnid)
        GROUP BY lineage.ancestor_wnid
        ORDER BY lineage.ancestor_wnid
        """
    )


def mark_scanned(cursor: Cursor, root_id: int, at: datetime) -> None:
    """Record when the last scan of a root came in."""
    cursor.execute("UPDATE image_root SET scanned_at = $at WHERE root_id = $root_id", {"at": at, "root_id": root_id})


def count_root_images(cursor: Cursor, root_id: int) -> tuple[int, int]:
    """Number of pictures of a root, and of synsets they show."""
    row = cursor.execute(
        "SELECT count(*), count(DISTINCT wnid) FROM image WHERE root_id = $root_id", {"root_id": root_id}
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def count_issues(cursor: Cursor, root_id: int) -> dict[str, int]:
    """Number of issues of a root by kind."""
    rows = cursor.execute(
        "SELECT kind, count(*) FROM image_issue WHERE root_id = $root_id GROUP BY kind ORDER BY kind",
        {"root_id": root_id},
    ).fetchall()
    return {str(kind): int(number) for kind, number in rows}


def save_report(cursor: Cursor, job_id: str, report: str) -> None:
    """Keep what a scan changed, as JSON, under the id of its job. Of two takings-in of one job the first one counts."""
    cursor.execute(
        "INSERT OR IGNORE INTO workspace_fact (key, value) VALUES ($key, $value)",
        {"key": f"scan.{job_id}", "value": report},
    )


def fetch_report(cursor: Cursor, job_id: str) -> str | None:
    """What a scan changed, as JSON; None while it was not taken in."""
    row = cursor.execute("SELECT value FROM workspace_fact WHERE key = $key", {"key": f"scan.{job_id}"}).fetchone()
    return str(row[0]) if row else None
