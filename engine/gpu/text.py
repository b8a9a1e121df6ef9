"""The job that compares a text with synsets, and the store of text embeddings that it and others draw from."""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from engine.gpu.clip import ClipModel, encode_texts, load_model
from engine.jobs.files import write_whole
from engine.jobs.shards import ShardRun

# So many texts between two looks whether the job was cancelled.
_BATCH = 256
# So many texts are written to one file at most while a long list is encoded.
_SAVED_AT_ONCE = 16_384
# Of a text beside its embedding, at most: the hash by which it is found, and its row in the results.
_KEY_BYTES = 128


def run(run: ShardRun) -> Mapping[str, str]:
    """Compare the query with the text of each synset of the work list; called in the worker.

    Settings: query, model, pretrained. Work: wnid, text. Parts: wnid, similarity (cosine in [-1, 1]).
    """
    settings = run.settings
    clip = load_model(settings["model"], settings["pretrained"], run.device or "auto")
    row_bytes = clip.dimensions * np.dtype(np.float32).itemsize + _KEY_BYTES
    run.need_space(run.left * row_bytes, "The embeddings of the texts", run.workspace_root / "embeddings")
    bank = TextBank(run.workspace_root / "embeddings", clip)
    query = bank.embeddings([str(settings["query"])])[0]
    for shard in run.shards():
        similarities: list[NDArray[np.float32]] = []
        for batch in shard.batches(_BATCH):
            similarities.append(bank.embeddings(batch.column("text").to_pylist()) @ query)
            run.advance(batch.num_rows)
        bank.save()
        # A cosine of float32 rows can pass 1 by a rounding.
        cosine = np.clip(np.concatenate(similarities).astype(np.float64), -1.0, 1.0)
        shard.commit(pa.table({"wnid": shard.table.column("wnid"), "similarity": cosine}))
    bank.save()
    return {"model_key": clip.model_key}


class TextBank:
    """Embeddings of texts by one model, each encoded once and kept under ``embeddings/<model key>/texts/``.

    A file pair holds the texts of one ``save``: ``<hash>.npy`` float32 [n, dimensions] and ``<hash>.parquet`` with the
    SHA-256 of each text, written last. Several jobs may save at once: the hash is that of the texts, so files never
    differ.
    """

    def __init__(
        self, embeddings: Path, clip: ClipModel, on_progress: Callable[[int, int], None] | None = None
    ) -> None:
        """The texts that are known already; `on_progress` is told how many of how many new ones are encoded."""
        self._clip = clip
        self._folder = embeddings / clip.model_key / "texts"
        self._known: dict[str, NDArray[np.float32]] = {}
        self._unsaved: list[str] = []
        self._on_progress = on_progress
        self._read()

    def embeddings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """L2-normalised embeddings of the texts, float32 [n_texts, dimensions]; only those not known are encoded."""
        keys = [_sha256(text) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        self._encode(missing)
        if not keys:
            return np.empty((0, self._clip.dimensions), dtype=np.float32)
        return np.stack([self._known[key] for key in keys])

    def _encode(self, missing: Mapping[str, str]) -> None:
        """Encode texts in slices, and write them now and then, so that a kill loses little of a long list."""
        keys = list(missing)
        for start in range(0, len(keys), _BATCH):
            some = keys[start : start + _BATCH]
            fresh = encode_texts(self._clip, [missing[key] for key in some])
            self._known.update(zip(some, fresh, strict=True))
            self._unsaved += some
            if self._on_progress is not None:
                self._on_progress(start + len(some), len(keys))
            if len(self._unsaved) >= _SAVED_AT_ONCE:
                self.save()

    def save(self) -> None:
        """Write what was encoded since the last time; a file is whole or it is not there."""
        if not self._unsaved:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        name = _sha256("\n".join(self._unsaved))[:16]
        rows = np.stack([self._known[key] for key in self._unsaved])
        keys = pa.table({"text_sha256": self._unsaved})
        write_whole(self._folder / f"{name}.npy", lambda stream: np.save(stream, rows))
        write_whole(self._folder / f"{name}.parquet", lambda stream: parquet.write_table(keys, stream))
        self._unsaved = []

    def _read(self) -> None:
        for marker in sorted(self._folder.glob("*.parquet")):
            keys = parquet.read_table(marker).column("text_sha256").to_pylist()
            rows = np.load(io.BytesIO(marker.with_suffix(".npy").read_bytes()), allow_pickle=False)
            if rows.shape == (len(keys), self._clip.dimensions):
                self._known.update(zip(keys, rows, strict=True))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
