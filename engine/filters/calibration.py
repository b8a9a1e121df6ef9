"""Turning a model's margins into probabilities, and saying how far it agrees with people."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.filters.intervals import wilson
from engine.filters.labelled import Flags, Floats, Judged, Label, fetch_labels, table_of
from engine.review.agreement import agreement
from store.connection import Cursor

Method = Literal["platt", "isotonic"]

ISOTONIC_FROM = 1000
FEWEST_LABELS = 10
BINS = 10
FOLDS = 5
RESAMPLES = 500
HELD_BACK = 0.1
"""Keeps the slope finite where margins tell accepted from rejected without an error, and is felt little elsewhere."""


@dataclass(frozen=True, slots=True)
class Share:
    """A fraction in [0, 1] with its 95 % interval; None where there is nothing to divide by."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class FilterAgreement:
    """How far one filter agrees with people; see ``compare`` for each number.

    Attributes:
        labels: candidates that the filter accepts or rejects and people did, too.
        unanswered: those that people decided and the filter did not: unparsed, insufficient, error.
    """

    kind: str
    mode: str
    model: str
    seed: int | None
    labels: int
    unanswered: int
    precision: Share
    recall: Share
    accuracy: Share
    kappa: float | None
    calibration: str
    expected_calibration_error: float | None
    saved: Share
    at_recall: float


def fit(
    margin: Floats, accepted: Flags, weight: Floats, method: Method | None = None, spread: float | None = None
) -> "Calibrator":
    """Fit probabilities to margins: Platt's logistic fit, from 1,000 labels on an isotonic one.

    Margins are odds of one model and differences of cosines of another: the slope of the logistic fit is held back in
    units of their spread, by ``HELD_BACK`` / 2 times its square, so that it does not matter which.

    Args:
        margin: float64 [n].
        accepted: bool [n]; both values must occur.
        weight: float64 [n].
        method: platt or isotonic; None: by the number of labels.
        spread: of the margins, where these are only some of them; None: ``spread_of`` them.

    Raises: EngineError with fewer than 10 labels, or labels of one kind only.
    Source: Platt (1999), with a penalty on the slope instead of his change of the targets; Zadrozny and Elkan (2002).
    """
    if len(margin) < FEWEST_LABELS or accepted.all() or not accepted.any():
        raise _too_few(accepted)
    return _fitted(margin, accepted, weight, method or method_for(len(margin)), spread)


def _too_few(accepted: Flags) -> EngineError:
    return EngineError(
        f"{int(accepted.sum())} accepted and {int((~accepted).sum())} rejected are too few to calibrate.",
        "Judge an audit sample: `sood-tui filters audit --size 50`, then review it.",
    )


def _fitted(
    margin: Floats, accepted: Flags, weight: Floats, method: Method, spread: float | None = None
) -> "Calibrator":
    if method == "isotonic":
        from sklearn.isotonic import IsotonicRegression

        isotonic = IsotonicRegression(out_of_bounds="clip", y_min=0.0, y_max=1.0)
        isotonic.fit(margin, accepted.astype(float), sample_weight=weight)
        return Calibrator("isotonic", isotonic)
    from sklearn.linear_model import LogisticRegression

    unit = spread_of(margin) if spread is None else spread
    logistic = LogisticRegression(C=1 / HELD_BACK).fit(margin[:, None] / unit, accepted, sample_weight=weight)
    return Calibrator("platt", logistic, unit)


def method_for(labels: int) -> Method:
    """How so many labels are fitted."""
    return "isotonic" if labels >= ISOTONIC_FROM else "platt"


def spread_of(margin: Floats) -> float:
    """The standard deviation of margins, above 0."""
    return float(np.std(margin)) or 1.0


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A fitted map from margins to probabilities; `spread` is the unit of the logistic one."""

    method: Method
    model: object
    spread: float = 1.0

    def probabilities(self, margin: Floats) -> Floats:
        """P(a person would accept), float64 [n] in [0, 1]."""
        if self.method == "isotonic":
            return np.asarray(self.model.predict(margin), dtype=np.float64)  # type: ignore[attr-defined]
        return np.asarray(self.model.predict_proba(margin[:, None] / self.spread)[:, 1], dtype=np.float64)  # type: ignore[attr-defined]


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

    Nothing is calibrated, and nothing saved, where a margin is missing or labels are too few. Calibrated numbers are
    computed on labels that were held out of the fit (five folds, seeded).
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
    """How far each filter agrees with people, over the candidates that both judged; seeds of a model one by one."""
    groups: dict[tuple[str, str, str, int | None], list[Label]] = {}
    for label in fetch_labels(cursor, superclass):
        verdict = label.verdict
        groups.setdefault((verdict.kind, verdict.mode, verdict.model, verdict.seed), []).append(label)
    found = []
    for (kind, mode, model, seed), labels in groups.items():
        decisive = [label for label in labels if label.verdict.outcome in ("accept", "reject")]
        numbers = compare(table_of(decisive), at_recall)
        counts = (len(decisive), len(labels) - len(decisive))
        found.append(FilterAgreement(kind, mode, model, seed, *counts, **numbers))  # type: ignore[arg-type]
    return found


def calibrators(cursor: Cursor) -> dict[tuple[str, str, str], Calibrator]:
    """A calibrator for every kind, mode and model with enough labels, over all seeds."""
    groups: dict[tuple[str, str, str], list[Label]] = {}
    for label in fetch_labels(cursor, None):
        verdict = label.verdict
        if verdict.margin is not None and verdict.outcome in ("accept", "reject"):
            groups.setdefault((verdict.kind, verdict.mode, verdict.model), []).append(label)
    found = {}
    for key, labels in groups.items():
        judged = table_of(labels)
        try:
            found[key] = fit(judged.margin, judged.accepted, judged.weight)
        except EngineError:
            continue
    return found


def _folds(accepted: Flags, seed: int) -> npt.NDArray[np.int64]:
    """A fold for each label; both kinds are dealt out evenly, so that every fit sees both."""
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(np.flatnonzero(accepted)), rng.permutation(np.flatnonzero(~accepted))])
    fold = np.empty(len(accepted), dtype=np.int64)
    fold[order] = np.arange(len(accepted)) % FOLDS
    return fold


def _share(hits: Flags, among: Flags, weight: Floats) -> Share:
    if not among.any():
        return Share(None, None, None)
    inside = weight[among]
    value = float(inside[hits[among]].sum() / inside.sum())
    effective = max(1, round(float(inside.sum() ** 2 / (inside**2).sum())))  # Kish: what unequal weights leave of n
    return Share(value, *wilson(value * effective, effective))


def _held_out(judged: Judged, seed: int) -> tuple[str, Floats]:
    if np.isnan(judged.margin).any():
        raise EngineError("A filter without margins cannot be calibrated.")
    accepted = judged.accepted
    method = fit(judged.margin, accepted, judged.weight).method
    if min(accepted.sum(), (~accepted).sum()) < 2:
        raise _too_few(accepted)  # held out, the only one of its kind would be missing in the fit
    fold = _folds(accepted, seed)
    probability = np.empty(len(judged.margin))
    for number in range(FOLDS):
        train = fold != number
        fitted = _fitted(judged.margin[train], accepted[train], judged.weight[train], method)
        probability[~train] = fitted.probabilities(judged.margin[~train])
    return method, probability
