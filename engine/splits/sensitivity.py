"""How much a cut owes to its percentiles, its prompts, its model, and to chance: nothing is encoded again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.errors import EngineError
from engine.splits.compare import Places, jaccard, places_of
from engine.splits.formulas import Floats, bands_of, build_ladder, weighted_thresholds
from engine.splits.measure import Measured
from engine.splits.prepare import prepare_claims, prepare_with_pictures
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.settings import MAIN, SplitSettings
from engine.workspace import Workspace
from store.connection import Cursor
from store.review.queue import accepted
from store.splits.similarities import fetch_runs

OnProgress = Callable[[str, int, int], None]

EASY_GRID = (30.0, 35.0, 40.0, 45.0, 50.0)
HARD_GRID = (10.0, 15.0, 20.0, 25.0, 30.0)
DRAWS = 200
SMALL = 30
SHAKY = 0.8
"""A subclass that stays in its list in fewer draws than this is called shaky."""


@dataclass(frozen=True, slots=True)
class GridPoint:
    """The cut at other percentiles. jaccard_train is of the training subclasses against the base."""

    percentiles: tuple[float, ...]
    jaccard_train: float | None
    moved_subclasses: int
    pictures: dict[str, int]
    superclasses_with_empty_band: int


@dataclass(frozen=True, slots=True)
class OtherRun:
    """The cut on another scoring run: another prompt template, or another model."""

    run_id: int
    model: str
    template: str
    kind: str
    jaccard_train: float | None
    moved_subclasses: int
    missing_subclasses: int
    spearman: float | None
    least_spearman: float | None
    least_superclass: str | None
    pictures: dict[str, int]
    superclasses_with_empty_band: int


@dataclass(frozen=True, slots=True)
class Stability:
    """How often a subclass stays in its list when its pictures, and everybody else's, are drawn again."""

    superclass: str
    wnid: str
    lemma: str
    split: str
    stays: float
    shares: dict[str, float]
    mean: float
    mean_low: float
    mean_high: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Everything together; base are the settings' percentiles."""

    split: str
    run_id: int
    base: tuple[float, ...]
    base_pictures: dict[str, int]
    grid: tuple[GridPoint, ...]
    runs: tuple[OtherRun, ...]
    draws: int
    stability: tuple[Stability, ...]
    mean_stays: float | None
    shaky: int


def sensitivity(
    workspace: Workspace,
    split: str = MAIN,
    defaults: SplitSettings | None = None,
    easy: Sequence[float] = EASY_GRID,
    hard: Sequence[float] = HARD_GRID,
    draws: int = DRAWS,
    on_progress: OnProgress | None = None,
) -> Sensitivity:
    """Move everything that a person chose, one thing at a time.

    Args:
        workspace: open.
        split: which one.
        defaults: what holds in a split that was not made yet.
        easy: percentiles to try as the upper threshold.
        hard: percentiles to try as the lower one; pairs that do not ascend are left out.
        draws: bootstrap draws; 0 leaves stability out.
        on_progress: how far it is.
    """
    tell = on_progress or (lambda what, done, whole: None)
    with workspace.opened().reading() as cursor:
        prepared, measured = prepare_with_pictures(cursor, workspace.seed, split, defaults)
        tuned = prepared.retune()
        tell("grid", 0, 1)
        grid = tuple(percentile_grid(prepared, tuned, easy, hard))
        tell("runs", 0, 1)
        runs = tuple(other_runs(cursor, prepared, tuned))
    stability = tuple(bootstrap(prepared, tuned, measured, draws, tell)) if draws else ()
    return Sensitivity(
        split=split,
        run_id=prepared.run.run_id,
        base=prepared.settings.percentiles,
        base_pictures=_pictures(tuned),
        grid=grid,
        runs=runs,
        draws=draws,
        stability=stability,
        mean_stays=float(np.mean([row.stays for row in stability])) if stability else None,
        shaky=sum(row.stays < SHAKY for row in stability),
    )


def percentile_grid(
    prepared: PreparedSplit, tuned: Tuned, easy: Sequence[float], hard: Sequence[float]
) -> list[GridPoint]:
    """The cut at every ascending pair of percentiles; own percentiles of superclasses stay.

    A split with other than three lists is cut into three, so that points can be compared with each other.

    Source: METHODS 1.15.
    """
    base = places_of(prepared, tuned)
    found = []
    for low in hard:
        for high in easy:
            if low < high:
                moved = prepared.retune((low, high))
                there = places_of(prepared, moved)
                numbers = (_train_jaccard(base, there), _moved(base, there), _pictures(moved), _empty(moved))
                found.append(GridPoint((low, high), *numbers))
    return found


def other_runs(cursor: Cursor, prepared: PreparedSplit, tuned: Tuned) -> list[OtherRun]:
    """The same subclasses and settings on every other scoring run whose similarities are there."""
    base = places_of(prepared, tuned)
    claims = accepted(cursor)
    found = []
    for run in fetch_runs(cursor):
        if run.run_id == prepared.run.run_id:
            continue
        settings = replace(prepared.settings, run_id=run.run_id)
        try:
            other, _ = prepare_claims(cursor, prepared.split, settings, run.run_id, claims)
        except EngineError:  # this run has nothing of these subclasses
            continue
        cut = other.retune()
        there = places_of(other, cut)
        shared = {key: place for key, place in base.items() if key in there}
        by_superclass = spearman_by_superclass(base, there)
        least = min(by_superclass, key=lambda name: by_superclass[name], default=None)
        same_model = run.weights_sha256 == prepared.run.weights_sha256
        found.append(
            OtherRun(
                run.run_id, run.model, run.template, "template" if same_model else "model",
                _train_jaccard(shared, {key: there[key] for key in shared}), _moved(shared, there),
                len(base) - len(shared),
                float(np.mean(list(by_superclass.values()))) if by_superclass else None,
                by_superclass[least] if least else None, least, _pictures(cut), _empty(cut),
            )
        )  # fmt: skip
    return found


