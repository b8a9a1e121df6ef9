"""TANL: negative labels ranked anew, as the stream shows which of them its OOD pictures activate."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.batches import TextBank
from engine.evaluation.formulas import Array, log_sum_exp, sigmoid
from engine.evaluation.methods import Method, Settings
from engine.evaluation.methods.adaneg import gates
from engine.evaluation.numbers.statistics import intra_class_variance_threshold

Floats = NDArray[np.float64]
NOISE_PICTURES = 15


def activation_aware_score(label_similarity: Array, ordered: Array, temperature: float) -> Floats:
    """Mean over m of the ID mass against the m most activated negative labels.

    Args:
        label_similarity: float [n, K].
        ordered: float [n, M], most activated first.

    Returns: float64 [n].
    Source: TANL, CVPR 2026; one cumulative log-sum-exp makes it linear in M.
    """
    scaled = np.asarray(ordered, dtype=np.float64) / temperature
    cumulative = np.logaddexp.accumulate(scaled, axis=1)
    labels = np.asarray(log_sum_exp(np.asarray(label_similarity), temperature))
    found: Floats = sigmoid(labels[:, None] - cumulative).mean(axis=1)
    return found


class Activation:
    """The mean softmax probability of each negative label over the last pictures of one side."""

    def __init__(self, negatives: int, length: int) -> None:
        self._rows: deque[NDArray[np.float32]] = deque(maxlen=length)
        self._sum = np.zeros(negatives)

    def add(self, probabilities: NDArray[np.float32]) -> None:
        """Take one picture's probabilities [M] in; the oldest leaves a full queue."""
        if len(self._rows) == self._rows.maxlen:
            self._sum -= self._rows[0]
        self._rows.append(probabilities)
        self._sum += probabilities

    def mean(self) -> Floats:
        """Float64 [M]; zeros before the first picture."""
        return self._sum / max(len(self._rows), 1)


def id_scores(pictures: NDArray[np.float32], bank: TextBank, settings: Settings) -> Floats:
    """Activation-aware scores float64 [n], in the order given; a picture is scored before it moves the ranking.

    The ID queue starts with the texts of the ID labels, the OOD queue with encoded pictures of noise. Where embeddings
    come from files alone there is nothing to encode noise with, and the OOD queue starts empty.

    Source: TANL, CVPR 2026: queues of 300, the 1,000 most activated labels, gap 0.2, gate over the last 20,000 scores.
    """
    if bank.negatives is None:
        raise EngineError("TANL needs negative labels, and the run has none.", "Mine them first.")
    labels, negatives = np.asarray(bank.labels, dtype=np.float32), np.asarray(bank.negatives, dtype=np.float32)
    temperature, batch = float(settings["temperature"]), int(settings["stream_batch"])
    of_id = Activation(len(negatives), int(settings["queue"]))
    of_ood = Activation(len(negatives), int(settings["queue"]))
    texts = _probabilities(labels[: int(settings["queue"])], labels, negatives, temperature)
    for row in texts:
        of_id.add(row)
    if bank.noise is not None:
        for row in _probabilities(bank.noise[:NOISE_PICTURES], labels, negatives, temperature):
            of_ood.add(row)
    scores = np.empty(len(pictures))
    for start in range(0, len(pictures), batch):
        part = pictures[start : start + batch]
        order = np.argsort(of_id.mean() - of_ood.mean(), kind="stable")[: int(settings["activated"])]
        scores[start : start + batch] = activation_aware_score(part @ labels.T, part @ negatives[order].T, temperature)
        seen = scores[max(0, start + batch - int(settings["remembered"])) : min(start + batch, len(pictures))]
        gate = gates(intra_class_variance_threshold(seen), float(settings["stream_gap"]))
        probabilities = _probabilities(part, labels, negatives, temperature)
        for score, row in zip(scores[start : start + batch], probabilities, strict=True):
            if score > gate.of_id:
                of_id.add(row)
            elif score < gate.of_ood:
                of_ood.add(row)
    return scores


def _probabilities(
    part: NDArray[np.float32], labels: NDArray[np.float32], negatives: NDArray[np.float32], temperature: float
) -> NDArray[np.float32]:
    similarity = part @ np.concatenate([labels, negatives]).T
    shifted = np.exp((similarity - similarity.max(axis=1, keepdims=True)) / np.float32(temperature))
    shares: NDArray[np.float32] = (shifted / shifted.sum(axis=1, keepdims=True))[:, len(labels) :]
    return shares


METHOD = Method(
    "tanl",
    "TANL",
    "TANL, CVPR 2026",
    stream=id_scores,
    defaults={
        "temperature": 0.01,
        "queue": 300,
        "activated": 1_000,
        "remembered": 20_000,
        "stream_gap": 0.2,
        "stream_batch": 64,
    },
    negatives=True,
    noise=NOISE_PICTURES,
)
