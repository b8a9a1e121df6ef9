"""CSP: NegLabel against adjectives joined to superclass words, with means of several prompts."""

from engine.evaluation.batches import Batch
from engine.evaluation.formulas import Array
from engine.evaluation.methods import Method, Settings
from engine.evaluation.methods.neglabel import grouped_score


def id_score(batch: Batch, settings: Settings) -> Array:
    """NegLabel's score with CSP's texts: conjugated semantic pool, mean prompts, CSP's ranking.

    Source: Chen et al., NeurIPS 2024. For one group its code keeps the softmax, as this does.
    """
    return grouped_score(batch, settings, "csp")


METHOD = Method(
    "csp",
    "CSP",
    "Chen et al., NeurIPS 2024",
    score=id_score,
    defaults={"temperature": 0.01, "groups": 100, "remainder": "balanced"},
    recipe="csp",
    negatives=True,
)
