"""Texts whose embeddings come from a file, for runs without a model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.plan import Plan
from engine.evaluation.sets.pictures import read_npz


class GivenTexts:
    """The ID set's npz has them: label_embeddings of label_names, and negative_embeddings of negative_words."""

    def __init__(self, plan: Plan) -> None:
        source = next((part.npz for part in plan.sets if part.npz is not None), None)
        arrays = read_npz(source) if source else {}
        self._rows: dict[str, NDArray[np.float32]] = {}
        for names, vectors in (("label_names", "label_embeddings"), ("negative_words", "negative_embeddings")):
            if names in arrays and vectors in arrays:
                words = [str(word) for word in arrays[names].tolist()]
                self._rows |= dict(zip(words, arrays[vectors].astype(np.float32), strict=True))

    def embeddings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The embeddings of texts, float32 [n, dimensions].

        Raises: EngineError when the file lacks one of them.
        """
        missing = [text for text in texts if text not in self._rows]
        if missing:
            raise EngineError(
                f"The embeddings from files lack {len(missing)} texts, the first is {missing[0]!r}.",
                "Give --model, or put label_names and label_embeddings (negative_words, negative_embeddings) into "
                "the ID set's npz.",
            )
        return np.stack([self._rows[text] for text in texts])
