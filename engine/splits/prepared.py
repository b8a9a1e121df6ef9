"""A split that is ready to be cut: one row a subclass, so that thresholds can follow a key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import EngineError
from engine.splits.formulas import (
    Flags,
    Floats,
    Integers,
    Ladder,
    bands_of,
    count_bands,
    greedy_thresholds,
    unweighted_thresholds,
    weighted_thresholds,
)
from engine.splits.rules import Removed
from engine.splits.settings import SplitSettings, band_names, check_percentiles
from store.splits.similarities import Label, Prompt, ScoredRun


@dataclass(frozen=True, slots=True)
class Subclass:
    """An accepted subclass with its score.

    kept are its pictures that are no outliers and have no excluded flag; they weigh in the percentiles.
    """

    superclass: str
    wnid: str
    name: str
    lemma: str
    mean: float
    standard_deviation: float | None
    pictures: int
    kept: int
    excluded: int = 0

    @property
    def outliers(self) -> int:
        """How many pictures were left out as outliers."""
        return self.pictures - self.kept - self.excluded


@dataclass(frozen=True, slots=True)
class Unscored:
    """An accepted subclass without pictures that the run has scored."""

    superclass: str
    wnid: str
    name: str
    lemma: str
    images: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """A cut. Rows follow PreparedSplit.superclasses and PreparedSplit.subclasses; bands go from hardest to train.

    thresholds [n_superclasses, n_bands - 1], band [n_subclasses], pictures and subclasses [n_superclasses, n_bands],
    is_degenerate [n_superclasses]: the percentile rule left a band empty; is_remedied: a remedy was used instead.
    """

    bands: tuple[str, ...]
    percentiles: Floats
    thresholds: Floats
    band: Integers
    pictures: Integers
    subclasses: Integers
    is_degenerate: Flags
    is_remedied: Flags


@dataclass(frozen=True, slots=True)
class PreparedSplit:
    """Everything a split is cut from. The index of a superclass is its class_id."""

    split: str
    run: ScoredRun
    newest_run: int
    prompts: Mapping[str, Prompt]
    settings: SplitSettings
    superclasses: tuple[str, ...]
    subclasses: tuple[Subclass, ...]
    ladder: Ladder
    removed: tuple[Removed, ...]
    unscored: tuple[Unscored, ...]
    replicas: Mapping[str, tuple[str, ...]]
    constant: tuple[str, ...]
    unreadable: int
    labels: Mapping[str, Label]

    @property
    def is_placed(self) -> Flags:
        """Which subclasses stand in a band because a person put them there, bool [n_subclasses]."""
        placed = self.settings.superclass_placed
        return np.array([row.wnid in placed.get(row.superclass, ()) for row in self.subclasses], np.bool_)

    def retune(self, percentiles: Sequence[float] | None = None, superclass: str | None = None) -> Tuned:
        """Cut at the settings' percentiles, or at others.

        Args:
            percentiles: ascending; None takes the settings'.
            superclass: only this one is cut at the given percentiles; None: all that have no own.

        Raises: EngineError for percentiles that cannot be, or of another number than the others' for one superclass.
        """
        wanted = self._wanted(percentiles, superclass)
        thresholds = weighted_thresholds(self.ladder, wanted)
        band = bands_of(self.ladder, thresholds)
        pictures, subclasses = count_bands(self.ladder, band, wanted.shape[1] + 1)
        is_degenerate = (subclasses == 0).any(axis=1)
        is_remedied = np.zeros(len(self.superclasses), np.bool_)
        for index in np.flatnonzero(is_degenerate):
            remedied = self.remedied(int(index), wanted[index].tolist())
            if remedied is not None:
                thresholds[index], is_remedied[index] = remedied, True
        if is_remedied.any():
            band = bands_of(self.ladder, thresholds)
            pictures, subclasses = count_bands(self.ladder, band, wanted.shape[1] + 1)
        names = band_names(wanted.shape[1])
        if self.settings.superclass_placed:
            band = self._with_placed(band, names)
            pictures, subclasses = count_bands(self.ladder, band, len(names))
        return Tuned(names, wanted, thresholds, band, pictures, subclasses, is_degenerate, is_remedied)

    def _with_placed(self, band: Integers, names: Sequence[str]) -> Integers:
        """The bands with those subclasses moved that a person put somewhere; a band that is not there moves nothing."""
        index = {name: place for place, name in enumerate(names)}
        moved = band.copy()
        for row, sub in enumerate(self.subclasses):
            wanted = self.settings.superclass_placed.get(sub.superclass, {}).get(sub.wnid)
            if wanted in index:
                moved[row] = index[wanted]
        return moved

    def remedied(self, index: int, percentiles: Sequence[float], remedy: str | None = None) -> Floats | None:
        """Thresholds of one superclass by its remedy, or by a named one; None where the percentile rule is kept."""
        rows = slice(int(self.ladder.first[index]), int(self.ladder.first[index + 1]))
        match remedy or self.settings.remedy_of(self.superclasses[index]):
            case "greedy":
                return greedy_thresholds(self.ladder.mean[rows], self.ladder.pictures[rows], percentiles)
            case "unweighted":
                return unweighted_thresholds(self.ladder.mean[rows], percentiles)
            case _:
                return None

    def _wanted(self, percentiles: Sequence[float] | None, superclass: str | None) -> Floats:
        given = None if percentiles is None else check_percentiles(percentiles)
        everybody = given if given is not None and superclass is None else self.settings.percentiles
        count = len(everybody)
        if given is not None and len(given) != count:
            raise EngineError(f"This split has {count + 1} bands; one superclass cannot have another number.")
        rows = []
        for name in self.superclasses:
            own = given if given is not None and name == superclass else self.settings.superclass_percentiles.get(name)
            # An own value for another number of bands waits until there are that many again.
            rows.append(own if own is not None and len(own) == count else everybody)
        return np.array(rows, np.float64).reshape(len(rows), count)
