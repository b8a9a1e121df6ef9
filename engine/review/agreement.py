"""How far two judges agree, beyond what chance would give."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from engine.filters.intervals import wilson
from store.connection import Cursor
from store.review.queue import fetch_opinions


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two judges on the items that both judged.

    raw is a fraction in [0, 1]; kappa lies in [-1, 1] and is None where chance alone would make them agree always. The
    low and high ends are those of the 95 % interval.
    """

    items: int
    raw: float
    raw_low: float
    raw_high: float
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None


@dataclass(frozen=True, slots=True)
class ReviewerAgreement:
    """How far two reviewers agree under one superclass; superclass is None for all of them together."""

    superclass: str | None
    reviewer: str
    other_reviewer: str
    items: int
    raw: float
    raw_low: float
    raw_high: float
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None


def agreement(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Raw agreement and Cohen's kappa of two judges.

    Args:
        first: the category that one judge gave each item.
        second: the other judge's, in the same order; at least one item.

    Returns: (p_o - p_e) / (1 - p_e) as kappa, p_e from each judge's own shares of the categories.

    Raises: ValueError if the judges do not have the same items, or none.

    Source: Cohen (1960), A coefficient of agreement for nominal scales. Its standard error holds the agreement by
    chance fixed; so does the interval here, which takes Wilson's for the raw agreement instead, since the normal one
    shrinks to a point where two judges never differ.
    """
    if len(first) != len(second) or not first:
        raise ValueError("Two judges are compared on the same items, at least one.")
    items = len(first)
    same = sum(one == other for one, other in zip(first, second, strict=True))
    ones, others = Counter(first), Counter(second)
    # Whole numbers up to the last division: a chance agreement of exactly 1 is then seen as such.
    by_chance = sum(count * others[category] for category, count in ones.items())
    left = items * items - by_chance
    low, high = wilson(same, items)
    if left == 0:
        return Agreement(items, same / items, low, high, None, None, None)
    chance = by_chance / items**2
    ends = [max(-1.0, (end - chance) / (1 - chance)) for end in (low, high)]
    return Agreement(items, same / items, low, high, (items * same - by_chance) / left, *ends)


def reviewer_agreement(cursor: Cursor, superclass: str | None = None) -> list[ReviewerAgreement]:
    """Agreement of every two reviewers on what both decided: for each superclass, then for all together."""
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for opinion in fetch_opinions(cursor, superclass):
        said[opinion.superclass, opinion.wnid][opinion.reviewer] = opinion.kind
    pairs: dict[tuple[str | None, str, str], list[tuple[str, str]]] = defaultdict(list)
    for (under, _), words in said.items():
        for one, other in combinations(sorted(words), 2):
            pairs[under, one, other].append((words[one], words[other]))
            pairs[None, one, other].append((words[one], words[other]))
    rows = []
    for (name, one, other), both in sorted(
        pairs.items(), key=lambda item: (item[0][0] is None, item[0][0] or "", item[0][1:])
    ):
        found = agreement([pair[0] for pair in both], [pair[1] for pair in both])
        rows.append(ReviewerAgreement(name, one, other, **asdict(found)))
    return rows
