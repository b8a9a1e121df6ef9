"""The pictures of an evaluation, embedded: a model at a time, each picture once, kept for every later run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from pyarrow import compute

from engine.errors import EngineError
from engine.evaluation.embedded import Known, ModelFacts, changed, files_table, refuse_changed, write_files_part
from engine.evaluation.plan import PICTURES_FILE, Plan, read_table
from engine.evaluation.sets.pictures import read_npz
from engine.gpu.clip import ClipModel, load_model
from engine.gpu.encoding import Encoder, Flight
from engine.gpu.pictures import allow_large_pictures, check_roots, prepare_all
from engine.jobs.shards import Shard, ShardRun
from engine.jobs.spec import JsonValue
from engine.scoring.parts import READ, PartFacts, part_name, part_table, write_part
from store.paths import path_of_text

TOLD_ONE_BY_ONE = 20
ROW_BYTES = 64
"""Of a picture beside its embedding, at most."""


@dataclass
class LoadedModel:
    """A model that is ready, where it keeps embeddings, and what of them is there.

    Attributes:
        number: its place among the models of the plan.
    """

    number: int
    clip: ClipModel
    encoder: Encoder
    folder: Path
    known: Known

    @property
    def facts(self) -> ModelFacts:
        """What the record of a run says of it."""
        clip = self.clip
        return ModelFacts(
            clip.model, clip.pretrained, clip.model_key, clip.weights_sha256, clip.dimensions, self._precision
        )

    def part_facts(self, catalogue_id: str) -> PartFacts:
        """What a part of its embeddings says of it."""
        clip = self.clip
        return PartFacts(
            catalogue_id, clip.model_key, clip.model, clip.pretrained, clip.weights_sha256, clip.dimensions,
            self._precision,
        )  # fmt: skip

    @property
    def _precision(self) -> str:
        return str(self.clip.precision).removeprefix("torch.")


@dataclass
class Embedding:
    """One start of the job; of several models one is loaded at a time.

    Attributes:
        folder: of the run, with its plan.
        model: the one that is loaded; None before, and where all embeddings come from files.
        embedded: pictures that were encoded now.
        unreadable: of them, those that could not be.
    """

    run: ShardRun
    folder: Path
    plan: Plan
    model: LoadedModel | None = None
    embedded: int = 0
    unreadable: int = 0

    def load(self, number: int) -> LoadedModel:
        """Have that model ready; where it is, nothing is done.

        Raises: EngineError when it is not here, or files of a set have changed since it embedded them.
        """
        if self.model is not None and self.model.number == number:
            return self.model
        allow_large_pictures()
        self.model = None  # its memory goes before the next one comes
        name, pretrained = self.plan.models[number]
        clip = load_model(name, pretrained, self.run.device or "auto")
        self.run.check()
        _check_widths(self.plan, clip)
        encoder = Encoder(clip, self.plan.batch_size, self.run.warn, self.run.spend)
        folder = self.run.workspace_root / "embeddings" / clip.model_key
        folder.mkdir(parents=True, exist_ok=True)
        self.model = LoadedModel(number, clip, encoder, folder, Known(folder, self.plan.catalogue_id))
        if not self.plan.re_embed:
            pictures = read_table(self.folder, PICTURES_FILE)
            for position, part in enumerate(self.plan.sets):
                mine = pictures.filter(compute.equal(pictures["part"], position))
                refuse_changed(part.name, changed(mine, self.model.known.files))
        self._look_whether_it_fits(self.model)
        return self.model

    def _look_whether_it_fits(self, model: LoadedModel) -> None:
        """Refuse embeddings for which the disk has no room, and a batch for which the memory has none."""
        left = max(0, self.run.left - len(model.known.images) - len(model.known.files))
        row_bytes = model.clip.dimensions * np.dtype(np.float16).itemsize + ROW_BYTES
        self.run.need_space(left * row_bytes, "The embeddings", model.folder)
        model.encoder.try_batch(left, self.run.cores)
        self.run.forget_times()

    def embed(self, shard: Shard, number: int) -> None:
        """Encode the pictures of a shard that this model has not embedded."""
        rows = shard.table.filter(compute.equal(shard.table["model"], number)).to_pylist()
        if not rows:
            return
        model = self.load(number)
        ours = [row for row in rows if row["image_id"] is not None and row["image_id"] not in model.known.images]
        files = [row for row in rows if row["image_id"] is None and _is_new(model.known, row)]
        self.run.advance(len(rows) - len(ours) - len(files), embedded=self.embedded)
        name = part_name(self.run.spec.number, shard.number)
        if ours:
            vectors, status, reasons = self._encode(model, [row["path"] for row in ours])
            table = part_table([row["image_id"] for row in ours], status, reasons)
            with self.run.timed("write"):
                written = write_part(model.folder, name, vectors, table, model.part_facts(self.plan.catalogue_id))
            for file in written:
                self.run.wrote(file)
        if files:
            vectors, status, reasons = self._encode(model, [row["path"] for row in files])
            with self.run.timed("write"):
                write_files_part(model.folder, name, vectors, files_table(files, status, reasons))

    def _encode(
        self, model: LoadedModel, paths: Sequence[str]
    ) -> tuple[NDArray[np.float16], list[str], list[str | None]]:
        encoder = model.encoder
        vectors: list[NDArray[np.float16]] = []
        flights: list[Flight] = []
        status: list[str] = []
        reasons: list[str | None] = []
        batch: list[torch.Tensor] = []
        pending = 0
        pairs = ((text, path_of_text(text)) for text in paths)
        pictures = prepare_all(pairs, model.clip.pictures, self.run.cores, ahead=2 * encoder.batch_size)
        for picture in self.run.timed_each("decode", pictures):
            pending += 1
            status.append(picture.problem.kind if picture.problem else READ)
            reasons.append(picture.problem.reason if picture.problem else None)
            if picture.pixels is None:
                self._tell_unreadable(picture.key, reasons[-1])
            else:
                batch.append(picture.pixels)
            if len(batch) >= encoder.batch_size:
                begun = encoder.begin(batch)
                vectors.append(encoder.finish(flights))  # the batch before: the device is at this one meanwhile
                flights = begun
                self._advance(encoder, pending, len(batch))
                batch, pending = [], 0
        vectors += [encoder.finish(flights), encoder.encode(batch)]
        self._advance(encoder, pending, len(batch))
        return np.concatenate(vectors), status, reasons

    def _advance(self, encoder: Encoder, seen: int, encoded: int) -> None:
        self.embedded += encoded
        told: dict[str, JsonValue] = {"batch": encoder.batch_size, "memory": encoder.memory}
        self.run.advance(seen, embedded=self.embedded, **told)

    def _tell_unreadable(self, path: str, reason: str | None) -> None:
        check_roots(self.run.settings.get("roots", ()))
        self.unreadable += 1
        if self.unreadable <= TOLD_ONE_BY_ONE:
            self.run.warn(f"A picture was left out: {reason}.", subject=path)

    def ready(self, number: int) -> None:
        """Have that model loaded, where there is any, and see what is embedded by now: other processes embed, too."""
        if self.plan.models:
            model = self.load(number)
            model.known = Known(model.folder, self.plan.catalogue_id)

    @property
    def facts(self) -> ModelFacts:
        """What the record of a run says of the model; empty where all embeddings come from files."""
        return self.model.facts if self.model is not None else ModelFacts("", None, "", "", 0, "")

    def images(self, readable: set[tuple[int, int]] | None = None) -> tuple[pa.Table, list[Any]]:
        """The pictures that have an embedding, and those embeddings set by set.

        Args:
            readable: part and position of the only ones that count; None for all.
        """
        table = read_table(self.folder, PICTURES_FILE)
        kept, images = [], []
        for position, part in enumerate(self.plan.sets):
            mine = table.filter(compute.equal(table["part"], position))
            if readable is not None:
                mine = mine.filter(pa.array([(position, row) in readable for row in mine["position"].to_pylist()]))
            if part.npz is not None:
                arrays = read_npz(part.npz)["embeddings"]
                kept.append(mine)
                images.append(arrays[mine["row"].to_numpy()])
                continue
            found, gathered = self._gather(part.name, mine)
            kept.append(found)
            images.append(gathered)
        return pa.concat_tables(kept), images

    def _gather(self, name: str, mine: pa.Table) -> tuple[pa.Table, Any]:
        if self.model is None:
            raise EngineError(f"The set {name} has pictures, and the run has no model to embed them with.")
        known = self.model.known
        pairs = zip(mine["image_id"].to_pylist(), mine["path"].to_pylist(), strict=True)
        found = [known.files.get(p) if i is None else known.images.get(i) for i, p in pairs]
        rows = [row for row, place in enumerate(found) if place is not None and place.row >= 0]
        if not rows:
            raise EngineError(f"Not one picture of the set {name} could be read.", "Look at `sood-tui jobs log`.")
        places = [place for place in found if place is not None and place.row >= 0]
        return mine.take(pa.array(rows)), known.gather(places)


def _is_new(known: Known, row: Mapping[str, Any]) -> bool:
    place = known.files.get(row["path"])
    return place is None or (place.size, place.mtime_ns) != (row["size"], row["mtime_ns"])


def _check_widths(plan: Plan, clip: ClipModel) -> None:
    """Refuse embeddings from files that this model cannot have made, before anything is encoded."""
    for part in plan.sets:
        width = 0 if part.npz is None else int(read_npz(part.npz)["embeddings"].shape[1])
        if width and width != clip.dimensions:
            raise EngineError(
                f"The embeddings of {part.name} have {width} dimensions, and {clip.model} makes {clip.dimensions}.",
                "They are of another model: name the one that made them, or embed the pictures themselves.",
            )
