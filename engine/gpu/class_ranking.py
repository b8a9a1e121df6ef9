"""The jobs that compare cached embeddings with the names of classes: proposals of labels, and zero-shot predictions."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.gpu.clip import ClipModel, load_model
from engine.gpu.text import TextBank
from engine.jobs.kinds import find_kind
from engine.jobs.shards import ShardRun
from engine.jobs.spec import JsonValue
from engine.labels.formulas import ranking, shares_of_best
from engine.labels.ranking import RankingSettings
from engine.scoring.similarities import EmbeddingParts

_TEXTS = 256

Similarities = torch.Tensor


def run_proposals(run: ShardRun) -> Mapping[str, JsonValue]:
    """Every class whose score is at least a share of the best; the picture's own class too, however low it stands.

    Parts: image_id, wnid, rank (1 is the best), share.
    """
    settings = RankingSettings.of(run.settings)
    wnids = np.asarray(settings.wnids)

    def propose(similarity: Similarities, batch: pa.Table) -> pa.Table:
        shares = shares_of_best(similarity, settings.temperature).cpu().numpy()
        original = np.asarray([-1 if place is None else place for place in batch["original"].to_pylist()])
        kept = shares >= settings.least_share
        known = np.flatnonzero(original >= 0)
        kept[known, original[known]] = True
        places, classes = np.nonzero(kept)
        share = shares[places, classes].astype(np.float64)
        rank = 1 + (shares[places] > share[:, None].astype(shares.dtype)).sum(axis=1)
        # An own class that is far off can have a share that is no longer above 0 in float32.
        share = np.maximum(share, np.finfo(np.float64).tiny)
        order = np.lexsort((classes, rank, places))
        image_ids = batch["image_id"].to_numpy()
        return pa.table(
            {
                "image_id": image_ids[places[order]],
                "wnid": wnids[classes[order]],
                "rank": pa.array(rank[order], pa.int32()),
                "share": share[order],
            }
        )

    return _run(run, settings, propose)


def run_predictions(run: ShardRun) -> Mapping[str, JsonValue]:
    """The best classes of each picture. Parts: image_id, ranked (class indices, best first)."""
    settings = RankingSettings.of(run.settings)

    def rank(similarity: Similarities, batch: pa.Table) -> pa.Table:
        best = ranking(similarity, settings.depth).cpu().numpy().astype(np.int32)
        return pa.table({"image_id": batch["image_id"], "ranked": pa.array(list(best), pa.list_(pa.int32()))})

    return _run(run, settings, rank)


def _run(
    run: ShardRun, settings: RankingSettings, judge: Callable[[Similarities, pa.Table], pa.Table]
) -> Mapping[str, JsonValue]:
    clip = load_model(settings.model, settings.pretrained, run.device or "auto")
    if clip.model_key != settings.model_key:
        raise EngineError(
            f"{settings.model} is no longer the model that encoded the pictures: {clip.model_key} against "
            f"{settings.model_key}.",
            "Encode them with it first: `sood-tui scoring run`.",
        )
    texts = torch.from_numpy(_texts(run, clip, settings)).to(clip.device).T
    pictures = 0
    batch_rows = find_kind(run.spec.kind).batch_rows
    for shard in run.shards():
        found = []
        for batch in shard.batches(batch_rows):
            for part, rows in _embeddings(run.workspace_root, batch, clip.dimensions):
                with torch.inference_mode(), run.timed("encode"):
                    found.append(judge(torch.from_numpy(rows).to(clip.device) @ texts, part))
            pictures += batch.num_rows
            run.advance(batch.num_rows)
        shard.commit(pa.concat_tables(found))
    return {"model_key": clip.model_key, "pictures": pictures}


def _texts(run: ShardRun, clip: ClipModel, settings: RankingSettings) -> NDArray[np.float32]:
    bank = TextBank(run.workspace_root / "embeddings", clip)
    rows = []
    for start in range(0, len(settings.prompts), _TEXTS):
        rows.append(bank.embeddings(list(settings.prompts[start : start + _TEXTS])))
        run.check()
    bank.save()
    return np.concatenate(rows)


def _embeddings(root: Path, batch: pa.Table, dimensions: int) -> Iterator[tuple[pa.Table, NDArray[np.float32]]]:
    """The embeddings of a batch, an array's at a time, with the rows of the work list that they belong to."""
    arrays = np.asarray(batch["array"].to_pylist())
    rows = batch["row"].to_numpy()
    for array in dict.fromkeys(arrays.tolist()):
        here = np.flatnonzero(arrays == array)
        parts = EmbeddingParts({0: root / array}, dimensions)
        yield batch.take(pa.array(here)), parts.part(0)[rows[here]].astype(np.float32)
