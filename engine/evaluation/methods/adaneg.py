"""AdaNeg: proxies of labels and negative labels that move towards the pictures of the stream."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.batches import TextBank
from engine.evaluation.formulas import Grouping, neglabel
from engine.evaluation.methods import Method, Settings

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gates:
    """Above ``of_id`` a picture is kept as ID, below ``of_ood`` as OOD, between them not at all."""

    of_id: float
    of_ood: float


def gates(threshold: float, gap: float) -> Gates:
    """The two gates around a threshold: t + g (1 - t) and t - g t."""
    return Gates(threshold + gap * (1 - threshold), threshold - gap * threshold)


def proxy_mean(text: NDArray[np.float64], cached: NDArray[np.float64]) -> NDArray[np.float64]:
    """The normalised mean of a text and the pictures kept for it; empty (zero) slots drop out.

    Args:
        text: [d].
        cached: [slots, d].
    """
    total: NDArray[np.float64] = text + cached.sum(axis=0)
    return total / np.linalg.norm(total)


class Memory:
    """A few slots for each text: pictures kept with the entropy of their prediction."""

    def __init__(self, texts: Floats, slots: int) -> None:
        self._texts = texts
        self._slots = slots
        self._kept: dict[int, list[tuple[float, Floats]]] = {}
        self.proxies = texts.copy()

    def keep(self, label: int, picture: Floats, entropy: float) -> None:
        """Put a picture into a slot of its label; a full row gives up its least certain one if less certain."""
        row = self._kept.setdefault(label, [])
        if len(row) < self._slots:
            row.append((entropy, picture))
        else:
            worst = max(range(len(row)), key=lambda slot: row[slot][0])
            if entropy >= row[worst][0]:
                return
            row[worst] = (entropy, picture)
        cached = np.stack([kept for _, kept in row]).astype(np.float64)
        self.proxies[label] = proxy_mean(self._texts[label].astype(np.float64), cached)


def id_scores(pictures: Floats, bank: TextBank, settings: Settings) -> NDArray[np.float64]:
    """NegLabel with proxies (few groups) + text_weight * NegLabel with texts, float64 [n], in the order given.

    A picture is scored before it is kept, so that none is compared with itself. Replacement by entropy works here; the
    half precision of the authors' code makes entropies that are no numbers and never replaces.

    Source: Zhang and Zhang, NeurIPS 2024 (AdaNeg): threshold and gap 0.5, 9 usable slots, 5 groups, weight 0.1.
    """
    if bank.negatives is None:
        raise EngineError("AdaNeg needs negative labels, and the run has none.", "Mine them first.")
    labels, negatives = np.asarray(bank.labels, dtype=np.float32), np.asarray(bank.negatives, dtype=np.float32)
    order = np.arange(len(negatives)) if bank.permutation is None else bank.permutation
    negatives, count = negatives[order], len(labels)
    temperature, batch = float(settings["temperature"]), int(settings["stream_batch"])
    adaptive, plain = Grouping(int(settings["adaptive_groups"])), Grouping(int(settings["groups"]))
    open_gates = gates(float(settings["threshold"]), float(settings["gap"]))
    memory = Memory(np.concatenate([labels, negatives]), int(settings["slots"]))
    scores = np.empty(len(pictures))
    for start in range(0, len(pictures), batch):
        part = pictures[start : start + batch]
        texts = part @ np.concatenate([labels, negatives]).T
        moved = part @ memory.proxies.T
        by_text = neglabel(texts[:, :count], texts[:, count:], temperature, plain)
        by_proxy = neglabel(moved[:, :count], moved[:, count:], temperature, adaptive)
        scores[start : start + batch] = by_proxy + float(settings["text_weight"]) * by_text
        _keep(memory, part, texts, by_text, open_gates, count, temperature)
    return scores


def _keep(
    memory: Memory, part: Floats, texts: Floats, by_text: NDArray[np.float64], open_gates: Gates, count: int, t: float
) -> None:
    for row in np.flatnonzero((by_text > open_gates.of_id) | (by_text < open_gates.of_ood)):
        is_id = by_text[row] > open_gates.of_id
        side = texts[row, :count] if is_id else texts[row, count:]
        shifted = np.exp((side - side.max()).astype(np.float64) / t)
        share = shifted / shifted.sum()
        entropy = float(-(share * np.log(np.maximum(share, 1e-300))).sum())
        memory.keep(int(side.argmax()) + (0 if is_id else count), part[row], entropy)


METHOD = Method(
    "adaneg",
    "AdaNeg",
    "Zhang and Zhang, NeurIPS 2024",
    stream=id_scores,
    defaults={
        "temperature": 0.01,
        "groups": 100,
        "adaptive_groups": 5,
        "threshold": 0.5,
        "gap": 0.5,
        "slots": 9,
        "text_weight": 0.1,
        "stream_batch": 64,
    },
    negatives=True,
)
