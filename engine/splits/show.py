"""What a cut comes to: counts and shares, wanted against realised, and what went wrong where."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.splits.formulas import Floats, Integers
from engine.splits.prepared import PreparedSplit, Tuned


@dataclass(frozen=True, slots=True)
class BandCount:
    """One band of a superclass or of all: what was wanted and what whole subclasses made of it.

    threshold is the mean from which a subclass leaves this band for the one above; None for train and for totals.
    """

    split: str
    wanted_share: float
    share: float
    pictures: int
    subclasses: int
    threshold: float | None


@dataclass(frozen=True, slots=True)
class SuperclassCut:
    """The bands of one superclass, hardest first; superclass and class_id are None for all together."""

    superclass: str | None
    class_id: int | None
    pictures: int
    subclasses: int
    outliers: int
    percentiles: tuple[float, ...]
    is_override: bool
    remedy: str
    is_degenerate: bool
    is_remedied: bool
    bands: tuple[BandCount, ...]


@dataclass(frozen=True, slots=True)
class SubclassCut:
    """One subclass with its place. margin is the way from its mean to the nearest threshold, positive above it."""

    superclass: str
    wnid: str
    name: str
    lemma: str
    split: str
    mean: float
    standard_deviation: float | None
    pictures: int
    outliers: int
    margin: float


@dataclass(frozen=True, slots=True)
class Offer:
    """What a remedy would make of a superclass: pictures in each band, hardest first."""

    remedy: str
    pictures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Degenerate:
    """A superclass in which the percentile rule leaves bands empty, why, and what the remedies would give."""

    superclass: str
    empty: tuple[str, ...]
    reason: str
    is_remedied: bool
    offers: tuple[Offer, ...]


def superclass_cuts(prepared: PreparedSplit, tuned: Tuned) -> list[SuperclassCut]:
    """A row for each superclass, in the order of class ids."""
    rows = []
    outliers = np.bincount(
        prepared.ladder.superclass,
        weights=[row.outliers for row in prepared.subclasses],
        minlength=len(prepared.superclasses),
    )
    for index, name in enumerate(prepared.superclasses):
        thresholds = [*tuned.thresholds[index].tolist(), None]
        percentiles = tuple(tuned.percentiles[index].tolist())
        rows.append(
            SuperclassCut(
                superclass=name,
                class_id=index,
                pictures=int(tuned.pictures[index].sum()),
                subclasses=int(tuned.subclasses[index].sum()),
                outliers=int(outliers[index]),
                percentiles=percentiles,
                is_override=name in prepared.settings.superclass_percentiles,
                remedy=prepared.settings.remedy_of(name),
                is_degenerate=bool(tuned.is_degenerate[index]),
                is_remedied=bool(tuned.is_remedied[index]),
                bands=_bands(
                    tuned, wanted_shares(percentiles), tuned.pictures[index], tuned.subclasses[index], thresholds
                ),
            )
        )
    return rows


def total_cut(prepared: PreparedSplit, tuned: Tuned) -> SuperclassCut:
    """All superclasses together; the wanted shares are those of all pictures, overrides counted in."""
    pictures, subclasses = tuned.pictures.sum(axis=0), tuned.subclasses.sum(axis=0)
    whole = int(pictures.sum())
    wanted = np.zeros(len(tuned.bands))
    for row, total in zip(tuned.percentiles, prepared.ladder.total, strict=True):
        wanted += np.array(wanted_shares(row.tolist())) * total
    return SuperclassCut(
        superclass=None,
        class_id=None,
        pictures=whole,
        subclasses=int(subclasses.sum()),
        outliers=sum(row.outliers for row in prepared.subclasses),
        percentiles=prepared.settings.percentiles,
        is_override=False,
        remedy=prepared.settings.remedy,
        is_degenerate=bool(tuned.is_degenerate.any()),
        is_remedied=bool(tuned.is_remedied.any()),
        bands=_bands(tuned, (wanted / max(whole, 1)).tolist(), pictures, subclasses, [None] * len(tuned.bands)),
    )


def subclass_cuts(prepared: PreparedSplit, tuned: Tuned, superclass: str | None = None) -> list[SubclassCut]:
    """A row for each subclass, hardest first within its superclass."""
    nearest = _margins(prepared, tuned)
    return [
        SubclassCut(
            row.superclass,
            row.wnid,
            row.name,
            row.lemma,
            tuned.bands[int(tuned.band[index])],
            row.mean,
            row.standard_deviation,
            row.pictures,
            row.outliers,
            float(nearest[index]),
        )
        for index, row in enumerate(prepared.subclasses)
        if superclass is None or row.superclass == superclass
    ]


def degenerate_cases(prepared: PreparedSplit, tuned: Tuned) -> list[Degenerate]:
    """The superclasses in which the percentile rule leaves a band empty, explained."""
    return [
        Degenerate(
            prepared.superclasses[index],
            _empty_bands(prepared, tuned, int(index)),
            _reason(prepared, tuned, int(index)),
            bool(tuned.is_remedied[index]),
            tuple(_offers(prepared, tuned, int(index))),
        )
        for index in np.flatnonzero(tuned.is_degenerate)
    ]


def wanted_shares(percentiles: Sequence[float]) -> tuple[float, ...]:
    """The share of the pictures that each band should have, hardest first."""
    edges = [0.0, *percentiles, 100.0]
    return tuple((after - before) / 100 for before, after in pairwise(edges))


def _bands(
    tuned: Tuned,
    wanted: Sequence[float],
    pictures: Integers,
    subclasses: Integers,
    thresholds: Sequence[float | None],
) -> tuple[BandCount, ...]:
    whole = max(int(pictures.sum()), 1)
    return tuple(
        BandCount(
            name, wanted[band], int(pictures[band]) / whole, int(pictures[band]), int(subclasses[band]), threshold
        )
        for band, (name, threshold) in enumerate(zip(tuned.bands, thresholds, strict=True))
    )


def _margins(prepared: PreparedSplit, tuned: Tuned) -> Floats:
    away = prepared.ladder.mean[:, None] - tuned.thresholds[prepared.ladder.superclass]
    nearest = np.abs(away).argmin(axis=1)
    return np.asarray(away[np.arange(len(away)), nearest], np.float64)


def _rows(prepared: PreparedSplit, index: int) -> slice:
    return slice(int(prepared.ladder.first[index]), int(prepared.ladder.first[index + 1]))


def _empty_bands(prepared: PreparedSplit, tuned: Tuned, index: int) -> tuple[str, ...]:
    """What the percentile rule leaves empty, whether or not a remedy then helped."""
    if not tuned.is_remedied[index]:
        counts = tuned.subclasses[index]
    else:
        counts = _counts(prepared, index, _percentile_rule(prepared, tuned, index))[1]
    return tuple(name for name, count in zip(tuned.bands, counts.tolist(), strict=True) if count == 0)


def _percentile_rule(prepared: PreparedSplit, tuned: Tuned, index: int) -> list[float]:
    rows = _rows(prepared, index)
    written_out = np.repeat(prepared.ladder.mean[rows], prepared.ladder.pictures[rows])
    return [float(value) for value in np.percentile(written_out, tuned.percentiles[index])]


def _counts(prepared: PreparedSplit, index: int, thresholds: Sequence[float]) -> tuple[Integers, Integers]:
    """Pictures and subclasses of one superclass at other thresholds."""
    rows = _rows(prepared, index)
    band = (prepared.ladder.mean[rows, None] >= np.array(thresholds)).sum(axis=1)
    size = len(thresholds) + 1
    pictures = np.bincount(band, weights=prepared.ladder.pictures[rows], minlength=size).astype(np.int64)
    return pictures, np.bincount(band, minlength=size)


def offers_of(prepared: PreparedSplit, tuned: Tuned, index: int) -> list[Offer]:
    """What each remedy would make of a superclass, whether or not a list of it is empty now."""
    return _offers(prepared, tuned, index)


def _offers(prepared: PreparedSplit, tuned: Tuned, index: int) -> list[Offer]:
    percentiles = tuned.percentiles[index].tolist()
    thresholds = {"keep": _percentile_rule(prepared, tuned, index)}
    for remedy in ("greedy", "unweighted"):
        found = prepared.remedied(index, percentiles, remedy)
        if found is not None:
            thresholds[remedy] = found.tolist()
    return [Offer(name, tuple(_counts(prepared, index, at)[0].tolist())) for name, at in thresholds.items()]


def _reason(prepared: PreparedSplit, tuned: Tuned, index: int) -> str:
    """Which subclasses are too large for the lowest empty band."""
    rows = _rows(prepared, index)
    subs, mean = prepared.subclasses[rows], prepared.ladder.mean[rows]
    empty = tuned.bands.index(_empty_bands(prepared, tuned, index)[0])
    edges = [0.0, *tuned.percentiles[index].tolist(), 100.0]
    reached = np.cumsum(prepared.ladder.pictures[rows]) / prepared.ladder.total[index] * 100
    # The subclass under which the lower edge of the empty band falls, with those of the same mean.
    holder = int(np.searchsorted(reached, edges[empty], side="right"))
    tied = np.flatnonzero(mean == mean[min(holder, len(mean) - 1)])
    lowest = float(reached[tied[0] - 1]) if tied[0] > 0 else 0.0
    names = " and ".join(subs[int(place)].lemma for place in tied[:3]) + (" and others" if len(tied) > 3 else "")
    verb = "holds" if len(tied) == 1 else "have the same mean and hold"
    return (
        f"{names} {verb} the pictures from {lowest:.0f} % to {float(reached[tied[-1]]):.0f} %; "
        f"{tuned.bands[empty]} would need subclasses between {edges[empty]:g} % and {edges[empty + 1]:g} %, "
        "and a subclass moves whole."
    )
