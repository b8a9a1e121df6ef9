"""Pictures that are the same, or nearly so, by the hashes of their content."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import EngineError
from engine.splits.formulas import Integers

MOST = 7
"""Hashes that differ in at most so many of 64 bits are found without comparing each with each."""

_WORDS = 4
_WORD_BITS = 64 // _WORDS
_AT_ONCE = 2_000_000  # pairs that are compared at once
FEATURELESS = 4
"""A hash with fewer bits set, or unset, is of a picture without features, which resembles too many others."""

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows that resemble each other: first [n] < second [n], distance [n] in bits."""

    first: Integers
    second: Integers
    distance: Integers


@dataclass(frozen=True, slots=True)
class Hashed:
    """The pairs by hash of all listed pictures, kept so that a picture that goes does not make all be compared anew.

    Attributes:
        ids: int64 [n] ascending, those that have a hash; hashes: uint64 [n].
        pairs: rows of ids, up to the most bits.
    """

    ids: Integers
    hashes: Hashes
    pairs: Pairs

    def among(self, ids: Integers, hashes: Hashes) -> "Hashed | None":
        """The pairs among some of the pictures; None where others are among them, or their hashes have changed."""
        at = np.minimum(np.searchsorted(self.ids, ids), max(len(self.ids) - 1, 0))
        if not len(self.ids) or (self.ids[at] != ids).any() or (self.hashes[at] != hashes).any():
            return None
        row = np.full(len(self.ids), -1, np.int64)
        row[at] = np.arange(len(ids))
        first, second = row[self.pairs.first], row[self.pairs.second]
        left = (first >= 0) & (second >= 0)
        return Hashed(ids, hashes, Pairs(first[left], second[left], self.pairs.distance[left]))


def near_pairs(hashes: Hashes, most: int) -> Pairs:
    """Every pair of hashes that differs in at most so many bits.

    Of the four words of 16 bits, two hashes that differ in at most three bits have one in common, and two that differ
    in at most seven have one that differs in a single bit or in none; so only those are compared.

    Args:
        hashes: uint64 [n]; those of pictures without features pair with nothing.
        most: 0 to 7.

    Returns: by first and second.

    Raises: EngineError for another number of bits.
    """
    if not 0 <= most <= MOST:
        raise EngineError(f"Near-duplicates differ in 0 to {MOST} of 64 bits, not in {most}.")
    counts = np.bitwise_count(hashes)
    rows = np.flatnonzero((counts >= FEATURELESS) & (counts <= 64 - FEATURELESS))
    found = [np.zeros(0, np.int64)]
    for word in range(_WORDS if most else 1):
        keys = (hashes[rows] >> np.uint64(word * _WORD_BITS)) & np.uint64(0xFFFF) if most else hashes[rows]
        order = np.argsort(keys, kind="stable")
        found += _within(hashes, rows[order], keys[order], most)
    together = np.unique(np.concatenate(found))
    first, second = together // len(hashes) if len(together) else together, together % max(len(hashes), 1)
    return Pairs(first, second, np.bitwise_count(hashes[first] ^ hashes[second]).astype(np.int64))


def _within(hashes: Hashes, rows: Integers, keys: Hashes, most: int) -> Iterator[Integers]:
    """Pairs of rows, in order of their keys, whose keys are equal or, beyond three bits, differ in one bit."""
    here = np.arange(len(rows))
    yield from _near(hashes, rows, here, here + 1, np.searchsorted(keys, keys, side="right"), most)
    if most < _WORDS:
        return
    for bit in range(_WORD_BITS):
        flip = np.uint64(1 << bit)
        lower = here[(keys & flip) == 0]  # the pair is met once, from the key that lacks the bit
        target = keys[lower] | flip
        starts, ends = (np.searchsorted(keys, target, side=side) for side in ("left", "right"))
        yield from _near(hashes, rows, lower, starts, ends, most)


def _near(
    hashes: Hashes, rows: Integers, here: Integers, starts: Integers, ends: Integers, most: int
) -> Iterator[Integers]:
    """Pairs of each place `here` with the places from start to end that are near, as first * n + second."""
    counts = ends - starts
    reached = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    begin = 0
    while begin < len(here):
        # So many rows that their pairs fit into a bounded piece of memory; a single row always does.
        end = max(begin + 1, int(np.searchsorted(reached, reached[begin] + _AT_ONCE, side="right")) - 1)
        of_row = counts[begin:end]
        inside = np.arange(int(of_row.sum())) - np.repeat(reached[begin:end] - reached[begin], of_row)
        one = rows[np.repeat(here[begin:end], of_row)]
        other = rows[np.repeat(starts[begin:end], of_row) + inside]
        is_near = np.bitwise_count(hashes[one] ^ hashes[other]) <= most
        one, other = one[is_near], other[is_near]
        yield np.minimum(one, other) * len(hashes) + np.maximum(one, other)
        begin = end


def same_content(prints: pa.Table, column: str = "sha256") -> Pairs:
    """Pairs of rows whose files, or whose pixels, are the same; each row pairs with the first of its kind.

    Args:
        prints: at least the column, without nulls.
        column: sha256 (of the file) or pixels.
    """
    nothing = np.zeros(0, np.int64)
    if not prints.num_rows:
        return Pairs(nothing, nothing, nothing)
    codes = prints[column].combine_chunks().dictionary_encode().indices.to_numpy()
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
