"""Turning a model's margins into probabilities, and saying how far it agrees with people."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.filters.intervals import wilson
from engine.review.agreement import agreement
from store.connection import Cursor
from store.filters import Verdict, fetch_audit, fetch_decided, fetch_verdicts

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ISOTONIC_FROM = 1000
FEWEST_LABELS = 10
BINS = 10
FOLDS = 5
RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Judged:
    """What a model and people say of the same candidates.

    Attributes:
        margin: float64 [n], log odds or mean margin.
        accepted: bool [n], what people decided.
        model_accepts: bool [n], the model's own verdict.
        weight: float64 [n], how many candidates each stands for; 1 without an audit.
    """

    margin: Floats
    accepted: Flags
    model_accepts: Flags
    weight: Floats


@dataclass(frozen=True, slots=True)
class Share:
    """A fraction in [0, 1] with its 95 % interval; None where there is nothing to divide by."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class FilterAgreement:
    """How far one model agrees with people; see ``compare`` for each number."""

    kind: str
    mode: str
    model: str
    labels: int
    precision: Share
    recall: Share
    accuracy: Share
    kappa: float | None
    calibration: str
    expected_calibration_error: float | None
    saved: Share
    at_recall: float


def fit(margin: Floats, accepted: Flags, weight: Floats) -> "Calibrator":
    """Fit probabilities to margins: Platt's logistic fit, from 1,000 labels on an isotonic one.

    Args:
        margin: float64 [n].
        accepted: bool [n]; both values must occur.
        weight: float64 [n].

    Raises: EngineError with fewer than 10 labels, or labels of one kind only.
    Source: Platt (1999); Zadrozny and Elkan (2002).
    """
    if len(margin) < FEWEST_LABELS or accepted.all() or not accepted.any():
        raise EngineError(
            f"{int(accepted.sum())} accepted and {int((~accepted).sum())} rejected are too few to calibrate.",
            "Judge an audit sample: `sood-tui filters audit --size 50`, then review it.",
        )
    if len(margin) >= ISOTONIC_FROM:
        from sklearn.isotonic import IsotonicRegression

        isotonic = IsotonicRegression(out_of_bounds="clip", y_min=0.0, y_max=1.0)
        isotonic.fit(margin, accepted.astype(float), sample_weight=weight)
        return Calibrator("isotonic", isotonic)
    from sklearn.linear_model import LogisticRegression

    logistic = LogisticRegression().fit(margin[:, None], accepted, sample_weight=weight)
    return Calibrator("platt", logistic)


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A fitted map from margins to probabilities; `method` is platt or isotonic."""

    method: str
    model: object

    def probabilities(self, margin: Floats) -> Floats:
        """P(a person would accept), float64 [n] in [0, 1]."""
        if self.method == "isotonic":
            return np.asarray(self.model.predict(margin), dtype=np.float64)  # type: ignore[attr-defined]
        return np.asarray(self.model.predict_proba(margin[:, None])[:, 1], dtype=np.float64)  # type: ignore[attr-defined]


def expected_calibration_error(probability: Floats, accepted: Flags, weight: Floats, bins: int = BINS) -> float:
    """Mean gap between probability and frequency over equal-width bins, weighted by their contents; in [0, 1].

    Source: Naeini, Cooper and Hauskrecht (2015).
    """
    which = np.minimum((probability * bins).astype(int), bins - 1)
    error = 0.0
    for number in range(bins):
        members = which == number
        if members.any():
            mass = weight[members].sum()
            gap = abs(np.average(probability[members], weights=weight[members])
                      - np.average(accepted[members], weights=weight[members]))  # fmt: skip
            error += float(mass * gap)
    return error / float(weight.sum())


def share_saved(probability: Floats, accepted: Flags, weight: Floats, at_recall: float) -> float:
    """The share of candidates that nobody need look at when so much of the good ones must be kept.

    Candidates are dropped from the lowest probability up, ties together, while the rest still holds `at_recall` of the
    weight that people accepted.
    """
    best = 0.0
    total, good = weight.sum(), weight[accepted].sum()
    for cut in np.unique(probability):
        kept = probability >= cut
        if weight[kept & accepted].sum() >= at_recall * good - 1e-12:
            best = float(weight[~kept].sum() / total)
    return best


def compare(judged: Judged, at_recall: float = 0.95, seed: int = 0) -> dict[str, object]:
    """Precision, recall and accuracy of the model's verdicts with intervals, kappa, calibration and what it saves.

    Calibrated numbers are computed on labels that were held out of the fit (five folds, seeded).
    """
    truth, said, weight = judged.accepted, judged.model_accepts, judged.weight
    numbers: dict[str, object] = {
        "precision": _share(truth, said, weight),
        "recall": _share(said, truth, weight),
        "accuracy": _share(truth == said, np.ones_like(truth), weight),
        "kappa": agreement([str(x) for x in said], [str(x) for x in truth]).kappa if len(truth) else None,
        "calibration": "none",
        "expected_calibration_error": None,
        "saved": Share(None, None, None),
        "at_recall": at_recall,
    }
    try:
        method, probability = _held_out(judged, seed)
    except EngineError:
        return numbers
    numbers["calibration"] = method
    numbers["expected_calibration_error"] = expected_calibration_error(probability, truth, weight)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, len(truth), len(truth))
        if truth[rows].any():
            draws.append(share_saved(probability[rows], truth[rows], weight[rows], at_recall))
    low, high = np.percentile(draws, [2.5, 97.5])
    numbers["saved"] = Share(share_saved(probability, truth, weight, at_recall), float(low), float(high))
    return numbers


def filter_agreement(cursor: Cursor, superclass: str | None = None, at_recall: float = 0.95) -> list[FilterAgreement]:
    """How far each model agrees with people, over the candidates that both judged."""
    found = []
    for (kind, mode, model), judged in _judged_by_model(cursor, superclass).items():
        numbers = compare(judged, at_recall)
        found.append(FilterAgreement(kind=kind, mode=mode, model=model, labels=len(judged.accepted), **numbers))  # type: ignore[arg-type]
    return found


def calibrators(cursor: Cursor) -> dict[tuple[str, str, str], Calibrator]:
    """A calibrator for every kind, mode and model with enough labels."""
    found = {}
    for key, judged in _judged_by_model(cursor, None).items():
        try:
            found[key] = fit(judged.margin, judged.accepted, judged.weight)
        except EngineError:
            continue
    return found


def _judged_by_model(cursor: Cursor, superclass: str | None) -> dict[tuple[str, str, str], Judged]:
    decisions = fetch_decided(cursor)
    weights = {(row.superclass, row.wnid): row.weight for row in fetch_audit(cursor)}
    groups: dict[tuple[str, str, str], list[tuple[Verdict, bool, float]]] = {}
    for verdict in fetch_verdicts(cursor, superclass):
        place = (verdict.superclass, verdict.wnid)
        if place in decisions and verdict.margin is not None:
            key = (verdict.kind, verdict.mode, verdict.model)
            groups.setdefault(key, []).append((verdict, decisions[place] == "accept", weights.get(place, 1.0)))
    return {key: _table(rows) for key, rows in groups.items()}


def _table(rows: Sequence[tuple[Verdict, bool, float]]) -> Judged:
    return Judged(
        np.asarray([verdict.margin for verdict, _, _ in rows], dtype=np.float64),
        np.asarray([accepted for _, accepted, _ in rows], dtype=bool),
        np.asarray([verdict.outcome == "accept" for verdict, _, _ in rows], dtype=bool),
        np.asarray([weight for _, _, weight in rows], dtype=np.float64),
    )


def _share(hits: Flags, among: Flags, weight: Floats) -> Share:
    if not among.any():
        return Share(None, None, None)
    inside = weight[among]
    value = float(inside[hits[among]].sum() / inside.sum())
    effective = max(1, round(float(inside.sum() ** 2 / (inside**2).sum())))  # Kish: what unequal weights leave of n
    return Share(value, *wilson(value * effective, effective))


def _held_out(judged: Judged, seed: int) -> tuple[str, Floats]:
    method = fit(judged.margin, judged.accepted, judged.weight).method
    fold = np.random.default_rng(seed).permutation(len(judged.margin)) % FOLDS
    probability = np.empty(len(judged.margin))
    for number in range(FOLDS):
        train = fold != number
        fitted = fit(judged.margin[train], judged.accepted[train], judged.weight[train])
        probability[~train] = fitted.probabilities(judged.margin[~train])
    return method, probability
