"""Many settings of NegLabel from few passes: number of negative labels, groups and temperature on one matrix product.

The grouping of a sweep is nested: of every 100 (say) neighbouring ranks each fine group gets one, in a seeded order,
and a coarse group is a run of fine ones. So each number of labels and of groups comes from the same sums; the scores
differ from those of a single run only by which labels share a group.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.formulas import Array, exp_in_place, id_mass, log_add_exp, log_sum_exp
from engine.evaluation.numbers.bootstrap import bin_counts, metrics_of_counts
from engine.evaluation.numbers.metrics import RankedScores
from engine.evaluation.passes import normalised, to_host
from engine.jobs.devices import usable_cores

Floats = NDArray[np.float64]
MOST_FINE_GROUPS = 2_000
PREVIEW_PICTURES = 3_000
SWEEP_RESAMPLES = 200
SWEEP_BINS = 128
FLOATS_IN_FLIGHT = 3_000_000
MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of these settings.

    Attributes:
        counts: numbers of negative labels, prefixes of the ranking.
        groups: numbers of groups.
        temperatures: above 0.
    """

    counts: tuple[int, ...]
    groups: tuple[int, ...] = (100,)
    temperatures: tuple[float, ...] = (0.01,)

    def points(self) -> list["Point"]:
        """Every setting: temperatures outermost, then counts, then groups."""
        return [
            Point(temperature, count, groups)
            for temperature, count, groups in itertools.product(self.temperatures, sorted(self.counts), self.groups)
        ]

    def fine_groups(self) -> int:
        """The number of groups that all the wanted numbers divide."""
        return math.lcm(*self.groups)


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of a sweep."""

    temperature: float
    count: int
    groups: int


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The numbers of one setting against one OOD set, with 95 % intervals of AUROC and of both FPR95."""

    temperature: float
    count: int
    groups: int
    ood: str
    n_id: int
    n_ood: int
    auroc: float
    auroc_low: float
    auroc_high: float
    fpr95_id_positive: float
    fpr95_id_positive_low: float
    fpr95_id_positive_high: float
    fpr95_ood_positive: float
    fpr95_ood_positive_low: float
    fpr95_ood_positive_high: float


def check_grid(grid: Grid, available: int) -> None:
    """Refuse settings that the ranking cannot give, before any work is done.

    Raises: EngineError that names the setting.
    """
    if not (grid.counts and grid.groups and grid.temperatures):
        raise EngineError("A sweep needs at least one value of every setting.")
    if min(grid.temperatures) <= 0:
        raise EngineError(f"A temperature of {min(grid.temperatures)} is not above 0.")
    if min(grid.groups) < 1 or min(grid.counts) < 1:
        raise EngineError(
            "A sweep over no negative labels or no groups has no score.",
            "Without negative labels NegLabel is always 1; run mcm to see that end.",
        )
    if max(grid.counts) > available:
        raise EngineError(
            f"The sweep asks for {max(grid.counts):,} negative labels, and {available:,} are ranked.",
            "Mine more of them (--keep), or sweep over fewer.",
        )
    if grid.fine_groups() > MOST_FINE_GROUPS:
        raise EngineError(
            f"The groups {', '.join(map(str, grid.groups))} have no common multiple up to {MOST_FINE_GROUPS}.",
            "Use numbers that divide one another, such as 1, 5, 10, 50, 100.",
        )
    if grid.fine_groups() > min(grid.counts):
        raise EngineError(
            f"{min(grid.counts)} negative labels cannot fill {grid.fine_groups()} groups.",
            "That is the least common multiple of the groups: use fewer, or numbers that divide one another.",
        )


