"""The two jobs of this place: reading accepted pictures once, and comparing their embeddings all with all."""

import os
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as parquet

from engine.errors import EngineError
from engine.events import now
from engine.jobs import runner
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import Intake
from engine.jobs.shards import ShardRun
from engine.jobs.spec import JsonValue
from engine.likeness.neighbours import FLOOR, Neighbours, neighbours
from engine.likeness.prints import print_or_reason
from engine.scoring.similarities import EmbeddingParts
from engine.workspace import Workspace
from store.likeness import neighbours as store
from store.likeness.prints import SCHEMA, PictureFile, insert_prints
from store.paths import path_of_text
from store.scoring.embeddings import EmbeddingSet, append_read_issues, delete_read_issues, fetch_parts

PRINTS = "prints"
NEIGHBOURS = "neighbours"
BATCH = 256
READ = "ok"

_PRINT_SCHEMA = pa.schema(
    [*(field.with_nullable(True) for field in SCHEMA), pa.field("status", pa.string()), pa.field("reason", pa.string())]
)
_PAIR_SCHEMA = pa.schema([("first", pa.int64()), ("second", pa.int64()), ("cosine", pa.float32())])


# ---- reading pictures ----


def submit_prints(workspace: Workspace, superclass: str | None, reviewer: str) -> JobFolder | None:
    """Start the job that reads the accepted pictures which were not read yet; None where there are none.

    One that could not be read is tried again when its file has changed since.
    """
    with workspace.opened().reading() as cursor:
        unread = store.fetch_unread(cursor, superclass)
    is_wanted = [row["tried_at"] is None or _has_changed(row) for row in unread.to_pylist()]
    work = unread.filter(pa.array(is_wanted, pa.bool_())).drop_columns(["tried_at"])
    if not work.num_rows:
        return None
    title = f"read pictures of {superclass}" if superclass else "read accepted pictures"
    return runner.submit(workspace.root, PRINTS, {}, work, title=title, reviewer=reviewer)


def _has_changed(row: Mapping[str, Any]) -> bool:
    """Whether the file was written, or put there, after the picture was found to be unreadable."""
    try:
        found = os.stat(os.path.join(path_of_text(row["folder"]), path_of_text(row["path"])))
    except OSError:
        return False
    return max(found.st_mtime, found.st_ctime) > float(row["tried_at"].timestamp())


def run_prints(run: ShardRun) -> Mapping[str, JsonValue]:
    """Read and decode the pictures of each shard; what cannot be read has its reason."""
    unreadable = 0
    warnings.simplefilter("ignore")  # of odd metadata and large pictures, a line each: what is refused has its reason
    with ThreadPoolExecutor(run.cores) as pool:
        for shard in run.shards():
            _check_folders(shard.table)
            rows: list[dict[str, Any]] = []
            for batch in shard.batches(BATCH):
                rows += pool.map(_row, (PictureFile(**row) for row in batch.to_pylist()))
                run.advance(batch.num_rows)
            if any(row["status"] == "missing_file" for row in rows):
                _check_folders(shard.table)  # a disk that went away meanwhile has made them all missing
            unreadable += sum(row["status"] != READ for row in rows)
            shard.commit(pa.Table.from_pylist(rows, schema=_PRINT_SCHEMA))
    return {"unreadable": unreadable}


def _check_folders(work: pa.Table) -> None:
    """Raises: EngineError where a folder of pictures is gone: all its pictures would count as unreadable."""
    for folder in work["folder"].unique().to_pylist():
        if not os.access(path_of_text(folder), os.R_OK | os.X_OK):
            raise EngineError(
                f"The picture folder {folder} is not there or may not be read.",
                "Mount it or give it back its permissions, then resume the job; finished parts are kept.",
            )


def _row(file: PictureFile) -> dict[str, Any]:
    found, issue, reason = print_or_reason(file)
    if found is None:
        return {"image_id": file.image_id, "status": issue, "reason": reason}
    return found | {"status": READ}


