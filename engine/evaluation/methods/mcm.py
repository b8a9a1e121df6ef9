"""MCM: the largest softmax probability of raw cosines."""

from engine.evaluation.batches import Batch
from engine.evaluation.formulas import Array, greatest_probability
from engine.evaluation.methods import Method, Settings


def id_score(batch: Batch, settings: Settings) -> Array:
    """max_k softmax(cos_k / mcm_temperature), float64 [n].

    Source: Ming et al., NeurIPS 2022, equation 2, T = 1.
    """
    return greatest_probability(batch.label_similarity("mcm"), float(settings["mcm_temperature"]))


METHOD = Method(
    "mcm", "MCM", "Ming et al., NeurIPS 2022", score=id_score, defaults={"mcm_temperature": 1.0}, recipe="mcm"
)
