"""The job of an evaluation: embed what is not embedded yet, mine, score, and leave the numbers in the run's folder."""

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

from engine.evaluation.embedded import ModelFacts, save_texts
from engine.evaluation.methods import find_method
from engine.evaluation.outputs import write_record, write_run
from engine.evaluation.plan import Plan, read_table, words_file
from engine.evaluation.running import Banks, TextEncoder, facts_of, make_banks, score_run
from engine.evaluation.sweeps.job import Sweep
from engine.evaluation.words.given_texts import GivenTexts
from engine.gpu.embedding import Embedding
from engine.gpu.patches import encode_patches
from engine.gpu.pictures import prepare
from engine.gpu.placing import choose_device
from engine.gpu.text import TextBank
from engine.jobs.events import Pace
from engine.jobs.shards import JobPaused, ShardRun
from engine.jobs.spec import JsonValue
from store.paths import path_of_text

VERSIONED = ("sood-tui", "numpy", "torch", "open_clip_torch", "scikit-learn", "duckdb")


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Do one evaluation; called in the worker.

    Settings: folder, relative to the workspace, with the plan. Work: image_id, path, size, mtime_ns.
    Several processes may embed; only the one that concludes evaluates.

    Returns: model_key, pictures embedded now, unreadable ones.
    """
    folder = run.workspace_root / str(run.settings["folder"])
    plan = Plan.read(folder)
    embedding = Embedding(run, folder, plan)
    if run.total is not None:
        for shard in run.shards():
            for number in range(len(plan.models)):
                embedding.embed(shard, number)
            shard.commit(pa.table({"path": shard.table["path"]}))
    if run.pausing():
        raise JobPaused  # what is not embedded yet would look like pictures that cannot be read
    done: dict[str, JsonValue] = {"embedded": embedding.embedded, "unreadable": embedding.unreadable}
    if not run.concludes:
        return done
    model = _Evaluating(run, folder, plan, embedding).evaluate()
    return {"folder": str(run.settings["folder"]), "model_key": model.model_key, **done}


@dataclass
class _Evaluating:
    """What follows when everything is embedded: mine, score, and write."""

    run: ShardRun
    folder: Path
    plan: Plan
    embedding: Embedding
    pace: Pace = field(default_factory=Pace)

    def evaluate(self) -> ModelFacts:
        """Mine, score and write; the folder's record comes last and makes the run count.

        Returns: the model, or the first of several.
        """
        device = choose_device(self.run.device or "auto")
        facts = self._score(device) if self.plan.sweep is None else self._sweep(device)
        self.run.advance(0, stage=None, words=None)
        return facts

    def _score(self, device: torch.device) -> ModelFacts:
        self.embedding.ready(0)
        pictures, images = self.embedding.images()
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
            self.plan, images, banks, self._compounds(encoder), self._patches(pictures),
            _mover(device), self._on_rows,
        )  # fmt: skip
        self._save(encoder)
        facts = self.embedding.facts
        record = {"model": facts.values(), "versions": _versions(), "device": str(device), "texts": facts_of(banks)}
        write_run(self.folder, self.plan, pictures, scores, banks, record)
        return facts

    def _sweep(self, device: torch.device) -> ModelFacts:
        """Every model in turn, over the pictures that all of them could read."""
        # What is loaded comes first: a model is loaded twice at most.
        loaded = None if self.embedding.model is None else self.embedding.model.number
        numbers = sorted(range(len(self.plan.models) or 1), key=lambda number: number != loaded)
        readable, facts = self._readable_by_all(numbers)
        tables = [read_table(self.folder, words_file(f"corpus-{k}")) for k in range(len(self.plan.corpora))]
        sweep = Sweep(self.folder, self.plan, tables, self.run)
        for number in reversed(numbers):
            self.embedding.ready(number)
            pictures, images = self.embedding.images(readable)
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
        return facts[0]

    def _readable_by_all(self, numbers: Sequence[int]) -> tuple[set[tuple[int, int]], list[ModelFacts]]:
        """Part and position of the pictures that every model has an embedding of, and what each model is."""
        found: set[tuple[int, int]] | None = None
        facts = {}
        for number in numbers:
            self.embedding.ready(number)
            pictures, _ = self.embedding.images()
            mine = set(zip(pictures["part"].to_pylist(), pictures["position"].to_pylist(), strict=True))
            found = mine if found is None else found & mine
            facts[number] = self.embedding.facts
        return found or set(), [facts[number] for number in sorted(facts)]

    def _noise(self) -> NDArray[np.float32] | None:
        """Embeddings of seeded pictures of even noise, for methods that begin with some."""
        count = max(find_method(name).noise for name in self.plan.methods)
        model = self.embedding.model
        if model is None or not count:
            return None
        size = (count, 3, *model.clip.pictures.size)
        pixels = np.random.default_rng(self.plan.seed).integers(0, 256, size, dtype=np.uint8)
        return model.encoder.encode(list(torch.from_numpy(pixels))).astype(np.float32)

    def _text_encoder(self) -> TextEncoder:
        if self.embedding.model is not None:
            return TextBank(self.run.workspace_root / "embeddings", self.embedding.model.clip, self._on_texts)
        return GivenTexts(self.plan)

    def _on_texts(self, done: int, total: int) -> None:
        self.run.check()

    def _on_words(self, done: int, total: int) -> None:
        self.run.advance(0, stage="words", words=self.pace.words(done, total))

    def _save(self, encoder: TextEncoder) -> None:
        if isinstance(encoder, TextBank):
            encoder.save()

    def _compounds(self, encoder: TextEncoder) -> Callable[[Sequence[str]], Any] | None:
        if self.embedding.model is None:
            return None
        template = self.plan.recipes.get("csp", {}).get("label", ["{}"])[-1]
        return lambda texts: encoder.embeddings([template.replace("{}", text) for text in texts])

    def _patches(self, pictures: pa.Table) -> Callable[[int], Callable[[int, int], NDArray[np.float32]]]:
        def of_set(position: int) -> Callable[[int, int], NDArray[np.float32]]:
            paths = pictures.filter(compute.equal(pictures["part"], position))["path"].to_pylist()

            def rows(start: int, stop: int) -> NDArray[np.float32]:
                assert self.embedding.model is not None
                clip = self.embedding.model.clip
                files = [path_of_text(path) for path in paths[start:stop]]
                found = []
                for first in range(0, len(files), self.plan.batch_size):
                    part = files[first : first + self.plan.batch_size]
                    pixels = torch.stack([prepare(file, clip.pictures) for file in part])
                    found.append(encode_patches(clip, pixels))
                    self.run.check()
                return np.concatenate(found)

            return rows

        return of_set

    def _on_rows(self, rows: int, stage: str) -> None:
        self.run.advance(0, stage=stage, words=None)


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
