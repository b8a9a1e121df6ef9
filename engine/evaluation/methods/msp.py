"""MSP: the largest softmax probability, at CLIP's own temperature."""

from engine.evaluation.batches import Batch
from engine.evaluation.formulas import Array, greatest_probability
from engine.evaluation.methods import Method, Settings


def id_score(batch: Batch, settings: Settings) -> Array:
    """max_k softmax(cos_k / temperature), float64 [n] in (0, 1].

    Source: Hendrycks and Gimpel, ICLR 2017; on CLIP with logits 100 cos, that is temperature 0.01.
    """
    return greatest_probability(batch.label_similarity(), float(settings["temperature"]))


METHOD = Method("msp", "MSP", "Hendrycks and Gimpel, ICLR 2017", score=id_score, defaults={"temperature": 0.01})
