"""Scoring runs and similarities, and what there is to score."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from store.connection import Cursor

CATALOGUE_ID = "catalogue_id"


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """One run of scoring, with its model and the numbers of what it scored."""

    run_id: int
    set_id: int
    model_key: str
    model: str
    pretrained: str | None
    weights_sha256: str
    dimensions: int
    template: str
    keep_underscores: bool
    job_id: str
    created_at: datetime
    superclasses: int
    images: int


@dataclass(frozen=True, slots=True)
class ScoredSuperclass:
    """A superclass of a run with its prompt, and how many of its pictures have a similarity."""

    run_id: int
    superclass: str
    prompt: str
    images: int


@dataclass(frozen=True, slots=True)
class Scorable:
    """A subclass of a superclass: its state by decisions, and its pictures in the catalogue."""

    superclass: str
    wnid: str
    state: str
    images: int


def fetch_catalogue_id(cursor: Cursor) -> str | None:
    """The id of this catalogue; None until it was needed."""
    row = cursor.execute("SELECT value FROM workspace_fact WHERE key = $key", {"key": CATALOGUE_ID}).fetchone()
    return None if row is None else str(row[0])


def insert_catalogue_id(cursor: Cursor, catalogue_id: str) -> None:
    """Give the catalogue its id."""
    cursor.execute(
        "INSERT INTO workspace_fact (key, value) VALUES ($key, $value)", {"key": CATALOGUE_ID, "value": catalogue_id}
    )


def fetch_scorable(cursor: Cursor) -> list[Scorable]:
    """All candidates that have pictures, with their states, by superclass and wnid."""
    rows = cursor.execute(
        """
        SELECT superclass, wnid, state, images
        FROM candidate_state
        WHERE images > 0
        ORDER BY superclass, wnid
        """
    ).fetchall()
    return [Scorable(*row) for row in rows]


def fetch_pictures(cursor: Cursor, wnids: Sequence[str]) -> pa.Table:
    """The pictures of synsets as a work list: image_id and absolute path (as text), sorted by wnid."""
    return cursor.sql(
        """
        SELECT
            image.image_id AS image_id,
            rtrim(image_root.path, '/') || '/' || image.path AS path
        FROM image
        JOIN image_root USING (root_id)
        WHERE list_contains($wnids, image.wnid)
        ORDER BY image.wnid, image.root_id, image.path
        """,
        params={"wnids": list(wnids)},
    ).to_arrow_table()


def fetch_root_folders(cursor: Cursor, wnids: Sequence[str]) -> list[str]:
    """The folders (as text) that hold pictures of synsets."""
    rows = cursor.execute(
        """
        SELECT DISTINCT image_root.path
        FROM image
        JOIN image_root USING (root_id)
        WHERE list_contains($wnids, image.wnid)
        ORDER BY image_root.path
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    return [row[0] for row in rows]


def fetch_run_of_job(cursor: Cursor, job_id: str) -> int | None:
    """The run that a job led to; None if it has not."""
    row = cursor.execute("SELECT run_id FROM score_run WHERE job_id = $job_id", {"job_id": job_id}).fetchone()
    return None if row is None else int(row[0])


def insert_run(
    cursor: Cursor, set_id: int, template: str, keep_underscores: bool, job_id: str, created_at: datetime
) -> int:
    """Add a run.

    Returns: its id.
    """
    row = cursor.execute(
        """
        INSERT INTO score_run (run_id, set_id, template, keep_underscores, job_id, created_at)
        SELECT coalesce(max(run_id), 0) + 1, $set_id, $template, $keep_underscores, $job_id, $created_at
        FROM score_run
        RETURNING run_id
        """,
        {
            "set_id": set_id,
            "template": template,
            "keep_underscores": keep_underscores,
            "job_id": job_id,
            "created_at": created_at,
        },
    ).fetchone()
    assert row is not None
    return int(row[0])


