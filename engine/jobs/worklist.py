"""The work list of a job, as it is written: rows in shards, one row group each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.jobs.devices import places_of
from engine.jobs.disk import require_space
from engine.jobs.execution import Execution
from engine.jobs.files import write_whole
from engine.jobs.kinds import find_kind
from engine.jobs.spec import JsonValue

if TYPE_CHECKING:
    import pyarrow

SHARD_ROWS = 4096
ON_GPUS = 16_384
"""Rows of a shard where only GPUs work: what one of them does in a second or two, and between shards it has to wait."""
SHARDS_EACH = 4
ON_A_CLUSTER = 16
"""Processes that a cluster is taken to have before anybody has asked it."""


@dataclass(frozen=True, slots=True)
class WrittenWork:
    """What the work list holds: rows in all, and shards."""

    rows: int
    shards: int


def rows_of_a_shard(
    kind: str,
    settings: Mapping[str, JsonValue],
    work: "pyarrow.Table | Iterable[pyarrow.RecordBatch] | None",
    device: str | None,
    execution: Execution,
    most: int | None = None,
) -> int:
    """Shards of whole batches, so small that every process gets several.

    Args:
        kind: of the job.
        settings: of the job; its ``batch_size`` counts, if it has one.
        work: the work list.
        device: as the user wrote it.
        execution: who schedules the shards.
        most: rows of a shard where a single process does them all; None: as suits the device.
    """
    if not find_kind(kind).parallel:
        return most or SHARD_ROWS
    places = () if execution.executor == "ray" else places_of(device)
    on_gpus = bool(places) and all(place.device.startswith("cuda") for place in places)
    each = most or (ON_GPUS if on_gpus else SHARD_ROWS)
    processes = len(places) or ON_A_CLUSTER
    if processes > 1:
        each = min(each, -(-getattr(work, "num_rows", 0) // (processes * SHARDS_EACH)))
    said = settings.get("batch_size")
    batch = said if isinstance(said, int) and said > 0 else find_kind(kind).batch_rows
    # Batches are the same then however many processes share the work, and so is what a model says of each.
    return max(1, -(-each // batch)) * batch


def require_space_for(
    workspace_root: Path, kind: str, work: "pyarrow.Table | Iterable[pyarrow.RecordBatch] | None", execution: Execution
) -> None:
    """Refuse a job whose results would not fit on the disk.

    What only its model tells is asked when it has started; so is all of a kind without a device, whose commands are too
    small to have an option for it.

    Raises:
        EngineError: they would not, and the user has not insisted.
    """
    wanted = find_kind(kind)
    if wanted.on_device and not (execution.force or execution.estimate):
        require_space(workspace_root, getattr(work, "num_rows", 0) * wanted.row_bytes, "The results")


def write_work(
    path: Path, work: "pyarrow.Table | Iterable[pyarrow.RecordBatch] | None", shard_rows: int
) -> WrittenWork:
    """Write the work list, whole; nothing where there is none, which counts as one shard.

    Args:
        path: where.
        work: a table, which is cut into shards, or batches, each of which is one.
        shard_rows: rows of a shard of a table.
    """
    if work is None:
        return WrittenWork(0, 1)
    import pyarrow
    import pyarrow.parquet as parquet

    if isinstance(work, pyarrow.Table):
        write_whole(
            path, lambda stream: parquet.write_table(work, stream, row_group_size=shard_rows, compression="zstd")
        )
    else:
        write_whole(path, lambda stream: _write_batches(stream, work))
    metadata = parquet.read_metadata(path)
    return WrittenWork(metadata.num_rows, metadata.num_row_groups if metadata.num_rows else 0)


def _write_batches(stream: object, batches: "Iterable[pyarrow.RecordBatch]") -> None:
    import pyarrow
    import pyarrow.parquet as parquet

    filled = (pyarrow.Table.from_batches([batch]) for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        parquet.write_table(pyarrow.table({}), stream)
        return
    with parquet.ParquetWriter(stream, first.schema, compression="zstd") as writer:
        writer.write_table(first, row_group_size=first.num_rows)
        for table in filled:
            writer.write_table(table, row_group_size=table.num_rows)
