"""Labels that models propose: their runs, and each label's rank and share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class LabelRun:
    """One comparison of the embeddings of a model with the names of classes."""

    label_run_id: int
    set_id: int
    model_key: str
    job_id: str
    class_list: str
    classes: int
    template: str
    temperature: float
    least_share: float
    pictures: int
    proposed: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProposedLabel:
    """A label by one model: its rank, and its share of that model's best score."""

    image_id: int
    wnid: str
    set_id: int
    rank: int
    share: float


def insert_label_run(cursor: Cursor, run: LabelRun) -> None:
    """Record a comparison; its number is given here."""
    cursor.execute(
        """
        INSERT INTO label_run (
            label_run_id, set_id, job_id, class_list, classes, template, temperature, least_share, pictures, created_at
        )
        SELECT
            coalesce(max(label_run_id), 0) + 1, $set_id, $job_id, $class_list, $classes, $template, $temperature,
            $least_share, $pictures, $created_at
        FROM label_run
        """,
        {
            "set_id": run.set_id,
            "job_id": run.job_id,
            "class_list": run.class_list,
            "classes": run.classes,
            "template": run.template,
            "temperature": run.temperature,
            "least_share": run.least_share,
            "pictures": run.pictures,
            "created_at": run.created_at,
        },
    )


def has_label_run(cursor: Cursor, job_id: str) -> bool:
    """Whether the outcome of a job was taken in."""
    found = cursor.execute("SELECT 1 FROM label_run WHERE job_id = $job_id", {"job_id": job_id}).fetchone()
    return found is not None


def fetch_label_runs(cursor: Cursor) -> list[LabelRun]:
    """Every comparison, first to last; proposed counts the labels of its model that stand now."""
    rows = cursor.execute(
        """
        SELECT
            label_run.label_run_id, label_run.set_id, embedding_set.model_key, label_run.job_id, label_run.class_list,
            label_run.classes, label_run.template, label_run.temperature, label_run.least_share, label_run.pictures,
            (
                SELECT count(*) FROM label_proposal
                WHERE label_proposal.set_id = label_run.set_id AND label_proposal.share >= label_run.least_share
            ) AS proposed,
            label_run.created_at
        FROM label_run
        JOIN embedding_set USING (set_id)
        ORDER BY label_run.label_run_id
        """
    ).fetchall()
    return [LabelRun(*row) for row in rows]


def delete_proposals(cursor: Cursor, set_id: int, parts: Sequence[str]) -> None:
    """Forget what a model proposed for the pictures of these Parquet files."""
    cursor.execute(
        """
        DELETE FROM label_proposal
        WHERE set_id = $set_id AND image_id IN (SELECT image_id FROM read_parquet($parts))
        """,
        {"set_id": set_id, "parts": list(parts)},
    )


def insert_proposals(cursor: Cursor, set_id: int, parts: Sequence[str]) -> None:
    """Take in Parquet files of image_id, wnid, rank and share."""
    cursor.execute(
        """
        INSERT INTO label_proposal (image_id, wnid, set_id, rank, share)
        SELECT image_id, wnid, $set_id, rank, share
        FROM read_parquet($parts)
        ORDER BY image_id, rank
        """,
        {"set_id": set_id, "parts": list(parts)},
    )


def fetch_proposals(cursor: Cursor) -> list[ProposedLabel]:
    """Every label that a model ranked, by picture, model and rank."""
    rows = cursor.execute(
        "SELECT image_id, wnid, set_id, rank, share FROM label_proposal ORDER BY image_id, set_id, rank"
    ).fetchall()
    return [ProposedLabel(*row) for row in rows]
