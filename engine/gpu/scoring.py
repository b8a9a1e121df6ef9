"""The job that encodes pictures and prompts. Every picture is encoded once for each model."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from engine.gpu import device_jpeg
from engine.gpu.clip import ClipModel, compile_model, encode_texts, load_model
from engine.gpu.device_jpeg import Undecoded
from engine.gpu.encoding import Encoder, Flight
from engine.gpu.pictures import (
    Prepared,
    UnreadablePicture,
    allow_large_pictures,
    check_roots,
    prepare,
    prepare_all,
    prepare_data,
)
from engine.jobs.failures import is_lost_device
from engine.jobs.shards import Shard, ShardRun
from engine.jobs.spec import JsonValue
from engine.scoring.job import Prompt, ScoringSettings, write_prompts
from engine.scoring.parts import READ, PartFacts, encoded_images, part_name, part_table, read_facts, write_part
from engine.scoring.prompts import make_prompt
from store.paths import path_of_text

BEFORE_DECIDING = 4096
"""Pictures after which it is looked whether the processor keeps up."""
ROW_BYTES = 24
"""Of a picture beside its embedding: in both Parquet files, at most."""
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
    on_device: bool = False
    waited: float = 0.0
    began: float = 0.0

    @classmethod
    def begin(cls, run: ShardRun) -> "_Work":
        settings = ScoringSettings(**run.settings)
        check_roots(settings.roots)
        allow_large_pictures()
        clip = load_model(settings.model, settings.pretrained, run.device or "auto")
        run.check()
        write_prompts(run.folder.path, _encode_prompts(clip, settings))
        folder = run.workspace_root / "embeddings" / clip.model_key
        folder.mkdir(parents=True, exist_ok=True)
        known = encoded_images(folder, settings.catalogue_id, except_job=run.spec.number)
        if settings.compiled:
            compile_model(clip, run.warn)
        encoder = Encoder(clip, settings.batch_size, run.warn, run.spend)
        left = max(0, run.left - len(known))
        encoder.try_batch(left, run.cores)
        run.forget_times()
        row_bytes = clip.dimensions * np.dtype(np.float16).itemsize + ROW_BYTES
        run.need_space(left * row_bytes, "The embeddings", folder)
        work = cls(run, settings, encoder, folder, _facts(clip, settings), known, began=time.monotonic())
        if settings.decoder == "device":
            work.decode_on_device()
        return work

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
            self.run.advance(int(np.count_nonzero(~fresh)), **self._detail())
            if fresh.any():
                self._encode(name, image_ids[fresh].tolist(), shard.table["path"].filter(pa.array(fresh)).to_pylist())
        part = marker.name if self._is_ours(marker) else ""
        shard.commit(pa.table({"image_id": image_ids}), {"model_key": self.facts.model_key, "embeddings": part})

    def decode_on_device(self) -> None:
        """Decode JPEG pictures on the device from now on, if it can."""
        device = self.encoder.clip.device
        self.on_device = device.type == "cuda" and device_jpeg.works_on(device)
        if not self.on_device:
            self.run.warn(f"Pictures are decoded by the processor: {device} offers no decoder that agrees with it.")
            self.settings = replace(self.settings, decoder="cpu")

    def tell_unreadable(self) -> None:
        """Say how many pictures could not be read, where not each of them was told."""
        if self.unreadable > TOLD_ONE_BY_ONE:
            self.run.warn(f"{self.unreadable} pictures could not be read; `sood-tui images issues` lists them.")

    def _is_ours(self, marker: Path) -> bool:
        facts = read_facts(marker) if marker.exists() else None
        return facts is not None and facts.catalogue_id == self.settings.catalogue_id

    def _encode(self, name: str, image_ids: list[int], paths: list[str]) -> None:
        rows = _Rows()
        for picture in self._prepared(paths):
            rows.seen += 1
            rows.status.append(picture.problem.kind if picture.problem else READ)
            rows.reasons.append(picture.problem.reason if picture.problem else None)
            if picture.problem is not None:
                self._note_unreadable(picture.key, picture.problem)
            else:
                rows.batch.append((len(rows.status) - 1, picture.key, picture.pixels))
            if len(rows.batch) >= self.encoder.batch_size:
                self._flush(rows)
        self._flush(rows)
        self._land(rows)
        vectors = np.concatenate([np.empty((0, self.facts.dimensions), dtype=np.float16), *rows.vectors])
        with self.run.timed("write"):
            table = part_table(image_ids, rows.status, rows.reasons)
            files = write_part(self.folder, name, vectors, table, self.facts)
        for file in files:
            self.run.wrote(file)

    def _prepared(self, paths: list[str]) -> Iterator[Prepared[str]]:
        """The pictures of a shard, with the time that they are waited for."""
        if self.settings.decoder == "auto" and self._is_waiting():
            self.settings = replace(self.settings, decoder="device")
            self.decode_on_device()
        files = ((text, path_of_text(text)) for text in paths)
        how = device_jpeg.read_or_prepare if self.on_device else prepare
        ahead = 2 * self.encoder.batch_size
        pictures = prepare_all(files, self.encoder.clip.pictures, self.run.cores, ahead, how)
        while True:
            start = time.monotonic()
            picture = next(pictures, None)
            seconds = time.monotonic() - start
            self.waited += seconds
            self.run.spend("decode", seconds)
            if picture is None:
                return
            yield picture

    def _is_waiting(self) -> bool:
        """Whether a GPU has waited for the processor most of the time, over enough pictures to tell."""
        enough = self.encoded >= BEFORE_DECIDING and self.encoder.clip.device.type == "cuda"
        return enough and self.waited > (time.monotonic() - self.began) / 2

    def _flush(self, rows: "_Rows") -> None:
        flights = self.encoder.begin(self._decoded(rows))
        self._land(rows)  # the batch before: the device is at this one meanwhile
        rows.flights, rows.begun = flights, rows.seen
        rows.batch, rows.seen = [], 0

    def _land(self, rows: "_Rows") -> None:
        """Take in the batch that was begun last."""
        vectors = self.encoder.finish(rows.flights)
        rows.vectors.append(vectors)
        self.encoded += len(vectors)
        begun, rows.flights, rows.begun = rows.begun, [], 0
        self.run.advance(begun, **self._detail())

    def _decoded(self, rows: "_Rows") -> list[torch.Tensor]:
        clip = self.encoder.clip
        with self.run.timed("decode"):
            if self.on_device and rows.batch:
                try:
                    return list(
                        device_jpeg.decode_batch([picture for *_, picture in rows.batch], clip.pictures, clip.device)
                    )
                except RuntimeError as error:
                    if is_lost_device(error):
                        raise
            # Without the device, or where it refuses one of them: the processor decodes them all, and says which.
            return [pixels for entry in rows.batch if (pixels := self._decoded_here(rows, *entry)) is not None]

    def _decoded_here(
        self, rows: "_Rows", number: int, path: str, picture: torch.Tensor | Undecoded
    ) -> torch.Tensor | None:
        if isinstance(picture, torch.Tensor):
            return picture
        try:
            return prepare_data(picture.data, self.encoder.clip.pictures)
        except UnreadablePicture as problem:
            rows.status[number], rows.reasons[number] = problem.kind, problem.reason
            self._note_unreadable(path, problem)
            return None

    def _detail(self) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {"encoded": self.encoded, "batch": self.encoder.batch_size}
        if self.encoder.memory:
            told["memory"] = self.encoder.memory
        if self.on_device:
            told["decoder"] = "device"
        return told

    def _note_unreadable(self, path: str, problem: UnreadablePicture | None) -> None:
        check_roots(self.settings.roots)
        self.unreadable += 1
        if self.unreadable <= TOLD_ONE_BY_ONE:
            self.run.warn(f"A picture was left out: {problem}.", subject=path)


@dataclass(slots=True)
class _Rows:
    """A shard in the making.

    Attributes:
        status: of each picture so far, READ or the kind of its issue.
        reasons: why it could not be read, each.
        vectors: of the batches that are encoded.
        batch: place in ``status``, path and pixels (or bytes) of those that wait to be encoded.
        seen: pictures since the last batch.
        flights: the batch that the device is at.
        begun: pictures that count when it has landed.
    """

    status: list[str] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)
    vectors: list[NDArray[np.float16]] = field(default_factory=list)
    batch: list[tuple[int, str, Any]] = field(default_factory=list)
    seen: int = 0
    flights: list[Flight] = field(default_factory=list)
    begun: int = 0


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
