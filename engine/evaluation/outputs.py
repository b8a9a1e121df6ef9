"""What a run leaves in its folder: numbers, scores, mined words, and the record, written last."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from engine.evaluation.plan import Plan, negatives_file, write_table
from engine.evaluation.results import Classes, metric_rows, rows_table
from engine.evaluation.running import Banks, RunScores
from engine.jobs.files import write_whole

METRICS_FILE = "metrics.parquet"
PICTURES_FILE = "scored.parquet"
SCORES_FILE = "scores.parquet"
RECORD_FILE = "record.json"


def write_run(
    folder: Path, plan: Plan, pictures: pa.Table, scores: RunScores, banks: Banks, record: Mapping[str, Any]
) -> None:
    """Write the numbers and scores of a run.

    Args:
        folder: of the run.
        plan: of the run.
        pictures: those that have an embedding: part, position, image_id, path, wnid, superclass, label; by part.
        scores: of these pictures.
        banks: with what was mined.
        record: model, versions and the like.

    Raises: EngineError when a set is empty or a score is no number; then nothing counts.
    """
    classes = [_classes(pictures.filter(_is_part(pictures, position))) for position in range(len(plan.sets))]
    rows = metric_rows(plan, scores, classes)
    for recipe, words in banks.mined.items():
        ranked = words.append_column("rank", pa.array(np.arange(words.num_rows), pa.int32()))
        write_table(folder, negatives_file(recipe), ranked)
    write_table(folder, PICTURES_FILE, _scored_pictures(pictures, scores))
    write_table(folder, SCORES_FILE, _score_rows(plan, pictures, scores))
    write_table(folder, METRICS_FILE, rows_table(rows))
    write_record(folder, plan, pictures, {**record, "seconds": scores.seconds})


def _classes(mine: pa.Table) -> Classes:
    label = np.array([-1 if value is None else value for value in mine["label"].to_pylist()], dtype=np.int64)
    return Classes(label, mine["superclass"].to_pylist(), mine["wnid"].to_pylist())


def _is_part(pictures: pa.Table, position: int) -> pa.Array:
    return compute.equal(pictures["part"], position)


def _scored_pictures(pictures: pa.Table, scores: RunScores) -> pa.Table:
    margins = [part.margin if part.margin is not None else np.full(len(part.predicted), np.nan) for part in scores.sets]
    margin = np.concatenate(margins)
    columns = ["part", "position", "image_id", "path", "wnid", "superclass", "label"]
    return (
        pictures.select(columns)
        .append_column("predicted", pa.array(np.concatenate([part.predicted for part in scores.sets]), pa.int32()))
        .append_column("similarity", pa.array(np.concatenate([part.similarity for part in scores.sets])))
        .append_column("margin", pa.array(margin, mask=~np.isfinite(margin)))
    )


def _score_rows(plan: Plan, pictures: pa.Table, scores: RunScores) -> pa.Table:
    positions = [
        pictures.filter(_is_part(pictures, position))["position"].to_numpy() for position in range(len(plan.sets))
    ]
    tables = []
    for position, part in enumerate(scores.sets):
        for method, values in part.id_scores.items():
            tables.append(_scores_of(method, "", position, positions[position], values))
    for stream in scores.streams:
        against = f"{plan.sets[stream.ood].name}, {stream.order}"
        tables.append(_scores_of(stream.method, against, 0, positions[0], stream.of_id))
        tables.append(_scores_of(stream.method, against, stream.ood, positions[stream.ood], stream.of_ood))
    return pa.concat_tables(tables)


def _scores_of(
    method: str, against: str, part: int, position: NDArray[np.int64], values: NDArray[np.float64]
) -> pa.Table:
    rows = len(values)
    return pa.table(
        {
            "method": pa.array([method] * rows, pa.string()),
            "against": pa.array([against] * rows, pa.string()),
            "part": pa.array(np.full(rows, part), pa.int32()),
            "position": pa.array(position, pa.int64()),
            "id_score": pa.array(values, pa.float64()),
        }
    )


def write_record(folder: Path, plan: Plan, pictures: pa.Table | None, more: Mapping[str, Any]) -> None:
    """The record; it is written last, and its presence is what makes the run count."""
    sets = []
    for position, part in enumerate(plan.sets):
        scored = part.images if pictures is None else compute.sum(_is_part(pictures, position)).as_py()
        sets.append({**asdict(part), "unreadable": part.images - scored})
    values = {**asdict(plan), "sets": sets, **more}
    text = json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True)
    write_whole(folder / RECORD_FILE, lambda stream: stream.write(text.encode() + b"\n"))
