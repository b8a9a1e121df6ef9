"""Labels that models propose, and what people said of each label of each picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import pyarrow as pa

from store.connection import Cursor

LabelState = Literal["confirm", "reject", "pending"]


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
class LabelEvent:
    """One event on one label of one picture; undo and redo name the step they speak of, and picture 0."""

    event_id: UUID
    step_id: UUID
    image_id: int
    wnid: str
    kind: str
    target_step_id: UUID | None
    reviewer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LabelClaim:
    """One label that somebody gives a picture.

    Attributes:
        is_original: it is the synset of the folder that the picture lies in.
        sources: imported sources that say it is valid.
        models: keys of the models that propose it, with a share of the best score of at least one half.
        share: the highest share of the best score that any model gives it, in (0, 1]; None where none ranked it.
        state: what people said last.
        reviewer: who said so; None while it is pending.
    """

    image_id: int
    wnid: str
    lemma: str
    is_original: bool
    sources: tuple[str, ...]
    models: tuple[str, ...]
    share: float | None
    state: LabelState
    reviewer: str | None


@dataclass(frozen=True, slots=True)
class LabelOpinion:
    """The last word of one reviewer on one label of one picture."""

    image_id: int
    wnid: str
    reviewer: str
    kind: str


@dataclass(frozen=True, slots=True)
class QueuedImage:
    """A picture with proposals: how many labels it has to judge, and how many are not judged yet."""

    image_id: int
    wnid: str
    root: str
    path: str
    proposed: int
    pending: int
    own_is_proposed: bool


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


def fetch_claims(cursor: Cursor, image_ids: Sequence[int]) -> list[LabelClaim]:
    """All that is said of the labels of pictures: by folders, sources, models and people.

    Sorted by picture; the label of the folder first, then what most say, then by share and wnid.
    """
    rows = cursor.execute(
        """
        WITH wanted AS (SELECT unnest($image_ids::BIGINT[]) AS image_id),
        said AS (
            SELECT image.image_id, image.wnid, true AS is_original, NULL AS source, NULL AS model, NULL AS share
            FROM image SEMI JOIN wanted USING (image_id)
            UNION ALL
            SELECT label.image_id, label.wnid, false, label.source, NULL, NULL
            FROM label SEMI JOIN wanted USING (image_id)
            UNION ALL
            SELECT
                label_proposal.image_id, label_proposal.wnid, false, NULL,
                CASE WHEN label_proposal.share >= 0.5 THEN embedding_set.model_key END, label_proposal.share
            FROM label_proposal SEMI JOIN wanted USING (image_id) JOIN embedding_set USING (set_id)
            UNION ALL
            SELECT label_decision_state.image_id, label_decision_state.wnid, false, NULL, NULL, NULL
            FROM label_decision_state SEMI JOIN wanted USING (image_id)
        )
        SELECT
            said.image_id, said.wnid, any_value(lemma.lemma), bool_or(said.is_original),
            coalesce(list(DISTINCT said.source ORDER BY said.source) FILTER (WHERE said.source IS NOT NULL), []),
            coalesce(list(DISTINCT said.model ORDER BY said.model) FILTER (WHERE said.model IS NOT NULL), []),
            max(said.share), coalesce(any_value(label_decision_state.state), 'pending'),
            any_value(label_decision_state.reviewer)
        FROM said
        LEFT JOIN lemma ON lemma.wnid = said.wnid AND lemma.position = 0
        LEFT JOIN label_decision_state
            ON label_decision_state.image_id = said.image_id AND label_decision_state.wnid = said.wnid
        GROUP BY said.image_id, said.wnid
        ORDER BY
            said.image_id, bool_or(said.is_original) DESC,
            count(DISTINCT said.model) + count(DISTINCT said.source) DESC, max(said.share) DESC NULLS LAST, said.wnid
        """,
        {"image_ids": list(image_ids)},
    ).fetchall()
    return [
        LabelClaim(row[0], row[1], row[2] or row[1], row[3], tuple(row[4]), tuple(row[5]), row[6], row[7], row[8])
        for row in rows
    ]


def fetch_queue(cursor: Cursor, everything: bool = True) -> list[QueuedImage]:
    """Pictures that a model looked at, with the number of labels to judge; the label of the folder is one of them.

    Args:
        everything: also what is judged, and pictures whose only proposal is their own label.
    """
    rows = cursor.execute(
        """
        WITH claim AS (
            SELECT image_id, wnid, bool_or(share >= 0.5) AS is_proposed
            FROM label_proposal
            GROUP BY image_id, wnid
            UNION ALL
            SELECT image.image_id, image.wnid, false
            FROM image
            SEMI JOIN label_proposal ON label_proposal.image_id = image.image_id
            ANTI JOIN label_proposal AS same ON same.image_id = image.image_id AND same.wnid = image.wnid
        )
        SELECT
            image.image_id, image.wnid, image_root.name, image.path, count(*) FILTER (WHERE claim.is_proposed),
            count(*) FILTER (WHERE label_decision_state.state IS NULL),
            bool_or(claim.wnid = image.wnid AND claim.is_proposed)
        FROM claim
        JOIN image USING (image_id)
        JOIN image_root USING (root_id)
        LEFT JOIN label_decision_state
            ON label_decision_state.image_id = claim.image_id AND label_decision_state.wnid = claim.wnid
        GROUP BY image.image_id, image.wnid, image_root.name, image.path
        HAVING $everything OR (
            count(*) FILTER (WHERE label_decision_state.state IS NULL) > 0
            AND (
                count(*) FILTER (WHERE claim.is_proposed) > 1
                OR NOT bool_or(claim.wnid = image.wnid AND claim.is_proposed)
            )
        )
        ORDER BY image.image_id
        """,
        {"everything": everything},
    ).fetchall()
    return [QueuedImage(*row) for row in rows]


def append_label_events(cursor: Cursor, events: Sequence[LabelEvent]) -> None:
    """Append events."""
    cursor.execute(
        """
        INSERT INTO label_decision (event_id, step_id, image_id, wnid, kind, target_step_id, reviewer, "at")
        SELECT
            unnest($event_ids::UUID[]), unnest($step_ids::UUID[]), unnest($image_ids::BIGINT[]),
            unnest($wnids::VARCHAR[]), unnest($kinds::VARCHAR[]), unnest($target_step_ids::UUID[]),
            unnest($reviewers::VARCHAR[]), unnest($times::TIMESTAMPTZ[])
        """,
        {
            "event_ids": [event.event_id for event in events],
            "step_ids": [event.step_id for event in events],
            "image_ids": [event.image_id for event in events],
            "wnids": [event.wnid for event in events],
            "kinds": [event.kind for event in events],
            "target_step_ids": [event.target_step_id for event in events],
            "reviewers": [event.reviewer for event in events],
            "times": [event.at for event in events],
        },
    )


def fetch_newest_label_event_id(cursor: Cursor) -> UUID | None:
    """The greatest event_id of the log of labels."""
    row = cursor.execute("SELECT max(event_id) FROM label_decision").fetchone()
    return None if row is None else row[0]


def fetch_label_log(cursor: Cursor, limit: int | None = None) -> list[LabelEvent]:
    """Every event on labels, newest first."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, image_id, wnid, kind, target_step_id, reviewer, "at"
        FROM label_decision
        ORDER BY event_id DESC
        LIMIT coalesce($limit, 9223372036854775807)
        """,
        {"limit": limit},
    ).fetchall()
    return [LabelEvent(*row) for row in rows]


def fetch_label_step(cursor: Cursor, step_id: UUID) -> list[LabelEvent]:
    """The events of one step, in the order in which they were made."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, image_id, wnid, kind, target_step_id, reviewer, "at"
        FROM label_decision
        WHERE step_id = $step_id
        ORDER BY event_id
        """,
        {"step_id": step_id},
    ).fetchall()
    return [LabelEvent(*row) for row in rows]


def fetch_undoable_label_step(cursor: Cursor) -> UUID | None:
    """The newest step that is not taken back."""
    row = cursor.execute(
        """
        SELECT step_id
        FROM label_decision
        WHERE kind IN ('confirm', 'reject')
          AND step_id NOT IN (
              SELECT target_step_id
              FROM label_decision
              WHERE kind IN ('undo', 'redo')
              GROUP BY target_step_id
              HAVING arg_max(kind, event_id) = 'undo'
          )
        ORDER BY event_id DESC
        LIMIT 1
        """
    ).fetchone()
    return None if row is None else row[0]


def fetch_redoable_label_step(cursor: Cursor) -> UUID | None:
    """The step whose undo is the newest event but for other undos and redos; None where something was decided since."""
    row = cursor.execute(
        """
        SELECT target_step_id
        FROM label_decision
        WHERE kind IN ('undo', 'redo')
        GROUP BY target_step_id
        HAVING arg_max(kind, event_id) = 'undo'
           AND max(event_id) > (SELECT max(event_id) FROM label_decision WHERE kind IN ('confirm', 'reject'))
        ORDER BY max(event_id) DESC
        LIMIT 1
        """
    ).fetchone()
    return None if row is None else row[0]


def fetch_label_opinions(cursor: Cursor) -> list[LabelOpinion]:
    """The last word of each reviewer on each label; what was taken back does not count."""
    rows = cursor.execute(
        """
        SELECT image_id, wnid, reviewer, arg_max(kind, event_id)
        FROM label_decision
        WHERE kind IN ('confirm', 'reject')
          AND step_id NOT IN (
              SELECT target_step_id
              FROM label_decision
              WHERE kind IN ('undo', 'redo')
              GROUP BY target_step_id
              HAVING arg_max(kind, event_id) = 'undo'
          )
        GROUP BY image_id, wnid, reviewer
        ORDER BY image_id, wnid, reviewer
        """
    ).fetchall()
    return [LabelOpinion(*row) for row in rows]


def fetch_own_labels(cursor: Cursor) -> pa.Table:
    """What people have settled: image_id, path, wnid (of the folder) and labels (list of confirmed wnids).

    A picture is settled when something was decided on it and neither its own label nor a proposal is pending.
    """
    return cursor.sql(
        """
        SELECT
            image.image_id, image.path, image.wnid,
            coalesce(
                list(decided.wnid ORDER BY decided.wnid) FILTER (WHERE decided.state = 'confirm'), []
            ) AS labels
        FROM label_decision_state AS decided
        JOIN image USING (image_id)
        ANTI JOIN (
            SELECT label_proposal.image_id
            FROM label_proposal
            ANTI JOIN label_decision_state AS said
                ON said.image_id = label_proposal.image_id AND said.wnid = label_proposal.wnid
        ) AS open_proposal ON open_proposal.image_id = image.image_id
        SEMI JOIN label_decision_state AS own ON own.image_id = image.image_id AND own.wnid = image.wnid
        GROUP BY image.image_id, image.path, image.wnid
        ORDER BY image.image_id
        """
    ).to_arrow_table()


def fetch_labelled_ids(cursor: Cursor) -> set[int]:
    """The pictures that any imported source speaks of."""
    return {row[0] for row in cursor.execute("SELECT DISTINCT image_id FROM label_image").fetchall()}


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


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """Where a picture lies: name and folder of its root (as text), and its path below it."""

    image_id: int
    wnid: str
    root: str
    folder: str
    path: str


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
