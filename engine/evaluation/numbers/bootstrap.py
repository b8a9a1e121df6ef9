"""Bootstrap intervals of AUROC and of both FPR95, from counts over shared score bins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
INTERVAL_METRICS = ("auroc", "fpr95_id_positive", "fpr95_ood_positive", "aupr_in", "aupr_out")
RESAMPLES = 1_000
BINS = 2_048
CHUNK = 125
RECALL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % percentile interval of a bootstrap."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Second run less first run on the same pictures.

    Attributes:
        metric: its name.
        first: value of the first run.
        second: value of the second run.
        difference: second - first.
        low: of the 95 % interval of the difference.
        high: of the same.
        p_value: two-sided, share of resamples on the other side of zero; at least 1 / resamples.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float


def bin_counts(of_id: Floats, of_ood: Floats, bins: int = BINS) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many ID and OOD scores fall in each bin, from low to high.

    Every distinct score has a bin of its own where there are at most ``bins`` of them; else the edges are quantiles of
    both sides, so that each side is cut evenly.
    """
    edges = _edges([of_id, of_ood], bins)
    return _counts(edges, of_id), _counts(edges, of_ood)


def _edges(sides: Sequence[Floats], bins: int) -> Floats:
    distinct = np.unique(np.concatenate(sides))
    if len(distinct) <= bins:
        return distinct
    shares = np.linspace(0, 1, bins // len(sides), endpoint=False)
    return np.unique(np.concatenate([*(np.quantile(side, shares) for side in sides), distinct[:1]]))


def _places(edges: Floats, scores: Floats) -> NDArray[np.int64]:
    return np.searchsorted(edges, scores, side="right") - 1


def _counts(edges: Floats, scores: Floats) -> NDArray[np.int64]:
    return np.bincount(_places(edges, scores), minlength=len(edges))


def metrics_of_counts(of_id: NDArray[np.number], of_ood: NDArray[np.number]) -> dict[str, Floats]:
    """The numbers of INTERVAL_METRICS from counts.

    Args:
        of_id: [resamples, bins] weights of the ID side from the lowest score to the highest.
        of_ood: the same of the OOD side.

    Returns: name to float64 [resamples].
    """
    id_weight = np.asarray(of_id, dtype=np.float64)
    ood_weight = np.asarray(of_ood, dtype=np.float64)
    n_id, n_ood = id_weight.sum(axis=1), ood_weight.sum(axis=1)
    id_above = np.cumsum(id_weight[:, ::-1], axis=1)[:, ::-1]  # ID at or above each bin
    ood_above = np.cumsum(ood_weight[:, ::-1], axis=1)[:, ::-1]
    better = ((id_above - id_weight / 2) * ood_weight).sum(axis=1)
    rows = np.arange(len(id_weight))
    # The highest bin that still keeps 95 % of ID; the tolerance absorbs the rounding of sums of weights.
    strict = (id_above >= RECALL * n_id[:, None] - 1e-9).sum(axis=1) - 1
    ood_below = n_ood[:, None] - ood_above + ood_weight
    caught = np.argmax(ood_below >= RECALL * n_ood[:, None] - 1e-9, axis=1)
    id_below = n_id[:, None] - id_above + id_weight
    return {
        "auroc": better / (n_id * n_ood),
        "fpr95_id_positive": ood_above[rows, strict] / n_ood,
        "fpr95_ood_positive": id_below[rows, caught] / n_id,
        "aupr_in": (id_weight * id_above / np.maximum(id_above + ood_above, 1e-300)).sum(axis=1) / n_id,
        "aupr_out": (ood_weight * ood_below / np.maximum(id_below + ood_below, 1e-300)).sum(axis=1) / n_ood,
    }


def detection_intervals(
    of_id: Floats, of_ood: Floats, seed: int = 0, resamples: int = RESAMPLES, bins: int = BINS
) -> dict[str, Interval]:
    """95 % percentile intervals of INTERVAL_METRICS; both sides are resampled, each with its own size.

    Args:
        of_id: float64 [n_id].
        of_ood: float64 [n_ood].
        seed: of the resampling.
        resamples: how many.
        bins: scores are binned first, which makes the cost independent of the number of pictures.
    """
    generator = np.random.default_rng(seed)
    id_counts, ood_counts = bin_counts(of_id, of_ood, bins)
    found: dict[str, list[Floats]] = {name: [] for name in INTERVAL_METRICS}
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        drawn_id = generator.multinomial(len(of_id), id_counts / len(of_id), size=size)
        drawn_ood = generator.multinomial(len(of_ood), ood_counts / len(of_ood), size=size)
        for name, values in metrics_of_counts(drawn_id, drawn_ood).items():
            found[name].append(values)
    return {name: _interval(np.concatenate(values)) for name, values in found.items()}


def mean_intervals(
    of_id: Sequence[Floats], of_ood: Sequence[Floats], seed: int = 0, resamples: int = RESAMPLES, bins: int = BINS
) -> dict[str, Interval]:
    """95 % percentile intervals of the means of INTERVAL_METRICS over several OOD sets.

    Every OOD set is resampled on its own; the ID pictures are the same for all of them, and so are their resamples.

    Args:
        of_id: for each OOD set float64 [n_id], the same pictures in the same order; adaptive methods score them anew
            with each set, static ones give the same array again.
        of_ood: float64 [n_ood] of each set.
        seed: of the resampling.
        resamples: how many.
        bins: of the scores of a set; static methods share them over all sets, which therefore get as many more.
    """
    generator = np.random.default_rng(seed)
    is_one = all(scores is of_id[0] for scores in of_id)
    draw = _draws_of_static if is_one else _draws_of_streams
    means: dict[str, list[Floats]] = {name: [] for name in INTERVAL_METRICS}
    for pairs in draw(generator, of_id, of_ood, resamples, bins):
        drawn = [metrics_of_counts(inside, outside) for inside, outside in pairs]
        for name, values in means.items():
            values.append(np.mean([one[name] for one in drawn], axis=0))
    return {name: _interval(np.concatenate(values)) for name, values in means.items()}


Drawn = Iterator[list[tuple[NDArray[np.int64], NDArray[np.int64]]]]
"""Resampled counts of ID and OOD for every set, chunk by chunk."""


def _draws_of_static(
    generator: np.random.Generator, of_id: Sequence[Floats], of_ood: Sequence[Floats], resamples: int, bins: int
) -> Drawn:
    edges = _edges([of_id[0], *of_ood], bins * (len(of_ood) + 1) // 2)
    inside = _counts(edges, of_id[0])
    outside = [_counts(edges, scores) for scores in of_ood]
    n = len(of_id[0])
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        drawn = generator.multinomial(n, inside / n, size=size)
        yield [(drawn, generator.multinomial(one.sum(), one / one.sum(), size=size)) for one in outside]


def _draws_of_streams(
    generator: np.random.Generator, of_id: Sequence[Floats], of_ood: Sequence[Floats], resamples: int, bins: int
) -> Drawn:
    edges = [_edges(pair, bins) for pair in zip(of_id, of_ood, strict=True)]
    places = [_places(edge, scores) for edge, scores in zip(edges, of_id, strict=True)]
    outside = [_counts(edge, scores) for edge, scores in zip(edges, of_ood, strict=True)]
    n = len(of_id[0])
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        chosen = generator.integers(n, size=(size, n))
        yield [
            (
                np.stack([np.bincount(place[rows], minlength=len(one)) for rows in chosen]),
                generator.multinomial(one.sum(), one / one.sum(), size=size),
            )
            for place, one in zip(places, outside, strict=True)
        ]


def share_interval(hits: NDArray[np.bool_], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """95 % percentile interval of a share, such as accuracy."""
    drawn = np.random.default_rng(seed).binomial(len(hits), hits.mean(), size=resamples) / len(hits)
    return _interval(drawn)


def paired_differences(
    first: tuple[Floats, Floats], second: tuple[Floats, Floats], seed: int = 0, resamples: int = RESAMPLES
) -> list[PairedDifference]:
    """Differences of two runs with intervals; both runs see the same resampled pictures.

    Args:
        first: id_scores of the ID pictures [n_id] and of the OOD pictures [n_ood] in the first run.
        second: the same pictures in the same order, in the second run.
    """
    generator = np.random.default_rng(seed)
    systems = [_Ranked(*first), _Ranked(*second)]
    observed = [system.metrics(None, None) for system in systems]
    drawn: list[list[dict[str, float]]] = [[], []]
    n_id, n_ood = len(first[0]), len(first[1])
    for _ in range(resamples):
        id_weight = np.bincount(generator.integers(n_id, size=n_id), minlength=n_id)
        ood_weight = np.bincount(generator.integers(n_ood, size=n_ood), minlength=n_ood)
        for system, rows in zip(systems, drawn, strict=True):
            rows.append(system.metrics(id_weight, ood_weight))
    return [_difference(name, observed, drawn) for name in INTERVAL_METRICS]


class _Ranked:
    """One run's scores, sorted once; resamples only change the weights."""

    def __init__(self, of_id: Floats, of_ood: Floats) -> None:
        places, inverse = np.unique(np.concatenate([of_id, of_ood]), return_inverse=True)
        self._bins = len(places)
        self._id, self._ood = inverse[: len(of_id)], inverse[len(of_id) :]

    def metrics(self, of_id: NDArray[np.int64] | None, of_ood: NDArray[np.int64] | None) -> dict[str, float]:
        counts = metrics_of_counts(
            np.bincount(self._id, weights=of_id, minlength=self._bins)[None, :],
            np.bincount(self._ood, weights=of_ood, minlength=self._bins)[None, :],
        )
        return {name: float(value[0]) for name, value in counts.items()}


def _difference(name: str, observed: list[dict[str, float]], drawn: list[list[dict[str, float]]]) -> PairedDifference:
    gaps = np.array([after[name] - before[name] for before, after in zip(*drawn, strict=True)])
    interval = _interval(gaps)
    other_side = 2 * min((gaps <= 0).mean(), (gaps >= 0).mean())
    before, after = observed[0][name], observed[1][name]
    p_value = float(min(1.0, max(other_side, 1 / len(gaps))))
    return PairedDifference(name, before, after, after - before, interval.low, interval.high, p_value)


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))
