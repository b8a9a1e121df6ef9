"""Is a list hard for the reason that it should be? Distance in WordNet, clutter, size and colour, and coverage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from engine.likeness.prints import read_prints
from engine.splits.after import leave_out
from engine.splits.crowding import check
from engine.splits.formulas import Integers
from engine.splits.matching import cut_pictures
from engine.splits.measure import Measured
from engine.splits.prepare import prepare_with_pictures
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.sensitivity import spearman
from engine.splits.settings import MAIN, SplitSettings
from engine.workspace import Workspace
from store.connection import Cursor
from store.likeness.prints import fetch_prints
from store.splits.reports import Coverage, fetch_coverage, fetch_distances, fetch_drawn_order

SAMPLE = 1000
FEW = 5
LARGE_EFFECT, MEDIUM_EFFECT = 0.8, 0.5
"""Differences of means in standard deviations that are called large and medium (Cohen)."""

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DistanceCorrelation:
    """Spearman between the steps from subclass to superclass and the mean score; a typical prompt gives below 0.

    spearman is None where distances or means do not vary; unreached are subclasses that lie below no root.
    """

    superclass: str
    subclasses: int
    unreached: int
    spearman: float | None
    mean_distance: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Look:
    """How the pictures of one list look, from a drawn sample: means, and the median size in pixels and bytes."""

    split: str
    pictures: int
    sampled: int
    width: float | None
    height: float | None
    bytes: float | None
    luminance: float | None
    contrast: float | None
    saturation: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A look in which a list differs from train, in standard deviations of both together."""

    split: str
    measure: str
    train: float
    here: float
    effect: float


@dataclass(frozen=True, slots=True)
class Clutter:
    """The share of pictures with several labels in one list, as the split's source of labels says."""

    split: str
    pictures: int
    labelled: int
    multi_label_share: float | None


@dataclass(frozen=True, slots=True)
class Validity:
    """The report; warnings say in words what a reviewer of the benchmark would ask."""

    split: str
    distances: tuple[DistanceCorrelation, ...]
    spearman: float | None
    clutter: tuple[Clutter, ...]
    label_source: str | None
    looks: tuple[Look, ...]
    differences: tuple[Difference, ...]
    coverage: Coverage
    warnings: tuple[str, ...]


def validity(
    workspace: Workspace,
    split: str = MAIN,
    defaults: SplitSettings | None = None,
    sample: int = SAMPLE,
    on_progress: OnProgress | None = None,
) -> Validity:
    """Look for what a list could be hard for besides its meaning.

    Args:
        workspace: open.
        split: which one.
        defaults: what holds in a split that was not made yet.
        sample: pictures of each list whose files are read, drawn by the seed; 0 reads none.
        on_progress: how far the reading is.
    """
    with workspace.opened().reading() as cursor:
        prepared, measured = prepare_with_pictures(cursor, workspace.seed, split, defaults)
        tuned = prepared.retune()
        measured = leave_out(cursor, prepared, tuned, measured)
        drawn = _drawn(cursor, prepared, tuned, measured, sample)
    read_prints(workspace, np.concatenate([*drawn.values(), np.zeros(0, np.int64)]), True, on_progress)
    with workspace.opened().reading() as cursor:
        distances = tuple(distance_correlations(cursor, prepared, tuned))
        known = [row.spearman for row in distances if row.spearman is not None]
        looks, samples = _looks(cursor, prepared, tuned, measured, drawn)
        differences = tuple(_differences(tuned.bands, samples))
        clutter = tuple(_clutter(cursor, prepared, tuned, measured))
        coverage = fetch_coverage(cursor)
    return Validity(
        split=split,
        distances=distances,
        spearman=float(np.mean(known)) if known else None,
        clutter=clutter,
        label_source=prepared.settings.label_source,
        looks=tuple(looks),
        differences=differences,
        coverage=coverage,
        warnings=tuple(_warnings(distances, differences, clutter)),
    )


def distance_correlations(cursor: Cursor, prepared: PreparedSplit, tuned: Tuned) -> list[DistanceCorrelation]:
    """For each superclass, how far its mean scores follow the distance to its roots.

    Source: METHODS 1.15; a low absolute value flags prompts that fail, such as homonyms.
    """
    steps = fetch_distances(cursor)
    rows = []
    for name in prepared.superclasses:
        mine = [
            (steps.get((name, row.wnid)), row.mean, int(band))
            for row, band in zip(prepared.subclasses, tuned.band, strict=True)
            if row.superclass == name
        ]
        reached = [(distance, mean, band) for distance, mean, band in mine if distance is not None]
        rho = None
        if len(reached) > 2:
            rho = spearman(np.array([d for d, _, _ in reached], np.float64), np.array([m for _, m, _ in reached]))
        by_band = {
            band: [distance for distance, _, place in reached if place == number]
            for number, band in enumerate(tuned.bands)
        }
        means = {band: float(np.mean(values)) if values else None for band, values in by_band.items()}
        rows.append(DistanceCorrelation(name, len(mine), len(mine) - len(reached), rho, means))
    return rows


