"""The percentile rule: image-weighted percentiles of subclass means, and what lies between them.

Everything here is NumPy over one row a subclass, for all superclasses at once, so that thresholds can follow a key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Subclasses sorted by superclass and, within it, by mean; every subclass has at least one picture.

    superclass [n_subclasses] is the index of the superclass, mean [n_subclasses] in [0, 1], pictures [n_subclasses]
    the pictures that count. first [n_superclasses + 1] tells where each superclass begins, reached [n_subclasses] how
    many pictures stand up to and with each subclass over the whole ladder, total [n_superclasses] how many each has.
    """

    superclass: Integers
    mean: Floats
    pictures: Integers
    first: Integers
    reached: Integers
    total: Integers

    @property
    def before(self) -> Integers:
        """How many pictures stand before each superclass [n_superclasses]."""
        return np.asarray(np.cumsum(self.total) - self.total, dtype=np.int64)


def build_ladder(superclass: Integers, mean: Floats, pictures: Integers, superclasses: int) -> Ladder:
    """The ladder of rows that are sorted by superclass and mean.

    Args:
        superclass: [n_subclasses] ascending, each in [0, superclasses).
        mean: [n_subclasses], ascending within each superclass.
        pictures: [n_subclasses], each at least 1.
        superclasses: how many there are; each has at least one subclass.

    Raises: ValueError if the rows are not so.
    """
    first = np.searchsorted(superclass, np.arange(superclasses + 1)).astype(np.int64)
    same = superclass[1:] == superclass[:-1]
    if np.any(superclass[1:] < superclass[:-1]) or np.any(same & (mean[1:] < mean[:-1])):
        raise ValueError("The rows of a ladder are sorted by superclass and mean.")
    if np.any(pictures < 1) or np.any(first[1:] == first[:-1]):
        raise ValueError("Every subclass has a picture, and every superclass a subclass.")
    reached = np.cumsum(pictures).astype(np.int64)
    total = np.add.reduceat(pictures, first[:-1]) if superclasses else np.zeros(0, np.int64)
    return Ladder(superclass, mean, pictures, first, reached, np.asarray(total, np.int64))


def weighted_thresholds(ladder: Ladder, percentiles: Floats) -> Floats:
    """The percentiles of the means, each mean standing there once for each of its pictures.

    Args:
        ladder: of n_subclasses rows.
        percentiles: [n_superclasses, n_percentiles] in [0, 100].

    Returns: [n_superclasses, n_percentiles], equal to the bit to numpy.percentile on the written-out values.

    Source: SOOD, arXiv 2409.01109, as its dataset_split.py computes it.
    """
    # numpy.percentile divides by 100 first and multiplies with n - 1 then; another order rounds differently.
    position = (ladder.total[:, None] - 1) * (percentiles / 100)
    below = np.floor(position)
    step = position - below
    lower = below.astype(np.int64)
    upper = np.minimum(lower + 1, ladder.total[:, None] - 1)
    before = ladder.before[:, None]
    low = ladder.mean[np.searchsorted(ladder.reached, before + lower, side="right")]
    high = ladder.mean[np.searchsorted(ladder.reached, before + upper, side="right")]
    rise = high - low
    # The two forms round differently; NumPy takes the one that starts from the nearer neighbour.
    return np.where(step >= 0.5, high - rise * (1 - step), low + rise * step)


def unweighted_thresholds(mean: Floats, percentiles: Sequence[float]) -> Floats:
    """The percentiles of one superclass's means, each counted once: [n_percentiles]."""
    return np.asarray(np.percentile(mean, list(percentiles)), dtype=np.float64)


def greedy_thresholds(mean: Floats, pictures: Integers, percentiles: Sequence[float]) -> Floats:
    """Thresholds that fill the bands from below and leave none empty while there are enough different means.

    Args:
        mean: [n_subclasses] of one superclass, ascending.
        pictures: [n_subclasses].
        percentiles: ascending; a band is full once its pictures and those below reach its percentile of all.

    Returns: [n_percentiles]; subclasses with the same mean move together.

    Source: METHODS 1.10, remedy (b).
    """
    levels, first = np.unique(mean, return_index=True)
    reached = np.cumsum(np.add.reduceat(pictures, first))
    thresholds, start = [], 0
    for place, percentile in enumerate(percentiles):
        needed = int(np.searchsorted(reached * 100, percentile * reached[-1], side="left")) + 1
        left_for_others = len(percentiles) - place
        start = max(start, min(max(needed, start + 1), len(levels) - left_for_others))
        thresholds.append(levels[start])
    return np.asarray(thresholds, dtype=np.float64)


def bands_of(ladder: Ladder, thresholds: Floats) -> Integers:
    """How many thresholds of its superclass each subclass's mean reaches: 0 is the hardest band, the last is train.

    Args:
        ladder: of n_subclasses rows.
        thresholds: [n_superclasses, n_percentiles], ascending in each row.

    Returns: [n_subclasses] in [0, n_percentiles].
    """
    reaches = ladder.mean[:, None] >= thresholds[ladder.superclass]
    return np.asarray(reaches.sum(axis=1), dtype=np.int64)


def count_bands(ladder: Ladder, band: Integers, bands: int) -> tuple[Integers, Integers]:
    """Pictures and subclasses in each band of each superclass: two arrays [n_superclasses, bands]."""
    cells = ladder.superclass * bands + band
    size = len(ladder.total) * bands
    pictures = np.bincount(cells, weights=ladder.pictures, minlength=size)  # exact: whole numbers below 2**53
    subclasses = np.bincount(cells, minlength=size)
    shape = (len(ladder.total), bands)
    return pictures.astype(np.int64).reshape(shape), subclasses.astype(np.int64).reshape(shape)