def ingest_prints(intake: Intake) -> None:
    """Keep the prints of a part, and note the pictures that could not be read."""
    if intake.part is None:
        return
    table = parquet.read_table(intake.part.path, schema=_PRINT_SCHEMA)
    is_read = table["status"].to_numpy(zero_copy_only=False) == READ
    insert_prints(intake.cursor, table.filter(pa.array(is_read)).select(SCHEMA.names).cast(SCHEMA))
    seen = table.select(["image_id", "status", "reason"]).append_column(
        "row", pa.array(np.where(is_read, 0, -1), pa.int32(), mask=~is_read)
    )
    delete_read_issues(intake.cursor, seen)
    append_read_issues(intake.cursor, seen, now())


# ---- comparing embeddings ----


def submit_neighbours(
    workspace: Workspace, embedded: EmbeddingSet, image_ids: npt.NDArray[np.int64], reviewer: str
) -> JobFolder | None:
    """Start the job that compares the pictures' embeddings with one another; None where all were compared before.

    Args:
        workspace: open.
        embedded: the model's embeddings.
        image_ids: int64 [n]; those without an embedding are left out.
        reviewer: who asks.
    """
    with workspace.opened().reading() as cursor:
        places = store.fetch_places(cursor, embedded.set_id, image_ids)
        paths = {part.part_id: part.path for part in fetch_parts(cursor, embedded.set_id)}
    new = int(places["is_new"].to_numpy(zero_copy_only=False).sum())
    if not new:
        return None
    # Work is done for the new ones only; the old ones are there to be compared with.
    work = places.append_column("position", pa.array(np.arange(places.num_rows)))
    settings: dict[str, JsonValue] = {
        "set_id": embedded.set_id,
        "dimensions": embedded.dimensions,
        "floor": FLOOR,
        "new": new,
        "parts": {str(part_id): path for part_id, path in paths.items()},
    }
    title = f"compare {new:,} embeddings with {places.num_rows:,}"
    return runner.submit(workspace.root, NEIGHBOURS, settings, work, title=title, reviewer=reviewer)


def run_neighbours(run: ShardRun) -> None:
    """Compare the new pictures of each shard with all that come after them in the work list."""
    settings: Mapping[str, Any] = run.settings
    places = parquet.read_table(run.folder.work_file)
    ids, part_ids, rows = (places[name].to_numpy() for name in ("image_id", "part_id", "row"))
    folder = {int(part): run.workspace_root / path for part, path in settings["parts"].items()}
    parts = EmbeddingParts(folder, settings["dimensions"])

    def vectors(start: int, stop: int) -> npt.NDArray[np.float32]:
        return parts.embeddings(part_ids[start:stop], rows[start:stop])

    for shard in run.shards():
        first = int(shard.table["position"][0].as_py())
        last = first + shard.table.num_rows
        wanted = min(last, settings["new"])
        found = [
            _pairs(ids, block) for block in neighbours(vectors, first, wanted, len(ids), settings["floor"], run.advance)
        ]
        run.advance(last - max(first, wanted))
        shard.commit(pa.concat_tables([_PAIR_SCHEMA.empty_table(), *found]))


def _pairs(ids: npt.NDArray[np.int64], block: Neighbours) -> pa.Table:
    one, other = ids[block.first], ids[block.second]
    columns = [np.minimum(one, other), np.maximum(one, other), block.cosine]
    return pa.table(columns, schema=_PAIR_SCHEMA)


def ingest_neighbours(intake: Intake) -> None:
    """Keep the pairs of a part; what was compared counts as compared when the job has finished."""
    settings: Mapping[str, Any] = intake.spec.settings
    if intake.part is not None:
        store.append_neighbours(intake.cursor, settings["set_id"], parquet.read_table(intake.part.path))
    elif intake.outcome is not None and intake.outcome.state == "finished":
        work = parquet.read_table(intake.job.work_file, columns=["image_id", "is_new"])
        store.append_compared(intake.cursor, settings["set_id"], work.filter(work["is_new"]).select(["image_id"]))
