"""Is Hard harder, or only more crowded? Numbers of labels by band, and accuracy at equal numbers of labels."""

from dataclasses import dataclass

import numpy as np

from engine.errors import EngineError
from engine.filters.intervals import wilson
from engine.labels.decomposition import DropDecomposition, decompose
from engine.labels.flags import FLAGS, flags_of
from engine.labels.numbers import PictureNumbers
from engine.labels.sets import JudgedSet, judge_images
from engine.labels.sources import labelled_images
from engine.splits.formulas import Flags, Integers
from engine.splits.matching import UNKNOWN, Cut, MatchedBand, cut_pictures, match, preview, unmatched
from engine.splits.measure import Measured
from engine.splits.prepared import PreparedSplit, Tuned
from store.connection import Cursor
from store.labels.truth import LabelledImage

MAINLY = 0.5
"""Composition is called the main part of a drop from this share of it on."""


@dataclass(frozen=True, slots=True)
class BandLabels:
    """The labels of one band; superclass is empty for all together. Shares are fractions, None where nothing is known.

    Attributes:
        pictures: that take part in the split.
        labelled: those that the source speaks of and that have a valid label.
        multi_label_share: of the labelled ones, with a Wilson 95 % interval.
        mean_labels: over the labelled ones.
        accuracy: ReaL accuracy of the classifier.
        accuracy_at_equal_labels: the same with the shares of k that all bands of this superclass have together, over
            the k that every band has; None where they share none.
        top1: accuracy against the single label.
        flags: pictures with each flag that take part.
    """

    superclass: str
    split: str
    pictures: int
    labelled: int
    multi_label_share: float | None
    multi_label_low: float | None
    multi_label_high: float | None
    mean_labels: float | None
    accuracy: float | None
    accuracy_at_equal_labels: float | None
    top1: float | None
    flags: dict[str, int]


@dataclass(frozen=True, slots=True)
class Crowding:
    """The check of a split. drop is from the easier band to Hard, by top-1 accuracy; None without a classifier."""

    split: str
    source: str
    predictions: str | None
    bands: tuple[BandLabels, ...]
    drop: DropDecomposition | None
    drop_from: str | None
    warnings: tuple[str, ...]
    matching: tuple[MatchedBand, ...]


def check(
    cursor: Cursor,
    prepared: PreparedSplit,
    measured: Measured,
    source: str | None = None,
    predictions: str | None = None,
    tuned: Tuned | None = None,
) -> Crowding:
    """Hold the bands of a split against one another.

    Args:
        cursor: for reading.
        prepared: the split.
        measured: its pictures; those that the split matches are left out here.
        source: of labels; None: the split's own.
        predictions: of a classifier; None: the split's own, if it names one.
        tuned: the cut; None: at the settings.

    Raises: EngineError without a source; UnknownSource, UnknownPredictions.
    """
    source = source or prepared.settings.label_source
    predictions = predictions or prepared.settings.label_predictions
    if source is None:
        raise EngineError(
            "This split has no source of labels.", "Name one, or set it: `sood-tui splits rules --labels SOURCE`."
        )
    tuned = tuned or prepared.retune()
    truth = {image.image_id: image for image in labelled_images(cursor, source)}
    sizes = {key: len(image.wnids) for key, image in truth.items()}
    matching = preview(prepared, tuned, cut_pictures(prepared, tuned, unmatched(measured), sizes))
    measured = match(cursor, prepared, tuned, measured)
    cut = cut_pictures(prepared, tuned, measured, sizes)
    known = np.flatnonzero(cut.is_kept & (cut.sizes != UNKNOWN))
    image_ids = measured.pictures.image_id[known]
    here = [truth[key] for key in image_ids.tolist()]
    judged = judge_images(cursor, predictions, here, f"the split {prepared.split}") if predictions and here else None
    table = _Table(cut.superclass[known], cut.band[known], cut.sizes[known], image_ids, truth, judged, tuned.bands)
    pictures = _pictures(cut, len(prepared.superclasses), len(tuned.bands))
    rows = table.rows("", np.ones(len(known), np.bool_), pictures.sum(axis=0))
    for index, name in enumerate(prepared.superclasses):
        rows += table.rows(name, table.superclass == index, pictures[index])
    drop, drop_from = table.drop()
    return Crowding(
        split=prepared.split,
        source=source,
        predictions=predictions,
        bands=tuple(rows),
        drop=drop,
        drop_from=drop_from,
        warnings=tuple(warnings_of([row for row in rows if not row.superclass], drop, drop_from)),
        matching=tuple(matching),
    )


