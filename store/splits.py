"""Named splits: their settings as events, and the similarities that they are cut from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class Split:
    """A named split and the scoring run that it was made on."""

    split: str
    run_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SettingEvent:
    """One change of a setting. value is JSON; for the keys undo and redo it is the step that they speak of."""

    event_id: UUID
    step_id: UUID
    split: str
    superclass: str | None
    key: str
    value: str
    reviewer: str
    at: datetime
    note: str | None


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
class Coverage:
    """How much of the image folders a workspace uses: synsets and pictures that are there, candidates, accepted."""

    synsets: int
    pictures: int
    candidate_synsets: int
    candidate_pictures: int
    accepted_synsets: int
    accepted_pictures: int


@dataclass(frozen=True, slots=True)
class Similarities:
    """Similarities sorted by place and image_id: place int64, image_id int64, similarity float32, each [n]."""

    place: npt.NDArray[np.int64]
    image_id: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float32]


def fetch_splits(cursor: Cursor) -> list[Split]:
    """All splits, oldest first."""
    rows = cursor.execute("SELECT split, run_id, created_at FROM split ORDER BY created_at, split").fetchall()
    return [Split(*row) for row in rows]


def insert_split(cursor: Cursor, split: Split) -> None:
    """Add a split."""
    cursor.execute(
        "INSERT INTO split (split, run_id, created_at) VALUES ($split, $run_id, $created_at)",
        {"split": split.split, "run_id": split.run_id, "created_at": split.created_at},
    )


def append_settings(cursor: Cursor, events: Sequence[SettingEvent]) -> None:
    """Append changes of settings."""
    cursor.executemany(
        """
        INSERT INTO split_setting (event_id, step_id, split, superclass, key, value, reviewer, "at", note)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            (e.event_id, e.step_id, e.split, e.superclass, e.key, e.value, e.reviewer, e.at, e.note)
            for e in events
        ],
    )  # fmt: skip


def fetch_settings(cursor: Cursor, split: str) -> list[SettingEvent]:
    """Every change of a split's settings, oldest first, undo and redo among them."""
    rows = cursor.execute(
        """
        SELECT event_id, step_id, split, superclass, key, value, reviewer, "at", note
        FROM split_setting
        WHERE split = $split
        ORDER BY event_id
        """,
        {"split": split},
    ).fetchall()
    return [SettingEvent(*row) for row in rows]


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


def fetch_drawn_order(cursor: Cursor, image_ids: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """The pictures in an order drawn by the seed; each one's place depends on its own path only, int64 [n]."""
    cursor.register("wanted", pa.table({"image_id": image_ids}))
    try:
        found = cursor.execute(
            """
            SELECT image.image_id
            FROM image
            SEMI JOIN wanted USING (image_id)
            ORDER BY sha256($seed::VARCHAR || chr(9) || image.wnid || chr(9) || image.path), image.image_id
            """,
            {"seed": seed},
        ).fetchnumpy()
    finally:
        cursor.unregister("wanted")
    return np.asarray(found["image_id"], np.int64)


def fetch_related(cursor: Cursor, wnids: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs among some synsets in which the first lies above the second, sorted."""
    rows: list[tuple[str, str]] = cursor.execute(
        """
        WITH asked AS (SELECT unnest($wnids) AS wnid)
        SELECT hyponym_closure.ancestor_wnid, hyponym_closure.wnid
        FROM hyponym_closure
        JOIN asked ON asked.wnid = hyponym_closure.wnid
        JOIN asked AS above ON above.wnid = hyponym_closure.ancestor_wnid
        ORDER BY hyponym_closure.ancestor_wnid, hyponym_closure.wnid
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    return rows


def fetch_distances(cursor: Cursor) -> dict[tuple[str, str], int]:
    """Steps from each accepted subclass up to the nearest root of its superclass, by both; a root has 0."""
    rows = cursor.execute(
        """
        SELECT state.superclass, state.wnid, min(coalesce(below.depth, 0)) AS distance
        FROM candidate_state AS state
        JOIN superclass_root AS root USING (superclass)
        LEFT JOIN hyponym_closure AS below ON below.ancestor_wnid = root.wnid AND below.wnid = state.wnid
        WHERE state.state = 'accept' AND (below.depth IS NOT NULL OR root.wnid = state.wnid)
        GROUP BY state.superclass, state.wnid
        """
    ).fetchall()
    return {(row[0], row[1]): row[2] for row in rows}


def fetch_coverage(cursor: Cursor) -> Coverage:
    """Synsets and pictures that are there, that are candidates, and that are accepted; each counted once."""
    row = cursor.execute(
        """
        WITH there AS (
            SELECT wnid, images FROM image_count WHERE images > 0
        ), claimed AS (
            SELECT wnid, bool_or(state = 'accept') AS is_accepted FROM candidate_state GROUP BY wnid
        )
        SELECT
            count(*),
            coalesce(sum(images), 0),
            count(claimed.wnid),
            coalesce(sum(images) FILTER (claimed.wnid IS NOT NULL), 0),
            count(*) FILTER (is_accepted),
            coalesce(sum(images) FILTER (is_accepted), 0)
        FROM there
        LEFT JOIN claimed USING (wnid)
        """
    ).fetchone()
    assert row is not None
    return Coverage(*(int(value) for value in row))
