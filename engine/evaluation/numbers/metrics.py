"""Numbers that compare ID scores with OOD scores. Every FPR says who is positive; there is no bare FPR95.

Scores are id_scores, higher = more ID. Fractions are in [0, 1].
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EngineError

Floats = NDArray[np.float64]
RECALL = 0.95


@dataclass(frozen=True, slots=True)
class DetectionMetrics:
    """How well one score separates one OOD set from the ID set.

    Attributes:
        n_id: pictures of the ID set.
        n_ood: pictures of the OOD set.
        auroc: chance that an ID picture scores above an OOD picture, ties count one half.
        fpr95_id_positive: share of OOD accepted at the largest threshold that keeps at least 95 % of ID (strict).
        fpr95_ood_positive: share of ID rejected where at least 95 % of OOD is caught (OpenOOD, pytorch-ood).
        fpr95_id_positive_nearest: as NegLabel's code finds it, at the recall nearest to 95 %.
        recall_of_nearest: the recall that the nearest rule ends at.
        fpr95_ood_positive_thinned: as OpenOOD prints it; its ROC leaves out collinear points.
        threshold_id_positive: the id_score at the strict ID-positive point.
        threshold_ood_positive: the id_score at the OOD-positive point; what scores at or below it is called OOD.
        aupr_in: average precision (step sum), ID positive.
        aupr_out: average precision (step sum), OOD positive.
        aupr_in_trapezoid: area under the same points by the trapezoid rule (OpenOOD, pytorch-ood).
        aupr_out_trapezoid: the same, OOD positive.
    """

    n_id: int
    n_ood: int
    auroc: float
    fpr95_id_positive: float
    fpr95_ood_positive: float
    fpr95_id_positive_nearest: float
    recall_of_nearest: float
    fpr95_ood_positive_thinned: float
    threshold_id_positive: float
    threshold_ood_positive: float
    aupr_in: float
    aupr_out: float
    aupr_in_trapezoid: float
    aupr_out_trapezoid: float


METRIC_NAMES = tuple(field.name for field in fields(DetectionMetrics) if field.name not in {"n_id", "n_ood"})
"""The names of the numbers, as tables and exports use them."""


def checked(scores: ArrayLike, name: str) -> Floats:
    """The scores as float64 [n].

    Raises: EngineError that names the set when it is empty or holds numbers that are not finite.
    """
    found = np.asarray(scores, dtype=np.float64).reshape(-1)
    if not found.size:
        raise EngineError(f"The set {name} is empty, so it cannot be scored.", "Give a set with pictures in it.")
    if not (finite := np.isfinite(found)).all():
        where = int(np.flatnonzero(~finite)[0])
        raise EngineError(
            f"The set {name} has {int((~finite).sum())} scores that are no numbers, the first at row {where}.",
            "Its embeddings may be damaged: embed the set again.",
        )
    return found


def detection_metrics(
    of_id: ArrayLike, of_ood: ArrayLike, id_name: str = "ID", ood_name: str = "OOD"
) -> DetectionMetrics:
    """All numbers of one pair of sets.

    Args:
        of_id: id_scores of the ID pictures, float [n_id].
        of_ood: id_scores of the OOD pictures, float [n_ood].
        id_name: for messages.
        ood_name: for messages.

    Raises: EngineError when a set is empty or has a score that is no number.
    Source: conventions of NegLabel's, OpenOOD v1.5's and pytorch-ood's code; curves by scikit-learn.
    """
    id_scores, ood_scores = checked(of_id, id_name), checked(of_ood, ood_name)
    values = np.concatenate([id_scores, ood_scores])
    is_id = np.concatenate([np.ones(len(id_scores), dtype=bool), np.zeros(len(ood_scores), dtype=bool)])
    ranked = RankedScores(id_scores)
    strict = ranked.fpr_id_positive(ood_scores)
    caught = ranked.fpr_ood_positive(ood_scores)
    nearest = _nearest(id_scores, ood_scores)
    inside, outside = _precision_areas(is_id, values), _precision_areas(~is_id, -values)
    return DetectionMetrics(
        n_id=len(id_scores),
        n_ood=len(ood_scores),
        auroc=ranked.auroc(ood_scores),
        fpr95_id_positive=strict.fpr,
        fpr95_ood_positive=caught.fpr,
        fpr95_id_positive_nearest=nearest[0],
        recall_of_nearest=nearest[1],
        fpr95_ood_positive_thinned=_thinned(is_id, values),
        threshold_id_positive=strict.threshold,
        threshold_ood_positive=caught.threshold,
        aupr_in=inside[0],
        aupr_out=outside[0],
        aupr_in_trapezoid=inside[1],
        aupr_out_trapezoid=outside[1],
    )


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One threshold and the share of the other side that passes it."""

    fpr: float
    threshold: float
    recall: float


