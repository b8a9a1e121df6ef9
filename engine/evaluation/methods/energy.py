"""Energy: the log-sum-exp of the logits."""

from engine.evaluation.batches import Batch
from engine.evaluation.formulas import Array
from engine.evaluation.methods import Method, Settings


def id_score(batch: Batch, settings: Settings) -> Array:
    """temperature * log sum_k exp(cos_k / temperature), float64 [n].

    At the default temperature 0.01 this is the energy of CLIP's logits 100 cos at T = 1, over 100. At temperature 1,
    on raw cosines, it is nearly constant.

    Source: Liu et al., NeurIPS 2020.
    """
    temperature = float(settings["temperature"])
    return temperature * batch.label_lse(temperature)


METHOD = Method("energy", "Energy", "Liu et al., NeurIPS 2020", score=id_score, defaults={"temperature": 0.01})
