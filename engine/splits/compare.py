"""Two cuts beside each other: what moved, and how much of each list they share."""

from dataclasses import dataclass

from engine.splits.prepare import prepare
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.settings import SplitSettings
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class MovedSubclass:
    """A subclass that is not in the same list of both; None where it is in none."""

    superclass: str
    wnid: str
    lemma: str
    before: str | None
    after: str | None
    pictures: int
    mean_before: float | None
    mean_after: float | None


@dataclass(frozen=True, slots=True)
class ListOverlap:
    """One list in both cuts. Jaccard is shared over all, None where both are empty; superclass is empty for all."""

    superclass: str
    split: str
    subclasses_before: int
    subclasses_after: int
    pictures_before: int
    pictures_after: int
    shared_subclasses: int
    jaccard_subclasses: float | None
    jaccard_pictures: float | None


@dataclass(frozen=True, slots=True)
class SplitComparison:
    """Two cuts compared; lists are hardest first, by the names of either."""

    before: str
    after: str
    same: int
    moved: tuple[MovedSubclass, ...]
    lists: tuple[ListOverlap, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a subclass stands in a cut, with its pictures that take part and its mean."""

    split: str
    pictures: int
    mean: float
    lemma: str


Places = dict[tuple[str, str], Placed]


def compare_splits(
    workspace: Workspace, before: str, after: str, defaults: SplitSettings | None = None
) -> SplitComparison:
    """Compare two named splits subclass by subclass.

    Raises: EngineError if there is no such split.
    """
    one, other = (prepare(workspace, name, defaults) for name in (before, after))
    return compare_cuts(before, after, places_of(one, one.retune()), places_of(other, other.retune()))


def places_of(prepared: PreparedSplit, tuned: Tuned) -> Places:
    """Where every subclass of a cut stands."""
    return {
        (row.superclass, row.wnid): Placed(tuned.bands[band], row.kept, row.mean, row.lemma)
        for row, band in zip(prepared.subclasses, tuned.band.tolist(), strict=True)
    }


def compare_cuts(before: str, after: str, one: Places, other: Places) -> SplitComparison:
    """Compare two cuts.

    Args:
        before: what the first is called.
        after: what the second is called.
        one: the places of the first.
        other: the places of the second.
    """
    moved, same = [], 0
    for key in sorted(one.keys() | other.keys()):
        was, now = one.get(key), other.get(key)
        known = now or was
        assert known is not None, "a key is of one of the two"
        if was and now and was.split == now.split:
            same += 1
            continue
        moved.append(
            MovedSubclass(
                *key, known.lemma, was.split if was else None, now.split if now else None, known.pictures,
                was.mean if was else None, now.mean if now else None,
            )
        )  # fmt: skip
    return SplitComparison(before, after, same, tuple(moved), tuple(_lists(one, other)))


def jaccard(shared: float, one: float, other: float) -> float | None:
    """Shared over the union of two sets, None where both are empty.

    Args:
        shared: size of what both have.
        one: size of the first.
        other: size of the second.
    """
    union = one + other - shared
    return shared / union if union else None


def _lists(one: Places, other: Places) -> list[ListOverlap]:
    names = list(dict.fromkeys(place.split for place in (*one.values(), *other.values())))
    names.sort(key=_hardness)
    superclasses = ["", *sorted({superclass for superclass, _ in (one.keys() | other.keys())})]
    return [_overlap(name, split, one, other) for name in superclasses for split in names]


def _hardness(split: str) -> tuple[int, float]:
    """Sorts lists from hardest to train."""
    if split.startswith("band_"):
        return 0, -float(split.removeprefix("band_"))
    return {"hard": (0, 0.0), "easy": (1, 0.0)}.get(split, (2, 0.0))


def _overlap(superclass: str, split: str, one: Places, other: Places) -> ListOverlap:
    def members(places: Places) -> dict[tuple[str, str], int]:
        return {
            key: place.pictures for key, place in places.items() if place.split == split and superclass in ("", key[0])
        }

    mine, theirs = members(one), members(other)
    shared = mine.keys() & theirs.keys()
    pictures = sum(min(mine[key], theirs[key]) for key in shared)
    return ListOverlap(
        superclass, split, len(mine), len(theirs), sum(mine.values()), sum(theirs.values()), len(shared),
        jaccard(len(shared), len(mine), len(theirs)), jaccard(pictures, sum(mine.values()), sum(theirs.values())),
    )  # fmt: skip
