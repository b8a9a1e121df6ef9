"""The job of an evaluation: embed what is not embedded yet, mine, score, and leave the numbers in the run's folder."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from pyarrow import compute

from engine.errors import EngineError
from engine.evaluation.embedded import (
    Known,
    ModelFacts,
    Place,
    changed,
    refuse_changed,
    save_texts,
    write_files_part,
)
from engine.evaluation.outputs import write_run, write_sweep
from engine.evaluation.plan import PICTURES_FILE, Plan, read_table, words_file
from engine.evaluation.running import Banks, TextEncoder, facts_of, make_banks, score_run
from engine.evaluation.sets import read_npz
from engine.gpu.clip import ClipModel, choose_device, load_model
from engine.gpu.encoding import Encoder
from engine.gpu.patches import encode_patches
from engine.gpu.pictures import allow_large_pictures, prepare, prepare_all
from engine.gpu.text import TextBank
from engine.jobs.shards import Shard, ShardRun
from engine.jobs.spec import JsonValue
from engine.scoring.parts import READ, PartFacts, part_name, part_table, write_part
from store.paths import path_of_text

TOLD_ONE_BY_ONE = 20
VERSIONED = ("sood-tui", "numpy", "torch", "open_clip_torch", "scikit-learn", "duckdb")


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Do one evaluation; called in the worker.

    Settings: folder, relative to the workspace, with the plan. Work: image_id, path, size, mtime_ns.
    Returns: model_key, pictures embedded now, unreadable ones, seconds.
    """
    started = time.monotonic()
    folder = run.workspace_root / str(run.settings["folder"])
    plan = Plan.read(folder)
    work = _Work(run, folder, plan)
    if plan.model is not None:
        work.load()
        for shard in run.shards():
            work.embed(shard)
    outcome = work.evaluate()
    outcome["seconds"] = round(time.monotonic() - started, 3)
    return outcome


