"""What a run leaves in its folder: numbers, scores, mined words, and the record, written last."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from engine.errors import EngineError
from engine.evaluation.formulas import Array
from engine.evaluation.plan import Plan, negatives_file, write_table
from engine.evaluation.results import Classes, metric_rows, rows_table
from engine.evaluation.running import Banks, RunScores, TextEncoder, evenly_mixed, make_banks
from engine.evaluation.sweep import Grid, SweepResult, check_grid, choose, preview_rows, sweep_results, sweep_scores
from engine.jobs.files import write_whole

METRICS_FILE = "metrics.parquet"
PICTURES_FILE = "scored.parquet"
SCORES_FILE = "scores.parquet"
SWEEP_FILE = "sweep.parquet"
PREVIEW_FILE = "preview.parquet"
RECORD_FILE = "record.json"


class Progress(Protocol):
    """What a job tells its watchers."""

    def advance(self, units: int = 1, **detail: Any) -> None:
        """Count units and show small values."""
        ...


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
    _write_record(folder, plan, pictures, {**record, "seconds": scores.seconds})


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
        against = f"{plan.sets[stream.ood].name}, {plan.order}"
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


def write_sweep(
    folder: Path,
    plan: Plan,
    images: Sequence[Array],
    words: Mapping[str, pa.Table],
    encoder: TextEncoder,
    id_labels: Sequence[int | None],
    record: Mapping[str, Any],
    to_device: Callable[[Array], Array],
    progress: Progress,
) -> None:
    """Sweep: first a preview on a sample, then all pictures, variant by variant, each written as it is there."""
    assert plan.sweep is not None
    grid = Grid(plan.sweep.counts, plan.sweep.groups, plan.sweep.temperatures)
    sizes = {str(position): len(part) for position, part in enumerate(images)}
    rows = preview_rows(sizes, plan.seed)
    sample = [np.asarray(part[:])[rows[str(position)]] for position, part in enumerate(images)]
    variants = list(_variants(plan, words, encoder, images, id_labels))
    previews: list[_Row] = []
    for variant, labels, negatives in variants:
        previews += _sweep_rows(plan, grid, variant, sample, labels, negatives, to_device)[0]
        write_table(folder, PREVIEW_FILE, _sweep_table(previews))
        progress.advance(0, stage=f"preview {variant}")
    exact: list[_Row] = []
    chosen: list[tuple[float, list[_Row]]] = []
    for variant, labels, negatives in variants:
        found, best = _sweep_rows(plan, grid, variant, images, labels, negatives, to_device, progress)
        exact += found
        chosen.append(best)
        write_table(folder, SWEEP_FILE, _sweep_table(exact))
        progress.advance(0, stage=f"exact {variant}")
    best_rows = max(chosen, key=lambda pair: pair[0])[1]
    write_table(folder, SWEEP_FILE, _sweep_table([*best_rows, *exact]))
    _write_record(folder, plan, None, {**record, "preview_pictures": {k: len(v) for k, v in rows.items()}})


@dataclass(frozen=True, slots=True)
class _Row:
    variant: str
    is_chosen: bool
    result: SweepResult


def _variants(
    plan: Plan,
    words: Mapping[str, pa.Table],
    encoder: TextEncoder,
    images: Sequence[Array],
    id_labels: Sequence[int | None],
) -> Iterator[tuple[str, Array, Array]]:
    """Rankings to sweep over: one a percentile; the texts are embedded once."""
    assert plan.sweep is not None
    most = max(plan.sweep.counts)
    for percentile in plan.sweep.percentiles:
        for recipe, source in plan.negatives.items():
            wanted = source if source.given else replace(source, percentile=percentile, count=most)
            narrowed = replace(plan, recipes={recipe: plan.recipes[recipe]}, negatives={recipe: wanted})
            bank = make_banks(narrowed, words, encoder, images[0], id_labels)
            one = bank.banks[recipe]
            assert one.negatives is not None
            table = bank.mined.get(recipe, words[recipe])
            order = evenly_mixed(table["pos"].to_pylist())
            grid = Grid(plan.sweep.counts, plan.sweep.groups, plan.sweep.temperatures)
            check_grid(grid, len(order))
            name = f"{recipe}, {source.given}" if source.given else f"{recipe}, percentile {percentile:g}"
            yield name, one.labels, one.negatives[order]


def _sweep_rows(
    plan: Plan,
    grid: Grid,
    variant: str,
    images: Sequence[Array],
    labels: Array,
    negatives: Array,
    to_device: Callable[[Array], Array],
    progress: Progress | None = None,
) -> tuple[list[_Row], tuple[float, list[_Row]]]:
    on_rows = (lambda rows: progress.advance(0, stage=f"exact {variant}")) if progress else (lambda rows: None)
    moved = to_device(labels), to_device(negatives)
    scores = [sweep_scores(part, *moved, grid, plan.seed, to_device, on_rows) for part in images]
    of_ood = {part.name: scores[position] for position, part in enumerate(plan.sets) if position}
    found = [_Row(variant, False, row) for row in sweep_results(grid.points(), scores[0], of_ood, plan.seed)]
    best = choose(grid.points(), scores[0], of_ood, plan.seed)
    return found, (best.validation_auroc, [_Row(variant, True, row) for row in best.report])


def _sweep_table(rows: Sequence[_Row]) -> pa.Table:
    listed = []
    for row in rows:
        values = asdict(row.result)
        values["negatives"], values["part"] = values.pop("count"), values.pop("ood")
        listed.append({"variant": row.variant, **values, "is_chosen": row.is_chosen})
    if not listed:
        raise EngineError("The sweep has no result.", "Give it an OOD set.")
    return pa.Table.from_pylist(listed)


def _write_record(folder: Path, plan: Plan, pictures: pa.Table | None, more: Mapping[str, Any]) -> None:
    """The record; it is written last, and its presence is what makes the run count."""
    sets = []
    for position, part in enumerate(plan.sets):
        scored = part.images if pictures is None else compute.sum(_is_part(pictures, position)).as_py()
        sets.append({**asdict(part), "unreadable": part.images - scored})
    values = {**asdict(plan), "sets": sets, **more}
    text = json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True)
    write_whole(folder / RECORD_FILE, lambda stream: stream.write(text.encode() + b"\n"))
