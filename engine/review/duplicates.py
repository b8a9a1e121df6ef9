"""The same picture twice among what was accepted: compared once, settled by a rule, left out as one step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.likeness.hashes import MOST, Hashed, Pairs
from engine.likeness.neighbours import FLOOR, Neighbours
from engine.likeness.settling import stand_ins
from engine.review.steps import Step, record_pictures
from engine.splits.formulas import Floats, Integers
from engine.workspace import Workspace
from store.review.duplicates import RivalPicture
from store.review.pictures import fetch_marks_of, fetch_named_pictures

Keep = Literal["nearest", "score", "larger", "first"]
Across = Literal["all", "splits", "synsets", "within"]
ACROSS: tuple[Across, ...] = get_args(Across)
Likeness = Literal["exact", "near", "embedding"]
LIKENESSES: tuple[Likeness, ...] = get_args(Likeness)


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts as the same picture, and which of them stays.

    Attributes:
        keep: nearest (fewest steps below a superclass), score (highest similarity in the run), larger (most pixels) or
            first (by root and path). What it leaves equal: a scored picture before one that is not, then by root and
            path.
        near: also pictures whose difference hashes differ in at most so many of 64 bits; None: not.
        cosine: also pictures whose embeddings have at least this cosine; None: not.
        across: all pairs, those across the lists of the split, across synsets, or within one list.
    """

    keep: Keep = "larger"
    near: int | None = None
    cosine: float | None = None
    across: Across = "all"

    def check(self) -> None:
        """Raises: EngineError for bits or a cosine that are not looked for."""
        if self.near is not None and not 0 <= self.near <= MOST:
            raise EngineError(f"Near-duplicates differ in 0 to {MOST} of 64 bits, not in {self.near}.")
        if self.cosine is not None and not FLOOR <= self.cosine <= 1:
            raise EngineError(
                f"Neighbours are looked for from a cosine of {FLOOR:g} to 1, not {self.cosine:g}.",
                "Pictures that are less alike are no duplicates.",
            )


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A picture that goes, and the one that stays in its stead.

    Attributes:
        kind: exact (the same file, or the same decoded pixels), near (by their hashes) or embedding.
        distance: in bits of their hashes; None where one has none.
        cosine: of their embeddings; None where it is lower than is looked for, or was not computed.
        stays, goes: image_id; stays_picture, goes_picture: ROOT/PATH.
        stays_pixels, goes_pixels: width times height, as the picture is seen.
        stays_split, goes_split: the list of the split that it would stand in; None for none.
        is_across: whether they stand under two synsets.
        is_across_splits: whether they stand in two lists.
    """

    kind: Likeness
    distance: int | None
    cosine: float | None
    stays: int
    stays_picture: str
    stays_wnid: str
    stays_pixels: int | None
    stays_split: str | None
    goes: int
    goes_picture: str
    goes_wnid: str
    goes_pixels: int | None
    goes_split: str | None
    is_across: bool
    is_across_splits: bool

    def turned(self) -> "Duplicate":
        """The same pair, the other one kept."""
        return replace(
            self, stays=self.goes, stays_picture=self.goes_picture, stays_wnid=self.goes_wnid,
            stays_pixels=self.goes_pixels, stays_split=self.goes_split, goes=self.stays,
            goes_picture=self.stays_picture, goes_wnid=self.stays_wnid, goes_pixels=self.stays_pixels,
            goes_split=self.stays_split,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settled:
    """What a rule makes of a comparison: rows of its pictures that stay and go, int64 [n], the most alike first.

    kind is int64 [n], a place in LIKENESSES; across_splits counts the pairs that stand in two lists.
    """

    stays: Integers
    goes: Integers
    kind: Integers
    across_splits: int

    def __len__(self) -> int:
        return len(self.goes)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many go for each likeness, in the order of LIKENESSES."""
        return tuple(int(number) for number in np.bincount(self.kind, minlength=len(LIKENESSES)))


