"""From similarities to statistics of subclasses, and the outliers among their pictures."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.scoring.formulas import ConstantSuperclass, iqr_outliers, mean, minmax, standard_deviation
from engine.splits.formulas import Flags, Floats, Integers
from engine.splits.settings import SplitSettings
from store.connection import Cursor
from store.splits import Pair, Similarities, fetch_similarities


@dataclass(frozen=True, slots=True)
class Measure:
    """A subclass in numbers, on the normalised scores of its superclass.

    mean is over all its pictures or over the kept ones, as the settings say; standard_deviation is None for a single
    picture; kept are the pictures that are no outliers.
    """

    mean: float
    standard_deviation: float | None
    pictures: int
    kept: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """Scored pictures, sorted by place and image_id.

    place [n] is the index of the (superclass, wnid) pair, similarity [n] float32 in [-1, 1], normalised [n] float64 in
    [0, 1] within the superclass, is_outlier [n].
    """

    place: Integers
    image_id: Integers
    similarity: np.ndarray[tuple[int], np.dtype[np.float32]]
    normalised: Floats
    is_outlier: Flags


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run says about accepted subclasses. measures has None where no picture of a pair was scored."""

    pairs: tuple[Pair, ...]
    measures: tuple[Measure | None, ...]
    pictures: Pictures
    constant: tuple[str, ...]


def measure(cursor: Cursor, pairs: Sequence[Pair], settings: SplitSettings) -> Measured:
    """Normalise each superclass over the pictures of its accepted subclasses, find outliers, take the means.

    Args:
        cursor: for reading.
        pairs: sorted by superclass and wnid.
        settings: outlier_tails, outlier_factor and mean_over are used.

    Source: SOOD, arXiv 2409.01109, section 3.1; METHODS 1.8 and 1.9. Subclasses that a rule takes out later still
    take part in the normalisation, so that switching a rule does not change anybody's score.
    """
    found = fetch_similarities(cursor, pairs)
    bounds = np.searchsorted(found.place, np.arange(len(pairs) + 1))
    normalised, constant = _normalise(found, pairs, bounds)
    is_outlier = np.zeros(len(found.place), np.bool_)
    measures: list[Measure | None] = []
    for place in range(len(pairs)):
        scores = normalised[bounds[place] : bounds[place + 1]]
        if len(scores) == 0:
            measures.append(None)
            continue
        flags = _outliers(scores, settings)
        is_outlier[bounds[place] : bounds[place + 1]] = flags
        measures.append(_measure(scores, flags, settings))
    pictures = Pictures(found.place, found.image_id, found.similarity, normalised, is_outlier)
    return Measured(tuple(pairs), tuple(measures), pictures, constant)


def _normalise(found: Similarities, pairs: Sequence[Pair], bounds: Integers) -> tuple[Floats, tuple[str, ...]]:
    normalised = np.empty(len(found.place), np.float64)
    constant = []
    names = [pair.superclass for pair in pairs]
    for superclass in dict.fromkeys(names):
        first = names.index(superclass)
        part = slice(bounds[first], bounds[first + names.count(superclass)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConstantSuperclass)
            normalised[part] = minmax(found.similarity[part])
        values = found.similarity[part]
        if len(values) > 0 and values.min() == values.max():
            constant.append(superclass)
    return normalised, tuple(constant)


def _outliers(scores: Floats, settings: SplitSettings) -> Flags:
    if settings.outlier_tails == "none":
        return np.zeros(len(scores), np.bool_)
    found = iqr_outliers(scores, settings.outlier_factor, settings.outlier_tails)
    return np.asarray(found.is_outlier, np.bool_)


def _measure(scores: Floats, is_outlier: Flags, settings: SplitSettings) -> Measure:
    kept = scores[~is_outlier]
    counted = kept if settings.mean_over == "kept" else scores
    average = mean(counted)
    assert average is not None, "half of the values of any sample lie within its quartiles"
    return Measure(average, standard_deviation(counted), len(scores), len(kept))
