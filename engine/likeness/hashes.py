"""Pictures that are the same, or nearly so, by the hashes of their content."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import EngineError
from engine.splits.formulas import Integers

MOST = 3
"""Hashes that differ in at most so many of 64 bits are found without comparing each with each."""

_WORDS = MOST + 1
_WORD_BITS = 64 // _WORDS
FEATURELESS = 4
"""A hash with fewer bits set, or unset, is of a picture without features, which resembles too many others."""

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows that resemble each other: first [n] < second [n], distance [n] in bits."""

    first: Integers
    second: Integers
    distance: Integers


def near_pairs(hashes: Hashes, most: int) -> Pairs:
    """Every pair of hashes that differs in at most so many bits.

    Two hashes that differ in at most three bits have one of their four words of 16 bits in common; so only those are
    compared.

    Args:
        hashes: uint64 [n]; those of pictures without features pair with nothing.
        most: 0 to 3.

    Raises: EngineError for another number of bits.
    """
    if not 0 <= most <= MOST:
        raise EngineError(f"Near-duplicates differ in 0 to {MOST} of 64 bits, not in {most}.")
    counts = np.bitwise_count(hashes)
    rows = np.flatnonzero((counts >= FEATURELESS) & (counts <= 64 - FEATURELESS))
    found = []
    for word in range(_WORDS if most else 1):
        keys = (hashes[rows] >> np.uint64(word * _WORD_BITS)) & np.uint64(0xFFFF) if most else hashes[rows]
        found.append(_within(hashes, rows, keys, most))
    first = np.concatenate([one for one, _ in found])
    second = np.concatenate([other for _, other in found])
    together = np.unique(np.stack([first, second], axis=1), axis=0) if len(first) else np.zeros((0, 2), np.int64)
    distance = np.bitwise_count(hashes[together[:, 0]] ^ hashes[together[:, 1]])
    return Pairs(together[:, 0], together[:, 1], distance.astype(np.int64))


def _within(hashes: Hashes, rows: Integers, keys: Hashes, most: int) -> tuple[Integers, Integers]:
    """Pairs of rows with the same key whose hashes are near."""
    order = np.argsort(keys, kind="stable")
    rows, keys = rows[order], keys[order]
    ends = np.searchsorted(keys, keys, side="right")
    firsts, seconds = [], []
    # A row is compared with the one after it, then with the second after it, and so on while keys are equal.
    step, here = 1, np.arange(len(rows))
    while len(here := here[here + step < ends[here]]):
        one, other = rows[here], rows[here + step]
        near = np.bitwise_count(hashes[one] ^ hashes[other]) <= most
        firsts.append(np.minimum(one, other)[near])
        seconds.append(np.maximum(one, other)[near])
        step += 1
    nothing = np.zeros(0, np.int64)
    return np.concatenate([nothing, *firsts]), np.concatenate([nothing, *seconds])


def same_content(prints: pa.Table) -> Pairs:
    """Pairs of rows whose files are the same to the byte; each row pairs with the first of its kind."""
    codes = prints["sha256"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, firsts = np.unique(codes, return_index=True)
    first_of = firsts[codes]
    later = np.flatnonzero(first_of != np.arange(len(codes)))
    return Pairs(first_of[later].astype(np.int64), later.astype(np.int64), np.zeros(len(later), np.int64))


def groups(pairs: Pairs, rows: int) -> Integers:
    """The group that each row belongs to, int64 [rows]: the least row that pairs lead to."""
    group = np.arange(rows)
    while True:
        least = np.minimum(group[pairs.first], group[pairs.second])
        before = group.copy()
        np.minimum.at(group, pairs.first, least)
        np.minimum.at(group, pairs.second, least)
        group = group[group]
        if np.array_equal(before, group):
            return group.astype(np.int64)
