"""Small-sample arithmetic: intervals of shares, and the threshold that splits two clusters of scores."""

import math

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054


def wilson_interval(hits: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson interval of a share.

    Raises: ValueError for n = 0.
    """
    if n < 1:
        raise ValueError("A share of nothing has no interval.")
    share, spread = hits / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def intra_class_variance_threshold(scores: NDArray[np.float64], step: float = 0.01) -> float:
    """The cut on a grid over [0, 1) that leaves the least variance inside its two sides.

    Args:
        scores: float64 [n] in [0, 1], n >= 1.

    Returns: the middle one of equally good cuts; the median where no cut has scores on both sides.
    Source: TANL (CVPR 2026), gate of the stream.
    """
    grid = np.arange(round(1 / step)) * step
    ordered = np.sort(scores)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    squares = np.concatenate([[0.0], np.cumsum(ordered**2)])
    n, below = len(ordered), np.searchsorted(ordered, grid, side="left")
    low, high = np.maximum(below, 1), np.maximum(n - below, 1)
    left = squares[below] - sums[below] ** 2 / low
    right = squares[n] - squares[below] - (sums[n] - sums[below]) ** 2 / high
    criterion = np.where((below == 0) | (below == n), np.inf, (left + right) / n)
    if not np.isfinite(criterion).any():
        return float(np.clip(np.median(scores), 0.0, 1.0))  # all scores lie between two grid points
    best = np.flatnonzero(criterion <= criterion.min() + 1e-12)
    return float(grid[best[len(best) // 2]])
