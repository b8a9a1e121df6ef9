"""Which of several pictures that are alike stays: by rank, without handing likeness on from one to the next."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def stand_ins(first: Integers, second: Integers, rank: Integers) -> Integers:
    """For each row the row that stays in its stead, int64 [n]; -1 for those that stay.

    Rows are gone through from the best rank: who is still there stays, and whoever is paired with it goes. So whatever
    goes is itself paired with what stays in its stead, and no two that stay are a pair.

    Args:
        first, second: int64 [m], the pairs, in any order.
        rank: int64 [n], every one once; 0 is the best.
    """
    count = len(rank)
    better, worse = np.minimum(rank[first], rank[second]), np.maximum(rank[first], rank[second])
    stays, goes = better, worse
    is_open, is_gone = np.ones(count, np.bool_), np.zeros(count, np.bool_)
    while len(better):
        waits = np.zeros(count, np.bool_)
        waits[worse] = True
        settled = is_open & ~waits  # nobody better is still undecided: it stays
        out = worse[settled[better]]
        is_gone[out] = True
        is_open[settled] = is_open[out] = False
        left = is_open[better] & is_open[worse]
        better, worse = better[left], worse[left]
    counts = is_gone[goes] & ~is_gone[stays]
    stands = np.full(count, count, np.int64)  # by rank: the rank of the best that stays in its stead
    np.minimum.at(stands, goes[counts], stays[counts])
    by_rank = np.argsort(rank)
    found = np.full(count, -1, np.int64)
    found[by_rank[is_gone]] = by_rank[stands[is_gone]]
    return found
