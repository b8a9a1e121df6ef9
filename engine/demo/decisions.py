"""Decisions that the demo takes by itself, from the scores, where a person would look at the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

REJECTED_BELOW = 0.75
LEFT_PENDING = 1


@dataclass(frozen=True, slots=True)
class SubclassScore:
    """The mean score of a subclass in [0, 1], higher = more typical of its superclass."""

    superclass: str
    wnid: str
    score: float


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to happen with the subclasses of one superclass: wnids, the least typical first."""

    superclass: str
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]
    pending: tuple[str, ...]


def decide_by_score(scores: Sequence[SubclassScore]) -> list[Decided]:
    """One entry for each superclass, in the order in which they come.

    A subclass whose score is less than REJECTED_BELOW of its superclass's median is rejected. The least typical of the
    others stays pending, so that there is something to review; the rest is accepted.
    """
    decided = []
    for superclass in dict.fromkeys(score.superclass for score in scores):
        own = sorted((score for score in scores if score.superclass == superclass), key=lambda s: (s.score, s.wnid))
        bar = REJECTED_BELOW * median(score.score for score in own)
        rejected = tuple(score.wnid for score in own if score.score < bar)
        others = tuple(score.wnid for score in own if score.score >= bar)
        decided.append(Decided(superclass, others[LEFT_PENDING:], rejected, others[:LEFT_PENDING]))
    return decided
