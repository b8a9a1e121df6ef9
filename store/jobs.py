"""Room under all rooms: which parts and outcomes of jobs the catalogue has taken in."""

from dataclasses import dataclass
from datetime import datetime

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class JobPart:
    """A part of a job whose rows are in the catalogue.

    Attributes:
        job_id: name of the job's folder.
        part: file name of the part.
        sha256: of that file, in hexadecimal.
        rows: rows of that file.
        ingested_at: when it was taken in.
    """

    job_id: str
    part: str
    sha256: str
    rows: int
    ingested_at: datetime


@dataclass(frozen=True, slots=True)
class JobDone:
    """A job whose outcome was taken in.

    Attributes:
        job_id: name of the job's folder.
        state: finished, cancelled or failed.
        ingested_at: when it was taken in.
    """

    job_id: str
    state: str
    ingested_at: datetime


def fetch_parts(cursor: Cursor, job_id: str) -> list[JobPart]:
    """The parts of a job that were taken in, by name."""
    rows = cursor.execute(
        """
        SELECT job_id, part, sha256, rows, ingested_at
        FROM job_part
        WHERE job_id = $job_id
        ORDER BY part
        """,
        {"job_id": job_id},
    ).fetchall()
    return [JobPart(*row) for row in rows]


def has_part(cursor: Cursor, job_id: str, part: str) -> bool:
    """Whether that part was taken in."""
    rows = cursor.execute(
        "SELECT part FROM job_part WHERE job_id = $job_id AND part = $part", {"job_id": job_id, "part": part}
    ).fetchall()  # read to its end: nothing can be registered with a cursor whose result is still open
    return bool(rows)


def insert_part(cursor: Cursor, part: JobPart) -> None:
    """Note that a part was taken in; a part can be noted once only."""
    cursor.execute(
        """
        INSERT INTO job_part (job_id, part, sha256, rows, ingested_at)
        VALUES ($job_id, $part, $sha256, $rows, $ingested_at)
        """,
        {
            "job_id": part.job_id,
            "part": part.part,
            "sha256": part.sha256,
            "rows": part.rows,
            "ingested_at": part.ingested_at,
        },
    )


def fetch_done(cursor: Cursor) -> dict[str, JobDone]:
    """Job id to the outcome that was taken in."""
    rows = cursor.execute("SELECT job_id, state, ingested_at FROM job_done ORDER BY job_id").fetchall()
    return {row[0]: JobDone(*row) for row in rows}


def put_done(cursor: Cursor, done: JobDone) -> None:
    """Note the outcome of a job; a later one, after a resume, takes its place."""
    cursor.execute(
        """
        INSERT INTO job_done (job_id, state, ingested_at)
        VALUES ($job_id, $state, $ingested_at)
        ON CONFLICT (job_id) DO UPDATE SET state = excluded.state, ingested_at = excluded.ingested_at
        """,
        {"job_id": done.job_id, "state": done.state, "ingested_at": done.ingested_at},
    )
