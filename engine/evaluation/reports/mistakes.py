"""Why a picture was judged so: its nearest ID labels, the negative labels that won, and the words that hurt a class."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.embedded import Known, Place
from engine.evaluation.passes import normalised
from engine.evaluation.plan import Plan, negatives_file, read_table, words_file
from engine.evaluation.reports.reading import find_part, read_scores
from engine.evaluation.sets.pictures import read_npz
from engine.workspace import Workspace
from store.connection import Cursor
from store.evaluation import runs as store

TOP = 5
LOW_RECALL = 0.8


@dataclass(frozen=True, slots=True)
class Named:
    """A label or negative label with its cosine, and its share of the mass of its side."""

    word: str
    similarity: float
    share: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture on the wrong side: OOD that looks like ID, or ID that looks like OOD."""

    part: str
    position: int
    image_id: int | None
    path: str
    wnid: str | None
    label: str | None
    id_score: float
    labels: tuple[Named, ...]
    negatives: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class HurtClass:
    """An ID class with its recall; of one that loses too many pictures, the negative labels that take their mass."""

    label: str
    pictures: int
    id_recall: float
    negatives: tuple[Named, ...]


@dataclass(frozen=True)
class RunTexts:
    """The texts of a run and where the embeddings of its pictures are."""

    plan: Plan
    labels: NDArray[np.float32]
    negatives: NDArray[np.float32] | None
    words: tuple[str, ...]
    kinds: tuple[str, ...]
    known: Known | None

    def images(self, rows: Sequence[dict[str, Any]]) -> NDArray[np.float32]:
        """Embeddings of pictures of the run, float32 [n, d]."""
        vectors: list[NDArray[Any]] = []
        places: list[tuple[int, Place]] = []
        for row in rows:
            part = self.plan.sets[row["part"]]
            if part.npz is not None:
                vectors.append(_npz_rows(part.npz)[row["position"]])
                continue
            places.append((len(vectors), self._place(row)))
            vectors.append(np.empty(0))
        if self.known is not None and places:
            gathered = self.known.gather([place for _, place in places])[:]
            for (number, _), vector in zip(places, gathered, strict=True):
                vectors[number] = vector
        return normalised(np.stack(vectors))

    def _place(self, row: dict[str, Any]) -> Place:
        assert self.known is not None
        image_id = row["image_id"]
        place = self.known.files.get(row["path"]) if image_id is None else self.known.images.get(image_id)
        if place is None or place.row < 0:
            raise EngineError(f"The embedding of {row['path']} is gone.", "Run the evaluation again.")
        return place


def open_texts(workspace: Workspace, cursor: Cursor, run_id: int, recipe: str = "plain") -> RunTexts:
    """The texts of a run.

    Raises: EngineError when its folder is gone.
    """
    run = store.fetch_evaluation(cursor, run_id)
    if run.kind != "run":
        raise EngineError(f"Evaluation {run_id} is a {run.kind}, which keeps no texts of its own.", "Take a run.")
    folder = workspace.root / run.folder
    if not (folder / "texts.npz").exists():
        raise EngineError(f"The folder {run.folder} of evaluation {run_id} is gone.", "Run the evaluation again.")
    plan = Plan.read(folder)
    with np.load(folder / "texts.npz") as arrays:
        labels = arrays[f"{recipe}.labels"]
        negatives = arrays[f"{recipe}.negatives"] if f"{recipe}.negatives" in arrays.files else None
    known = Known(workspace.embeddings / run.model_key, plan.catalogue_id) if run.model_key else None
    return RunTexts(plan, labels, negatives, *_words(folder, plan, recipe), known)


@lru_cache(maxsize=4)
def _npz_rows(file: str) -> NDArray[Any]:
    return read_npz(file)["embeddings"]


