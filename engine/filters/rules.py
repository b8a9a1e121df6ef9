"""Reasons for which a candidate may fall away without anybody looking: each can be switched off again."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.errors import EngineError
from engine.events import new_event_id, now
from engine.workspace import Workspace
from store import filters as store
from store.candidates.proposed import Candidate, fetch_candidates
from store.candidates.superclasses import fetch_superclass_names
from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """A rule as it stands: whether it is on, and its value; `sentence` says what it does."""

    rule: str
    active: bool
    value: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """A candidate that a rule would drop, and why."""

    superclass: str
    wnid: str
    name: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What a rule may know beside the candidate: who else claims the synset, and who else has its first lemma."""

    claimed_by: dict[str, tuple[str, ...]]
    namesakes: dict[str, tuple[str, ...]]


Judge = Callable[[Candidate, float, _Surroundings], str | None]


@dataclass(frozen=True, slots=True)
class _Rule:
    value: float | None
    sentence: str
    judge: Judge


def _too_few(candidate: Candidate, least: float, _: _Surroundings) -> str | None:
    noun = "picture" if candidate.images == 1 else "pictures"
    return f"{candidate.images} {noun}, needs {least:g}" if candidate.images < least else None


def _too_deep(candidate: Candidate, deepest: float, _: _Surroundings) -> str | None:
    if candidate.depth is None or candidate.depth <= deepest:
        return None
    noun = "step" if candidate.depth == 1 else "steps"
    return f"{candidate.depth} {noun} below the superclass, at most {deepest:g}"


def _claimed(candidate: Candidate, _: float, around: _Surroundings) -> str | None:
    others = [name for name in around.claimed_by[candidate.wnid] if name != candidate.superclass]
    return f"also a candidate of {', '.join(others)}" if others else None


def _namesake(candidate: Candidate, _: float, around: _Surroundings) -> str | None:
    others = [wnid for wnid in around.namesakes[candidate.lemma.lower()] if wnid != candidate.wnid]
    return f"{candidate.lemma} is also the first word of {', '.join(others)}" if others else None


RULES = {
    "least_images": _Rule(8, "Candidates with fewer pictures than the value fall away.", _too_few),
    "deepest": _Rule(5, "Candidates more steps below their superclass than the value fall away.", _too_deep),
    "overlap": _Rule(None, "Candidates that another superclass has too fall away.", _claimed),
    "name_collision": _Rule(None, "Candidates whose first word is another candidate's too fall away.", _namesake),
}


def settings(cursor: Cursor) -> list[RuleSetting]:
    """Every rule as it stands; all are off until somebody switches them on."""
    last = {event.rule: event for event in store.fetch_rule_events(cursor)}
    return [
        RuleSetting(
            name, name in last and last[name].active, last[name].value if name in last else rule.value, rule.sentence
        )
        for name, rule in RULES.items()
    ]


def switch(workspace: Workspace, rule: str, active: bool, value: float | None, reviewer: str) -> RuleSetting:
    """Switch a rule on or off, and set its value.

    Raises: EngineError for an unknown rule, or a value that makes no sense.
    """
    if rule not in RULES:
        raise EngineError(f"{rule!r} is no rule.", f"Rules are: {', '.join(RULES)}.")
    if value is not None and RULES[rule].value is None:
        raise EngineError(f"The rule {rule} takes no value.")
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise EngineError(f"The value of {rule} is a number from 0 on.")
    with workspace.opened().writing() as cursor:
        current = next(setting for setting in settings(cursor) if setting.rule == rule)
        kept = current.value if value is None else value
        store.insert_rule_event(cursor, store.RuleEvent(new_event_id(), rule, active, kept, reviewer, now()))
    return RuleSetting(rule, active, kept, RULES[rule].sentence)


def verdicts(cursor: Cursor, superclasses: Sequence[str] = ()) -> list[RuleVerdict]:
    """What the rules that are on would drop, with the reason; nothing is dropped by asking."""
    everyone = [row for name in fetch_superclass_names(cursor) for row in fetch_candidates(cursor, name)]
    around = _surroundings(everyone)
    active = [setting for setting in settings(cursor) if setting.active]
    found = []
    for candidate in everyone:
        if superclasses and candidate.superclass not in superclasses:
            continue
        for setting in active:
            reason = RULES[setting.rule].judge(candidate, setting.value or 0.0, around)
            if reason is not None:
                found.append(RuleVerdict(candidate.superclass, candidate.wnid, candidate.name, setting.rule, reason))
    return found


def _surroundings(candidates: Sequence[Candidate]) -> _Surroundings:
    claimed: dict[str, list[str]] = {}
    namesakes: dict[str, set[str]] = {}
    for candidate in candidates:
        claimed.setdefault(candidate.wnid, []).append(candidate.superclass)
        namesakes.setdefault(candidate.lemma.lower(), set()).add(candidate.wnid)
    return _Surroundings(
        {wnid: tuple(names) for wnid, names in claimed.items()},
        {lemma: tuple(sorted(wnids)) for lemma, wnids in namesakes.items()},
    )
