"""What filters say of candidates, beside what they measured: the chance that a person would accept."""

from dataclasses import dataclass

import numpy as np

from engine.filters.calibration import Calibrator, calibrators
from store.connection import Cursor
from store.filters import Verdict, fetch_verdicts

Place = tuple[str, str]  # superclass, wnid


@dataclass(frozen=True, slots=True)
class FilterOpinion:
    """One filter's newest verdict on a candidate.

    Attributes:
        verdict: as the filter gave it; its P(yes) is not calibrated.
        calibrated: P(a person would accept) in [0, 1], fitted to the decisions so far; None before there are enough.
        calibration: how it was fitted, platt or isotonic; empty where it was not.
    """

    verdict: Verdict
    calibrated: float | None
    calibration: str

    @property
    def probability(self) -> float | None:
        """The calibrated probability, or P(yes) as it was measured, or None where nothing was."""
        return self.verdict.p_yes if self.calibrated is None else self.calibrated


def filter_opinions(
    cursor: Cursor, superclass: str | None = None, wnid: str | None = None
) -> dict[Place, tuple[FilterOpinion, ...]]:
    """What every filter says, by superclass and wnid, filters in the order of their runs.

    Args:
        cursor: for reading.
        superclass: only its candidates; the calibration still learns from all.
        wnid: only this synset.
    """
    verdicts = fetch_verdicts(cursor, superclass, wnid)
    fitted = calibrators(cursor) if verdicts else {}
    found: dict[Place, list[FilterOpinion]] = {}
    for verdict in verdicts:
        calibrator = fitted.get((verdict.kind, verdict.mode, verdict.model))
        found.setdefault((verdict.superclass, verdict.wnid), []).append(_opinion(verdict, calibrator))
    return {place: tuple(opinions) for place, opinions in found.items()}


def probability(opinions: tuple[FilterOpinion, ...]) -> float | None:
    """The mean probability over the filters that measured one, in [0, 1]; None where none did."""
    known = [opinion.probability for opinion in opinions if opinion.probability is not None]
    return sum(known) / len(known) if known else None


def spread(opinions: tuple[FilterOpinion, ...]) -> float:
    """How far filters are apart: 0 where they agree, else 1 and the range of their probabilities, up to 2."""
    outcomes = {opinion.verdict.outcome for opinion in opinions} & {"accept", "reject"}
    known = [opinion.probability for opinion in opinions if opinion.probability is not None]
    apart = max(known) - min(known) if known else 0.0
    return 1.0 + apart if len(outcomes) == 2 else 0.0


def _opinion(verdict: Verdict, calibrator: Calibrator | None) -> FilterOpinion:
    if calibrator is None or verdict.margin is None:
        return FilterOpinion(verdict, None, "")
    return FilterOpinion(verdict, float(calibrator.probabilities(np.array([verdict.margin]))[0]), calibrator.method)
