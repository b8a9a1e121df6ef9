"""The threshold that keeps a wanted share of ID pictures, and what it achieves with some certainty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EngineError
from engine.evaluation.numbers.metrics import checked
from engine.evaluation.numbers.statistics import wilson_interval

FEW_PICTURES = 200


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold for id_scores: what scores at or above it is called ID.

    Attributes:
        threshold: the largest one that keeps at least the wanted share.
        wanted: share of ID pictures to keep.
        n: pictures that it was found on.
        kept: share of them that it keeps.
        low: of the 95 % Wilson interval of that share.
        high: of the same.
        warning: empty, or why the interval is wide.
    """

    threshold: float
    wanted: float
    n: int
    kept: float
    low: float
    high: float
    warning: str


def calibrate(of_id: ArrayLike, wanted: float = 0.95) -> Calibration:
    """The threshold at a wanted true positive rate, from ID pictures that are not used for the report.

    Args:
        of_id: id_scores of the calibration part, float [n].
        wanted: share to keep, in (0, 1].

    Raises: EngineError when the part is empty or the share is out of range.
    """
    if not 0 < wanted <= 1:
        raise EngineError(f"A threshold cannot keep a share of {wanted} of the ID pictures.", "Give 0.95, say.")
    ordered = np.sort(checked(of_id, "calibration"))[::-1]
    n = len(ordered)
    count = next(k for k in range(max(1, int(n * wanted) - 1), n + 1) if k / n >= wanted)
    threshold = float(ordered[count - 1])
    hits = int(np.count_nonzero(ordered >= threshold))
    low, high = wilson_interval(hits, n)
    return Calibration(threshold, wanted, n, hits / n, low, high, few_warning(n, low, high))


def few_warning(n: int, low: float, high: float) -> str:
    """Why the interval of a threshold's share is wide; empty from 200 pictures on."""
    if n >= FEW_PICTURES:
        return ""
    return (
        f"Calibrated on {n} pictures only, fewer than {FEW_PICTURES}: the share that the threshold keeps is uncertain "
        f"({low:.1%} to {high:.1%})."
    )


def calibration_part(n: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Which of n pictures calibrate; the others are reported on.

    Raises: EngineError when either part would be empty.
    """
    count = round(n * share)
    if not 0 < count < n:
        raise EngineError(f"{share:.0%} of {n} pictures leave one part empty.", "Give more pictures or another share.")
    chosen = np.zeros(n, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(n)[:count]] = True
    return chosen
