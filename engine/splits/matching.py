"""Drawing pictures so that the bands of a superclass show equally many labels: the cut itself stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.labels.sources import labelled_images
from engine.splits.formulas import Flags, Integers
from engine.splits.measure import EXCLUSIONS, MATCHED, Measured
from engine.splits.prepare import PreparedSplit, Tuned
from store.connection import Cursor
from store.splits import fetch_drawn_order

UNKNOWN = -1
"""The number of labels of a picture that the source does not speak of: a group of its own."""


@dataclass(frozen=True, slots=True)
class MatchedBand:
    """What matching makes of one band of a superclass; means are over the pictures whose labels are known."""

    superclass: str
    split: str
    pictures: int
    pictures_matched: int
    mean_labels: float | None
    mean_labels_matched: float | None


@dataclass(frozen=True, slots=True)
class Cut:
    """Every picture with its place in the cut.

    Attributes:
        superclass: int64 [n], index of the superclass; -1 where the subclass is in no band.
        band: int64 [n], index of the band, hardest first; -1 likewise.
        sizes: int64 [n], number of valid labels; UNKNOWN where the source does not say.
        is_kept: bool [n], takes part in the split.
    """

    superclass: Integers
    band: Integers
    sizes: Integers
    is_kept: Flags


def cut_pictures(prepared: PreparedSplit, tuned: Tuned, measured: Measured, sizes: Mapping[int, int]) -> Cut:
    """Where each measured picture stands.

    Args:
        sizes: picture -> number of valid labels.
    """
    names = {name: index for index, name in enumerate(prepared.superclasses)}
    bands = {(row.superclass, row.wnid): int(band) for row, band in zip(prepared.subclasses, tuned.band, strict=True)}
    of_pair = [bands.get((pair.superclass, pair.wnid), -1) for pair in measured.pairs]
    superclass_of_pair = [names.get(pair.superclass, -1) for pair in measured.pairs]
    place = measured.pictures.place
    band = np.asarray(of_pair, np.int64)[place]
    known = np.fromiter(sizes.keys(), np.int64, len(sizes))
    counts = np.fromiter(sizes.values(), np.int64, len(sizes))
    order = np.argsort(known)
    at = np.searchsorted(known[order], measured.pictures.image_id)
    at = np.minimum(at, max(len(known) - 1, 0))
    found = known[order][at] == measured.pictures.image_id if len(known) else np.zeros(len(place), np.bool_)
    of_image = np.where(found, counts[order][at], UNKNOWN) if len(known) else np.full(len(place), UNKNOWN)
    return Cut(
        np.where(band >= 0, np.asarray(superclass_of_pair, np.int64)[place], -1),
        band,
        of_image.astype(np.int64),
        measured.pictures.is_kept & (band >= 0),
    )


def label_sizes(cursor: Cursor, source: str) -> dict[int, int]:
    """The number of valid labels of each picture that a source speaks of."""
    return {image.image_id: len(image.wnids) for image in labelled_images(cursor, source)}


def match(cursor: Cursor, prepared: PreparedSplit, tuned: Tuned, measured: Measured) -> Measured:
    """Leave pictures out so that the bands are alike in their numbers of labels, as the settings say.

    Pictures are drawn by the split's seed and their own path, so that every machine draws the same. What was drawn out
    before comes back first: matching twice is matching once.
    """
    settings = prepared.settings
    measured = unmatched(measured)
    if settings.match_labels == "none" or settings.label_source is None:
        return measured
    cut = cut_pictures(prepared, tuned, measured, label_sizes(cursor, settings.label_source))
    ids = measured.pictures.image_id
    turn = np.empty(len(ids), np.int64)
    turn[np.argsort(ids)] = _turns(fetch_drawn_order(cursor, ids, settings.seed), np.sort(ids))
    bands = list(range(len(tuned.bands) - (settings.match_labels == "tests")))
    dropped = np.zeros(len(ids), np.bool_)
    for superclass in range(len(prepared.superclasses)):
        mine = cut.is_kept & (cut.superclass == superclass)
        dropped |= _dropped(cut, mine, bands, turn)
    exclusion = measured.pictures.exclusion.copy()
    exclusion[dropped] = EXCLUSIONS.index(MATCHED) + 1
    return replace(measured, pictures=replace(measured.pictures, exclusion=exclusion))


def unmatched(measured: Measured) -> Measured:
    """The pictures as they were before matching."""
    exclusion = measured.pictures.exclusion
    if not (drawn_out := exclusion == EXCLUSIONS.index(MATCHED) + 1).any():
        return measured
    before = np.where(drawn_out, 0, exclusion).astype(np.int8)
    return replace(measured, pictures=replace(measured.pictures, exclusion=before))


def matched_out(prepared: PreparedSplit, tuned: Tuned, measured: Measured) -> Integers:
    """How many pictures of each band matching has left out, int64 [bands], hardest first."""
    cut = cut_pictures(prepared, tuned, measured, {})
    drawn_out = (measured.pictures.exclusion == EXCLUSIONS.index(MATCHED) + 1) & (cut.band >= 0)
    return np.bincount(cut.band[drawn_out], minlength=len(tuned.bands)).astype(np.int64)


def matched_counts(counts: Integers) -> Integers:
    """How many pictures of each number of labels each band may keep.

    The shares that all bands can have are the least of their shares, scaled to 1; each band then keeps as many
    pictures as it can at these shares, rounded down.

    Args:
        counts: int64 [bands, k], pictures; bands without pictures are left as they are.

    Returns: int64 [bands, k], at most counts.
    """
    kept = counts.copy()
    filled = np.flatnonzero(counts.sum(axis=1))
    if len(filled) < 2:
        return kept
    some = counts[filled]
    least = (some / some.sum(axis=1, keepdims=True)).min(axis=0)
    if least.sum() == 0:
        kept[filled] = 0
        return kept
    target = least / least.sum()
    wanted = target > 0
    whole = (some[:, wanted] / target[wanted]).min(axis=1, keepdims=True)
    # The least quotient belongs to a k that is used up; a rounding must not cost one of its pictures.
    kept[filled] = np.minimum(np.floor(whole * target + 1e-9).astype(np.int64), some)
    return kept


def preview(prepared: PreparedSplit, tuned: Tuned, cut: Cut) -> list[MatchedBand]:
    """What matching would make of each superclass and band: the test bands alike, and train as it is or alike too."""
    rows = []
    settings = prepared.settings
    bands = list(range(len(tuned.bands) - (settings.match_labels != "all")))
    for superclass, name in enumerate(prepared.superclasses):
        counts = _counts(cut, cut.is_kept & (cut.superclass == superclass), len(tuned.bands))
        kept = counts.copy()
        kept[bands] = matched_counts(counts[bands])
        for band, split in enumerate(tuned.bands):
            rows.append(
                MatchedBand(
                    name, split, int(counts[band].sum()), int(kept[band].sum()),
                    _mean_labels(counts[band]), _mean_labels(kept[band]),
                )
            )  # fmt: skip
    return rows


def _counts(cut: Cut, mine: Flags, bands: int) -> Integers:
    """Pictures by band and number of labels; the first column is of those whose number is unknown."""
    width = int(cut.sizes.max(initial=0)) + 2
    cells = cut.band[mine] * width + cut.sizes[mine] + 1
    return np.bincount(cells, minlength=bands * width).reshape(-1, width).astype(np.int64)[:bands]


def _mean_labels(counts: Integers) -> float | None:
    """Mean number of labels of the pictures that have at least one."""
    labelled = counts[2:]
    total = int(labelled.sum())
    return float((labelled * np.arange(1, len(labelled) + 1)).sum() / total) if total else None


def _dropped(cut: Cut, mine: Flags, bands: Sequence[int], turn: Integers) -> Flags:
    counts = _counts(cut, mine, int(cut.band.max(initial=0)) + 1)
    bands = [band for band in bands if band < len(counts)]
    kept = matched_counts(counts[bands])
    dropped = np.zeros(len(turn), np.bool_)
    for row, band in enumerate(bands):
        for column in np.flatnonzero(counts[band] > kept[row]):
            rows = np.flatnonzero(mine & (cut.band == band) & (cut.sizes == column - 1))
            dropped[rows[np.argsort(turn[rows], kind="stable")[kept[row, column] :]]] = True
    return dropped


def _turns(order: npt.NDArray[np.int64], ascending: npt.NDArray[np.int64]) -> Integers:
    """The place of each picture in the drawn order, for pictures in ascending order."""
    turns = np.empty(len(ascending), np.int64)
    turns[np.searchsorted(ascending, order)] = np.arange(len(order))
    return turns
