"""What is said of the labels of pictures by folders, sources, models and people, and what waits for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from store.connection import Cursor

LabelState = Literal["confirm", "reject", "pending"]


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
class QueuedImage:
    """A picture with proposals: how many labels it has to judge, and how many are not judged yet."""

    image_id: int
    wnid: str
    root: str
    path: str
    proposed: int
    pending: int
    own_is_proposed: bool


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
