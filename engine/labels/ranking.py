"""Comparing embeddings with the names of classes: what the job is told, for proposals and for zero-shot predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from engine.errors import EngineError
from engine.labels.classes import ClassNames
from engine.scoring.prompts import make_prompt
from engine.workspace import Workspace
from store.connection import Cursor
from store.evaluation.sets import fetch_with_pictures
from store.scoring import runs as store
from store.scoring.embeddings import EmbeddingSet, fetch_embedded, fetch_parts, fetch_set

WORK_SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.int64(), nullable=False),
        pa.field("array", pa.string(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
        pa.field("original", pa.int32()),
    ]
)
"""One row a picture: where its embedding lies, and the class index of its folder; NULL where it is no class."""


@dataclass(frozen=True, slots=True)
class RankingSettings:
    """The settings of a ranking job.

    Attributes:
        model, pretrained: as the embeddings were made.
        model_key: of the embeddings; the model that is loaded must have the same.
        class_list: name of the list of classes.
        wnids: the classes.
        prompts: what each class is called, in the same order.
        template: as the user wrote it.
        temperature: of the softmax.
        least_share: of proposals.
        depth: how many classes are ranked, for predictions.
        name: of the predictions; empty for proposals.
    """

    model: str
    pretrained: str | None
    model_key: str
    class_list: str
    wnids: Sequence[str]
    prompts: Sequence[str]
    template: str
    temperature: float
    least_share: float
    depth: int = 0
    name: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "RankingSettings":
        """From the JSON values of a job."""
        return cls(**values)

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def prompts_of(classes: ClassNames, template: str) -> list[str]:
    """The prompt of each class."""
    return [make_prompt(template, name) for name in classes.names]


def find_set(cursor: Cursor, model: str | None) -> EmbeddingSet:
    """The embeddings of a model: by its key, by its name as the user wrote it, or those that were made last.

    Raises: EngineError when there are none, or several models go by that name.
    """
    runs = store.fetch_runs(cursor)
    keys = {run.model_key: run.model for run in runs}
    if not keys:
        raise EngineError("No picture has an embedding yet.", "`sood-tui scoring run` encodes the pictures.")
    chosen = [runs[-1].model_key] if model is None else [k for k, name in keys.items() if model in (k, name)]
    if len(chosen) != 1:
        problem = "Several models go" if chosen else "No embeddings go"
        raise EngineError(f"{problem} by the name {model}.", f"Name one of: {', '.join(chosen or keys)}.")
    found = fetch_set(cursor, chosen[0])
    assert found is not None, "a run's model has a set"
    return found


def work_list(
    workspace: Workspace, cursor: Cursor, embedded: EmbeddingSet, classes: ClassNames, wnids: Sequence[str] | None
) -> pa.Table:
    """The pictures that have an embedding, see WORK_SCHEMA; of all synsets, or of some."""
    wanted = [wnid for wnid, _ in fetch_with_pictures(cursor)] if wnids is None else list(wnids)
    where = fetch_embedded(cursor, embedded.set_id, wanted)
    paths = {part.part_id: part.path for part in fetch_parts(cursor, embedded.set_id)}
    index = {wnid: place for place, wnid in enumerate(classes.wnids)}
    arrays = pa.array([paths[part_id] for part_id in where["part_id"].to_pylist()], pa.string())
    original = pa.array([index.get(wnid) for wnid in where["wnid"].to_pylist()], pa.int32())
    table = pa.table({"image_id": where["image_id"], "array": arrays, "row": where["row"], "original": original})
    return table.cast(WORK_SCHEMA).sort_by([("array", "ascending"), ("row", "ascending")])


def without(table: pa.Table, image_ids: set[int]) -> pa.Table:
    """The rows of a work list whose picture is none of these."""
    known = np.fromiter(image_ids, np.int64, len(image_ids))
    return table.filter(pa.array(~np.isin(table["image_id"].to_numpy(), known)))
