"""One pass over the embeddings for all static methods, and one stream for each adaptive one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.batches import Batch, TextBank, Texts, rows_at_once
from engine.evaluation.formulas import Array, Grouping, id_mass
from engine.evaluation.methods import Method, Settings
from engine.evaluation.methods.neglabel import grouping_of

Floats = NDArray[np.float64]
ROWS_WITH_PATCHES = 128
"""A picture of ViT-B-16 has 196 patches: 128 of them are about 50 MB."""


@dataclass(frozen=True, slots=True)
class SetScores:
    """Scores of the pictures of one set.

    Attributes:
        id_scores: method name to float64 [n].
        predicted: index of the most similar ID label, int64 [n].
        similarity: cosine with it, float64 [n].
        margin: log-odds of the ID labels against all negative labels (ungrouped), float64 [n]; None without negatives.
        group_deviation: standard deviation of the groups' masses, float64 [n]; None without negatives.
    """

    id_scores: Mapping[str, Floats]
    predicted: NDArray[np.int64]
    similarity: Floats
    margin: Floats | None = None
    group_deviation: Floats | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


def score_set(
    images: Array,
    texts: Texts,
    methods: Sequence[tuple[Method, Settings]],
    local: Callable[[int, int], Array] | None = None,
    to_device: Callable[[Array], Array] = lambda rows: rows,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> SetScores:
    """Scores of all static methods for one set; every batch is multiplied with each text once.

    Args:
        images: [n, d] L2-normalised, may be a memory map of float16; rows are made float32 batch by batch.
        texts: the banks that the methods need.
        methods: each with its settings.
        local: first and last row to patches [rows, patches, d], for methods that need them.
        to_device: moves a float32 batch to where the texts are.
        on_rows: told how many pictures are done.

    Raises: EngineError when a method lacks what it needs, or the embeddings are of another dimension or no numbers.
    """
    recipes = sorted({"plain", *(method.recipe for method, _ in methods)})
    _check_dimensions(images, texts.bank("plain"))
    collected: dict[str, list[Floats]] = {}
    most = rows_at_once(texts, recipes)
    for start, stop in _slices(len(images), most if local is None else min(most, ROWS_WITH_PATCHES)):
        rows = normalised(np.asarray(images[start:stop]), start)
        batch = Batch(to_device(rows), texts, None if local is None else to_device(local(start, stop)))
        for name, values in _batch_columns(batch, texts, methods).items():
            collected.setdefault(name, []).append(values)
        on_rows(stop - start)
    return _set_scores({name: np.concatenate(parts) for name, parts in collected.items()}, methods)


def _batch_columns(batch: Batch, texts: Texts, methods: Sequence[tuple[Method, Settings]]) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for method, settings in methods:
        if method.score is not None:
            found[f"score.{method.name}"] = to_host(method.score(batch, settings))
    similarity = batch.label_similarity()
    xp = array_api_compat.array_namespace(similarity)
    found["predicted"] = to_host(xp.argmax(similarity, axis=1))
    found["similarity"] = to_host(xp.astype(xp.max(similarity, axis=1), xp.float64))
    grouped = next((s for m, s in methods if m.name == "neglabel"), None)
    if grouped is not None and texts.bank("plain").negatives is not None:
        temperature = float(grouped["temperature"])
        sums = batch.negative_lse(temperature, grouping_of(grouped))
        labels = batch.label_lse(temperature)
        peak = xp.max(sums, axis=1)
        total = peak + xp.log(xp.sum(xp.exp(sums - peak[:, None]), axis=1))
        found["margin"] = to_host(labels - total)
        found["group_deviation"] = to_host(xp.std(id_mass(labels[:, None], sums), axis=1))
    return found


def _set_scores(columns: Mapping[str, Any], methods: Sequence[tuple[Method, Settings]]) -> SetScores:
    return SetScores(
        id_scores={m.name: columns[f"score.{m.name}"] for m, _ in methods if m.score is not None},
        predicted=columns["predicted"].astype(np.int64),
        similarity=columns["similarity"],
        margin=columns.get("margin"),
        group_deviation=columns.get("group_deviation"),
    )


def stream_scores(
    id_images: Array, ood_images: Array, bank: TextBank, method: Method, settings: Settings, order: str, seed: int
) -> tuple[Floats, Floats]:
    """Scores of an adaptive method that sees both sets as one stream.

    Args:
        order: shuffled (seeded), id-first or ood-first; the result depends on it.
        seed: of the shuffling.

    Returns: id_scores of the ID pictures and of the OOD pictures, in their own order.
    Raises: EngineError for an unknown order.
    """
    if method.stream is None:
        raise EngineError(f"{method.title} does not depend on the order of the pictures.")
    both = np.concatenate([normalised(np.asarray(id_images)), normalised(np.asarray(ood_images))])
    n_id = len(id_images)
    if order == "shuffled":
        sequence = np.random.default_rng(seed).permutation(len(both))
    elif order in ("id-first", "ood-first"):
        first, second = np.arange(n_id), np.arange(n_id, len(both))
        sequence = np.concatenate([first, second] if order == "id-first" else [second, first])
    else:
        raise EngineError(f"There is no stream order {order!r}.", "Orders are shuffled, id-first and ood-first.")
    scores = np.empty(len(both))
    scores[sequence] = method.stream(both[sequence], bank, settings)
    return scores[:n_id], scores[n_id:]


def normalised(rows: NDArray[Any], first_row: int = 0) -> NDArray[np.float32]:
    """The rows in float32 with length 1.

    Raises: EngineError that names the first row that is no direction.
    """
    # float32 before the division: a norm in half precision would cost digits of every similarity.
    full = np.ascontiguousarray(rows, dtype=np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", full, full))
    good = np.isfinite(lengths) & (lengths > 0)
    if not good.all():
        where = first_row + int(np.flatnonzero(~good)[0])
        raise EngineError(f"The embedding in row {where} is zero or no number.", "Embed the set again.")
    return np.asarray(full / lengths[:, None], dtype=np.float32)


def to_host(values: Array) -> NDArray[Any]:
    """The values as a NumPy array, wherever they were computed."""
    return np.asarray(values.cpu().numpy() if hasattr(values, "cpu") else values)


def check_groups(count: int, methods: Sequence[tuple[Method, Settings]]) -> None:
    """Refuse groupings that that many negative labels cannot fill, before any work is done.

    Raises: EngineError.
    """
    for method, settings in methods:
        if method.negatives and "groups" in settings:
            groups = max(int(settings["groups"]), int(settings.get("adaptive_groups", 1)))
            try:
                Grouping(groups).sizes(count)
            except ValueError as error:
                raise EngineError(f"{method.title}: {error}", f"Use --groups {max(1, count)} at most.") from error


def _check_dimensions(images: Array, bank: TextBank) -> None:
    if len(images) == 0:
        raise EngineError("A set without pictures cannot be scored.")
    if images.ndim != 2 or images.shape[1] != bank.labels.shape[1]:
        raise EngineError(
            f"The pictures' embeddings are {tuple(images.shape)}, the labels' have {bank.labels.shape[1]} dimensions.",
            "They come from different models: embed the pictures with the model of the labels.",
        )


def _slices(n: int, rows: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, rows):
        yield start, min(start + rows, n)