class RankedScores:
    """ID scores, sorted once, against any number of OOD sets: what scikit-learn would sort anew each time."""

    def __init__(self, of_id: Floats) -> None:
        self._id = np.sort(of_id)

    def auroc(self, of_ood: Floats) -> float:
        """Chance that an ID picture scores above an OOD picture; ties count one half."""
        # Sorted queries walk through memory in order, which pays for the sorting several times over.
        ordered = np.sort(of_ood)
        below = np.searchsorted(self._id, ordered)
        # Ties are rare: only where the next ID score equals the OOD score is the other end looked for.
        tied = self._id[np.minimum(below, len(self._id) - 1)] == ordered
        passed = 2 * below.sum()
        if tied.any():
            passed += (np.searchsorted(self._id, ordered[tied], side="right") - below[tied]).sum()
        return float(1.0 - passed / 2 / (len(self._id) * len(ordered)))

    def fpr_id_positive(self, of_ood: Floats, recall: float = RECALL) -> OperatingPoint:
        """Share of OOD at or above the largest threshold that keeps at least that share of ID (ties are kept)."""
        n = len(self._id)
        needed = _least_count(n, recall)
        threshold = float(self._id[n - needed])
        kept = n - int(np.searchsorted(self._id, threshold))
        return OperatingPoint(float(np.count_nonzero(of_ood >= threshold) / len(of_ood)), threshold, kept / n)

    def fpr_ood_positive(self, of_ood: Floats, recall: float = RECALL) -> OperatingPoint:
        """Share of ID at or below the smallest threshold that catches at least that share of OOD."""
        n = len(of_ood)
        needed = _least_count(n, recall)
        threshold = float(np.partition(of_ood, needed - 1)[needed - 1])
        rejected = int(np.searchsorted(self._id, threshold, side="right"))
        caught = int(np.count_nonzero(of_ood <= threshold))
        return OperatingPoint(rejected / len(self._id), threshold, caught / n)


def _least_count(n: int, recall: float) -> int:
    # The first count whose share reaches the recall, compared as shares are: 19 / 20 >= 0.95 holds in float64.
    count = max(1, int(np.floor(n * recall)) - 1)
    while count / n < recall:
        count += 1
    return count


def _nearest(of_id: Floats, of_ood: Floats, recall: float = RECALL) -> tuple[float, float]:
    """The share of OOD accepted, and the recall, at the point that NegLabel's code takes.

    It walks from full recall down over the distinct thresholds, then tries recall 1 with nothing accepted, and keeps
    the first point whose recall is nearest: among equal recalls the lowest threshold, that is the worst share.
    """
    ranked, other = np.sort(of_id), np.sort(of_ood)
    thresholds = np.unique(np.concatenate([ranked, other]))
    # Lower thresholds than the least ID score have the same full recall and are not looked at, but for the first.
    thresholds = thresholds[np.searchsorted(thresholds, ranked[0]) :]
    kept = len(ranked) - np.searchsorted(ranked, thresholds)
    accepted = len(other) - np.searchsorted(other, thresholds)
    inside = kept > 0
    recalls = np.concatenate([kept[inside] / len(ranked), [1.0]])
    shares = np.concatenate([accepted[inside], [0]]) / len(other)
    best = int(np.argmin(np.abs(recalls - recall)))
    return float(shares[best]), float(recalls[best])


def _precision_areas(positive: NDArray[np.bool_], values: Floats) -> tuple[float, float]:
    from sklearn.metrics import auc, average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(positive, values)
    return float(average_precision_score(positive, values)), float(auc(recall, precision))


def _thinned(is_id: NDArray[np.bool_], values: Floats) -> float:
    from sklearn.metrics import roc_curve

    rejected, caught, _ = roc_curve(~is_id, -values)
    return float(rejected[int(np.argmax(caught >= RECALL))])


def roc_points(of_id: ArrayLike, of_ood: ArrayLike, most: int = 512) -> tuple[Floats, Floats]:
    """Points of the ROC with ID positive, thinned for drawing.

    Returns: the share of OOD accepted and the share of ID accepted, float64 [k] each, both from 0 to 1.
    """
    from sklearn.metrics import roc_curve

    id_scores, ood_scores = checked(of_id, "ID"), checked(of_ood, "OOD")
    is_id = np.concatenate([np.ones(len(id_scores)), np.zeros(len(ood_scores))])
    accepted, kept, _ = roc_curve(is_id, np.concatenate([id_scores, ood_scores]))
    if len(accepted) > most:
        chosen = np.unique(np.linspace(0, len(accepted) - 1, most).round().astype(int))
        accepted, kept = accepted[chosen], kept[chosen]
    return accepted, kept
