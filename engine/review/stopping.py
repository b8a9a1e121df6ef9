"""When to stop: how right what is accepted is, and how many good candidates are still undecided, with intervals.

Precision rests on second looks, which tell the truth about a first one: exact for a finite whole, by the audit's
weights where an audit drew them. What is left rests on the calibrated filter and on the audit.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import EngineError
from engine.filters.intervals import finite_interval
from engine.review.decisions import require_superclass
from engine.review.second_looks import Accepted, Basis, accepted_at_first, basis_of, first_decided_after
from engine.review.undecided import GoodLeft, Labelled, Sampled, good_left, labels_for
from store.connection import Cursor
from store.filters import fetch_decided
from store.review.evidence import Draw, Look, fetch_draws, fetch_looks, fetch_margins, fetch_states
from store.review.queue import State

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A fraction in [0, 1] with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Goal:
    """When a superclass is done: precision at least so high, and at most so large a share of the good ones left."""

    precision: float = 0.95
    left: float = 0.05

    @classmethod
    def of(cls, precision: float, left: float) -> "Goal":
        """A goal of fractions.

        Raises: EngineError if one of them is none.
        """
        for name, value in (("review.precision_goal", precision), ("review.left_goal", left)):
            if not 0 <= value <= 1:
                raise EngineError(f"{name} is {value:g}.", "It is a fraction, from 0 to 1: 0.95 is 95 %.")
        return cls(precision, left)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the review of a superclass is.

    Attributes:
        undecided: candidates without a decision, and those marked as unsure.
        checked: accepted ones whose second look the precision rests on.
        basis: whether that was a census of all, an audit at random, or looks that people chose, which prove nothing.
        precision: share of what is accepted now that is right; None while nothing is checked.
        judged: undecided ones that count by a calibrated filter; sampled: by the audit; unknown: by nothing.
        left: the share of the good candidates that is still undecided; None while it cannot be estimated.
        is_precise: the whole interval of the precision is at or above the goal, and it rests on no choice.
        is_complete: the whole interval of what is left is at or below the goal, and nothing is unknown.
    """

    superclass: str
    candidates: int
    accepted: int
    undecided: int
    checked: int
    basis: Basis
    precision: Estimate | None
    judged: int
    sampled: int
    unknown: int
    left: Estimate | None
    is_precise: bool
    is_complete: bool

    @property
    def is_reached(self) -> bool:
        """Whether the review of the superclass can stop."""
        return self.is_precise and self.is_complete


