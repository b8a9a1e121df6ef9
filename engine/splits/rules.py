"""Rules that take subclasses out of a split before it is cut. What they take keeps its reason and can come back."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from engine.splits.settings import SplitSettings

Pictures = Mapping[str, Mapping[str, int]]
"""Superclass -> wnid of a subclass -> its pictures that count."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A subclass that a rule took out, and why."""

    superclass: str
    wnid: str
    rule: str
    reason: str


def apply_rules(pictures: Pictures, settings: SplitSettings) -> list[Removed]:
    """What the rules of a split take out: first superclasses that are too small, then what equalisation cuts off."""
    removed = too_small(pictures, settings.minimum_subclasses)
    gone = {one.superclass for one in removed}
    kept = {superclass: subs for superclass, subs in pictures.items() if superclass not in gone}
    if settings.equalise_by == "subclasses":
        removed += equalise_subclasses(kept, settings.equalise_factor, settings.seed)
    elif settings.equalise_by == "pictures":
        removed += equalise_pictures(kept, settings.equalise_factor, settings.seed)
    return removed


def too_small(pictures: Pictures, minimum: int) -> list[Removed]:
    """The subclasses of superclasses with fewer than the minimum of subclasses.

    Source: SOOD's check_scores.py, which asks for 10.
    """
    return [
        Removed(
            superclass, wnid, "minimum_subclasses", f"{superclass} has {len(subs)} subclasses, fewer than {minimum}"
        )
        for superclass, subs in pictures.items()
        if len(subs) < minimum
        for wnid in subs
    ]


def equalise_subclasses(pictures: Pictures, factor: float, seed: int) -> list[Removed]:
    """The subclasses beyond factor times the subclasses of the smallest superclass, drawn by the seed.

    Source: SOOD's equalize_size.py (factor 4), which draws without a seed.
    """
    cap = int(factor * min((len(subs) for subs in pictures.values()), default=0))
    return [
        Removed(superclass, wnid, "equalise_subclasses", f"{superclass} has {len(subs)} subclasses, the cap is {cap}")
        for superclass, subs in pictures.items()
        for wnid in drawn_order(superclass, subs, seed)[cap:]
    ]


def equalise_pictures(pictures: Pictures, factor: float, seed: int) -> list[Removed]:
    """Subclasses drawn by the seed until no superclass has more than factor times the pictures of the smallest.

    Whole subclasses go; every superclass keeps at least one.
    """
    cap = int(factor * min((sum(subs.values()) for subs in pictures.values()), default=0))
    removed = []
    for superclass, subs in pictures.items():
        left = sum(subs.values())
        reason = f"{superclass} has {left} pictures, the cap is {cap}"
        for wnid in drawn_order(superclass, subs, seed)[:0:-1]:
            if left <= cap:
                break
            left -= subs[wnid]
            removed.append(Removed(superclass, wnid, "equalise_pictures", reason))
    return removed


def drawn_order(superclass: str, subclasses: Mapping[str, int], seed: int) -> list[str]:
    """The subclasses in an order drawn by the seed.

    Each one's place depends on a hash of its own, so that one more subclass does not shuffle the others.
    """
    return sorted(subclasses, key=lambda wnid: hashlib.sha256(f"{seed}\0{superclass}\0{wnid}".encode()).digest())
