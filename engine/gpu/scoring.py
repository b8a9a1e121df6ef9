"""The job that encodes pictures and prompts. Every picture is encoded once for each model."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.gpu.clip import ClipModel, encode_texts, load_model
from engine.gpu.encoding import Encoder
from engine.gpu.pictures import UnreadablePicture, allow_large_pictures, prepare_all
from engine.jobs.shards import Shard, ShardRun
from engine.jobs.spec import JsonValue
from engine.scoring.job import Prompt, ScoringSettings, write_prompts
from engine.scoring.parts import READ, PartFacts, encoded_images, part_name, part_table, read_facts, write_part
from engine.scoring.prompts import make_prompt
from store.paths import path_of_text

TOLD_ONE_BY_ONE = 20
"""Warnings about single pictures; beyond, only their number is told, and the catalogue has them all."""


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Encode what is not encoded yet, and the prompts.

    Returns: model_key, and how many pictures were encoded now, had been before, and could not be read.
    Raises: EngineError when the model, a root or the memory is not there.
    """
    work = _Work.begin(run)
    for shard in run.shards():
        work.do(shard)
    work.tell_unreadable()
    return {
        "model_key": work.facts.model_key,
        "encoded": work.encoded,
        "already_encoded": work.skipped,
        "unreadable": work.unreadable,
        "batch_size": work.encoder.batch_size,
    }


@dataclass(slots=True)
class _Work:
    """One start of the job: the model, what is encoded already, and the counts."""

    run: ShardRun
    settings: ScoringSettings
    encoder: Encoder
    folder: Path
    facts: PartFacts
    known: NDArray[np.int64]
    encoded: int = 0
    skipped: int = 0
    unreadable: int = 0

    @classmethod
    def begin(cls, run: ShardRun) -> "_Work":
        settings = ScoringSettings(**run.settings)
        _check_roots(settings.roots)
        allow_large_pictures()
        clip = load_model(settings.model, settings.pretrained, run.device or "auto")
        run.check()
        write_prompts(run.folder.path, _encode_prompts(clip, settings))
        folder = run.workspace_root / "embeddings" / clip.model_key
        folder.mkdir(parents=True, exist_ok=True)
        known = encoded_images(folder, settings.catalogue_id, except_job=run.spec.number)
        encoder = Encoder(clip, settings.batch_size, run.warn)
        return cls(run, settings, encoder, folder, _facts(clip, settings), known)

    def do(self, shard: Shard) -> None:
        """Encode a shard. Its embeddings come before its own part; found after a fault, they are not made again."""
        name = part_name(self.run.spec.number, shard.number)
        image_ids = shard.table["image_id"].to_numpy()
        fresh = ~np.isin(image_ids, self.known)
        marker = self.folder / f"{name}.parquet"
        if self._is_ours(marker):
            self.run.advance(shard.table.num_rows)
        else:
            self.skipped += int(np.count_nonzero(~fresh))
            self.run.advance(int(np.count_nonzero(~fresh)), encoded=self.encoded, batch=self.encoder.batch_size)
            if fresh.any():
                self._encode(name, image_ids[fresh].tolist(), shard.table["path"].filter(pa.array(fresh)).to_pylist())
        part = marker.name if self._is_ours(marker) else ""
        shard.commit(pa.table({"image_id": image_ids}), {"model_key": self.facts.model_key, "embeddings": part})

    def tell_unreadable(self) -> None:
        """Say how many pictures could not be read, where not each of them was told."""
        if self.unreadable > TOLD_ONE_BY_ONE:
            self.run.warn(f"{self.unreadable} pictures could not be read; `sood-tui images issues` lists them.")

    def _is_ours(self, marker: Path) -> bool:
        facts = read_facts(marker) if marker.exists() else None
        return facts is not None and facts.catalogue_id == self.settings.catalogue_id

    def _encode(self, name: str, image_ids: list[int], paths: list[str]) -> None:
        status: list[str] = []
        reasons: list[str | None] = []
        vectors = [np.empty((0, self.facts.dimensions), dtype=np.float16)]
        batch: list[torch.Tensor] = []
        unreported = 0
        files = ((text, path_of_text(text)) for text in paths)
        for picture in prepare_all(files, self.encoder.clip.pictures, ahead=2 * self.encoder.batch_size):
            unreported += 1
            if picture.pixels is None:
                self._note_unreadable(picture.key, picture.problem)
            else:
                batch.append(picture.pixels)
            status.append(picture.problem.kind if picture.problem else READ)
            reasons.append(picture.problem.reason if picture.problem else None)
            if len(batch) >= self.encoder.batch_size:
                vectors.append(self._flush(batch, unreported))
                batch, unreported = [], 0
        vectors.append(self._flush(batch, unreported))
        write_part(self.folder, name, np.concatenate(vectors), part_table(image_ids, status, reasons), self.facts)

    def _flush(self, batch: list[torch.Tensor], pictures: int) -> NDArray[np.float16]:
        vectors = self.encoder.encode(batch)
        self.encoded += len(batch)
        self.run.advance(pictures, encoded=self.encoded, batch=self.encoder.batch_size)
        return vectors

    def _note_unreadable(self, path: str, problem: UnreadablePicture | None) -> None:
        _check_roots(self.settings.roots)
        self.unreadable += 1
        if self.unreadable <= TOLD_ONE_BY_ONE:
            self.run.warn(f"A picture was left out: {problem}.", subject=path)


def _check_roots(roots: list[str]) -> None:
    # A disk that is no longer mounted would otherwise make millions of missing pictures.
    for root in roots:
        folder = path_of_text(root)
        if not os.access(folder, os.R_OK | os.X_OK):
            raise EngineError(
                f"The picture folder {root} is not there or may not be read.",
                "Mount it or give it back its permissions, then resume the job; finished parts are kept.",
            )


def _encode_prompts(clip: ClipModel, settings: ScoringSettings) -> list[Prompt]:
    names = sorted(settings.superclasses)
    texts = [make_prompt(settings.template, name, settings.keep_underscores) for name in names]
    vectors = encode_texts(clip, texts)
    return [Prompt(name, text, vector) for name, text, vector in zip(names, texts, vectors, strict=True)]


def _facts(clip: ClipModel, settings: ScoringSettings) -> PartFacts:
    return PartFacts(
        catalogue_id=settings.catalogue_id,
        model_key=clip.model_key,
        model=clip.model,
        pretrained=clip.pretrained,
        weights_sha256=clip.weights_sha256,
        dimensions=clip.dimensions,
        precision=str(clip.precision).removeprefix("torch."),
    )
