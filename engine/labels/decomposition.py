"""How much of a drop between two sets is a difference in how many labels their pictures have."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.labels.numbers import PictureNumbers

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class GroupPart:
    """One number of labels k: its weight and mean in both sets, and its two parts of the drop."""

    labels: int
    weight_a: float
    weight_b: float
    mean_a: float
    mean_b: float
    composition: float
    within: float


@dataclass(frozen=True, slots=True)
class DropDecomposition:
    """The drop from set A to set B in two parts that add up to it exactly.

    Attributes:
        drop: mean of A minus mean of B, fractions in [-1, 1].
        composition: the part that comes from how the pictures are spread over k.
        within: the part that comes from the means at equal k.
        composition_interval, within_interval, drop_interval: bootstrap 95 % intervals.
        groups: the parts by k.
    """

    drop: float
    composition: float
    within: float
    drop_interval: tuple[float, float]
    composition_interval: tuple[float, float]
    within_interval: tuple[float, float]
    groups: tuple[GroupPart, ...]

    @property
    def composition_share(self) -> float | None:
        """Composition divided by the drop; None when there is no drop to share out."""
        return self.composition / self.drop if abs(self.drop) > 1e-12 else None

    def sentence(self, name_a: str, name_b: str) -> str:
        """What the numbers mean and what they cannot say."""
        parts = (
            f"From {name_a} to {name_b} the number falls by {self.drop:.1%}: {self.composition:.1%} because the "
            f"pictures of the two sets show different numbers of labels, {self.within:.1%} at equal number of labels."
        )
        caution = (
            "If the two sets were labelled by different procedures, part of the first share may be the procedure's and "
            "not the pictures'."
        )
        return f"{parts} {caution}"


def decompose(
    a: PictureNumbers, b: PictureNumbers, values: str = "recall", resamples: int = RESAMPLES, seed: int = 0
) -> DropDecomposition:
    """Split the drop from A to B into composition and within-group parts.

    drop = sum_k (w_k^A - w_k^B) * mean_k + sum_k mean_w_k * (a_k^A - a_k^B), where mean_k and mean_w_k are averages of
    A and B. A number of labels that only one set has takes the other set's mean as its own: it is pure composition.

    Args:
        a, b: numbers of the same classifier on both sets; pictures without a valid label do not count.
        values: `recall`, `real` or `exact`.

    Raises: EngineError if a set has no picture with a valid label.
    Source: Kitagawa (1955), two-factor decomposition, symmetric form.
    """
    cells_a, cells_b = _cells(a, values, "first"), _cells(b, values, "second")
    ks = sorted({k for k, _ in cells_a} | {k for k, _ in cells_b})
    parts = _parts(_table(cells_a, ks), _table(cells_b, ks))
    rng = np.random.default_rng(seed)
    tables_a, tables_b = _resampled(cells_a, ks, rng, resamples), _resampled(cells_b, ks, rng, resamples)
    composition, within = (part.sum(axis=-1) for part in _parts(tables_a, tables_b)[:2])
    point_composition, point_within = float(parts[0].sum()), float(parts[1].sum())
    return DropDecomposition(
        drop=_mean(cells_a) - _mean(cells_b),
        composition=point_composition,
        within=point_within,
        drop_interval=_interval(composition + within),
        composition_interval=_interval(composition),
        within_interval=_interval(within),
        groups=tuple(
            GroupPart(k, *(float(column[i]) for column in (*parts[2:], parts[0], parts[1]))) for i, k in enumerate(ks)
        ),
    )


Cells = dict[tuple[int, float], int]
Floats = npt.NDArray[np.float64]


def _cells(numbers: PictureNumbers, values: str, which: str) -> Cells:
    """How many pictures have k labels and this value: everything the decomposition depends on."""
    per_picture = np.asarray(getattr(numbers, values), dtype=np.float64)
    counted = numbers.sizes > 0
    if not counted.any():
        raise EngineError(
            f"No picture of the {which} set has a valid label.", "Import its labels: `sood-tui labels import`."
        )
    pairs = np.column_stack([numbers.sizes[counted], per_picture[counted]])
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    return {(int(k), float(value)): int(n) for (k, value), n in zip(distinct, counts, strict=True)}


def _mean(cells: Cells) -> float:
    return sum(value * n for (_, value), n in cells.items()) / sum(cells.values())


def _table(cells: Cells, ks: list[int]) -> tuple[Floats, Floats]:
    """Pictures and sum of values for each k, [len(ks)] each."""
    images = [sum(n for (k, _), n in cells.items() if k == wanted) for wanted in ks]
    sums = [sum(value * n for (k, value), n in cells.items() if k == wanted) for wanted in ks]
    return np.asarray(images, dtype=np.float64), np.asarray(sums, dtype=np.float64)


def _resampled(cells: Cells, ks: list[int], rng: np.random.Generator, resamples: int) -> tuple[Floats, Floats]:
    """The same for bootstrap samples, [resamples, len(ks)] each."""
    keys = list(cells)
    counts = np.asarray([cells[key] for key in keys])
    draws = rng.multinomial(counts.sum(), counts / counts.sum(), size=resamples).astype(np.float64)
    member = np.asarray([[float(k == wanted) for wanted in ks] for k, _ in keys])
    values = np.asarray([value for _, value in keys])
    return draws @ member, (draws * values) @ member


def _parts(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Composition and within parts, then weights and means of both sets, each [..., len(ks)]."""
    weight_a, weight_b = (images / images.sum(axis=-1, keepdims=True) for images, _ in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_a, mean_b = (sums / images for images, sums in (a, b))
    mean_a, mean_b = np.where(np.isnan(mean_a), mean_b, mean_a), np.where(np.isnan(mean_b), mean_a, mean_b)
    mean_a, mean_b = np.nan_to_num(mean_a), np.nan_to_num(mean_b)  # in neither resample: weight 0 on both sides
    composition = (weight_a - weight_b) * (mean_a + mean_b) / 2
    within = (weight_a + weight_b) / 2 * (mean_a - mean_b)
    return composition, within, weight_a, weight_b, mean_a, mean_b


def _interval(samples: Floats) -> tuple[float, float]:
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(low), float(high)
