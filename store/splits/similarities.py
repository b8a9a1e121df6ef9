"""The similarities that splits are cut from: runs, prompts, and the scores of accepted subclasses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A scoring run with what a record of the split names: the model, its weights and how the prompts were made."""

    run_id: int
    model_key: str
    model: str
    pretrained: str | None
    weights_sha256: str
    template: str
    keep_underscores: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text that the pictures of a superclass were compared with, and the run that did so."""

    superclass: str
    run_id: int
    prompt: str


@dataclass(frozen=True, slots=True)
class Pair:
    """An accepted subclass and the run that its similarities are taken from; -1 where no run has them."""

    superclass: str
    wnid: str
    run_id: int


@dataclass(frozen=True, slots=True)
class Label:
    """A synset that an accepted subclass stands for: NLTK's name and the first lemma."""

    wnid: str
    name: str
    lemma: str


@dataclass(frozen=True, slots=True)
class Similarities:
    """Similarities sorted by place and image_id: place int64, image_id int64, similarity float32, each [n]."""

    place: npt.NDArray[np.int64]
    image_id: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float32]


def fetch_runs(cursor: Cursor) -> list[ScoredRun]:
    """All scoring runs, oldest first."""
    rows = cursor.execute(
        """
        SELECT
            score_run.run_id, embedding_set.model_key, embedding_set.model, embedding_set.pretrained,
            embedding_set.weights_sha256, score_run.template, score_run.keep_underscores, score_run.created_at
        FROM score_run
        JOIN embedding_set USING (set_id)
        ORDER BY score_run.run_id
        """
    ).fetchall()
    return [ScoredRun(*row) for row in rows]


def fetch_prompts(cursor: Cursor, run_id: int) -> list[Prompt]:
    """The prompt of each superclass, from the run or else from the newest that differs from it in nothing else.

    Runs of the same weights and template give a picture the same similarity; so a superclass that was scored by
    itself, later, belongs to the same measurement.
    """
    rows = cursor.execute(
        """
        SELECT part.superclass, part.run_id, part.prompt
        FROM score_run AS asked
        JOIN score_run AS run USING (set_id, template, keep_underscores)
        JOIN score_run_superclass AS part ON part.run_id = run.run_id
        WHERE asked.run_id = $run_id
        QUALIFY row_number() OVER (
            PARTITION BY part.superclass ORDER BY part.run_id = $run_id DESC, part.run_id DESC
        ) = 1
        ORDER BY part.superclass
        """,
        {"run_id": run_id},
    ).fetchall()
    return [Prompt(*row) for row in rows]


def fetch_labels(cursor: Cursor, wnids: Sequence[str]) -> dict[str, Label]:
    """Name and first lemma of synsets, by wnid."""
    rows = cursor.execute(
        """
        SELECT synset.wnid, synset.name, lemma.lemma
        FROM synset
        JOIN lemma ON lemma.wnid = synset.wnid AND lemma.position = 0
        WHERE synset.wnid IN (SELECT unnest($wnids))
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    return {row[0]: Label(*row) for row in rows}


def fetch_similarities(cursor: Cursor, pairs: Sequence[Pair]) -> Similarities:
    """Similarities of the pictures that are there, can be read and are not marked as bad.

    Args:
        cursor: for reading.
        pairs: the place of a picture is the index of its pair in this list.
    """
    cursor.register("pair", _pair_table(pairs))
    columns = cursor.execute(
        """
        SELECT pair.place, similarity.image_id, similarity.similarity
        FROM similarity
        JOIN pair USING (run_id, superclass, wnid)
        SEMI JOIN image USING (image_id)
        ANTI JOIN unfit_image USING (image_id)
        ORDER BY pair.place, similarity.image_id
        """
    ).fetchnumpy()
    cursor.unregister("pair")
    return Similarities(
        np.asarray(columns["place"], np.int64),
        np.asarray(columns["image_id"], np.int64),
        np.asarray(columns["similarity"], np.float32),
    )


def fetch_picture_counts(cursor: Cursor, wnids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """For each synset with pictures: how many there are, and how many of them cannot be read or are marked as bad."""
    rows: list[Any] = cursor.execute(
        """
        SELECT image.wnid, count(*), count(unfit_image.image_id)
        FROM image
        LEFT JOIN unfit_image USING (image_id)
        WHERE image.wnid IN (SELECT unnest($wnids))
        GROUP BY image.wnid
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def _pair_table(pairs: Sequence[Pair]) -> pa.Table:
    return pa.table(
        {
            "place": pa.array(range(len(pairs)), pa.int64()),
            "superclass": pa.array([pair.superclass for pair in pairs], pa.string()),
            "wnid": pa.array([pair.wnid for pair in pairs], pa.string()),
            "run_id": pa.array([pair.run_id for pair in pairs], pa.int32()),
        }
    )