@dataclass
class _Work:
    """One start of the job."""

    run: ShardRun
    folder: Path
    plan: Plan
    clip: ClipModel | None = None
    encoder: Encoder | None = None
    embedded: int = 0
    unreadable: int = 0
    known: Known | None = None
    places: list[list[Place | None]] = field(default_factory=list)

    def load(self) -> None:
        allow_large_pictures()
        assert self.plan.model is not None
        self.clip = load_model(self.plan.model, self.plan.pretrained, self.run.device or "auto")
        self.run.check()
        self.encoder = Encoder(self.clip, self.plan.batch_size, self.run.warn)
        self.model_folder.mkdir(parents=True, exist_ok=True)
        self.known = Known(self.model_folder, self.plan.catalogue_id)
        if not self.plan.re_embed:
            pictures = read_table(self.folder, PICTURES_FILE)
            for position, part in enumerate(self.plan.sets):
                mine = pictures.filter(compute.equal(pictures["part"], position))
                refuse_changed(part.name, changed(mine, self.known.files))

    @property
    def model_folder(self) -> Path:
        assert self.clip is not None
        return self.run.workspace_root / "embeddings" / self.clip.model_key

    def embed(self, shard: Shard) -> None:
        """Encode the pictures of a shard that have no embedding; they are kept for every later run."""
        assert self.known is not None
        rows = shard.table.to_pylist()
        ours = [row for row in rows if row["image_id"] is not None and row["image_id"] not in self.known.images]
        files = [row for row in rows if row["image_id"] is None and self._is_new(row)]
        self.run.advance(len(rows) - len(ours) - len(files), embedded=self.embedded)
        name = part_name(self.run.spec.number, shard.number)
        if ours:
            vectors, status, reasons = self._encode([row["path"] for row in ours])
            table = part_table([row["image_id"] for row in ours], status, reasons)
            write_part(self.model_folder, name, vectors, table, self._facts())
        if files:
            vectors, status, reasons = self._encode([row["path"] for row in files])
            write_files_part(self.model_folder, name, vectors, _files_table(files, status, reasons))
        shard.commit(pa.table({"path": shard.table["path"]}))

    def _is_new(self, row: Mapping[str, Any]) -> bool:
        assert self.known is not None
        place = self.known.files.get(row["path"])
        return place is None or (place.size, place.mtime_ns) != (row["size"], row["mtime_ns"])

    def _encode(self, paths: Sequence[str]) -> tuple[NDArray[np.float16], list[str], list[str | None]]:
        assert self.encoder is not None
        assert self.clip is not None
        vectors = [np.empty((0, self.clip.dimensions), dtype=np.float16)]
        status: list[str] = []
        reasons: list[str | None] = []
        batch: list[torch.Tensor] = []
        pending = 0
        pairs = ((text, path_of_text(text)) for text in paths)
        for picture in prepare_all(pairs, self.clip.pictures, ahead=2 * self.encoder.batch_size):
            pending += 1
            status.append(picture.problem.kind if picture.problem else READ)
            reasons.append(picture.problem.reason if picture.problem else None)
            if picture.pixels is None:
                self._tell_unreadable(picture.key, reasons[-1])
            else:
                batch.append(picture.pixels)
            if len(batch) >= self.encoder.batch_size:
                vectors.append(self.encoder.encode(batch))
                self.embedded += len(batch)
                self.run.advance(pending, embedded=self.embedded)
                batch, pending = [], 0
        if batch:
            vectors.append(self.encoder.encode(batch))
            self.embedded += len(batch)
        self.run.advance(pending, embedded=self.embedded)
        return np.concatenate(vectors), status, reasons

    def _tell_unreadable(self, path: str, reason: str | None) -> None:
        self.unreadable += 1
        if self.unreadable <= TOLD_ONE_BY_ONE:
            self.run.warn(f"A picture was left out: {reason}.", subject=path)

    def _facts(self) -> PartFacts:
        assert self.clip is not None
        precision = str(self.clip.precision).removeprefix("torch.")
        return PartFacts(
            self.plan.catalogue_id, self.clip.model_key, self.clip.model, self.clip.pretrained,
            self.clip.weights_sha256, self.clip.dimensions, precision,
        )  # fmt: skip

    def evaluate(self) -> dict[str, JsonValue]:
        """Mine, score and write; the folder's result comes last and makes the run count."""
        pictures, images = self._images()
        words = {
            recipe: read_table(self.folder, words_file(recipe))
            for recipe in self.plan.negatives
            if (self.folder / words_file(recipe)).exists()
        }
        encoder = self._text_encoder()
        self.run.advance(0, stage="texts")
        device = choose_device(self.run.device or "auto")
        id_labels = pictures.filter(compute.equal(pictures["part"], 0))["label"].to_pylist()
        record = {"model": self._model_facts().values(), "versions": _versions(), "device": str(device)}
        if self.plan.sweep is not None:
            write_sweep(self.folder, self.plan, images, words, encoder, id_labels, record, _mover(device), self.run)
        else:
            banks = make_banks(self.plan, words, encoder, images[0], id_labels, self.run.check)
            self._save(encoder)
            save_texts(self.folder, _text_arrays(banks))
            scores = score_run(
                self.plan, images, banks, self._compounds(encoder, device), self._patches(pictures),
                _mover(device), self._on_rows,
            )  # fmt: skip
            self._save(encoder)
            write_run(self.folder, self.plan, pictures, scores, banks, record | {"texts": facts_of(banks)})
        return {
            "folder": str(self.run.settings["folder"]),
            "model_key": self._model_facts().model_key,
            "embedded": self.embedded,
            "unreadable": self.unreadable,
        }

    def _images(self) -> tuple[pa.Table, list[Any]]:
        """The pictures that have an embedding, and those embeddings set by set."""
        table = read_table(self.folder, PICTURES_FILE)
        self.known = Known(self.model_folder, self.plan.catalogue_id) if self.clip is not None else None
        kept, images = [], []
        for position, part in enumerate(self.plan.sets):
            mine = table.filter(compute.equal(table["part"], position))
            if part.npz is not None:
                arrays = read_npz(part.npz)["embeddings"]
                kept.append(mine)
                images.append(arrays[mine["row"].to_numpy()])
                continue
            readable, gathered = self._gather(part.name, mine)
            kept.append(readable)
            images.append(gathered)
        _check_dimensions(self.plan, images)
        return pa.concat_tables(kept), images

    def _gather(self, name: str, mine: pa.Table) -> tuple[pa.Table, Any]:
        if self.known is None:
            raise EngineError(f"The set {name} has pictures, and the run has no model to embed them with.")
        pairs = zip(mine["image_id"].to_pylist(), mine["path"].to_pylist(), strict=True)
        found = [self.known.files.get(p) if i is None else self.known.images.get(i) for i, p in pairs]
        rows = [row for row, place in enumerate(found) if place is not None and place.row >= 0]
        if not rows:
            raise EngineError(f"Not one picture of the set {name} could be read.", "Look at `sood-tui jobs log`.")
        places = [place for place in found if place is not None and place.row >= 0]
        return mine.take(pa.array(rows)), self.known.gather(places)

    def _text_encoder(self) -> TextEncoder:
        if self.clip is not None:
            return TextBank(self.run.workspace_root / "embeddings", self.clip, self._on_texts)
        return _GivenTexts(self.plan)

    def _on_texts(self, done: int, total: int) -> None:
        self.run.advance(0, texts=f"{done:,} of {total:,}")

    def _save(self, encoder: TextEncoder) -> None:
        if isinstance(encoder, TextBank):
            encoder.save()

    def _compounds(self, encoder: TextEncoder, device: torch.device) -> Callable[[Sequence[str]], Any] | None:
        if self.clip is None:
            return None
        template = self.plan.recipes.get("csp", {}).get("label", ["{}"])[-1]
        return lambda texts: encoder.embeddings([template.replace("{}", text) for text in texts])

    def _patches(self, pictures: pa.Table) -> Callable[[int], Callable[[int, int], NDArray[np.float32]]]:
        def of_set(position: int) -> Callable[[int, int], NDArray[np.float32]]:
            paths = pictures.filter(compute.equal(pictures["part"], position))["path"].to_pylist()

            def rows(start: int, stop: int) -> NDArray[np.float32]:
                assert self.clip is not None
                files = [path_of_text(path) for path in paths[start:stop]]
                found = []
                for first in range(0, len(files), self.plan.batch_size):
                    part = files[first : first + self.plan.batch_size]
                    pixels = torch.stack([prepare(file, self.clip.pictures) for file in part])
                    found.append(encode_patches(self.clip, pixels))
                    self.run.check()
                return np.concatenate(found)

            return rows

        return of_set

    def _model_facts(self) -> ModelFacts:
        if self.clip is None:
            return ModelFacts("", None, "", "", 0, "")
        precision = str(self.clip.precision).removeprefix("torch.")
        return ModelFacts(
            self.clip.model, self.clip.pretrained, self.clip.model_key, self.clip.weights_sha256,
            self.clip.dimensions, precision,
        )  # fmt: skip

    def _on_rows(self, rows: int, stage: str) -> None:
        self.run.advance(0, stage=stage)


