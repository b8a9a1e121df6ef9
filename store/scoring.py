"""Embeddings, scoring runs and similarities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from store.connection import Cursor

CATALOGUE_ID = "catalogue_id"


@dataclass(frozen=True, slots=True)
class EmbeddingSet:
    """The embeddings of one model."""

    set_id: int
    model_key: str
    model: str
    pretrained: str | None
    weights_sha256: str
    dimensions: int
    added_at: datetime


@dataclass(frozen=True, slots=True)
class EmbeddingPart:
    """A float16 array [rows, dimensions]; the path is relative to the workspace."""

    part_id: int
    set_id: int
    path: str
    rows: int
    sha256: str


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


def fetch_superclass_names(cursor: Cursor) -> list[str]:
    """The names of all superclasses, sorted."""
    rows = cursor.execute("SELECT superclass FROM superclass ORDER BY superclass").fetchall()
    return [row[0] for row in rows]


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


def fetch_set(cursor: Cursor, model_key: str) -> EmbeddingSet | None:
    """The embeddings of a model; None if there are none yet."""
    rows = cursor.execute(
        """
        SELECT set_id, model_key, model, pretrained, weights_sha256, dimensions, added_at
        FROM embedding_set
        WHERE model_key = $model_key
        """,
        {"model_key": model_key},
    ).fetchall()  # read to its end: nothing can be registered with a cursor whose result is still open
    return EmbeddingSet(*rows[0]) if rows else None


def insert_set(
    cursor: Cursor,
    model_key: str,
    model: str,
    pretrained: str | None,
    weights_sha256: str,
    dimensions: int,
    added_at: datetime,
) -> None:
    """Add the embeddings of a model, without parts."""
    cursor.execute(
        """
        INSERT INTO embedding_set (set_id, model_key, model, pretrained, weights_sha256, dimensions, added_at)
        SELECT coalesce(max(set_id), 0) + 1, $model_key, $model, $pretrained, $weights_sha256, $dimensions, $added_at
        FROM embedding_set
        """,
        {
            "model_key": model_key,
            "model": model,
            "pretrained": pretrained,
            "weights_sha256": weights_sha256,
            "dimensions": dimensions,
            "added_at": added_at,
        },
    )


def fetch_parts(cursor: Cursor, set_id: int) -> list[EmbeddingPart]:
    """The parts of a model's embeddings, in the order in which they came."""
    rows = cursor.execute(
        """
        SELECT part_id, set_id, path, rows, sha256
        FROM embedding_part
        WHERE set_id = $set_id
        ORDER BY part_id
        """,
        {"set_id": set_id},
    ).fetchall()
    return [EmbeddingPart(*row) for row in rows]


def fetch_part_id(cursor: Cursor, path: str) -> int | None:
    """The id of a part; None if it is not registered."""
    row = cursor.execute("SELECT part_id FROM embedding_part WHERE path = $path", {"path": path}).fetchone()
    return None if row is None else int(row[0])


def insert_part(cursor: Cursor, set_id: int, path: str, rows: int, sha256: str) -> int:
    """Register a part.

    Returns: its id.
    """
    row = cursor.execute(
        """
        INSERT INTO embedding_part (part_id, set_id, path, rows, sha256)
        SELECT coalesce(max(part_id), 0) + 1, $set_id, $path, $rows, $sha256
        FROM embedding_part
        RETURNING part_id
        """,
        {"set_id": set_id, "path": path, "rows": rows, "sha256": sha256},
    ).fetchone()
    assert row is not None
    return int(row[0])


def append_embeddings(cursor: Cursor, set_id: int, part_id: int, part: pa.Table) -> None:
    """Note where the rows of a part's pictures are; pictures that have an embedding already keep it.

    Args:
        part: image_id and row, NULL where a picture could not be read.
    """
    cursor.register("incoming", part)
    try:
        cursor.execute(
            """
            INSERT INTO embedding (set_id, image_id, part_id, row)
            SELECT $set_id, incoming.image_id, $part_id, incoming.row
            FROM incoming
            ANTI JOIN (SELECT image_id FROM embedding WHERE set_id = $set_id) AS known
                ON known.image_id = incoming.image_id
            WHERE incoming.row IS NOT NULL
            ORDER BY incoming.row
            """,
            {"set_id": set_id, "part_id": part_id},
        )
    finally:
        cursor.unregister("incoming")


def delete_read_issues(cursor: Cursor, part: pa.Table) -> None:
    """Forget that the pictures of a part (image_id) could not be read; what is still so is written again."""
    cursor.register("incoming", part)
    try:
        cursor.execute(
            """
            DELETE FROM image_issue
            WHERE kind IN ('undecodable', 'missing_file') AND image_id IN (SELECT image_id FROM incoming)
            """
        )
    finally:
        cursor.unregister("incoming")


def append_read_issues(cursor: Cursor, part: pa.Table, found_at: datetime) -> None:
    """Record the pictures of a part that could not be read: image_id, row (NULL), status (the kind) and reason."""
    cursor.register("incoming", part)
    try:
        cursor.execute(
            """
            INSERT INTO image_issue (root_id, image_id, wnid, path, kind, detail, found_at)
            SELECT image.root_id, image.image_id, image.wnid, image.path, incoming.status, incoming.reason, $found_at
            FROM incoming
            JOIN image ON image.image_id = incoming.image_id
            WHERE incoming.row IS NULL
            ORDER BY image.wnid, image.root_id, image.path
            """,
            {"found_at": found_at},
        )
    finally:
        cursor.unregister("incoming")


def fetch_embedded(cursor: Cursor, set_id: int, wnids: Sequence[str]) -> pa.Table:
    """Where the embeddings of the synsets' pictures are: wnid, image_id, part_id, row; sorted by wnid and image_id."""
    return cursor.sql(
        """
        SELECT image.wnid AS wnid, image.image_id AS image_id, embedding.part_id AS part_id, embedding.row AS row
        FROM image
        JOIN embedding ON embedding.image_id = image.image_id AND embedding.set_id = $set_id
        WHERE list_contains($wnids, image.wnid)
        ORDER BY image.wnid, image.image_id
        """,
        params={"set_id": set_id, "wnids": list(wnids)},
    ).to_arrow_table()


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
