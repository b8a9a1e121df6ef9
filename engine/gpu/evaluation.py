"""The job of an evaluation: embed what is not embedded yet, mine, score, and leave the numbers in the run's folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
    changed,
    refuse_changed,
    save_texts,
    write_files_part,
)
from engine.evaluation.methods import find_method
from engine.evaluation.outputs import write_record, write_run
from engine.evaluation.plan import PICTURES_FILE, Plan, read_table, words_file
from engine.evaluation.running import Banks, TextEncoder, facts_of, make_banks, score_run
from engine.evaluation.sets import read_npz
from engine.evaluation.sweeping import Sweep
from engine.gpu.clip import ClipModel, choose_device, load_model
from engine.gpu.encoding import Encoder, Flight
from engine.gpu.patches import encode_patches
from engine.gpu.pictures import allow_large_pictures, check_roots, prepare, prepare_all
from engine.gpu.text import TextBank
from engine.jobs.shards import JobPaused, Shard, ShardRun
from engine.jobs.spec import JsonValue
from engine.scoring.parts import READ, PartFacts, part_name, part_table, write_part
from store.paths import path_of_text

TOLD_ONE_BY_ONE = 20
ROW_BYTES = 64
"""Of a picture beside its embedding, at most."""
VERSIONED = ("sood-tui", "numpy", "torch", "open_clip_torch", "scikit-learn", "duckdb")


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Do one evaluation; called in the worker.

    Settings: folder, relative to the workspace, with the plan. Work: image_id, path, size, mtime_ns.
    Several processes may embed; only the one that concludes evaluates.

    Returns: model_key, pictures embedded now, unreadable ones.
    """
    folder = run.workspace_root / str(run.settings["folder"])
    plan = Plan.read(folder)
    work = _Work(run, folder, plan)
    if run.total is not None:
        for shard in run.shards():
            for number in range(len(plan.models)):
                work.embed(shard, number)
            shard.commit(pa.table({"path": shard.table["path"]}))
    if run.pausing():
        raise JobPaused  # what is not embedded yet would look like pictures that cannot be read
    return work.evaluate() if run.concludes else {"embedded": work.embedded, "unreadable": work.unreadable}


