"""The arithmetic of the scores, written once against the array API: NumPy in a test, a GPU's arrays in a job.

Everywhere a higher id_score means more ID. Similarities are cosines in [-1, 1]; a temperature divides them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import array_api_compat
import numpy as np

Array = Any
"""An array of any library that array_api_compat knows; shapes stand in the docstrings."""

Remainder = Literal["balanced", "drop_tail"]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How the negative labels are cut into groups.

    Attributes:
        groups: how many, at least 1.
        remainder: balanced keeps every label (sizes differ by at most 1); drop_tail loses the last M mod groups labels
            of the ranking before they are permuted, as NegLabel's code does.
    """

    groups: int = 100
    remainder: Remainder = "balanced"

    def sizes(self, labels: int) -> list[int]:
        """The sizes of the groups of that many labels, the larger ones first.

        Raises: ValueError when there are fewer labels than groups.
        """
        if self.groups < 1 or labels < self.groups:
            raise ValueError(f"{labels} negative labels cannot fill {self.groups} groups.")
        size, extra = divmod(labels, self.groups)
        if self.remainder == "drop_tail":
            extra = 0
        return [size + 1] * extra + [size] * (self.groups - extra)


def log_sum_exp(similarity: Array, temperature: float, axis: int = -1) -> Array:
    """log of the sum of exp(similarity / temperature) along an axis, in float64.

    The peak is taken off before the division, where nearly equal numbers lose no digits: float32 similarities give
    scores within 1e-6 of those from float64.

    Args:
        similarity: float [..., n], n >= 1.
        temperature: above 0.
    """
    xp = array_api_compat.array_namespace(similarity)
    peak = xp.max(similarity, axis=axis, keepdims=True)
    shifted = similarity - peak
    shifted *= 1.0 / temperature
    total = xp.sum(exp_in_place(shifted), axis=axis)
    return xp.astype(xp.squeeze(peak, axis=axis), xp.float64) / temperature + xp.log(xp.astype(total, xp.float64))


def exp_in_place(values: Array) -> Array:
    """exp of an array that nobody needs any more, in its own memory where the library can."""
    if array_api_compat.is_numpy_array(values):
        return np.exp(values, out=values)
    if array_api_compat.is_torch_array(values):
        return values.exp_()
    return array_api_compat.array_namespace(values).exp(values)


def log_add_exp(left: Array, right: Array) -> Array:
    """log(exp(left) + exp(right)) of float64 arrays; minus infinity is the empty sum."""
    xp = array_api_compat.array_namespace(left, right)
    peak = xp.maximum(left, right)
    safe = xp.where(xp.isfinite(peak), peak, xp.zeros_like(peak))
    return safe + xp.log(xp.exp(left - safe) + xp.exp(right - safe))


def sigmoid(values: Array) -> Array:
    """1 / (1 + exp(-values)) without overflow, float64 [...] in [0, 1]."""
    xp = array_api_compat.array_namespace(values)
    small = xp.exp(-xp.abs(values))
    return xp.where(values >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def id_mass(label_lse: Array, negative_lse: Array) -> Array:
    """The share of the softmax mass that falls on the ID labels.

    Args:
        label_lse: float64 [...], log-sum-exp over the ID labels.
        negative_lse: float64 [...], log-sum-exp over the negative labels, same shape or one that broadcasts.

    Returns: float64 in [0, 1].
    Source: NegLabel (ICLR 2024), equation of S(x), as a logistic of the difference.
    """
    return sigmoid(label_lse - negative_lse)


def grouped_log_sum_exp(similarity: Array, sizes: Sequence[int], temperature: float) -> Array:
    """log-sum-exp of each group of neighbouring columns.

    Args:
        similarity: float [n, M'] with M' >= sum(sizes); what stands behind the groups is left out.
        sizes: of the groups, first to last.

    Returns: float64 [n, len(sizes)].
    """
    xp = array_api_compat.array_namespace(similarity)
    found, start = [], 0
    for size in sizes:
        found.append(log_sum_exp(similarity[:, start : start + size], temperature))
        start += size
    return xp.stack(found, axis=1)


def neglabel(
    label_similarity: Array,
    negative_similarity: Array,
    temperature: float = 0.01,
    grouping: Grouping | None = None,
    permutation: Array | None = None,
) -> Array:
    """The NegLabel id_score of whole similarity matrices.

    Args:
        label_similarity: float [n, K].
        negative_similarity: float [n, M], columns in the order of the ranking.
        grouping: None: one group.
        permutation: int [M'] over the columns that the grouping keeps; None: as ranked.

    Returns: float64 [n] in [0, 1].
    Source: NegLabel (ICLR 2024), section 3; its code loses the last M mod groups labels and, for fewer than two
        groups, forgets the softmax. Neither happens here unless the grouping says drop_tail.
    """
    xp = array_api_compat.array_namespace(label_similarity, negative_similarity)
    sizes = (grouping or Grouping(1)).sizes(negative_similarity.shape[1])
    kept = negative_similarity[:, : sum(sizes)]
    if permutation is not None:
        kept = xp.take(kept, permutation, axis=1)
    labels = log_sum_exp(label_similarity, temperature)
    return xp.mean(id_mass(labels[:, None], grouped_log_sum_exp(kept, sizes, temperature)), axis=1)


def greatest_probability(similarity: Array, temperature: float) -> Array:
    """The largest softmax probability of each row, float64 [n] in (0, 1]."""
    xp = array_api_compat.array_namespace(similarity)
    peak = xp.astype(xp.max(similarity, axis=-1), xp.float64) / temperature
    return xp.exp(peak - log_sum_exp(similarity, temperature))


def greatest(similarity: Array) -> Array:
    """The largest similarity of each row, float64 [n]."""
    xp = array_api_compat.array_namespace(similarity)
    return xp.astype(xp.max(similarity, axis=-1), xp.float64)


def energy(similarity: Array, temperature: float) -> Array:
    """temperature * log-sum-exp(similarity / temperature), float64 [n]: the negative of the free energy."""
    return temperature * log_sum_exp(similarity, temperature)