def progress(cursor: Cursor, goal: Goal, superclass: str | None = None, seed: int = 0) -> list[Progress]:
    """How far the review is, a row for each superclass with candidates, by name.

    Args:
        cursor: for reading.
        goal: when a superclass is done.
        superclass: only this one; the calibration learns from all where it has too few labels of its own.
        seed: of the resampling.

    Raises: EngineError if there is no such superclass.
    """
    if superclass is not None:
        require_superclass(cursor, superclass)
    states: dict[str, dict[str, State]] = defaultdict(dict)
    for name, wnid, state in fetch_states(cursor, superclass):
        states[name][wnid] = state
    evidence = _Evidence.read(cursor, superclass)
    return [_progress(name, states[name], evidence, goal, seed) for name in sorted(states)]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What everything rests on, read once for all superclasses."""

    looks: Mapping[Place, Sequence[Look]]
    draws: Mapping[Place, Draw]
    margins: Mapping[tuple[str, str, str], Mapping[Place, float]]
    decided: Mapping[Place, bool]

    @classmethod
    def read(cls, cursor: Cursor, superclass: str | None) -> "_Evidence":
        """Looks at the candidates of one superclass or of all, and what a calibration can learn from everywhere."""
        looks: dict[Place, list[Look]] = defaultdict(list)
        for look in fetch_looks(cursor, superclass):
            looks[look.superclass, look.wnid].append(look)
        margins: dict[tuple[str, str, str], dict[Place, float]] = defaultdict(dict)
        for kind, mode, model, name, wnid, margin in fetch_margins(cursor):
            margins[kind, mode, model][name, wnid] = margin
        decided = {place: state == "accept" for place, state in fetch_decided(cursor).items()}
        return cls(looks, {(draw.superclass, draw.wnid): draw for draw in fetch_draws(cursor)}, margins, decided)

    def labelled(self, margins: Mapping[Place, float], superclass: str | None) -> Labelled:
        """What people decided on candidates that a filter judged; those that an audit drew count by their weights."""
        places = [
            place for place in margins if place in self.decided and (superclass is None or place[0] == superclass)
        ]
        return Labelled(
            np.array([margins[place] for place in places], np.float64),
            np.array([self.decided[place] for place in places], np.bool_),
            np.array([self.draws[place].weight if place in self.draws else 1.0 for place in places], np.float64),
        )

    def sampled(self, superclass: str, without: Mapping[Place, float]) -> Sampled:
        """What came of candidates that an audit drew while they were undecided; those with a margin are left out."""
        rows = [
            (self.decided[place], draw.weight)
            for place, draw in self.draws.items()
            if place[0] == superclass
            and place in self.decided
            and place not in without
            and first_decided_after(self.looks.get(place, ()), draw.drawn_at)
        ]
        return Sampled(np.array([row[0] for row in rows], np.bool_), np.array([row[1] for row in rows], np.float64))


def _progress(name: str, states: Mapping[str, State], evidence: _Evidence, goal: Goal, seed: int) -> Progress:
    accepted = sum(state == "accept" for state in states.values())
    undecided = [wnid for wnid, state in states.items() if state in ("pending", "unsure")]
    checked, basis, precision = _precision(name, states, accepted, evidence)
    left = _left(name, undecided, evidence, seed)
    share = _share_left(left, accepted * (precision.value if precision is not None else 1.0), len(undecided))
    return Progress(
        name, len(states), accepted, len(undecided), checked, basis, precision,
        left.judged, left.sampled, left.unknown, share,
        is_precise=precision is not None and basis in ("census", "audit") and precision.low >= goal.precision,
        is_complete=share is not None and left.unknown == 0 and share.high <= goal.left,
    )  # fmt: skip


def _precision(
    name: str, states: Mapping[str, State], accepted: int, evidence: _Evidence
) -> tuple[int, Basis, Estimate | None]:
    """The share of what is accepted now that is right.

    The whole is what is accepted and what a second look overturned: leaving that out, since it is no longer accepted,
    would make every review look perfect. The right ones of that whole are what is right now.
    """
    found: list[Accepted] = []
    for wnid, state in states.items():
        place = (name, wnid)
        one = accepted_at_first(evidence.looks.get(place, ()), evidence.draws.get(place))
        # What its own reviewer took back without a second look was no error of what stands.
        if one is not None and (state == "accept" or one.is_right is False):
            found.append(one)
    basis, checked = basis_of(found)
    if basis == "none" or not accepted:
        return 0, "none", None
    whole, drawn, right = len(found), len(checked), sum(bool(one.is_right) for one in checked)
    share = right / drawn
    if basis == "audit":
        weight = np.array([one.weight for one in checked], np.float64)
        share = float(np.average([bool(one.is_right) for one in checked], weights=weight))
        # Kish: unequal weights tell less than so many equal ones. Both are rounded down, away from more certainty.
        drawn = max(1, int(weight.sum() ** 2 / (weight**2).sum() + 1e-9))
        right = int(share * drawn + 1e-9)
    low, high = finite_interval(right, drawn, whole)
    value = share * whole / accepted
    ends = (min(1.0, low / accepted), min(1.0, high / accepted))
    return len(checked), basis, Estimate(min(max(min(1.0, value), ends[0]), ends[1]), *ends)


def _left(name: str, undecided: Sequence[str], evidence: _Evidence, seed: int) -> GoodLeft:
    """Count by the filter that judged most of what people have decided here."""
    margins: Mapping[Place, float] = {}
    if evidence.margins:
        own = {place for place in evidence.decided if place[0] == name} or set(evidence.decided)
        asked = {(name, wnid) for wnid in undecided}
        best = max(
            sorted(evidence.margins),
            key=lambda key: (len(asked & evidence.margins[key].keys()), len(own & evidence.margins[key].keys())),
        )
        margins = evidence.margins[best]
    labels = labels_for(evidence.labelled(margins, name), evidence.labelled(margins, None))
    asked_margins = [margins.get((name, wnid)) for wnid in undecided]
    return good_left(asked_margins, labels, evidence.sampled(name, {}), evidence.sampled(name, margins), seed)


def _share_left(left: GoodLeft, right: float, undecided: int) -> Estimate | None:
    if not undecided:
        return Estimate(0.0, 0.0, 0.0) if right else None
    if left.unknown == undecided:
        return None
    if not left.expected + right:
        return None
    value = left.expected / (left.expected + right)
    whole = np.maximum(left.draws + right, 1e-12)
    low, high = (float(end) for end in np.percentile(left.draws / whole, [2.5, 97.5]))
    return Estimate(value, min(low, value), max(high, value))
