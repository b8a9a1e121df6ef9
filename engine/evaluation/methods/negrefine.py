"""NegRefine's score: NegLabel and, on top, how much better "a and b" fits than b alone."""

from typing import Any

import array_api_compat
import numpy as np

from engine.errors import EngineError
from engine.evaluation.batches import Batch, TextBank
from engine.evaluation.formulas import Array, sigmoid
from engine.evaluation.methods import Method, Settings
from engine.evaluation.methods.neglabel import grouped_score


def multi_match(compound_similarity: Array, negative_similarity: Array, temperature: float) -> Array:
    """max over pairs of sigmoid((cos(x, "y_i and y_j") - cos(x, y_j)) / temperature).

    Args:
        compound_similarity: float [n, pairs], with the joined prompts.
        negative_similarity: float [n, pairs], with the negative label of each pair.

    Returns: float64 [n] in (0, 1).
    Source: Ansari et al., ICCV 2025 (NegRefine), the multi-matching term.
    """
    xp = array_api_compat.array_namespace(compound_similarity, negative_similarity)
    gap = xp.astype(compound_similarity - negative_similarity, xp.float64) / temperature
    return xp.max(sigmoid(gap), axis=1)


def id_score(batch: Batch, settings: Settings) -> Array:
    """NegLabel + match_weight * multi_match over the top labels and the top negative labels, float64 [n].

    Source: NegRefine, ICCV 2025, alpha = 2 and 5 x 5 pairs. Its language model, which takes proper nouns and
        subcategories of ID labels out of the negative labels, is replaced by WordNet's rules when they are mined.
    """
    base = grouped_score(batch, settings, "csp")
    bank = batch.texts.bank("csp")
    if bank.negatives is None or not bank.label_names or not bank.negative_words:
        raise EngineError("NegRefine joins words to prompts, and this run has no words.", "Leave negrefine out.")
    xp = array_api_compat.array_namespace(batch.images)
    top = int(settings["top"])
    temperature = float(settings["temperature"])
    similarity = batch.images @ bank.negatives.T
    negatives = _top(np.asarray(_to_host(similarity)), top)
    labels = _top(np.asarray(_to_host(batch.label_similarity("csp"))), top)
    rows = np.repeat(np.arange(len(labels))[:, None], labels.shape[1] * negatives.shape[1], axis=1)
    pairs_label = np.repeat(labels, negatives.shape[1], axis=1)
    pairs_negative = np.tile(negatives, (1, labels.shape[1]))
    compound = _compound_similarity(batch, bank, pairs_label, pairs_negative)
    alone = np.asarray(_to_host(similarity))[rows, pairs_negative]
    match = multi_match(compound, alone, temperature)
    return base + float(settings["match_weight"]) * xp.asarray(match, device=array_api_compat.device(base))


def _compound_similarity(batch: Batch, bank: TextBank, labels: Any, negatives: Any) -> Any:
    code = labels.astype(np.int64) * len(bank.negative_words) + negatives
    unique, inverse = np.unique(code, return_inverse=True)
    width = len(bank.negative_words)
    texts = [f"{bank.label_names[pair // width]} and {bank.negative_words[pair % width]}" for pair in unique]
    embedded = np.asarray(_to_host(batch.texts.encode(texts)), dtype=np.float32)
    images = np.asarray(_to_host(batch.images), dtype=np.float32)
    chosen = embedded[inverse.reshape(code.shape)]
    return np.einsum("nd,npd->np", images, chosen)


def _to_host(values: Array) -> Array:
    return values.cpu().numpy() if hasattr(values, "cpu") else values


def _top(similarity: Any, count: int) -> Any:
    count = min(count, similarity.shape[1])
    return np.argpartition(-similarity, count - 1, axis=1)[:, :count]


METHOD = Method(
    "negrefine",
    "NegRefine",
    "Ansari et al., ICCV 2025",
    score=id_score,
    defaults={"temperature": 0.01, "groups": 100, "remainder": "balanced", "match_weight": 2.0, "top": 5},
    recipe="csp",
    negatives=True,
    compounds=True,
)
