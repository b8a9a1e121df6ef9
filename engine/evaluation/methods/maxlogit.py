"""MaxLogit: the largest similarity."""

from engine.evaluation.batches import Batch
from engine.evaluation.formulas import Array, greatest
from engine.evaluation.methods import Method, Settings


def id_score(batch: Batch, settings: Settings) -> Array:
    """max_k cos_k, float64 [n] in [-1, 1].

    Source: Hendrycks et al., ICML 2022.
    """
    return greatest(batch.label_similarity())


METHOD = Method("maxlogit", "MaxLogit", "Hendrycks et al., ICML 2022", score=id_score)
