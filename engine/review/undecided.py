"""How many good candidates are left among the undecided, with what is not known of the calibration in the interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.filters.calibration import HELD_BACK, ISOTONIC_FROM, fit, spread_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEWEST_OF_ITS_OWN = 50
FEWEST_SAMPLED = 10
RESAMPLES = 200
ISOTONIC_RESAMPLES = 50


@dataclass(frozen=True, slots=True)
class Labelled:
    """Candidates that a filter and people judged: margin float64 [n], accepted bool [n], weight float64 [n]."""

    margin: Floats
    accepted: Flags
    weight: Floats


@dataclass(frozen=True, slots=True)
class Sampled:
    """What came of candidates that an audit drew while they were undecided: accepted bool [n], weight float64 [n]."""

    accepted: Flags
    weight: Floats

    @property
    def share(self) -> float:
        """The weighted share that was accepted."""
        return float(np.average(self.accepted, weights=self.weight))

    @property
    def effective(self) -> float:
        """Kish's number: how many equally weighted ones would tell as much."""
        return float(self.weight.sum() ** 2 / (self.weight**2).sum())


@dataclass(frozen=True, slots=True)
class GoodLeft:
    """The good ones among the undecided.

    Attributes:
        expected: their number.
        draws: float64 [b], the number in each resample.
        judged: undecided ones that count by a calibrated filter.
        sampled: those without a verdict that count by what the audit found.
        unknown: those that nothing is known of; the expectation and the draws leave them out.
    """

    expected: float
    draws: Floats
    judged: int
    sampled: int
    unknown: int


def labels_for(own: Labelled, everywhere: Labelled) -> Labelled:
    """A superclass's own labels where they are enough to calibrate by, else those of all superclasses."""
    few = min(int(own.accepted.sum()), int((~own.accepted).sum()))
    return own if len(own.margin) >= FEWEST_OF_ITS_OWN and few >= 5 else everywhere


def good_left(
    margins: Sequence[float | None], labels: Labelled, sampled: Sampled, without_verdict: Sampled, seed: int
) -> GoodLeft:
    """Estimate the good ones among the undecided.

    Each with a verdict counts by its calibrated probability; the others count by the share that the audit found among
    undecided ones, if it has at least ten. Resampling the labels and fitting anew tells what the calibration owes to
    chance, and drawing each candidate what chance does besides.

    Args:
        margins: of each undecided candidate; None where the filter has none.
        labels: what the calibration is fitted to.
        sampled: the audit's, for all undecided ones where nothing can be calibrated.
        without_verdict: those of it that the filter has not judged, for those that it has not judged.
        seed: of the resampling.
    """
    known = np.array([margin for margin in margins if margin is not None], np.float64)
    rest = len(margins) - len(known)
    rng = np.random.default_rng(seed)
    judged, chances = _judged(known, labels, rng)
    sampled = without_verdict if judged else sampled
    has_sample = len(sampled.accepted) >= FEWEST_SAMPLED
    by_sample, unknown = (rest + len(known) - judged, 0) if has_sample else (0, rest + len(known) - judged)
    draws = np.zeros(RESAMPLES)
    expected = 0.0
    if chances is not None:
        expected += float(chances[0].sum())
        which = 1 + np.arange(RESAMPLES) % (len(chances) - 1)
        draws += (rng.random((RESAMPLES, judged)) < chances[which]).sum(axis=1)
    if by_sample:
        share, trials = sampled.share, sampled.effective
        expected += by_sample * share
        shares = rng.beta(share * trials + 0.5, (1 - share) * trials + 0.5, RESAMPLES)  # Jeffreys
        draws += rng.binomial(by_sample, shares)
    return GoodLeft(expected, draws, judged, by_sample, unknown)


def _judged(margin: Floats, labels: Labelled, rng: np.random.Generator) -> tuple[int, Floats | None]:
    """How many can be judged, and P(good): the first row fitted to all labels, the others to resamples of them."""
    if not len(margin):
        return 0, None
    try:
        best = fit(labels.margin, labels.accepted, labels.weight).probabilities(margin)
    except EngineError:
        return 0, None
    others = _isotonic(margin, labels, rng) if len(labels.margin) >= ISOTONIC_FROM else _platt(margin, labels, rng)
    return len(margin), np.vstack([best, *(others if len(others) else [best])])


def _isotonic(margin: Floats, labels: Labelled, rng: np.random.Generator) -> list[Floats]:
    found = []
    for _ in range(ISOTONIC_RESAMPLES):
        rows = rng.integers(0, len(labels.margin), len(labels.margin))
        accepted = labels.accepted[rows]
        if accepted.any() and not accepted.all():
            found.append(fit(labels.margin[rows], accepted, labels.weight[rows]).probabilities(margin))
    return found


def _platt(margin: Floats, labels: Labelled, rng: np.random.Generator) -> list[Floats]:
    size = len(labels.margin)
    times = rng.multinomial(size, np.full(size, 1 / size), RESAMPLES) * labels.weight
    both = (times @ labels.accepted > 0) & (times @ ~labels.accepted > 0)
    if not both.any():
        return []
    intercept, slope = platt_fits(labels, times[both])
    return list(1 / (1 + np.exp(-np.clip(intercept[:, None] + slope[:, None] * margin, -40, 40))))


def platt_fits(labels: Labelled, times: Floats) -> tuple[Floats, Floats]:
    """Logistic fits to many resamples at once: Newton's steps on the loss that scikit-learn's fit has.

    Args:
        labels: margins and what people decided.
        times: float64 [b, n], how often each label counts in each resample; both kinds must occur in each.

    Returns: intercepts and slopes, float64 [b] each. The slope is held back in units of the spread
        of all margins, the intercept is not.
    Source: Platt (1999), without his change of the targets, as in ``engine.filters.calibration.fit``.
    """
    scale = max(float(np.abs(labels.margin).max()), 1e-12)
    x, y = labels.margin / scale, labels.accepted.astype(np.float64)
    held = HELD_BACK * (spread_of(labels.margin) / scale) ** 2
    intercept, slope = np.zeros(len(times)), np.zeros(len(times))
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(intercept[:, None] + slope[:, None] * x, -40, 40)))
        residual, curve = times * (chance - y), times * chance * (1 - chance)
        down = np.stack([residual.sum(axis=1), residual @ x + held * slope])
        a, b, c = curve.sum(axis=1) + 1e-9, curve @ x, curve @ x**2 + held
        determinant = a * c - b * b
        step = np.stack([(c * down[0] - b * down[1]) / determinant, (a * down[1] - b * down[0]) / determinant])
        step = np.clip(step, -5, 5)
        intercept, slope = intercept - step[0], slope - step[1]
        if float(np.abs(step).max()) < 1e-6:
            break
    return intercept, slope / scale
