"""Drawing pictures so that the bands of a superclass show equally many labels: the cut itself stays as it is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.labels.sources import labelled_images
from engine.splits.formulas import Flags, Integers
from engine.splits.measure import EXCLUSIONS, MATCHED, Measured
from engine.splits.prepared import PreparedSplit, Tuned
from store.connection import Cursor
from store.splits.reports import fetch_drawn_order

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
    bands = len(tuned.bands) - (settings.match_labels == "tests")
    rows = np.flatnonzero(cut.is_kept & (cut.band < bands))
    counts = _all_counts(cut, rows, len(prepared.superclasses), bands)
    kept = np.stack([matched_counts(of_superclass) for of_superclass in counts])
    cells = _cells(cut, rows, bands, counts.shape[2])
    drawn = kept.ravel()[cells] < counts.ravel()[cells]
    rows, cells = rows[drawn], cells[drawn]
    exclusion = measured.pictures.exclusion.copy()
    if len(rows):
        turn = _turns(fetch_drawn_order(cursor, measured.pictures.image_id[rows], settings.seed), measured, rows)
        dropped = rows[_rank_in_group(cells, turn) >= kept.ravel()[cells]]
        exclusion[dropped] = EXCLUSIONS.index(MATCHED) + 1
    return replace(measured, pictures=replace(measured.pictures, exclusion=exclusion))


def unmatched(measured: Measured) -> Measured:
    """The pictures as they were before matching."""
    exclusion = measured.pictures.exclusion
    if not (drawn_out := exclusion == EXCLUSIONS.index(MATCHED) + 1).any():
        return measured
    before = np.where(drawn_out, 0, exclusion).astype(np.int8)
    return replace(measured, pictures=replace(measured.pictures, exclusion=before))


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
    every = _all_counts(cut, np.flatnonzero(cut.is_kept), len(prepared.superclasses), len(tuned.bands))
    for name, counts in zip(prepared.superclasses, every, strict=True):
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


def _cells(cut: Cut, rows: Integers, bands: int, width: int) -> Integers:
    """The group of each row: superclass, band and number of labels as one number."""
    return np.asarray((cut.superclass[rows] * bands + cut.band[rows]) * width + cut.sizes[rows] + 1, np.int64)


def _all_counts(cut: Cut, rows: Integers, superclasses: int, bands: int) -> Integers:
    """Pictures by superclass, band and number of labels; the first column is of those whose number is unknown."""
    width = int(cut.sizes.max(initial=0)) + 2
    size = superclasses * bands * width
    found = np.bincount(_cells(cut, rows, bands, width), minlength=size)
    return found.reshape(superclasses, bands, width).astype(np.int64)


def _mean_labels(counts: Integers) -> float | None:
    """Mean number of labels of the pictures that have at least one."""
    labelled = counts[2:]
    total = int(labelled.sum())
    return float((labelled * np.arange(1, len(labelled) + 1)).sum() / total) if total else None


def _turns(order: npt.NDArray[np.int64], measured: Measured, rows: Integers) -> Integers:
    """The place of each row's picture in the drawn order; a picture of several superclasses has one place."""
    sorted_ids = np.argsort(order, kind="stable")
    return np.asarray(sorted_ids[np.searchsorted(order[sorted_ids], measured.pictures.image_id[rows])], np.int64)


def _rank_in_group(cells: Integers, turn: Integers) -> Integers:
    """How many of the same group have an earlier turn, for each row."""
    order = np.lexsort((turn, cells))
    sorted_cells = cells[order]
    first = np.searchsorted(sorted_cells, sorted_cells)
    ranks = np.empty(len(cells), np.int64)
    ranks[order] = np.arange(len(cells)) - first
    return ranks