def fine_order(count: int, fine: int, seed: int) -> NDArray[np.int64]:
    """The fine group of each rank: a fresh seeded order for every run of ``fine`` ranks, int64 [count]."""
    generator = np.random.default_rng(seed)
    runs = -(-count // fine)
    return np.concatenate([generator.permutation(fine) for _ in range(runs)])[:count]


def sweep_scores(
    images: Array,
    labels: Array,
    negatives: Array,
    grid: Grid,
    seed: int = 0,
    to_device: Callable[[Array], Array] = lambda rows: rows,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> NDArray[np.float32]:
    """id_scores of every setting, float32 [settings, n], in the order of ``grid.points()``.

    Each batch is multiplied with all texts once, whatever the number of settings.

    Args:
        images: [n, d], may be a memory map of float16.
        labels: [K, d].
        negatives: [M, d] in the order of the ranking.
        seed: of the grouping.
    """
    check_grid(grid, len(negatives))
    steps = _steps(grid, labels, negatives, seed)
    rows = max(16, FLOATS_IN_FLIGHT // max(labels.shape[0], max(step.width for step in steps)))
    scores = np.empty((len(grid.points()), len(images)), dtype=np.float32)

    def score(start: int) -> int:
        part = to_device(normalised(np.asarray(images[start : start + rows]), start))
        for row, values in enumerate(_point_scores(part, labels, steps, grid)):
            scores[row, start : start + rows] = to_host(values)
        return len(part)

    # NumPy's exponentials take most of the time, on one core each and without the interpreter's lock.
    threads = min(usable_cores(), MOST_THREADS) if array_api_compat.is_numpy_array(labels) else 1
    with ThreadPoolExecutor(threads, thread_name_prefix="sweep") as pool:
        for done in pool.map(score, range(0, len(images), rows)):
            on_rows(done)
    return scores


@dataclass(frozen=True)
class _Step:
    """The labels between two counts of the grid: texts [deep * fine, d], fine groups innermost, some padding."""

    texts: Array
    fine: int
    deep: int
    padding: Array | None

    @property
    def width(self) -> int:
        return self.fine * self.deep


def _steps(grid: Grid, labels: Array, negatives: Array, seed: int) -> list[_Step]:
    xp = array_api_compat.array_namespace(negatives)
    device = array_api_compat.device(negatives)
    counts, fine = sorted(set(grid.counts)), grid.fine_groups()
    group = fine_order(counts[-1], fine, seed)
    found = []
    for before, count in itertools.pairwise([0, *counts]):
        members = [before + np.flatnonzero(group[before:count] == number) for number in range(fine)]
        deep = max(len(ranks) for ranks in members)
        place = np.full((fine, deep), -1, dtype=np.int64)
        for number, ranks in enumerate(members):
            place[number, : len(ranks)] = ranks
        # Fine groups lie innermost: sums over a long inner axis would be many short ones, which are slow.
        flat = place.T.reshape(-1)
        empty = flat < 0
        index = xp.asarray(np.where(empty, 0, flat), device=device)
        texts = xp.take(negatives, index, axis=0)
        padding = xp.asarray(np.flatnonzero(empty), device=device) if empty.any() else None
        found.append(_Step(texts, fine, deep, padding))
    return found


def _point_scores(images: Array, labels: Array, steps: Sequence[_Step], grid: Grid) -> Iterator[Array]:
    xp = array_api_compat.array_namespace(images)
    label_similarity = images @ labels.T
    similarities = []
    for step in steps:
        similarity = images @ step.texts.T
        if step.padding is not None:
            similarity[:, step.padding] = -math.inf
        similarities.append(xp.reshape(similarity, (images.shape[0], step.deep, step.fine)))
    for temperature in grid.temperatures:
        of_labels = log_sum_exp(label_similarity, temperature)
        total = None
        for similarity in similarities:
            sums = _sums_with_holes(similarity, temperature, axis=1)
            total = sums if total is None else log_add_exp(total, sums)
            for groups in grid.groups:
                yield _mean_mass(of_labels, total, groups)


def _mean_mass(of_labels: Array, total: Array, groups: int) -> Array:
    xp = array_api_compat.array_namespace(total)
    shaped = xp.reshape(total, (total.shape[0], groups, total.shape[1] // groups))
    sums = shaped[:, :, 0] if shaped.shape[2] == 1 else _sums_with_holes(shaped, 1.0)
    return xp.mean(id_mass(of_labels[:, None], sums), axis=1)


def _sums_with_holes(values: Array, temperature: float, axis: int = -1) -> Array:
    """log-sum-exp along an axis where minus infinity stands for nothing."""
    xp = array_api_compat.array_namespace(values)
    peak = xp.max(values, axis=axis, keepdims=True)
    peak = xp.where(xp.isfinite(peak), peak, xp.zeros_like(peak))
    shifted = values - peak
    shifted *= 1.0 / temperature
    total = xp.astype(xp.sum(exp_in_place(shifted), axis=axis), xp.float64)
    return xp.astype(xp.squeeze(peak, axis=axis), xp.float64) / temperature + xp.log(total)


def sweep_results(
    points: Sequence[Point], of_id: NDArray[np.float32], of_ood: Mapping[str, NDArray[np.float32]], seed: int = 0
) -> Iterator[SweepResult]:
    """The numbers of each setting against each OOD set, in order.

    Args:
        points: the settings.
        of_id: float32 [settings, n_id].
        of_ood: name to float32 [settings, n_ood].
        seed: of the intervals.
    """
    for row, point in enumerate(points):
        inside = of_id[row].astype(np.float64)
        ranked = RankedScores(inside)
        for name, scores in of_ood.items():
            yield _result(point, name, inside, scores[row].astype(np.float64), ranked, seed)


def _result(point: Point, name: str, inside: Floats, outside: Floats, ranked: RankedScores, seed: int) -> SweepResult:
    id_counts, ood_counts = bin_counts(inside, outside, SWEEP_BINS)
    generator = np.random.default_rng(seed)
    drawn = metrics_of_counts(
        generator.multinomial(len(inside), id_counts / len(inside), size=SWEEP_RESAMPLES),
        generator.multinomial(len(outside), ood_counts / len(outside), size=SWEEP_RESAMPLES),
    )
    limits = {key: np.quantile(drawn[key], [0.025, 0.975]) for key in drawn}
    fields: dict[str, float] = {
        "auroc": ranked.auroc(outside),
        "fpr95_id_positive": ranked.fpr_id_positive(outside).fpr,
        "fpr95_ood_positive": ranked.fpr_ood_positive(outside).fpr,
    }
    for key in list(fields):
        fields[f"{key}_low"], fields[f"{key}_high"] = (float(limit) for limit in limits[key])
    return SweepResult(point.temperature, point.count, point.groups, name, len(inside), len(outside), **fields)


def preview_rows(sizes: Mapping[str, int], seed: int, most: int = PREVIEW_PICTURES) -> dict[str, NDArray[np.int64]]:
    """Which pictures a preview looks at: a seeded sample of each set, as even as the sets allow."""
    generator = np.random.default_rng(seed)
    left, found = most, {}
    for place, (name, size) in enumerate(sorted(sizes.items(), key=lambda item: item[1])):
        count = min(size, max(1, left // (len(sizes) - place)))
        found[name] = np.sort(generator.permutation(size)[:count])
        left -= count
    return found