@dataclass(frozen=True)
class Comparison:
    """Pictures that are like another one, with all their pairs: read once, then settled by any number of rules.

    Attributes:
        listed: accepted pictures that are neither bad nor unreadable; compared: those that were read by now.
        unreadable: those that could not be read.
        embedded: those with an embedding; compared_by_embedding: those for which that was compared with all others.
        pictures: [n] those that are in a pair, by image_id; the arrays below are theirs, or name their rows.
        splits: the list of each picture; None for none.
        content: int64 [n], equal for pictures with equal content.
        hashes: uint64 [n], 0 where there is none; has_hash: bool [n].
        pixels: float64 [n], infinite where they are not known.
        close: pairs by hash, up to the most bits; near: pairs by embedding, from the floor on.
        has_run: whether there is a scoring run, whose similarities the pictures have.
        hashed: the pairs by hash of all that are listed.
    """

    listed: int
    compared: int
    unreadable: int
    embedded: int
    compared_by_embedding: int
    pictures: Sequence[RivalPicture]
    splits: Sequence[str | None]
    content: Integers
    hashes: npt.NDArray[np.uint64]
    has_hash: npt.NDArray[np.bool_]
    pixels: Floats
    close: Pairs
    near: Neighbours
    has_run: bool
    hashed: Hashed

    def settle(self, rule: Rule) -> Settled:
        """What would stay and what would go.

        Raises: EngineError for a rule that cannot be, or the rule score without a run.
        """
        rule.check()
        if rule.keep == "score" and not self.has_run:
            raise EngineError("There is no scoring run to keep pictures by.", "`sood-tui scoring run` makes one.")
        if rule.keep not in self._ranks:
            self._ranks[rule.keep] = self._rank(rule.keep)
        rank = self._ranks[rule.keep]
        first, second = self._pairs(rule, rank)
        stands = stand_ins(first, second, rank)
        goes = np.flatnonzero(stands >= 0)
        return self._ordered(stands[goes], goes, rule)

    def duplicates(self, settled: Settled, start: int = 0, stop: int | None = None) -> list[Duplicate]:
        """The pairs of a settlement from one place to another."""
        some = slice(start, stop)
        bits, cosine = self._distances(settled.stays[some], settled.goes[some])
        rows = zip(settled.stays[some], settled.goes[some], settled.kind[some], bits, cosine, strict=True)
        return [self._duplicate(int(stays), int(goes), int(kind), int(bit), float(cos))
                for stays, goes, kind, bit, cos in rows]  # fmt: skip

    @cached_property
    def _ranks(self) -> dict[Keep, Integers]:
        """The ranks that were asked for: they do not depend on thresholds."""
        return {}

    @cached_property
    def _by_name(self) -> Integers:
        """Place of each picture by root and path, int64 [n]."""
        order = sorted(range(len(self.pictures)), key=lambda row: self.pictures[row].name)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        return place

    @cached_property
    def _split_codes(self) -> Integers:
        codes: dict[str | None, int] = {None: -1}
        return np.array([codes.setdefault(split, len(codes) - 1) for split in self.splits], np.int64)

    @cached_property
    def _synset_codes(self) -> Integers:
        codes: dict[str, int] = {}
        return np.array([codes.setdefault(one.wnid, len(codes)) for one in self.pictures], np.int64)

    @cached_property
    def _cosines(self) -> tuple[Integers, npt.NDArray[np.float32]]:
        """first * n + second of the pairs by embedding in ascending order, and their cosines."""
        keys = self.near.first * max(len(self.pictures), 1) + self.near.second
        order = np.argsort(keys)
        return keys[order], self.near.cosine[order]

    def _rank(self, keep: Keep) -> Integers:
        """The place of each picture, 0 for the one that is kept before all others."""
        values: dict[Keep, list[float | None]] = {
            "nearest": [one.depth for one in self.pictures],
            "score": [None if one.similarity is None else -one.similarity for one in self.pictures],
            "larger": (-self.pixels).tolist(),
            "first": [0.0] * len(self.pictures),
        }
        value = np.array([np.inf if one is None or one == -np.inf else one for one in values[keep]], np.float64)
        rank = np.empty(len(value), np.int64)
        is_bare = np.array([one.similarity is None and keep != "first" for one in self.pictures], np.bool_)
        rank[np.lexsort((self._by_name, is_bare, value))] = np.arange(len(value))
        return rank

    def _pairs(self, rule: Rule, rank: Integers) -> tuple[Integers, Integers]:
        first, second = [], []
        content = self.content
        if rule.across == "within":  # the best of each list stands for its copies there
            content = content * (self._split_codes.max(initial=0) + 2) + self._split_codes + 1
        order = np.lexsort((rank, content))
        _, starts, of_group = np.unique(content[order], return_index=True, return_inverse=True)
        best = order[starts][of_group]
        first.append(best[best != order])
        second.append(order[best != order])
        if rule.near is not None:
            is_close = self.close.distance <= rule.near
            first.append(self.close.first[is_close])
            second.append(self.close.second[is_close])
        if rule.cosine is not None:
            is_near = self.near.cosine >= np.float32(rule.cosine)
            first.append(self.near.first[is_near])
            second.append(self.near.second[is_near])
        one, other = np.concatenate(first), np.concatenate(second)
        counts = self._counts(one, other, rule.across)
        return one[counts], other[counts]

    def _counts(self, one: Integers, other: Integers, across: Across) -> npt.NDArray[np.bool_]:
        """Which pairs count, bool [m]. A picture in no list is in none that another one could be in."""
        codes = self._synset_codes if across == "synsets" else self._split_codes
        is_apart: npt.NDArray[np.bool_] = codes[one] != codes[other]
        if across == "synsets":
            return is_apart
        if across == "splits":
            return is_apart & (codes[one] >= 0) & (codes[other] >= 0)
        return ~is_apart if across == "within" else np.ones(len(one), np.bool_)

    def _ordered(self, stays: Integers, goes: Integers, rule: Rule) -> Settled:
        bits, cosine = self._distances(stays, goes)
        is_close = (bits >= 0) & (bits <= rule.near) if rule.near is not None else np.zeros(len(goes), np.bool_)
        kind = np.where(self.content[stays] == self.content[goes], 0, np.where(is_close, 1, 2)).astype(np.int64)
        measure = np.where(kind == 0, 0.0, np.where(kind == 1, bits, -np.nan_to_num(cosine, nan=0.0)))
        order = np.lexsort((self._by_name[goes], self._by_name[stays], measure, kind))
        across = self._counts(stays, goes, "splits")
        return Settled(stays[order], goes[order], kind[order], int(across.sum()))

    def _distances(self, stays: Integers, goes: Integers) -> tuple[Integers, npt.NDArray[np.float32]]:
        """Bits (-1: no hash) and cosines (NaN: not known) of pairs."""
        bits = np.bitwise_count(self.hashes[stays] ^ self.hashes[goes]).astype(np.int64)
        bits[~(self.has_hash[stays] & self.has_hash[goes])] = -1
        keys, values = self._cosines
        cosine = np.full(len(goes), np.nan, np.float32)
        if len(keys):
            wanted = np.minimum(stays, goes) * max(len(self.pictures), 1) + np.maximum(stays, goes)
            at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            is_known = keys[at] == wanted
            cosine[is_known] = values[at[is_known]]
        return bits, cosine

    def _duplicate(self, stays: int, goes: int, kind: int, bits: int, cosine: float) -> Duplicate:
        one, other = self.pictures[stays], self.pictures[goes]
        size, other_size = self.pixels[stays], self.pixels[goes]
        split, other_split = self.splits[stays], self.splits[goes]
        return Duplicate(
            LIKENESSES[kind], None if bits < 0 else bits, None if np.isnan(cosine) else round(cosine, 6),
            one.image_id, one.name, one.wnid, int(size) if np.isfinite(size) else None, split,
            other.image_id, other.name, other.wnid, int(other_size) if np.isfinite(other_size) else None, other_split,
            one.wnid != other.wnid, split != other_split and None not in (split, other_split),
        )  # fmt: skip