def _drawn(
    cursor: Cursor, prepared: PreparedSplit, tuned: Tuned, measured: Measured, sample: int
) -> dict[str, Integers]:
    """So many pictures of each list, drawn by the split's seed."""
    if not sample:
        return {}
    cut = cut_pictures(prepared, tuned, measured, {})
    found = {}
    for band, name in enumerate(tuned.bands):
        ids = measured.pictures.image_id[cut.is_kept & (cut.band == band)]
        found[name] = fetch_drawn_order(cursor, ids, prepared.settings.seed)[:sample] if len(ids) else ids
    return found


_MEASURES = ("width", "height", "bytes", "luminance", "contrast", "saturation")


def _looks(
    cursor: Cursor, prepared: PreparedSplit, tuned: Tuned, measured: Measured, drawn: dict[str, Integers]
) -> tuple[list[Look], dict[str, pa.Table]]:
    cut = cut_pictures(prepared, tuned, measured, {})
    looks, samples = [], {}
    for band, name in enumerate(tuned.bands):
        prints = fetch_prints(cursor, drawn[name]) if name in drawn else None
        seen = None if prints is None else prints.filter(prints["dhash"].is_valid())
        numbers = {measure: _middle(seen, measure) for measure in _MEASURES}
        pictures = int((cut.is_kept & (cut.band == band)).sum())
        looks.append(Look(name, pictures, 0 if seen is None else seen.num_rows, **numbers))
        if seen is not None and seen.num_rows > 1:
            samples[name] = seen
    return looks, samples


def _middle(seen: pa.Table | None, measure: str) -> float | None:
    if seen is None or not seen.num_rows:
        return None
    values = seen[measure].to_numpy().astype(np.float64)
    return float(np.median(values) if measure in ("width", "height", "bytes") else values.mean())


def _differences(bands: Sequence[str], samples: dict[str, pa.Table]) -> list[Difference]:
    """Cohen's d of each list against train."""
    train = samples.get(bands[-1])
    found = []
    for name in bands[:-1]:
        here = samples.get(name)
        if train is None or here is None:
            continue
        for measure in _MEASURES:
            one, other = (table[measure].to_numpy().astype(np.float64) for table in (train, here))
            spread = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2)
            if spread > 0:
                effect = float((other.mean() - one.mean()) / spread)
                found.append(Difference(name, measure, float(one.mean()), float(other.mean()), effect))
    return found


def _clutter(cursor: Cursor, prepared: PreparedSplit, tuned: Tuned, measured: Measured) -> list[Clutter]:
    if prepared.settings.label_source is None:
        return []
    found = check(cursor, prepared, measured, tuned=tuned)
    return [
        Clutter(row.split, row.pictures, row.labelled, row.multi_label_share)
        for row in found.bands
        if not row.superclass
    ]


def _warnings(
    distances: Sequence[DistanceCorrelation], differences: Sequence[Difference], clutter: Sequence[Clutter]
) -> list[str]:
    told = []
    wrong = [row for row in distances if row.spearman is not None and row.spearman > 0 and row.subclasses >= FEW]
    if wrong:
        names = ", ".join(row.superclass for row in wrong[:5]) + (" and others" if len(wrong) > 5 else "")
        told.append(
            f"{len(wrong)} superclasses score far subclasses higher than near ones ({names}): does the prompt mean "
            "another sense?"
        )
    for one in differences:
        if abs(one.effect) >= MEDIUM_EFFECT:
            size = "much" if abs(one.effect) >= LARGE_EFFECT else "somewhat"
            more = "higher" if one.effect > 0 else "lower"
            told.append(
                f"{one.split} pictures have {size} {more} {one.measure} than train ({one.here:.3g} against "
                f"{one.train:.3g}, {one.effect:+.2f} standard deviations)."
            )
    shares = {row.split: row.multi_label_share for row in clutter if row.multi_label_share is not None}
    hardest = next(iter(shares), None)
    if hardest and "train" in shares and shares[hardest] > 1.5 * shares["train"] > 0:
        told.append(
            f"{hardest} has {shares[hardest]:.1%} pictures with several labels, train {shares['train']:.1%}: "
            "clutter and semantic shift are mixed."
        )
    return told