def insert_run_superclass(
    cursor: Cursor, run_id: int, superclass: str, prompt: str, text_embedding: Sequence[float]
) -> None:
    """Add a superclass with its prompt to a run."""
    cursor.execute(
        """
        INSERT INTO score_run_superclass (run_id, superclass, prompt, text_embedding)
        VALUES ($run_id, $superclass, $prompt, $text_embedding)
        """,
        {"run_id": run_id, "superclass": superclass, "prompt": prompt, "text_embedding": list(text_embedding)},
    )


def append_similarities(cursor: Cursor, run_id: int, superclass: str, similarities: pa.Table) -> None:
    """Store the similarities of a superclass: a table of wnid, image_id and similarity, already sorted."""
    cursor.register("incoming", similarities)
    try:
        cursor.execute(
            """
            INSERT INTO similarity (run_id, superclass, wnid, image_id, similarity)
            SELECT $run_id, $superclass, wnid, image_id, similarity
            FROM incoming
            """,
            {"run_id": run_id, "superclass": superclass},
        )
    finally:
        cursor.unregister("incoming")


def fetch_runs(cursor: Cursor) -> list[ScoreRun]:
    """All runs, oldest first."""
    rows = cursor.execute(
        """
        SELECT
            score_run.run_id, score_run.set_id, embedding_set.model_key, embedding_set.model, embedding_set.pretrained,
            embedding_set.weights_sha256, embedding_set.dimensions, score_run.template, score_run.keep_underscores,
            score_run.job_id, score_run.created_at,
            (SELECT count(*) FROM score_run_superclass AS part WHERE part.run_id = score_run.run_id) AS superclasses,
            (SELECT count(*) FROM similarity WHERE similarity.run_id = score_run.run_id) AS images
        FROM score_run
        JOIN embedding_set USING (set_id)
        ORDER BY score_run.run_id
        """
    ).fetchall()
    return [ScoreRun(*row) for row in rows]


def fetch_run_superclasses(cursor: Cursor, run_id: int) -> list[ScoredSuperclass]:
    """The superclasses of a run with their prompts, by name."""
    rows = cursor.execute(
        """
        SELECT
            part.run_id, part.superclass, part.prompt,
            (
                SELECT count(*) FROM similarity
                WHERE similarity.run_id = part.run_id AND similarity.superclass = part.superclass
            ) AS images
        FROM score_run_superclass AS part
        WHERE part.run_id = $run_id
        ORDER BY part.superclass
        """,
        {"run_id": run_id},
    ).fetchall()
    return [ScoredSuperclass(*row) for row in rows]


def fetch_text_embeddings(cursor: Cursor, run_id: int) -> dict[str, list[float]]:
    """Superclass to the L2-normalised embedding of its prompt, by superclass."""
    rows = cursor.execute(
        """
        SELECT superclass, text_embedding
        FROM score_run_superclass
        WHERE run_id = $run_id
        ORDER BY superclass
        """,
        {"run_id": run_id},
    ).fetchall()
    return dict(rows)


def fetch_similarities(cursor: Cursor, run_id: int, superclass: str, states: Sequence[str]) -> pa.Table:
    """The similarities of a superclass: wnid, image_id, similarity; sorted by wnid and image_id.

    Only pictures that are still there and nobody marked as bad, of candidates in one of the states.
    """
    return cursor.sql(
        """
        SELECT similarity.wnid AS wnid, similarity.image_id AS image_id, similarity.similarity AS similarity
        FROM similarity
        SEMI JOIN (
            SELECT image.image_id
            FROM image
            SEMI JOIN candidate ON candidate.wnid = image.wnid AND candidate.superclass = $superclass
        ) AS present ON present.image_id = similarity.image_id
        SEMI JOIN (
            SELECT wnid FROM candidate_state WHERE superclass = $superclass AND list_contains($states, state)
        ) AS chosen ON chosen.wnid = similarity.wnid
        ANTI JOIN (SELECT image_id FROM marked_image WHERE mark = 'bad') AS bad ON bad.image_id = similarity.image_id
        WHERE similarity.run_id = $run_id AND similarity.superclass = $superclass
        ORDER BY similarity.wnid, similarity.image_id
        """,
        params={"run_id": run_id, "superclass": superclass, "states": list(states)},
    ).to_arrow_table()
