"""The job that ranks the classes of pictures with a timm or torchvision classifier."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from engine.gpu.classifier import Logits, load_classifier, prepared
from engine.gpu.pictures import allow_large_pictures, check_roots
from engine.jobs.shards import Shard, ShardRun
from engine.jobs.spec import JsonValue
from engine.labels.classifiers import ModelSettings
from engine.labels.formulas import ranking
from store.paths import path_of_text

TOLD_ONE_BY_ONE = 20


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Rank the classes of every picture. Parts: image_id, ranked (class indices, best first)."""
    settings = ModelSettings(**run.settings)
    allow_large_pictures()
    check_roots(settings.roots)
    model = load_classifier(settings.model, settings.checkpoint, len(settings.wnids), run.device or "auto")
    run.check()
    logits = Logits(model, settings.batch_size, run.warn, run.spend)
    logits.try_batch(run.left, run.cores)
    run.forget_times()
    work = _Work(run, settings, logits)
    for shard in run.shards():
        work.do(shard)
    return {
        "unreadable": work.unreadable,
        "weights_sha256": model.weights_sha256,
        "size": list(model.size),
        "mean": list(model.pictures.mean),
        "std": list(model.pictures.std),
        "interpolation": model.pictures.interpolation,
    }


@dataclass(slots=True)
class _Work:
    """One start of the job, with what it has met so far."""

    run: ShardRun
    settings: ModelSettings
    logits: Logits
    unreadable: int = 0

    def do(self, shard: Shard) -> None:
        """Rank the classes of a shard's pictures; those that cannot be read have no row."""
        image_ids: list[int] = []
        ranked = [np.empty((0, self.settings.depth), dtype=np.int32)]
        batch: list[torch.Tensor] = []
        keys = shard.table["image_id"].to_pylist()
        files = ((key, path_of_text(text)) for key, text in zip(keys, shard.table["path"].to_pylist(), strict=True))
        pictures = prepared(self.logits.model, files, 2 * self.logits.batch_size, self.run.cores)
        for picture in self.run.timed_each("decode", pictures):
            if picture.pixels is None:
                self._note(picture.key, str(picture.problem))
            else:
                image_ids.append(picture.key)
                batch.append(picture.pixels)
            if len(batch) >= self.logits.batch_size:
                ranked.append(self._rank(batch))
                batch = []
            self.run.advance(1, batch=self.logits.batch_size, memory=self.logits.memory)
        if batch:
            ranked.append(self._rank(batch))
        rows = pa.array(list(np.concatenate(ranked)), pa.list_(pa.int32()))
        shard.commit(pa.table({"image_id": pa.array(image_ids, pa.int64()), "ranked": rows}))

    def _note(self, image_id: int, problem: str) -> None:
        check_roots(self.settings.roots)
        self.unreadable += 1
        if self.unreadable <= TOLD_ONE_BY_ONE:
            self.run.warn(f"A picture was left out: {problem}.", subject=str(image_id))

    def _rank(self, pictures: list[torch.Tensor]) -> NDArray[np.int32]:
        best: NDArray[np.int32] = ranking(self.logits.of(pictures), self.settings.depth).numpy().astype(np.int32)
        return best
