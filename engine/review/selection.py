"""Which candidates a queue holds: a line of words that a person types, on the command line and on the screen alike."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import EngineError
from engine.review.opinions import FilterOpinion, spread
from store.review.queue import QueueItem

STATES = {
    "pending": "pending", "undecided": "pending", "open": "pending", "accept": "accept", "accepted": "accept",
    "reject": "reject", "rejected": "reject", "unsure": "unsure",
}  # fmt: skip
_FLAGS = ("inherited", "conflict", "audit", "disputed", "adjudicated")
VERDICTS = ("accept", "reject", "disagree", "none")
SYNTAX = (
    "Words: state:undecided|accepted|rejected|unsure, verdict:accept|reject|disagree|none, by:NAME, pictures>100, "
    "pictures<20, inherited, conflict, disputed, adjudicated, audit; any other word is looked for in name, wnid and "
    "gloss. "
    "A - before a word means not."
)
_NUMBER = re.compile(r"pictures([<>]=?|=)(\d+)")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a selection: what it looks at, what it looks for, and whether it is turned round."""

    field: str
    value: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a selection may know beside the candidate itself: places in conflict, disputed, and drawn for the audit."""

    conflicts: frozenset[tuple[str, str]] = frozenset()
    audit: frozenset[tuple[str, str]] = frozenset()
    disputed: frozenset[tuple[str, str]] = frozenset()


NOWHERE = Surroundings()


def parse(text: str) -> tuple[Term, ...]:
    """The words of a selection.

    Raises: EngineError for a word that means nothing, with what can be said.
    """
    return tuple(_term(word) for word in text.split())


def keeps(
    terms: Sequence[Term], item: QueueItem, opinions: tuple[FilterOpinion, ...], around: Surroundings = NOWHERE
) -> bool:
    """Whether a candidate is what every word asks for."""
    return all(_fits(term, item, opinions, around) != term.negated for term in terms)


def _term(word: str) -> Term:
    negated = word.startswith("-") and len(word) > 1
    bare = word[1:] if negated else word
    field, colon, value = bare.partition(":")
    if number := _NUMBER.fullmatch(bare):
        return Term("pictures", "".join(number.groups()), negated)
    if bare in _FLAGS:
        return Term(bare, "", negated)
    if not colon:
        return Term("text", bare.lower(), negated)
    if field == "state" and value in STATES:
        return Term("state", STATES[value], negated)
    if field == "verdict" and value in VERDICTS:
        return Term("verdict", value, negated)
    if field == "by" and value:
        return Term("by", value, negated)
    raise EngineError(f"{word!r} selects nothing.", SYNTAX)


def _fits(term: Term, item: QueueItem, opinions: tuple[FilterOpinion, ...], around: Surroundings) -> bool:
    match term.field:
        case "state":
            return item.state == term.value
        case "by":
            return item.reviewer == term.value
        case "verdict":
            return _says(term.value, opinions)
        case "pictures":
            return _compares(item.images, term.value)
        case "inherited":
            return item.inherited_from is not None
        case "conflict":
            return (item.superclass, item.wnid) in around.conflicts
        case "audit":
            return (item.superclass, item.wnid) in around.audit
        case "disputed":
            return (item.superclass, item.wnid) in around.disputed
        case "adjudicated":
            return item.is_adjudicated
        case _:
            return term.value in f"{item.wnid} {item.name} {item.lemma} {item.gloss}".lower().replace("_", " ")


def _says(value: str, opinions: tuple[FilterOpinion, ...]) -> bool:
    if value == "none":
        return not opinions
    if value == "disagree":
        return spread(opinions) > 0
    return any(opinion.verdict.outcome == value for opinion in opinions)


def _compares(images: int, value: str) -> bool:
    sign, number = value.rstrip("0123456789"), int(value.lstrip("<>="))
    return {
        "<": images < number, "<=": images <= number, ">": images > number, ">=": images >= number,
        "=": images == number,
    }[sign]  # fmt: skip
