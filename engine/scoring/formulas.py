"""The arithmetic of the room, written once against the array API: NumPy in a test, a GPU's arrays in a job."""

import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import array_api_compat

Array = Any
"""An array of any library that array_api_compat knows; shapes stand in the docstrings."""

Tails = Literal["both", "low"]

OUTLIER_FACTOR = 1.5
SMALLEST_JUDGED = 4
"""Quartiles of fewer values say nothing about their spread, so nothing is called an outlier among them."""


class ConstantSuperclass(UserWarning):
    """All similarities of a superclass are equal, so that they say nothing about which picture is typical."""


@dataclass(frozen=True, slots=True)
class Outliers:
    """Which values lie outside the fences, and the fences."""

    is_outlier: Array
    lower_quartile: float
    upper_quartile: float
    lower_fence: float
    upper_fence: float


def minmax(similarity: Array) -> Array:
    """Similarities of one superclass, stretched so that its least is 0 and its greatest 1.

    Args:
        similarity: float [n] of all pictures of the superclass, in any unit.

    Returns: float64 [n] in [0, 1]; zeros when all are equal (with a ConstantSuperclass warning); empty for n = 0.
    Source: SOOD, arXiv 2409.01109, section 3.1, which divides by zero when all are equal.
    """
    xp = array_api_compat.array_namespace(similarity)
    values = xp.astype(similarity, xp.float64)
    if values.shape[0] == 0:
        return values
    least, greatest = xp.min(values), xp.max(values)
    if float(greatest) == float(least):
        warnings.warn("All pictures of the superclass have the same similarity.", ConstantSuperclass, stacklevel=2)
        return xp.zeros_like(values)
    return (values - least) / (greatest - least)


def percentile(ordered: Array, share: float) -> float:
    """The value below which a share of the values lies, interpolated linearly as numpy.percentile does, to the bit.

    Args:
        ordered: float64 [n] in ascending order, n >= 1.
        share: in [0, 1].
    """
    position: float = (ordered.shape[0] - 1) * share
    below = math.floor(position)
    above = min(below + 1, ordered.shape[0] - 1)
    fraction = position - below
    low, high = float(ordered[below]), float(ordered[above])
    # The two forms round differently; NumPy takes the one that starts from the nearer neighbour.
    return high - (high - low) * (1 - fraction) if fraction >= 0.5 else low + (high - low) * fraction


def iqr_outliers(
    values: Array, factor: float = OUTLIER_FACTOR, tails: Tails = "both", smallest: int = SMALLEST_JUDGED
) -> Outliers:
    """Which values lie more than a factor of the interquartile range outside the quartiles of their subclass.

    Args:
        values: float [n], n >= 1, of the pictures of one subclass.
        factor: how many interquartile ranges a fence stands away from its quartile.
        tails: both, or only low (so that very typical pictures stay).
        smallest: nothing is an outlier among fewer values than this; 1 judges every subclass, as the reference does.

    Returns: bool [n] with the quartiles and fences. A value on a fence stays.
    Raises: ValueError for n = 0.
    Source: SOOD, arXiv 2409.01109; its code judges both tails and every n.
    """
    if values.shape[0] == 0:
        raise ValueError("A subclass without pictures has no quartiles.")
    xp = array_api_compat.array_namespace(values)
    exact = xp.astype(values, xp.float64)
    ordered = xp.sort(exact)
    lower, upper = percentile(ordered, 0.25), percentile(ordered, 0.75)
    low_fence, high_fence = lower - factor * (upper - lower), upper + factor * (upper - lower)
    flags = exact < low_fence
    if tails == "both":
        flags = flags | (exact > high_fence)
    if exact.shape[0] < smallest:
        flags = xp.zeros_like(flags)
    return Outliers(flags, lower, upper, low_fence, high_fence)


def mean(values: Array) -> float | None:
    """The mean of float [n]; None for n = 0."""
    if values.shape[0] == 0:
        return None
    xp = array_api_compat.array_namespace(values)
    return float(xp.mean(xp.astype(values, xp.float64)))


def standard_deviation(values: Array) -> float | None:
    """The standard deviation of float [n] as an estimate from a sample (divisor n - 1); None for n < 2."""
    if values.shape[0] < 2:
        return None
    xp = array_api_compat.array_namespace(values)
    return float(xp.std(xp.astype(values, xp.float64), correction=1))
