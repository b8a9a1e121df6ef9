"""Scores of classes from cosines, written once against the array API."""

from typing import Any

import array_api_compat

Array = Any
"""An array of any library that array_api_compat knows; shapes stand in the docstrings."""

TEMPERATURE = 0.01
"""What the cosines of CLIP are divided by before the softmax: its logit scale is 100."""
LEAST_SHARE = 0.5
"""A class is proposed when its score is at least this share of the best one."""


def shares_of_best(similarity: Array, temperature: float = TEMPERATURE) -> Array:
    """Each class's score divided by the best one, where scores are the softmax of cosines.

    The sum in the softmax cancels: share = exp((similarity - max) / temperature), so it depends on two cosines only.

    Args:
        similarity: float [n, classes], cosines in [-1, 1].
        temperature: above 0.

    Returns: float [n, classes] in [0, 1]; the best class of each row has 1.
    Source: candidate labels of Multilabelfy, arXiv 2401.17736, which keeps what has at least half the best score.
    """
    xp = array_api_compat.array_namespace(similarity)
    best = xp.max(similarity, axis=1, keepdims=True)
    return xp.exp((similarity - best) / temperature)


def ranking(similarity: Array, depth: int) -> Array:
    """The classes with the highest cosines, int64 [n, min(depth, classes)], best first; ties by class index."""
    xp = array_api_compat.array_namespace(similarity)
    return xp.argsort(similarity, axis=1, descending=True, stable=True)[:, :depth]
