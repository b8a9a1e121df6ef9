"""Neighbours by embedding: every pair of pictures whose cosine reaches a floor, in bounded memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FLOOR = 0.9
"""The least cosine that is looked for; thresholds move above it."""

MOST_NEIGHBOURS = 100
"""Of one picture at most so many neighbours are kept, the nearest; a thousand copies need no million pairs."""

BLOCK = 4096
"""Rows that are compared at once with as many others: 64 MiB of products."""

_MARGIN = 1e-3  # a product of matrices is rounded otherwise than the cosine that counts
_EXACT_ROWS = 8192

Vectors = Callable[[int, int], npt.NDArray[np.float32]]
"""The embeddings from a row to another, float32 [n, d]."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs of rows: first int64 [n] < second int64 [n], cosine float32 [n] in [-1, 1]."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    cosine: npt.NDArray[np.float32]


def neighbours(
    vectors: Vectors,
    first: int,
    last: int,
    total: int,
    floor: float = FLOOR,
    check: Callable[[int], None] = lambda rows: None,
) -> Iterator[Neighbours]:
    """The neighbours of rows among those after them, a block of rows at a time.

    A cosine depends on its two vectors only, not on what is compared beside them.

    Args:
        vectors: of any length but zero; they need not be normalised.
        first, last: the rows whose neighbours are wanted.
        total: how many rows there are.
        floor: the least cosine.
        check: called after each block of products with how many of the wanted rows are done since the last call.
    """
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        mine = _unit(vectors(start, stop))
        found = []
        for other in range(start, total, BLOCK):
            end = min(other + BLOCK, total)
            theirs = mine if other == start and end == stop else _unit(vectors(other, end))
            found.append(_reaching(mine, theirs, start, other, floor))
            check(0)
        yield _nearest(found, MOST_NEIGHBOURS)
        check(stop - start)


def _reaching(
    mine: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32], start: int, other: int, floor: float
) -> Neighbours:
    near = mine @ theirs.T >= floor - _MARGIN
    first, second = np.nonzero(near)
    later = second + other > first + start
    first, second = first[later], second[later]
    cosine = np.empty(len(first), np.float32)
    for at in range(0, len(first), _EXACT_ROWS):
        some = slice(at, at + _EXACT_ROWS)
        cosine[some] = np.einsum("nd,nd->n", mine[first[some]], theirs[second[some]])
    reaches = cosine >= floor
    return Neighbours(first[reaches] + start, second[reaches] + other, np.minimum(cosine[reaches], np.float32(1)))


def _nearest(found: list[Neighbours], most: int) -> Neighbours:
    """Of each first row at most so many, the nearest; of equally near ones those that come first."""
    first = np.concatenate([one.first for one in found])
    second = np.concatenate([one.second for one in found])
    cosine = np.concatenate([one.cosine for one in found])
    order = np.lexsort((second, -cosine, first))
    first, second, cosine = first[order], second[order], cosine[order]
    place = np.arange(len(first)) - np.searchsorted(first, first)
    kept = place < most
    return Neighbours(first[kept], second[kept], cosine[kept])


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    length = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    scaled: npt.NDArray[np.float32] = rows / np.maximum(length, np.float32(1e-12))[:, None]
    return scaled