class _GivenTexts:
    """Texts whose embeddings come with the ID set's npz: label_embeddings and negative_embeddings, in order."""

    def __init__(self, plan: Plan) -> None:
        source = next((part.npz for part in plan.sets if part.npz is not None), None)
        arrays = read_npz(source) if source else {}
        self._rows: dict[str, NDArray[np.float32]] = {}
        for names, vectors in (("label_names", "label_embeddings"), ("negative_words", "negative_embeddings")):
            if names in arrays and vectors in arrays:
                words = [str(word) for word in arrays[names].tolist()]
                self._rows |= dict(zip(words, arrays[vectors].astype(np.float32), strict=True))

    def embeddings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        missing = [text for text in texts if text not in self._rows]
        if missing:
            raise EngineError(
                f"The embeddings from files lack {len(missing)} texts, the first is {missing[0]!r}.",
                "Give --model, or put label_names and label_embeddings (negative_words, negative_embeddings) into "
                "the ID set's npz.",
            )
        return np.stack([self._rows[text] for text in texts])


def _check_dimensions(plan: Plan, images: Sequence[Any]) -> None:
    widths = {part.name: int(rows.shape[1]) for part, rows in zip(plan.sets, images, strict=True)}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{name} {width}" for name, width in widths.items())
        raise EngineError(
            f"The sets' embeddings have different dimensions: {listed}.", "They come from different models."
        )


def _files_table(rows: Sequence[Mapping[str, Any]], status: list[str], reasons: list[str | None]) -> pa.Table:
    read = iter(range(len(status)))
    return pa.table(
        {
            "path": pa.array([row["path"] for row in rows], pa.string()),
            "size": pa.array([row["size"] for row in rows], pa.int64()),
            "mtime_ns": pa.array([row["mtime_ns"] for row in rows], pa.int64()),
            "row": pa.array([next(read) if state == READ else None for state in status], pa.int32()),
            "reason": pa.array(reasons, pa.string()),
        }
    )


def _text_arrays(banks: Banks) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name, bank in banks.banks.items():
        found[f"{name}.labels"] = np.asarray(bank.labels)
        if bank.negatives is not None and bank.permutation is not None:
            found[f"{name}.negatives"] = np.asarray(bank.negatives)
            found[f"{name}.permutation"] = bank.permutation
    return found


def _mover(device: torch.device) -> Callable[[Any], Any]:
    if device.type == "cpu":
        return lambda rows: rows  # NumPy's own product; a tensor would only be the same memory
    return lambda rows: torch.from_numpy(np.ascontiguousarray(rows)).to(device, non_blocking=True)


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in VERSIONED}