@dataclass
class _Work:
    """One start of the job; of several models one is loaded at a time."""

    run: ShardRun
    folder: Path
    plan: Plan
    loaded: int | None = None
    clip: ClipModel | None = None
    encoder: Encoder | None = None
    embedded: int = 0
    unreadable: int = 0
    known: Known | None = None

    def load(self, number: int) -> None:
        """Have that model ready; where it is, nothing is done.

        Raises: EngineError when it is not here, or files of a set have changed since it embedded them.
        """
        if self.loaded == number:
            return
        allow_large_pictures()
        self.clip = self.encoder = self.known = None
        model, pretrained = self.plan.models[number]
        self.clip = load_model(model, pretrained, self.run.device or "auto")
        self.loaded = number
        self.run.check()
        _check_widths(self.plan, self.clip)
        self.encoder = Encoder(self.clip, self.plan.batch_size, self.run.warn, self.run.spend)
        self.model_folder.mkdir(parents=True, exist_ok=True)
        self.known = Known(self.model_folder, self.plan.catalogue_id)
        if not self.plan.re_embed:
            pictures = read_table(self.folder, PICTURES_FILE)
            for position, part in enumerate(self.plan.sets):
                mine = pictures.filter(compute.equal(pictures["part"], position))
                refuse_changed(part.name, changed(mine, self.known.files))
        self._look_whether_it_fits()

    def _look_whether_it_fits(self) -> None:
        """Refuse embeddings for which the disk has no room, and a batch for which the memory has none."""
        assert self.clip is not None
        assert self.encoder is not None
        assert self.known is not None
        left = max(0, self.run.left - len(self.known.images) - len(self.known.files))
        row_bytes = self.clip.dimensions * np.dtype(np.float16).itemsize + ROW_BYTES
        self.run.need_space(left * row_bytes, "The embeddings", self.model_folder)
        self.encoder.try_batch(left, self.run.cores)
        self.run.forget_times()

    @property
    def model_folder(self) -> Path:
        assert self.clip is not None
        return self.run.workspace_root / "embeddings" / self.clip.model_key

    def embed(self, shard: Shard, number: int) -> None:
        """Encode the pictures of a shard that this model has not embedded; they are kept for every later run."""
        rows = shard.table.filter(compute.equal(shard.table["model"], number)).to_pylist()
        if not rows:
            return
        self.load(number)
        assert self.known is not None
        ours = [row for row in rows if row["image_id"] is not None and row["image_id"] not in self.known.images]
        files = [row for row in rows if row["image_id"] is None and self._is_new(row)]
        self.run.advance(len(rows) - len(ours) - len(files), embedded=self.embedded)
        name = part_name(self.run.spec.number, shard.number)
        if ours:
            vectors, status, reasons = self._encode([row["path"] for row in ours])
            table = part_table([row["image_id"] for row in ours], status, reasons)
            with self.run.timed("write"):
                written = write_part(self.model_folder, name, vectors, table, self._facts())
            for file in written:
                self.run.wrote(file)
        if files:
            vectors, status, reasons = self._encode([row["path"] for row in files])
            with self.run.timed("write"):
                write_files_part(self.model_folder, name, vectors, _files_table(files, status, reasons))

    def _is_new(self, row: Mapping[str, Any]) -> bool:
        assert self.known is not None
        place = self.known.files.get(row["path"])
        return place is None or (place.size, place.mtime_ns) != (row["size"], row["mtime_ns"])

    def _encode(self, paths: Sequence[str]) -> tuple[NDArray[np.float16], list[str], list[str | None]]:
        assert self.encoder is not None
        assert self.clip is not None
        vectors: list[NDArray[np.float16]] = []
        flights: list[Flight] = []
        status: list[str] = []
        reasons: list[str | None] = []
        batch: list[torch.Tensor] = []
        pending = 0
        pairs = ((text, path_of_text(text)) for text in paths)
        pictures = prepare_all(pairs, self.clip.pictures, self.run.cores, ahead=2 * self.encoder.batch_size)
        for picture in self.run.timed_each("decode", pictures):
            pending += 1
            status.append(picture.problem.kind if picture.problem else READ)
            reasons.append(picture.problem.reason if picture.problem else None)
            if picture.pixels is None:
                self._tell_unreadable(picture.key, reasons[-1])
            else:
                batch.append(picture.pixels)
            if len(batch) >= self.encoder.batch_size:
                begun = self.encoder.begin(batch)
                vectors.append(self.encoder.finish(flights))  # the batch before: the device is at this one meanwhile
                flights = begun
                self.embedded += len(batch)
                self.run.advance(pending, embedded=self.embedded, **self._detail())
                batch, pending = [], 0
        vectors += [self.encoder.finish(flights), self.encoder.encode(batch)]
        self.embedded += len(batch)
        self.run.advance(pending, embedded=self.embedded, **self._detail())
        return np.concatenate(vectors), status, reasons

    def _detail(self) -> dict[str, JsonValue]:
        assert self.encoder is not None
        return {"batch": self.encoder.batch_size, "memory": self.encoder.memory}

    def _tell_unreadable(self, path: str, reason: str | None) -> None:
        check_roots(self.run.settings.get("roots", ()))
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
        """Mine, score and write; the folder's record comes last and makes the run count."""
        device = choose_device(self.run.device or "auto")
        if self.plan.sweep is not None:
            models = self._sweep(device)
        else:
            self._score(device)
            models = [self._model_facts()]
        return {
            "folder": str(self.run.settings["folder"]),
            "model_key": models[0].model_key,
            "embedded": self.embedded,
            "unreadable": self.unreadable,
        }

    def _score(self, device: torch.device) -> None:
        if self.plan.models:
            self.load(0)
        self._look()
        pictures, images = self._images(None)
        words = {recipe: read_table(self.folder, words_file(recipe)) for recipe in self.plan.negatives}
        encoder = self._text_encoder()
        self.run.advance(0, stage="texts")
        id_labels = pictures.filter(compute.equal(pictures["part"], 0))["label"].to_pylist()
        banks = make_banks(
            self.plan, words, encoder, images[0], id_labels, self.run.check, self._noise(), self._on_words
        )
        self._save(encoder)
        save_texts(self.folder, _text_arrays(banks))
        scores = score_run(
            self.plan, images, banks, self._compounds(encoder, device), self._patches(pictures),
            _mover(device), self._on_rows,
        )  # fmt: skip
        self._save(encoder)
        facts = self._model_facts().values()
        record = {"model": facts, "versions": _versions(), "device": str(device), "texts": facts_of(banks)}
        write_run(self.folder, self.plan, pictures, scores, banks, record)

    def _sweep(self, device: torch.device) -> list[ModelFacts]:
        """Every model in turn, over the pictures that all of them could read."""
        # What is loaded comes first: a model is loaded twice at most.
        numbers = sorted(range(len(self.plan.models) or 1), key=lambda number: number != self.loaded)
        readable, facts = self._readable_by_all(numbers)
        tables = [read_table(self.folder, words_file(f"corpus-{k}")) for k in range(len(self.plan.corpora))]
        sweep = Sweep(self.folder, self.plan, tables, self.run)
        for number in reversed(numbers):
            if self.plan.models:
                self.load(number)
            self._look()
            pictures, images = self._images(readable)
            id_labels = pictures.filter(compute.equal(pictures["part"], 0))["label"].to_pylist()
            encoder = self._text_encoder()
            sweep.of_model(number, images, encoder, id_labels, _mover(device), self.run.check)
            self._save(encoder)
        sweep.finish()
        record = {
            "model": facts[0].values(), "models": [one.values() for one in facts], "versions": _versions(),
            "device": str(device), "preview_pictures": sweep.sampled, "seconds": {},
        }  # fmt: skip
        write_record(self.folder, self.plan, pictures, record)
        return facts

    def _readable_by_all(self, numbers: Sequence[int]) -> tuple[set[tuple[int, int]], list[ModelFacts]]:
        """Part and position of the pictures that every model has an embedding of, and what each model is."""
        found: set[tuple[int, int]] | None = None
        facts = {}
        for number in numbers:
            if self.plan.models:
                self.load(number)
            self._look()
            pictures, _ = self._images(None)
            mine = set(zip(pictures["part"].to_pylist(), pictures["position"].to_pylist(), strict=True))
            found = mine if found is None else found & mine
            facts[number] = self._model_facts()
        return found or set(), [facts[number] for number in sorted(facts)]

    def _look(self) -> None:
        """See what is embedded by now."""
        self.known = Known(self.model_folder, self.plan.catalogue_id) if self.clip is not None else None

    def _images(self, readable: set[tuple[int, int]] | None) -> tuple[pa.Table, list[Any]]:
        """The pictures that have an embedding, and those embeddings set by set; of some pictures, if they are given."""
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

    def _noise(self) -> NDArray[np.float32] | None:
        """Embeddings of seeded pictures of even noise, for methods that begin with some."""
        count = max(find_method(name).noise for name in self.plan.methods)
        if self.clip is None or self.encoder is None or not count:
            return None
        size = (count, 3, *self.clip.pictures.size)
        pixels = np.random.default_rng(self.plan.seed).integers(0, 256, size, dtype=np.uint8)
        return self.encoder.encode(list(torch.from_numpy(pixels))).astype(np.float32)

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
        self.run.check()

    def _on_words(self, done: int, total: int) -> None:
        self.run.advance(0, stage="words", words=f"{done:,} of {total:,}")

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


def _check_widths(plan: Plan, clip: ClipModel) -> None:
    """Refuse embeddings from files that this model cannot have made, before anything is encoded."""
    for part in plan.sets:
        width = 0 if part.npz is None else int(read_npz(part.npz)["embeddings"].shape[1])
        if width and width != clip.dimensions:
            raise EngineError(
                f"The embeddings of {part.name} have {width} dimensions, and {clip.model} makes {clip.dimensions}.",
                "They are of another model: name the one that made them, or embed the pictures themselves.",
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
