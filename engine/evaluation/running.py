"""A run without its models: from embeddings of pictures and words to scores. The job calls it; so do tests."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.batches import TextBank, Texts
from engine.evaluation.formulas import Array
from engine.evaluation.methods import find_method
from engine.evaluation.passes import SetScores, check_groups, normalised, score_set, stream_scores
from engine.evaluation.plan import NegativesPlan, Plan
from engine.evaluation.words.mining import (
    Selection,
    Share,
    csp_scores,
    interneg_scores,
    permutation,
    select,
    similarity_quantile,
)
from engine.evaluation.words.prompts import recipe_of

Floats32 = NDArray[np.float32]
PICTURES_OF_A_PROXY = 16


class TextEncoder(Protocol):
    """Gives the embeddings of texts, each encoded once: float32 [n, d], L2-normalised."""

    def embeddings(self, texts: Sequence[str]) -> Floats32:
        """Embeddings of the texts."""
        ...


@dataclass(frozen=True)
class Banks:
    """The texts of a run, and the negative labels that were mined on the way: recipe -> table of words by rank."""

    banks: Mapping[str, TextBank]
    mined: Mapping[str, pa.Table]


@dataclass(frozen=True)
class StreamScores:
    """Scores of one adaptive method against one OOD set, in one order of the stream."""

    method: str
    ood: int
    order: str
    of_id: NDArray[np.float64]
    of_ood: NDArray[np.float64]


@dataclass
class RunScores:
    """Everything that was scored: static scores a set, streams an adaptive method and OOD set, seconds a method."""

    sets: list[SetScores] = field(default_factory=list)
    streams: list[StreamScores] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def mean_embeddings(
    encoder: TextEncoder,
    texts: Sequence[Sequence[str]],
    check: Callable[[], None],
    on_words: Callable[[int, int], None] = lambda done, total: None,
) -> Floats32:
    """The normalised mean over the prompts of each word, float32 [n, d]; on_words is told how many are done, of all."""
    if not texts:
        raise EngineError("There are no texts to embed.")
    rows = []
    step = max(1, 1_024 // len(texts[0]))
    for start in range(0, len(texts), step):
        part = texts[start : start + step]
        vectors = encoder.embeddings([prompt for prompts in part for prompt in prompts])
        bounds = np.cumsum([0, *(len(prompts) for prompts in part)])
        means = np.add.reduceat(vectors, bounds[:-1], axis=0)
        rows.append(normalised(means, start))
        check()
        on_words(start + len(part), len(texts))
    return np.concatenate(rows)


def make_banks(
    plan: Plan,
    words: Mapping[str, pa.Table],
    encoder: TextEncoder,
    id_images: Array,
    id_labels: Sequence[int | None],
    check: Callable[[], None] = lambda: None,
    noise: Floats32 | None = None,
    on_words: Callable[[int, int], None] = lambda done, total: None,
) -> Banks:
    """The embeddings of all texts; negative labels are mined where the plan says so.

    Args:
        plan: of the run.
        words: recipe -> corpus, or the words of an artefact by rank.
        encoder: of the model.
        id_images: [n, d] of the ID set, for rankings that use pictures.
        id_labels: label index of each of them.
        check: lets the user cancel in between.
        noise: embeddings of pictures of noise, for methods that begin with some.
        on_words: told how many words of a corpus are embedded, of all.

    Raises: EngineError when nothing is left to choose from.
    """
    banks, mined = {}, {}
    for name, templates in plan.recipes.items():
        recipe = recipe_of(templates)
        count = len(plan.label_names)
        labels = mean_embeddings(encoder, recipe.texts(plan.label_names, ["label"] * count), check)
        negatives = plan.negatives.get(name)
        if negatives is None:
            banks[name] = TextBank(labels, label_names=tuple(plan.label_names))
            continue
        table = words[name]
        prompts = recipe.texts(table["word"].to_pylist(), table["pos"].to_pylist())
        embedded = mean_embeddings(encoder, prompts, check, on_words)
        if negatives.given is None:
            chosen = _rank(negatives, embedded, labels, table, id_images, id_labels)
            table = table.take(pa.array(chosen.rows)).append_column("distance", pa.array(chosen.distance))
            mined[name], embedded = table, embedded[chosen.rows]
        banks[name] = TextBank(
            labels,
            embedded,
            permutation(len(embedded), plan.seed),
            tuple(plan.label_names),
            tuple(table["word"].to_pylist()),
            noise,
        )
    return Banks(banks, mined)


def _rank(
    negatives: NegativesPlan,
    words: Floats32,
    labels: Floats32,
    table: pa.Table,
    id_images: Array,
    id_labels: Sequence[int | None],
) -> Selection:
    share = Share(negatives.fraction, negatives.count, negatives.per_pos)
    if negatives.ranking == "interneg":
        proxies = class_proxies(id_images, id_labels, len(labels))
        base = 1 - np.einsum("kd,kd->k", labels, proxies)
        admissible, surplus = interneg_scores(base, 1 - words @ proxies.T)
        score = np.where(admissible, -surplus, np.inf)
    else:
        score, greatest = similarity_quantile(words, labels, 1 - negatives.percentile)
        if negatives.ranking == "csp":
            score = csp_scores(score, greatest)
    return select(score, table["pos"].to_pylist(), share)


def class_proxies(images: Array, labels: Sequence[int | None], classes: int) -> Floats32:
    """The normalised mean of the first 16 pictures of each class, float32 [K, d].

    Raises: EngineError when a class has no picture.
    Source: InterNeg, CVPR 2026.
    """
    index = np.array([-1 if label is None else label for label in labels])
    rows = []
    for label in range(classes):
        found = np.flatnonzero(index == label)[:PICTURES_OF_A_PROXY]
        if not len(found):
            raise EngineError(
                f"ID class number {label} has no picture, which the ranking interneg needs.", "Use --ranking neglabel."
            )
        rows.append(
            normalised(np.stack([np.asarray(images[int(row) : int(row) + 1])[0] for row in found])).mean(axis=0)
        )
    return normalised(np.stack(rows))


def score_run(
    plan: Plan,
    images: Sequence[Array],
    banks: Banks,
    encode: Callable[[Sequence[str]], Array] | None,
    local: Callable[[int], Callable[[int, int], Array]] | None = None,
    to_device: Callable[[Array], Array] = lambda rows: rows,
    on_rows: Callable[[int, str], None] = lambda rows, stage: None,
) -> RunScores:
    """All static methods in one pass a set, then a stream for each adaptive method and OOD set.

    Args:
        plan: of the run.
        images: embeddings of each set, the ID set first.
        banks: the texts.
        encode: embeds further texts, for methods that join words.
        local: position of a set -> function of first and last row that gives patches.
        to_device: moves arrays to where the pass is computed.
        on_rows: told how many pictures are done, and of which stage.
    """
    methods = [(find_method(name), settings) for name, settings in plan.methods.items()]
    static = [pair for pair in methods if not pair[0].adaptive]
    for recipe, bank in banks.banks.items():
        if bank.negatives is not None:
            check_groups(len(bank.negatives), [pair for pair in methods if pair[0].recipe == recipe])
    texts = Texts({name: _moved(bank, to_device) for name, bank in banks.banks.items()}, encode)
    found = RunScores()
    needs_patches = any(method.local for method, _ in static)
    started = time.monotonic()
    for position, part in enumerate(images):
        patches = local(position) if needs_patches and local is not None else None
        tell = partial(_tell, on_rows, plan.sets[position].name)
        found.sets.append(score_set(part, texts, static, patches, to_device, tell))
    found.seconds["static"] = time.monotonic() - started
    for method, settings in methods:
        if method.adaptive:
            started = time.monotonic()
            bank = banks.banks[method.recipe]
            for order, (position, part) in itertools.product(plan.orders, enumerate(images[1:], start=1)):
                scores = stream_scores(images[0][:], part[:], bank, method, settings, order, plan.seed)
                found.streams.append(StreamScores(method.name, position, order, *scores))
                on_rows(0, f"{method.title}, {plan.sets[position].name}, {order}")
            found.seconds[method.name] = time.monotonic() - started
    return found


def _tell(on_rows: Callable[[int, str], None], stage: str, rows: int) -> None:
    on_rows(rows, stage)


def _moved(bank: TextBank, to_device: Callable[[Array], Array]) -> TextBank:
    negatives = None if bank.negatives is None else to_device(bank.negatives)
    return TextBank(to_device(bank.labels), negatives, bank.permutation, bank.label_names, bank.negative_words)


def evenly_mixed(pos: Sequence[str]) -> NDArray[np.int64]:
    """An order of ranked words in which every prefix has each part of speech in its share, int64 [n]."""
    kinds: dict[str, list[int]] = {}
    for row, kind in enumerate(pos):
        kinds.setdefault(kind, []).append(row)
    keyed: list[tuple[float, int]] = []
    for rows in kinds.values():
        keyed += [((place + 0.5) / len(rows), row) for place, row in enumerate(rows)]
    return np.array([row for _, row in sorted(keyed)], dtype=np.int64)


def facts_of(banks: Banks) -> dict[str, Any]:
    """Numbers of labels and negative labels, and the hash of the words by rank, for the record."""
    return {
        name: {
            "labels": len(bank.labels),
            "negatives": 0 if bank.negatives is None else len(bank.negatives),
            "words_sha256": sha256("\n".join(bank.negative_words).encode()).hexdigest(),
        }
        for name, bank in banks.banks.items()
    }
