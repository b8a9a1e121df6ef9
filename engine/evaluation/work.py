"""The pictures of a run as tables: all of them by set, and those that a model has to embed."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyarrow import compute

from engine.evaluation.labels import Labels
from engine.evaluation.sets.pictures import PictureSet


def pictures_table(sets: Sequence[PictureSet], labels: Labels) -> pa.Table:
    """The pictures of all sets: their items, part (place of the set), position in it, and label (null: none)."""
    tables = []
    for part, one in enumerate(sets):
        count = len(one)
        tables.append(
            one.items.append_column("part", pa.array(np.full(count, part), pa.int32()))
            .append_column("position", pa.array(np.arange(count), pa.int64()))
            .append_column("label", labels.indices(one.items))
        )
    return pa.concat_tables(tables)


def work_table(pictures: pa.Table, models: int) -> pa.Table | None:
    """What must be embedded: each picture once for each model, however many sets it is in; model after model.

    Args:
        pictures: of all sets.
        models: how many embed them.

    Returns: image_id, path, size, mtime_ns and model (its place among the models); None where all embeddings are given.
    """
    files = pictures.filter(compute.is_null(pictures["row"])).select(["image_id", "path", "size", "mtime_ns"])
    if not files.num_rows or not models:
        return None
    paths = files["path"].to_pylist()
    first = {path: row for row, path in reversed(list(enumerate(paths)))}
    once = files.take(pa.array(sorted(first.values()), pa.int64()))
    rows = once.num_rows
    return pa.concat_tables(
        [once.append_column("model", pa.array(np.full(rows, number), pa.int32())) for number in range(models)]
    )