def spearman_by_superclass(one: Places, other: Places) -> dict[str, float]:
    """Rank correlation of the means of subclasses that both have, of superclasses where there is one."""
    values: dict[str, list[tuple[float, float]]] = {}
    for key, place in one.items():
        if key in other:
            values.setdefault(key[0], []).append((place.mean, other[key].mean))
    found = {name: spearman(*np.array(pairs, np.float64).T) for name, pairs in values.items() if len(pairs) > 2}
    return {name: rho for name, rho in found.items() if rho is not None}


def spearman(one: Floats, other: Floats) -> float | None:
    """Spearman's rank correlation in [-1, 1], ties given their mean rank; None where one does not vary.

    Args:
        one: float [n].
        other: float [n].
    """
    ranks = [_ranks(np.asarray(values, np.float64)) for values in (one, other)]
    spread = [rank - rank.mean() for rank in ranks]
    scale = float(np.sqrt((spread[0] ** 2).sum() * (spread[1] ** 2).sum()))
    return None if scale == 0 else float((spread[0] * spread[1]).sum() / scale)


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)


def bootstrap(
    prepared: PreparedSplit, tuned: Tuned, measured: Measured, draws: int, on_progress: OnProgress | None = None
) -> list[Stability]:
    """Draw the pictures of every subclass again, with replacement, and cut anew; all superclasses are drawn at once.

    A subclass's mean over n drawn pictures is told from n, mean and spread of its own (the central limit), so that a
    draw costs one number a subclass whatever n is; subclasses with fewer than 30 pictures are really drawn.

    Args:
        prepared: the split.
        tuned: its cut.
        measured: its pictures.
        draws: how many.
        on_progress: how far it is.

    Returns: a row a subclass, the least stable first. Subclasses whose scores nobody has are not drawn.
    """
    tell = on_progress or (lambda what, done, whole: None)
    chance = np.random.default_rng(prepared.settings.seed)
    means = _drawn_means(prepared, measured, draws, chance, tell)
    percentiles = tuned.percentiles
    bands = np.empty((draws, len(prepared.subclasses)), np.int64)
    ladder = prepared.ladder
    for draw in range(draws):
        order = np.lexsort((means[draw], ladder.superclass))
        again = build_ladder(ladder.superclass[order], means[draw][order], ladder.pictures[order], len(ladder.total))
        bands[draw, order] = bands_of(again, weighted_thresholds(again, percentiles))
        tell("bootstrap", draw + 1, draws)
    rows = []
    for place, row in enumerate(prepared.subclasses):
        shares = np.bincount(bands[:, place], minlength=len(tuned.bands)) / draws
        low, high = np.percentile(means[:, place], [2.5, 97.5])
        stays = float(shares[int(tuned.band[place])])
        named = dict(zip(tuned.bands, shares.tolist(), strict=True))
        rows.append(
            Stability(
                row.superclass, row.wnid, row.lemma, tuned.bands[int(tuned.band[place])], stays, named, row.mean,
                float(low), float(high),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row.stays, row.superclass, row.wnid))


def _drawn_means(
    prepared: PreparedSplit, measured: Measured, draws: int, chance: np.random.Generator, tell: OnProgress
) -> Floats:
    """float64 [draws, n_subclasses]: the mean of each subclass in each draw."""
    place_of = {(pair.superclass, pair.wnid): place for place, pair in enumerate(measured.pairs)}
    pictures = measured.pictures
    bounds = np.searchsorted(pictures.place, np.arange(len(measured.pairs) + 1))
    over_kept = prepared.settings.mean_over == "kept"
    means = np.empty((draws, len(prepared.subclasses)), np.float64)
    for column, row in enumerate(prepared.subclasses):
        place = place_of[row.superclass, row.wnid]
        part = slice(bounds[place], bounds[place + 1])
        scores = pictures.normalised[part]
        scores = scores[pictures.is_kept[part]] if over_kept else scores
        if len(scores) < 2 or not np.isfinite(scores).all():
            means[:, column] = row.mean
        elif len(scores) < SMALL:
            means[:, column] = scores[chance.integers(0, len(scores), (draws, len(scores)))].mean(axis=1)
        else:
            means[:, column] = row.mean + chance.standard_normal(draws) * (scores.std() / np.sqrt(len(scores)))
        if column % 100 == 0:
            tell("drawing", column, len(prepared.subclasses))
    return means


def _train_jaccard(one: Places, other: Places) -> float | None:
    mine, theirs = ({key for key, place in places.items() if place.split == "train"} for places in (one, other))
    return jaccard(len(mine & theirs), len(mine), len(theirs))


def _moved(one: Places, other: Places) -> int:
    return sum(key in other and other[key].split != place.split for key, place in one.items())


def _pictures(tuned: Tuned) -> dict[str, int]:
    return dict(zip(tuned.bands, tuned.pictures.sum(axis=0).tolist(), strict=True))


def _empty(tuned: Tuned) -> int:
    return int((tuned.subclasses == 0).any(axis=1).sum())
