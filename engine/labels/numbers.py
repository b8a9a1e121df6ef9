"""Numbers of a classifier on pictures that may have several valid labels.

Source: arXiv 2412.18409 (variable top-k evaluation, subgroups by the number of labels) and Beyer et al., arXiv
2006.07159 (ReaL accuracy). The paper's own equation of its aggregate was not recovered, so each aggregate here carries
the name of what it averages, and none is called the paper's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError

IntVector = npt.NDArray[np.int64]
FloatVector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TruthTable:
    """Valid labels of n pictures, row after row.

    Attributes:
        offsets: int64 [n + 1]; the labels of picture i are labels[offsets[i]:offsets[i + 1]].
        labels: int64 [sum of k], class indices, without repetition inside a picture.
    """

    offsets: IntVector
    labels: IntVector

    @classmethod
    def of(cls, label_sets: Sequence[Sequence[int]]) -> "TruthTable":
        """A table from one sequence of class indices a picture; repetitions count once."""
        unique = [sorted(set(labels)) for labels in label_sets]
        offsets = np.concatenate([[0], np.cumsum([len(labels) for labels in unique])]).astype(np.int64)
        flat = [label for labels in unique for label in labels]
        return cls(offsets, np.asarray(flat, dtype=np.int64))

    @property
    def sizes(self) -> IntVector:
        """int64 [n], the number of valid labels k of each picture."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class PictureNumbers:
    """What one classifier did on each picture.

    Attributes:
        sizes: int64 [n], number of valid labels k; 0 where no label is valid.
        top1: bool [n], the first prediction is the original single label.
        real: bool [n], the first prediction is among the valid labels.
        recall: float64 [n], share of the valid labels among the first k predictions; NaN where k is 0.
        exact: bool [n], the first k predictions are the valid labels.
    """

    sizes: IntVector
    top1: npt.NDArray[np.bool_]
    real: npt.NDArray[np.bool_]
    recall: FloatVector
    exact: npt.NDArray[np.bool_]

    def rows(self, chosen: npt.NDArray[np.generic]) -> "PictureNumbers":
        """The numbers of some pictures: bool [n], or their places."""
        return PictureNumbers(
            self.sizes[chosen], self.top1[chosen], self.real[chosen], self.recall[chosen], self.exact[chosen]
        )


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Pictures with the same number of valid labels, and the means over them, as fractions in [0, 1]."""

    labels: str
    images: int
    top1: float
    real_accuracy: float
    recall: float
    recall_low: float
    recall_high: float
    exact: float


@dataclass(frozen=True, slots=True)
class MultiLabelReport:
    """Every number of one classifier on one set; fractions in [0, 1], None where there is nothing to average."""

    images: int
    images_without_label: int
    multi_label_share: float | None
    mean_labels: float | None
    top1: float
    top1_with_label: float | None
    real_accuracy: float | None
    aggregates: Mapping[str, float | None]
    subgroups: tuple[Subgroup, ...]


def judge(ranked: npt.NDArray[np.integer], original: npt.NDArray[np.integer], truth: TruthTable) -> PictureNumbers:
    """Compare ranked predictions with single and multiple labels.

    Args:
        ranked: integers [n, depth], class indices, best first; depth is at least the largest k.
        original: integers [n], the single label of each picture.
        truth: the valid labels of the same n pictures.

    Raises: EngineError if the lengths differ, or a picture has more valid labels than predictions.
    """
    sizes = truth.sizes
    if not len(ranked) == len(original) == len(sizes):
        lengths = f"{len(ranked)} predictions, {len(original)} single labels and {len(sizes)} label sets"
        raise EngineError(f"{lengths} do not belong together.", "Each picture needs one of each, in the same order.")
    if len(sizes) and int(sizes.max()) > ranked.shape[1]:
        raise EngineError(
            f"A picture has {int(sizes.max())} valid labels, but only {ranked.shape[1]} predictions are ranked.",
            "Give logits or probabilities, or longer rankings.",
        )
    hits = np.zeros(len(sizes), dtype=np.int64)
    real = np.zeros(len(sizes), dtype=bool)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    for rank in range(int(sizes.max()) if len(sizes) else 0):
        found = np.zeros(len(sizes), dtype=bool)
        matches = truth.labels == ranked[rows, rank]
        found[rows[matches]] = True
        hits += found & (rank < sizes)
        if rank == 0:
            real = found
    with np.errstate(invalid="ignore"):
        recall = np.where(sizes > 0, hits / np.maximum(sizes, 1), np.nan)
    top1 = ranked[:, 0] == original if len(sizes) else np.zeros(0, dtype=bool)
    return PictureNumbers(sizes, top1, real, recall, (hits == sizes) & (sizes > 0))


def aggregate(numbers: PictureNumbers, kind: str, values: str = "recall") -> float | None:
    """One number over the subgroups.

    Args:
        kind: `macro` (mean of the subgroups' means), `weighted` (mean over pictures), `multi_only` (macro over k >= 2).
        values: `recall` or `exact`.

    Returns: fraction in [0, 1]; None when no picture counts.
    """
    per_picture = numbers.recall if values == "recall" else numbers.exact.astype(np.float64)
    counted = numbers.sizes >= (2 if kind == "multi_only" else 1)
    if not counted.any():
        return None
    if kind == "weighted":
        return float(per_picture[counted].mean())
    means = [per_picture[numbers.sizes == k].mean() for k in np.unique(numbers.sizes[counted])]
    return float(np.mean(means))


AGGREGATES = tuple((kind, values) for values in ("recall", "exact") for kind in ("macro", "weighted", "multi_only"))


def report(numbers: PictureNumbers) -> MultiLabelReport:
    """Every number of METHODS: top-1, ReaL accuracy, aggregates in all variants, and the subgroups by k."""
    labelled = numbers.sizes > 0
    some = bool(labelled.any())
    return MultiLabelReport(
        images=len(numbers.sizes),
        images_without_label=int((~labelled).sum()),
        multi_label_share=float((numbers.sizes[labelled] >= 2).mean()) if some else None,
        mean_labels=float(numbers.sizes[labelled].mean()) if some else None,
        top1=float(numbers.top1.mean()),
        top1_with_label=float(numbers.top1[labelled].mean()) if some else None,
        real_accuracy=float(numbers.real[labelled].mean()) if some else None,
        aggregates={f"{kind}_{values}": aggregate(numbers, kind, values) for kind, values in AGGREGATES},
        subgroups=subgroups(numbers),
    )


def subgroups(numbers: PictureNumbers, smallest: int = 1) -> tuple[Subgroup, ...]:
    """The means for each number of valid labels.

    Args:
        smallest: groups from the first one with fewer pictures on are shown as one, `k+`; for display only, no
            aggregate is computed from merged groups.
    """
    ks = [int(k) for k in np.unique(numbers.sizes[numbers.sizes > 0])]
    counts = {k: int((numbers.sizes == k).sum()) for k in ks}
    first_small = next((k for k in ks if counts[k] < smallest), None)
    groups = [(str(k), numbers.sizes == k) for k in ks if first_small is None or k < first_small]
    if first_small is not None:
        label = str(first_small) if first_small == ks[-1] else f"{first_small}+"
        groups.append((label, numbers.sizes >= first_small))
    return tuple(_subgroup(label, numbers, members) for label, members in groups)


def _subgroup(label: str, numbers: PictureNumbers, members: npt.NDArray[np.bool_]) -> Subgroup:
    recall = numbers.recall[members]
    low, high = mean_interval(recall)
    return Subgroup(
        labels=label,
        images=int(members.sum()),
        top1=float(numbers.top1[members].mean()),
        real_accuracy=float(numbers.real[members].mean()),
        recall=float(recall.mean()),
        recall_low=low,
        recall_high=high,
        exact=float(numbers.exact[members].mean()),
    )


def mean_interval(values: FloatVector, resamples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Bootstrap 95 % interval of a mean.

    The values are fractions j / k, so few are distinct: a resample is one multinomial draw over them, which is the
    ordinary bootstrap at the price of a histogram.
    """
    distinct, counts = np.unique(values, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=resamples)
    low, high = np.percentile(draws @ distinct / len(values), [2.5, 97.5])
    return float(low), float(high)


def ranked_classes(scores: npt.NDArray[np.floating], depth: int) -> IntVector:
    """The best classes of each picture from logits or probabilities.

    Args:
        scores: floats [n, classes]; equal scores are ranked by class index.
        depth: how many to rank.

    Returns: int64 [n, depth].
    Raises: EngineError if a score is not a number.
    """
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(bad):
        raise EngineError(f"The scores of row {int(bad[0])} are not all finite numbers ({len(bad)} such rows).")
    return np.argsort(-scores, axis=1, kind="stable")[:, :depth].astype(np.int64)
