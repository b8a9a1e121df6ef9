"""Which words become negative labels: those that lie far from every ID label."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

CSP_CEILING = 0.95
BLOCK_FLOATS = 2_048_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Chosen words, farthest first within each part of speech, nouns before adjectives.

    Attributes:
        rows: int64 [M] into the corpus.
        distance: float64 [M], minus the similarity at the percentile (for interneg its own sum).
    """

    rows: NDArray[np.int64]
    distance: NDArray[np.float64]


def similarity_quantile(
    words: NDArray[np.floating], labels: NDArray[np.floating], quantile: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each word the quantile and the maximum of its similarities to the ID labels.

    Product and partition share one block of bounded size, so that the whole matrix never exists.

    Args:
        words: [n, d], L2-normalised.
        labels: [K, d], L2-normalised.
        quantile: in [0, 1], linear between neighbours.

    Returns: float64 [n] and float64 [n].
    Source: NegLabel, section 3.1: the eta-percentile of distances is minus the (1 - eta)-quantile of similarities.
    """
    position = (len(labels) - 1) * quantile
    below = int(np.floor(position))
    fraction = position - below
    found, peak = np.empty(len(words)), np.empty(len(words))
    rows = max(1, BLOCK_FLOATS // max(1, len(labels)))
    for start in range(0, len(words), rows):
        block = words[start : start + rows] @ labels.T
        found[start : start + rows], peak[start : start + rows] = _row_quantile(block, below, fraction)
    return found, peak


def _row_quantile(
    block: NDArray[np.floating], below: int, fraction: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    block.partition(below, axis=1)
    low = block[:, below].astype(np.float64)
    above = block[:, below + 1 :]
    if above.shape[1] == 0:
        return low, low
    high = above.min(axis=1).astype(np.float64)
    return low + fraction * (high - low), np.maximum(low, above.max(axis=1))


def far_to_near(score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows in ascending order of their similarity; ties keep the order of the corpus."""
    return np.argsort(score, kind="stable")


def csp_scores(quantile: NDArray[np.float64], greatest: NDArray[np.float64]) -> NDArray[np.float64]:
    """CSP's ranking: a word with any similarity above 0.95 goes to the end.

    Source: CSP, NeurIPS 2024, its code.
    """
    return np.where(greatest > CSP_CEILING, 1.0, quantile)


def interneg_scores(
    base_distance: NDArray[np.floating], distance: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which words lie farther from every class than its own pictures do, and by how much in sum.

    Args:
        base_distance: [K], 1 - cos(text, mean of the class's pictures).
        distance: [n, K], 1 - cos(word, mean of the class's pictures).

    Returns: admissible bool [n], sum of the surpluses float64 [n].
    Source: InterNeg, CVPR 2026, selection step; its text inversion is not done.
    """
    gap = np.asarray(distance, dtype=np.float64) - np.asarray(base_distance, dtype=np.float64)
    return np.asarray((gap > 0).all(axis=1)), np.asarray(gap.sum(axis=1))


@dataclass(frozen=True, slots=True)
class Share:
    """How many words to keep: a share of each part of speech, or a fixed number in all.

    Attributes:
        fraction: in (0, 1]; used when count is None.
        count: number in all; divided among the parts of speech by their sizes.
        per_pos: rank nouns and adjectives apart; else one ranking of all.
    """

    fraction: float = 0.15
    count: int | None = None
    per_pos: bool = True


def select(score: NDArray[np.float64], pos: Sequence[str], share: Share) -> Selection:
    """The words with the smallest scores.

    Args:
        score: float64 [n], similarity-like: smaller is farther; infinite: never chosen.
        pos: part of speech of each word.

    Raises: EngineError when nothing would be kept.
    """
    parts = list(_parts(pos, share))
    total = sum(len(rows) for rows in parts)
    chosen = []
    for rows, wanted in zip(parts, _counts(parts, total, share), strict=True):
        ranked = rows[far_to_near(score[rows])]
        chosen.append(ranked[np.isfinite(score[ranked])][:wanted])
    rows = np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int64)
    if not len(rows):
        raise EngineError("No negative label is left.", "Keep a larger share, or give a larger corpus.")
    return Selection(rows, -score[rows])


def _parts(pos: Sequence[str], share: Share) -> Iterator[NDArray[np.int64]]:
    if not share.per_pos:
        yield np.arange(len(pos))
        return
    kinds = np.asarray(pos)
    for kind in ("noun", "adj"):
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            yield rows


def _counts(parts: Sequence[NDArray[np.int64]], total: int, share: Share) -> list[int]:
    if share.count is None:
        return [int(share.fraction * len(rows)) for rows in parts]
    if share.count > total:
        raise EngineError(f"{share.count:,} negative labels were asked for, but the corpus has {total:,} words.")
    counts = [share.count * len(rows) // total for rows in parts]
    counts[0] += share.count - sum(counts)
    return counts


def permutation(count: int, seed: int) -> NDArray[np.int64]:
    """The order that spreads the ranking over the groups; the same on every device.

    NegLabel draws it on the GPU anew for each batch; its CUDA generator cannot be had elsewhere.
    """
    return np.random.default_rng(seed).permutation(count)