def leave_out(workspace: Workspace, found: Sequence[Duplicate], keep: Keep, reviewer: str) -> Step | None:
    """Mark whatever goes as bad, with its reason, as one step; splits and exports then leave it out.

    Returns: the step; None when nothing is left to mark.
    """
    with workspace.opened().deciding() as cursor:
        named = {one.image_id: one for one in fetch_named_pictures(cursor, [pair.goes for pair in found])}
        marks = fetch_marks_of(cursor, list({image_id for pair in found for image_id in (pair.goes, pair.stays)}))
        changes = [
            (named[pair.goes], "bad", _reason(pair, keep))
            for pair in found
            # Somebody may have marked either since the search: what stays must be there to stand for what goes.
            if pair.goes in named and "bad" not in (marks.get(pair.goes), marks.get(pair.stays))
        ]
        return record_pictures(cursor, changes, reviewer) if changes else None  # type: ignore[arg-type]


def _reason(pair: Duplicate, keep: Keep) -> str:
    how = {
        "exact": "",
        "near": f" ({pair.distance} of 64 bits)",
        "embedding": f" (cosine {pair.cosine:.4f})" if pair.cosine is not None else "",
    }
    return f"{pair.kind} duplicate of {pair.stays_picture}{how[pair.kind]}; kept by rule: {keep}"
