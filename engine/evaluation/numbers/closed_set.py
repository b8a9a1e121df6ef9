"""Closed-set numbers of a classifier on one band: accuracy, macro-F1 and the drop, each with its interval."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.numbers.bootstrap import share_interval
from engine.evaluation.numbers.statistics import wilson_interval
from engine.evaluation.results import MetricRow

CLASSIFIER = "classifier"
RESAMPLES = 1_000


def accuracy_rows(
    part: str, truth: NDArray[np.int64], guessed: NDArray[np.int64], superclasses: Sequence[str], seed: int
) -> list[MetricRow]:
    """Accuracy and macro-F1 of a band, then accuracy and F1 of each superclass that it has pictures of.

    Args:
        part: name of the band.
        truth: index of the superclass of each picture, int64 [n].
        guessed: the same of the prediction; -1: none of them.
        superclasses: their names.
        seed: of the intervals.
    """
    from sklearn.metrics import f1_score

    hits = guessed == truth
    at = share_interval(hits, seed)
    present = sorted(set(truth.tolist()))
    macro = float(f1_score(truth, guessed, labels=present, average="macro", zero_division=0))
    low, high = _macro_f1_interval(truth, guessed, present, seed)
    found = [
        _row(part, "", "accuracy", float(hits.mean()), (at.low, at.high), len(hits)),
        _row(part, "", "macro_f1", macro, (low, high), len(hits)),
    ]
    each = f1_score(truth, guessed, labels=present, average=None, zero_division=0)
    for label, f1 in zip(present, each, strict=True):
        mine = hits[truth == label]
        span = wilson_interval(int(mine.sum()), len(mine))
        found.append(_row(part, superclasses[label], "accuracy", float(mine.mean()), span, len(mine)))
        found.append(_row(part, superclasses[label], "f1", float(f1), None, len(mine)))
    return found


def drop_row(part: str, first: NDArray[np.bool_], hits: NDArray[np.bool_], seed: int) -> MetricRow:
    """How much lower the accuracy of a band is than that of the first one; both are resampled for the interval."""
    generator = np.random.default_rng(seed)
    drawn = [generator.binomial(len(one), one.mean(), RESAMPLES) / len(one) for one in (first, hits)]
    low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
    return _row(part, "", "drop", float(first.mean() - hits.mean()), (float(low), float(high)), len(hits))


def _macro_f1_interval(
    truth: NDArray[np.int64], guessed: NDArray[np.int64], present: Sequence[int], seed: int
) -> tuple[float, float]:
    """Percentiles of macro-F1 over resamples of the pictures, drawn as counts of the confusion matrix."""
    place = {label: row for row, label in enumerate(present)}
    # A guess outside the band's superclasses hurts the recall of the true one and nobody's precision.
    column = np.array([place.get(label, len(present)) for label in guessed.tolist()])
    row = np.array([place[label] for label in truth.tolist()])
    width = len(present) + 1
    cells = np.bincount(row * width + column, minlength=len(present) * width)
    generator = np.random.default_rng(seed)
    scores = []
    for _ in range(RESAMPLES):
        drawn = generator.multinomial(len(truth), cells / len(truth)).reshape(len(present), width)
        right = np.diagonal(drawn).astype(np.float64)
        total = drawn.sum(axis=1) + drawn[:, : len(present)].sum(axis=0)
        scores.append(np.mean(np.divide(2 * right, total, out=np.zeros_like(right), where=total > 0)))
    low, high = np.quantile(scores, [0.025, 0.975])
    return float(low), float(high)


def _row(part: str, class_: str, metric: str, value: float, span: tuple[float, float] | None, n: int) -> MetricRow:
    low, high = span or (None, None)
    return MetricRow(CLASSIFIER, False, "", "accuracy", part, class_, metric, value, low, high, n, 0)