def _words(folder: Path, plan: Plan, recipe: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if recipe not in plan.negatives:
        return (), ()
    name = words_file(recipe) if plan.negatives[recipe].given else negatives_file(recipe)
    table = read_table(folder, name)
    return tuple(table["word"].to_pylist()), tuple(table["pos"].to_pylist())


def explain(texts: RunTexts, images: NDArray[np.float32], temperature: float, top: int = TOP) -> list[tuple[Any, Any]]:
    """For each picture the nearest ID labels and the nearest negative labels with their share of the mass."""
    found = []
    label_names = texts.plan.label_names
    for image in images:
        labels = _nearest(texts.labels @ image, label_names, temperature, top)
        negatives = () if texts.negatives is None else _nearest(texts.negatives @ image, texts.words, temperature, top)
        found.append((labels, negatives))
    return found


def _nearest(similarity: NDArray[np.float32], words: Sequence[str], temperature: float, top: int) -> tuple[Named, ...]:
    weight = np.exp((similarity - similarity.max()).astype(np.float64) / temperature)
    share = weight / weight.sum()
    order = np.argsort(-similarity, kind="stable")[:top]
    return tuple(Named(words[row], float(similarity[row]), float(share[row])) for row in order)


def worst_mistakes(
    workspace: Workspace,
    run_id: int,
    method: str,
    ood: str | None = None,
    count: int = 16,
    of: str = "ood",
    order: str = "",
) -> list[Mistake]:
    """The pictures that a method is most wrong about, the worst first.

    Args:
        of: ood: OOD pictures with the highest id_score; id: ID pictures with the lowest.
        order: of the stream, for adaptive methods; empty: shuffled.

    Raises: EngineError or StoreError when the run, the method or the set is not there.
    """
    with workspace.opened().reading() as cursor:
        parts = store.fetch_parts(cursor, run_id)
        part = find_part(parts, ood)
        scores = read_scores(cursor, run_id, method)
        pictures = store.fetch_pictures(cursor, run_id)
        recipe = "csp" if method in ("csp", "negrefine") else "plain"
        texts = open_texts(workspace, cursor, run_id, recipe)
    of_id, of_ood = scores.against(part.position, part.name, order)
    wanted, values = (part.position, of_ood) if of == "ood" else (0, of_id)
    worst = np.argsort(-values if of == "ood" else values, kind="stable")[:count]
    mine = pictures.filter(np.asarray(pictures["part"].to_numpy() == wanted))
    if wanted == 0:
        mine = mine.filter(scores.reported)
    rows = mine.take(worst).to_pylist()
    temperature = float(texts.plan.methods[method].get("temperature", 0.01))
    explained = explain(texts, texts.images(rows), temperature)
    names = texts.plan.label_names
    return [
        Mistake(
            parts[wanted].name,
            row["position"],
            row["image_id"],
            row["path"],
            row["wnid"],
            None if row["label"] is None else names[row["label"]],
            float(values[place]),
            labels,
            negatives,
        )
        for row, place, (labels, negatives) in zip(rows, worst, explained, strict=True)
    ]


def hurt_classes(
    workspace: Workspace,
    run_id: int,
    method: str,
    ood: str | None = None,
    below: float = LOW_RECALL,
    with_others: bool = False,
) -> list[HurtClass]:
    """ID classes that keep too few of their pictures, with the negative labels of the largest mean mass.

    Args:
        workspace: open.
        run_id: of a run.
        method: one with negative labels.
        ood: the set whose threshold counts; None: the first.
        below: a recall, in [0, 1]; classes under it are hurt.
        with_others: list the other classes too, without negative labels.

    Raises: EngineError when the method has no negative labels.

    Source: METHODS of NegRefine made a person's decision: the words can be taken out, with a reason.
    """
    with workspace.opened().reading() as cursor:
        part = find_part(store.fetch_parts(cursor, run_id), ood)
        metrics = store.fetch_metrics(cursor, run_id)
        scores = read_scores(cursor, run_id, method)
        pictures = store.fetch_pictures(cursor, run_id)
        texts = open_texts(workspace, cursor, run_id, "csp" if method in ("csp", "negrefine") else "plain")
    if texts.negatives is None:
        raise EngineError(f"{method} has no negative labels in evaluation {run_id}.")
    threshold = next(
        row.value
        for row in metrics
        if (row.method, row.scope, row.part, row.metric) == (method, "set", part.name, "threshold_id_positive")
    )
    of_id, _ = scores.against(part.position, part.name)
    rows = pictures.filter(np.asarray(pictures["part"].to_numpy() == 0)).filter(scores.reported).to_pylist()
    temperature = float(texts.plan.methods[method]["temperature"])
    found = []
    for label, name in enumerate(texts.plan.label_names):
        mine = [place for place, row in enumerate(rows) if row["label"] == label]
        recall = float(np.mean([of_id[place] >= threshold for place in mine])) if mine else 1.0
        if recall < below:
            images = texts.images([rows[place] for place in mine])
            found.append(HurtClass(name, len(mine), recall, _mean_mass(texts, images, temperature)))
        elif with_others and mine:
            found.append(HurtClass(name, len(mine), recall, ()))
    return sorted(found, key=lambda one: one.id_recall)


def _mean_mass(texts: RunTexts, images: NDArray[np.float32], temperature: float, top: int = TOP) -> tuple[Named, ...]:
    assert texts.negatives is not None
    similarity = (images @ np.concatenate([texts.labels, texts.negatives]).T).astype(np.float64)
    weight = np.exp((similarity - similarity.max(axis=1, keepdims=True)) / temperature)
    mass = (weight / weight.sum(axis=1, keepdims=True))[:, len(texts.labels) :].mean(axis=0)
    mean = similarity[:, len(texts.labels) :].mean(axis=0)
    order = np.argsort(-mass, kind="stable")[:top]
    return tuple(Named(texts.words[row], float(mean[row]), float(mass[row])) for row in order)
