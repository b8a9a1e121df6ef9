"""The job that runs a timm or torchvision classifier over pictures and keeps its logits."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import torch

from engine.gpu.classifier import Logits, as_array, load_classifier, prepared
from engine.gpu.pictures import allow_large_pictures, check_roots
from engine.jobs.shards import Shard, ShardRun
from engine.jobs.spec import JsonValue
from store.paths import path_of_text

TOLD_ONE_BY_ONE = 20


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Logits of the pictures of the work list; called in the worker.

    Settings: model (timm:NAME or torchvision:NAME), checkpoint, classes, batch_size. Work: path. Parts: path, row
    (null: unreadable), and an array float32 [read, classes].
    """
    settings = run.settings
    allow_large_pictures()
    checkpoint = settings.get("checkpoint")
    model = load_classifier(
        str(settings["model"]), str(checkpoint) if checkpoint else None, int(str(settings["classes"])),
        run.device or "auto",
    )  # fmt: skip
    run.check()
    row_bytes = int(str(settings["classes"])) * np.dtype(np.float32).itemsize
    run.need_space(run.left * row_bytes, "The logits")
    logits = Logits(model, int(str(settings["batch_size"])), run.warn, run.spend)
    logits.try_batch(run.left, run.cores)
    run.forget_times()
    unreadable = 0
    for shard in run.shards():
        unreadable = _do(run, shard, logits, unreadable)
    return {"model": model.name, "unreadable": unreadable, "weights_sha256": model.weights_sha256}


def _do(run: ShardRun, shard: Shard, logits: Logits, unreadable: int) -> int:
    rows: list[int | None] = []
    found = [np.empty((0, int(str(run.settings["classes"]))), dtype=np.float32)]
    batch: list[torch.Tensor] = []
    read = 0
    files = ((text, path_of_text(text)) for text in shard.table["path"].to_pylist())
    pictures = prepared(logits.model, files, 2 * logits.batch_size, run.cores)
    for picture in run.timed_each("decode", pictures):
        if picture.pixels is None:
            check_roots(run.settings.get("roots", ()))
            rows.append(None)
            unreadable += 1
            if unreadable <= TOLD_ONE_BY_ONE:
                run.warn(f"A picture was left out: {picture.problem}.", subject=picture.key)
        else:
            rows.append(read)
            read += 1
            batch.append(picture.pixels)
        if len(batch) >= logits.batch_size:
            found.append(as_array(logits.of(batch)))
            batch = []
        run.advance(1, batch=logits.batch_size, memory=logits.memory)
    if batch:
        found.append(as_array(logits.of(batch)))
    array = np.concatenate(found)
    shard.write_file(".npy", lambda stream: np.save(stream, array))
    shard.commit(pa.table({"path": shard.table["path"], "row": pa.array(rows, pa.int32())}))
    return unreadable