def warnings_of(bands: list[BandLabels], drop: DropDecomposition | None, drop_from: str | None) -> list[str]:
    """What a person should know before calling Hard hard.

    Args:
        bands: of all superclasses together, hardest first.
        drop: from `drop_from` to the hardest band.
    """
    told = []
    hardest, *others = bands
    unknown = sum(band.pictures for band in bands) - sum(band.labelled for band in bands)
    if unknown:
        told.append(f"{unknown} pictures have no known valid label; the numbers are of the others.")
    if not hardest.labelled:
        return [*told, f"No picture of {hardest.split} has a known label, so nothing can be compared."]
    for band in others[:1] + [band for band in others[1:] if band.split == "train"]:
        if band.labelled and _is_above(hardest, band):
            told.append(
                f"{hardest.split} is more crowded than {band.split}: {hardest.multi_label_share:.1%} of its pictures "
                f"show several labels, against {band.multi_label_share:.1%}."
            )
    if drop is not None and drop.drop > 0 and drop.composition >= MAINLY * drop.drop:
        told.append(
            f"{hardest.split} is harder than {drop_from} mainly because it is more crowded: {drop.composition:.1%} of "
            f"the {drop.drop:.1%} that top-1 accuracy falls by come from the numbers of labels, {drop.within:.1%} "
            "remain at equal numbers. Matching (`splits rules --match-labels tests`) takes the first part away."
        )
    return told


def _is_above(crowded: BandLabels, other: BandLabels) -> bool:
    """Whether the intervals of the two shares leave no doubt."""
    low, high = crowded.multi_label_low, other.multi_label_high
    return low is not None and high is not None and low > high


@dataclass(frozen=True, slots=True)
class _Table:
    """The pictures that take part and that the source speaks of, and what is known of them; arrays are [n]."""

    superclass: Integers
    band: Integers
    sizes: Integers
    image_ids: Integers
    truth: dict[int, LabelledImage]
    judged: JudgedSet | None
    names: tuple[str, ...]

    def rows(self, superclass: str, mine: Flags, pictures: Integers) -> list[BandLabels]:
        """A row for each band, hardest first; pictures [bands] counts those whose labels are unknown too."""
        numbers = [self._numbers(mine & (self.band == band)) for band in range(len(self.names))]
        equal = at_equal_labels(numbers)
        return [
            self._row(superclass, band, mine & (self.band == band), int(pictures[band]), numbers[band], equal[band])
            for band in range(len(self.names))
        ]

    def drop(self) -> tuple[DropDecomposition | None, str | None]:
        """From the easiest test band to the hardest; with a single test band from train."""
        if self.judged is None:
            return None, None
        others = list(self.names[1:-1]) or [self.names[-1]]
        band = self.names.index(others[-1])
        easier, hardest = (self._numbers(self.band == place) for place in (band, 0))
        if easier is None or hardest is None or not (easier.sizes > 0).any() or not (hardest.sizes > 0).any():
            return None, None
        return decompose(easier, hardest, "top1"), others[-1]

    def _numbers(self, rows: Flags) -> PictureNumbers | None:
        if self.judged is None:
            return None
        numbers = self.judged.subset(self.image_ids[rows])
        return numbers if len(numbers.sizes) else None

    def _row(
        self,
        superclass: str,
        band: int,
        rows: Flags,
        pictures: int,
        numbers: PictureNumbers | None,
        equal: float | None,
    ) -> BandLabels:
        sizes = self.sizes[rows]
        labelled = sizes[sizes > 0]
        multi = int((labelled >= 2).sum())
        low, high = wilson(multi, len(labelled)) if len(labelled) else (None, None)
        counted = None if numbers is None else numbers.rows(numbers.sizes > 0)
        some = counted is not None and len(counted.sizes) > 0
        flags = [flag for key in self.image_ids[rows].tolist() for flag in flags_of(self.truth[key])]
        return BandLabels(
            superclass=superclass,
            split=self.names[band],
            pictures=pictures,
            labelled=len(labelled),
            multi_label_share=multi / len(labelled) if len(labelled) else None,
            multi_label_low=low,
            multi_label_high=high,
            mean_labels=float(labelled.mean()) if len(labelled) else None,
            accuracy=float(counted.real.mean()) if some and counted is not None else None,
            accuracy_at_equal_labels=equal,
            top1=float(counted.top1.mean()) if some and counted is not None else None,
            flags={flag: flags.count(flag) for flag in FLAGS},
        )


def _pictures(cut: Cut, superclasses: int, bands: int) -> Integers:
    """Pictures that take part, int64 [superclasses, bands]."""
    cells = cut.superclass[cut.is_kept] * bands + cut.band[cut.is_kept]
    return np.bincount(cells, minlength=superclasses * bands).reshape(superclasses, bands).astype(np.int64)


def at_equal_labels(bands: list[PictureNumbers | None]) -> list[float | None]:
    """ReaL accuracy of each band if all had the same shares of pictures with k labels.

    The shares are those of all bands together, over the k that every band with pictures has.

    Args:
        bands: numbers of each band; None where there are none.

    Returns: a fraction for each band; None where it has no numbers, or the bands share no k.
    Source: direct standardisation, as epidemiology compares groups of different age.
    """
    filled = [band for band in bands if band is not None and (band.sizes > 0).any()]
    if not filled:
        return [None] * len(bands)
    shared = set.intersection(*(set(np.unique(band.sizes[band.sizes > 0]).tolist()) for band in filled))
    pooled = np.concatenate([band.sizes for band in filled])
    weights = {k: int((pooled == k).sum()) for k in sorted(shared)}
    total = sum(weights.values())
    found: list[float | None] = []
    for band in bands:
        if band is None or not (band.sizes > 0).any() or not total:
            found.append(None)
            continue
        found.append(sum(weights[k] * float(band.real[band.sizes == k].mean()) for k in weights) / total)
    return found
