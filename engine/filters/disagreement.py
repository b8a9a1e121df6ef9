"""Where filters disagree with one another."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from engine.review.agreement import agreement
from store.connection import Cursor
from store.filters import Verdict, fetch_verdicts

DECISIVE = ("accept", "reject")


@dataclass(frozen=True, slots=True)
class FilterPair:
    """Agreement of two filters over the candidates that both accepted or rejected."""

    filter: str
    other_filter: str
    items: int
    raw: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A candidate that some filters accept and others reject; spread is the range of their P(yes), in [0, 1]."""

    superclass: str
    wnid: str
    name: str
    spread: float
    accepting: tuple[str, ...]
    rejecting: tuple[str, ...]


def name_of(verdict: Verdict) -> str:
    """What a filter is called: its kind, its mode, its model and its seed."""
    return filter_name(verdict.kind, verdict.mode, verdict.model, verdict.seed)


def filter_name(kind: str, mode: str, model: str, seed: int | None) -> str:
    """The same of its parts; a filter that draws no pictures has no seed."""
    return f"{kind} {mode} {model}" + ("" if seed is None else f" seed {seed}")


def matrix(cursor: Cursor, superclass: str | None = None) -> list[FilterPair]:
    """Raw agreement and Cohen's kappa of every two filters that judged candidates in common."""
    said: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for verdict in fetch_verdicts(cursor, superclass):
        if verdict.outcome in DECISIVE:
            said[name_of(verdict)][verdict.superclass, verdict.wnid] = verdict.outcome
    pairs = []
    for one, other in combinations(sorted(said), 2):
        common = sorted(said[one].keys() & said[other].keys())
        if common:
            found = agreement([said[one][place] for place in common], [said[other][place] for place in common])
            pairs.append(FilterPair(one, other, found.items, found.raw, found.kappa))
    return pairs


def ranked(cursor: Cursor, superclass: str | None = None) -> list[Disagreement]:
    """Candidates on which filters disagree, the widest spread first."""
    places: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in fetch_verdicts(cursor, superclass):
        if verdict.outcome in DECISIVE:
            places[verdict.superclass, verdict.wnid].append(verdict)
    found = []
    for (name, wnid), verdicts in places.items():
        accepting, rejecting = (
            tuple(name_of(row) for row in verdicts if row.outcome == outcome) for outcome in DECISIVE
        )
        if accepting and rejecting:
            p_yes = [row.p_yes for row in verdicts if row.p_yes is not None]
            spread = max(p_yes) - min(p_yes) if p_yes else 1.0
            found.append(Disagreement(name, wnid, verdicts[0].name, spread, accepting, rejecting))
    return sorted(found, key=lambda row: (-row.spread, row.superclass, row.wnid))


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What every filter says of one candidate.

    Attributes:
        superclass: of the candidate.
        wnid: its synset.
        name: of the synset.
        disagree: whether one filter accepts it and another rejects it.
        spread: the range of their P(yes), in [0, 1]; None where fewer than two measured one.
        verdicts: filter to its newest verdict.
    """

    superclass: str
    wnid: str
    name: str
    disagree: bool
    spread: float | None
    verdicts: Mapping[str, Verdict]


def side_by_side(cursor: Cursor, superclass: str | None = None) -> list[SideBySide]:
    """Every candidate that a filter has judged, those on which filters disagree first, the widest spread first."""
    places: dict[tuple[str, str], dict[str, Verdict]] = defaultdict(dict)
    for verdict in fetch_verdicts(cursor, superclass):
        places[verdict.superclass, verdict.wnid][name_of(verdict)] = verdict
    found = []
    for (name, wnid), verdicts in places.items():
        outcomes = {row.outcome for row in verdicts.values()}
        known = [row.p_yes for row in verdicts.values() if row.p_yes is not None]
        spread = max(known) - min(known) if len(known) > 1 else None
        spelt = next(iter(verdicts.values())).name
        found.append(SideBySide(name, wnid, spelt, outcomes.issuperset(DECISIVE), spread, verdicts))
    return sorted(found, key=lambda row: (not row.disagree, -(row.spread or 0.0), row.superclass, row.wnid))
