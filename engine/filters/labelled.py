"""Candidates that both a filter and people have judged, and how many candidates each stands for."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.filters.audit import DECIDED
from store.connection import Cursor
from store.filters import AuditCandidate, Verdict, fetch_audit, fetch_decided, fetch_verdicts

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a model and people say of the same candidates, without those that the model neither accepts nor rejects.

    Attributes:
        margin: float64 [n], log odds or mean margin; NaN where none was measured.
        accepted: bool [n], what people decided.
        model_accepts: bool [n], the model's own verdict.
        weight: float64 [n], how many candidates each stands for; 1 without an audit.
    """

    margin: Floats
    accepted: Flags
    model_accepts: Flags
    weight: Floats


@dataclass(frozen=True, slots=True)
class Label:
    """A verdict on a candidate that people decided, and how many candidates it stands for."""

    verdict: Verdict
    accepted: bool
    weight: float


def fetch_labels(cursor: Cursor, superclass: str | None) -> list[Label]:
    """The newest verdict of every filter on each candidate that people accepted or rejected.

    Args:
        superclass: only of this one.
    """
    decisions = fetch_decided(cursor)
    weights = _weights(fetch_audit(cursor))
    return [
        Label(verdict, decisions[place] == "accept", weights.get(place, 1.0))
        for verdict in fetch_verdicts(cursor, superclass)
        if (place := (verdict.superclass, verdict.wnid)) in decisions
    ]


def _weights(drawn: Sequence[AuditCandidate]) -> dict[tuple[str, str], float]:
    """How many candidates each judged one of an audit stands for.

    Those that were undecided stand for their whole stratum, however many of it are judged by now. Of those that were
    decided already every one is a label itself, drawn or not.
    """
    judged = [row for row in drawn if row.state in ("accept", "reject")]
    counts = Counter(row.stratum for row in judged)
    wholes: dict[str, float] = defaultdict(float)
    for row in drawn:
        wholes[row.stratum] += row.weight
    return {
        (row.superclass, row.wnid): 1.0 if row.stratum.endswith(DECIDED) else wholes[row.stratum] / counts[row.stratum]
        for row in judged
    }


def table_of(labels: Sequence[Label]) -> Judged:
    """The same as columns."""
    margins = (label.verdict.margin for label in labels)
    return Judged(
        np.asarray([np.nan if margin is None else margin for margin in margins], dtype=np.float64),
        np.asarray([label.accepted for label in labels], dtype=bool),
        np.asarray([label.verdict.outcome == "accept" for label in labels], dtype=bool),
        np.asarray([label.weight for label in labels], dtype=np.float64),
    )
