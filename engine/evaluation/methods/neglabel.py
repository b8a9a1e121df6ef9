"""NegLabel: how much of the softmax mass stays on the ID labels when many far-away words compete for it."""

import array_api_compat

from engine.evaluation.batches import Batch
from engine.evaluation.formulas import Array, Grouping, id_mass
from engine.evaluation.methods import Method, Settings


def grouping_of(settings: Settings) -> Grouping:
    """The grouping that the settings ask for."""
    return Grouping(int(settings["groups"]), settings["remainder"])


def grouped_score(batch: Batch, settings: Settings, recipe: str) -> Array:
    """The mean over the groups of the ID labels' mass, float64 [n] in [0, 1]."""
    xp = array_api_compat.array_namespace(batch.images)
    temperature = float(settings["temperature"])
    labels = batch.label_lse(temperature, recipe)
    groups = batch.negative_lse(temperature, grouping_of(settings), recipe)
    return xp.mean(id_mass(labels[:, None], groups), axis=1)


def id_score(batch: Batch, settings: Settings) -> Array:
    """mean_g sum_i exp(cos_i / t) / (sum_i exp(cos_i / t) + sum_{j in g} exp(cos_j / t)), float64 [n] in [0, 1].

    Source: Jiang et al., ICLR 2024, sections 3.2 and 3.3. Its code loses the last M mod groups labels; here the groups
        are balanced unless the remainder is drop_tail.
    """
    return grouped_score(batch, settings, "plain")


METHOD = Method(
    "neglabel",
    "NegLabel",
    "Jiang et al., ICLR 2024",
    score=id_score,
    defaults={"temperature": 0.01, "groups": 100, "remainder": "balanced"},
    negatives=True,
)
