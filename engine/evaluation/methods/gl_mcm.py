"""GL-MCM: MCM of the picture and of its best patch."""

import array_api_compat

from engine.errors import EngineError
from engine.evaluation.batches import Batch
from engine.evaluation.formulas import Array, greatest_probability
from engine.evaluation.methods import Method, Settings


def local_score(local: Array, labels: Array, temperature: float) -> Array:
    """The largest softmax probability over all patches and labels.

    Args:
        local: [n, patches, d], L2-normalised.
        labels: [K, d].

    Returns: float64 [n].
    """
    xp = array_api_compat.array_namespace(local, labels)
    # [n, patches, K] is the widest array of all; patch by patch it is no wider than the picture's own.
    best = None
    for patch in range(local.shape[1]):
        found = greatest_probability(local[:, patch, :] @ labels.T, temperature)
        best = found if best is None else xp.maximum(best, found)
    if best is None:
        raise EngineError("The model gave no patches, so there is no local score.", "Leave gl-mcm out.")
    return best


def id_score(batch: Batch, settings: Settings) -> Array:
    """MCM(picture) + local_weight * MCM(best patch), float64 [n].

    Source: Miyai et al., IJCV 2025 (GL-MCM), lambda = 1, T = 1; patches come from the last block's value path.
    """
    if batch.local is None:
        raise EngineError(
            "GL-MCM needs embeddings of patches, and these pictures have none.",
            "They come with an open_clip ViT; embeddings from files have none: leave gl-mcm out.",
        )
    temperature = float(settings["mcm_temperature"])
    whole = greatest_probability(batch.label_similarity("mcm"), temperature)
    local = local_score(batch.local, batch.texts.bank("mcm").labels, temperature)
    return whole + float(settings["local_weight"]) * local


METHOD = Method(
    "gl-mcm",
    "GL-MCM",
    "Miyai et al., IJCV 2025",
    score=id_score,
    defaults={"mcm_temperature": 1.0, "local_weight": 1.0},
    recipe="mcm",
    local=True,
)
