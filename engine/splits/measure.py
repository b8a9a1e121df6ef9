"""From similarities to statistics of subclasses, and the outliers among their pictures."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.labels.flags import FLAGS, flagged
from engine.scoring.formulas import ConstantSuperclass, iqr_outliers, mean, minmax, standard_deviation
from engine.splits.formulas import Flags, Floats, Integers
from engine.splits.imported import Imported, read_imported
from engine.splits.settings import SplitSettings
from store.connection import Cursor
from store.splits.similarities import Pair, Similarities, fetch_similarities

MATCHED, RELATIVE, NEAR = "matched_labels", "relative_in_test", "near_duplicate"
AFTER_THE_CUT = (RELATIVE, NEAR, MATCHED)
"""Reasons of rules that act when it is known which list a picture stands in, in the order in which they act."""
EXCLUSIONS = (*FLAGS, MATCHED, RELATIVE, NEAR)
"""Why a picture is left out although it is typical: a flag of its labels, or a rule that acts after the cut."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A subclass in numbers, on the normalised scores of its superclass.

    mean is over all its pictures or over the kept ones, as the settings say; standard_deviation is None for a single
    picture; kept are the pictures that are no outliers and have no flag that is excluded; excluded are those with one.
    """

    mean: float
    standard_deviation: float | None
    pictures: int
    kept: int
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class Pictures:
    """Scored pictures, sorted by place and image_id.

    place [n] is the index of the (superclass, wnid) pair, similarity [n] float32 in [-1, 1], normalised [n] float64 in
    [0, 1] within the superclass, is_outlier [n]. exclusion int8 [n] is 0, or a place in EXCLUSIONS counted from 1.
    """

    place: Integers
    image_id: Integers
    similarity: np.ndarray[tuple[int], np.dtype[np.float32]]
    normalised: Floats
    is_outlier: Flags
    exclusion: np.ndarray[tuple[int], np.dtype[np.int8]]

    @property
    def is_kept(self) -> Flags:
        """Which pictures take part: no outliers, and not excluded, [n]."""
        return np.asarray(~self.is_outlier & (self.exclusion == 0), np.bool_)


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
        settings: outlier_tails, outlier_factor, mean_over, label_source and excluded_flags are used.

    Source: SOOD, arXiv 2409.01109, section 3.1; METHODS 1.8 and 1.9. Subclasses that a rule takes out later still
    take part in the normalisation, so that switching a rule does not change anybody's score; so do excluded pictures,
    and outliers are sought among all.
    """
    found = fetch_similarities(cursor, pairs)
    imported = read_imported(cursor, pairs, found)
    if imported.rows.num_rows:
        found = _together(found, imported)
    bounds = np.searchsorted(found.place, np.arange(len(pairs) + 1))
    normalised, constant = _normalise(found, pairs, bounds)
    is_outlier = np.zeros(len(found.place), np.bool_)
    exclusion = _exclusion(cursor, found.image_id, settings)
    measures: list[Measure | None] = []
    for place in range(len(pairs)):
        part = slice(bounds[place], bounds[place + 1])
        scores = normalised[part]
        if len(scores) == 0:
            measures.append(None)
            continue
        known = imported.statistics.get(place)
        flags = _outliers(scores, settings) if known is None else imported.outliers_of(place, settings)
        is_outlier[part] = flags
        excluded = exclusion[part] > 0
        if known is None:
            measures.append(_measure(scores, flags, excluded, settings))
        else:
            kept = int((~flags & ~excluded).sum())
            measures.append(Measure(*known, len(scores), kept, int((~flags & excluded).sum())))
    pictures = Pictures(found.place, found.image_id, found.similarity, normalised, is_outlier, exclusion)
    return Measured(tuple(pairs), tuple(measures), pictures, constant)


def _together(found: Similarities, imported: Imported) -> Similarities:
    """Scored pictures, and those of which only their subclass's statistics are known: their similarity is NaN."""
    place = np.concatenate([found.place, imported.rows["place"].to_numpy()])
    image_id = np.concatenate([found.image_id, imported.rows["image_id"].to_numpy()])
    nothing = np.full(imported.rows.num_rows, np.nan, np.float32)
    similarity = np.concatenate([found.similarity, nothing])
    order = np.lexsort((image_id, place))
    return Similarities(place[order], image_id[order], similarity[order])


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
        # Imported statistics stand for similarities that nobody has: NaN, which equals nothing.
        if len(values) > 0 and values.min() == values.max():
            constant.append(superclass)
    return normalised, tuple(constant)


def _outliers(scores: Floats, settings: SplitSettings) -> Flags:
    if settings.outlier_tails == "none":
        return np.zeros(len(scores), np.bool_)
    found = iqr_outliers(scores, settings.outlier_factor, settings.outlier_tails)
    return np.asarray(found.is_outlier, np.bool_)


def _exclusion(
    cursor: Cursor, image_id: Integers, settings: SplitSettings
) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    codes = np.zeros(len(image_id), np.int8)
    if settings.label_source is None:
        return codes
    found = flagged(cursor, settings.label_source, settings.excluded_flags) if settings.excluded_flags else []
    # A picture with several flags keeps the one that stands first in FLAGS.
    for flag in reversed(FLAGS):
        marked = np.asarray([image.image_id for image in found if image.flag == flag], np.int64)
        codes[np.isin(image_id, marked)] = EXCLUSIONS.index(flag) + 1
    return codes


def _measure(scores: Floats, is_outlier: Flags, excluded: Flags, settings: SplitSettings) -> Measure:
    kept = scores[~is_outlier & ~excluded]
    # A subclass without a picture that is kept is taken out by a rule, but its mean tells where it stood.
    counted = kept if settings.mean_over == "kept" and len(kept) else scores
    average = mean(counted)
    assert average is not None, "a subclass that was scored has a picture"
    return Measure(average, standard_deviation(counted), len(scores), len(kept), int((~is_outlier & excluded).sum()))
