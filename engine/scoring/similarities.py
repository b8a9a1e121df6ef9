"""Products of stored embeddings with the vector of a prompt."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

CHUNK = 8192
"""Rows that are turned into float32 at a time: 16 MB at 512 dimensions."""


class EmbeddingParts:
    """The arrays of a model's embeddings, mapped into memory when they are first needed."""

    def __init__(self, paths: dict[int, Path], dimensions: int) -> None:
        self._paths = paths
        self._dimensions = dimensions
        self._mapped: dict[int, NDArray[np.float16]] = {}

    def part(self, part_id: int) -> NDArray[np.float16]:
        """float16 [rows, dimensions], mapped.

        Raises: EngineError when the file is gone or is not what was registered.
        """
        if part_id not in self._mapped:
            path = self._paths[part_id]
            try:
                array = np.load(path, mmap_mode="r")
            except (OSError, ValueError) as error:
                raise EngineError(
                    f"The embeddings {path} cannot be read: {error}.",
                    "Bring the file back; the catalogue counts on it.",
                ) from error
            if array.dtype != np.float16 or array.ndim != 2 or array.shape[1] != self._dimensions:
                raise EngineError(f"The embeddings {path} are not what the catalogue noted.", "Bring the file back.")
            self._mapped[part_id] = array
        return self._mapped[part_id]

    def embeddings(self, part_ids: NDArray[np.int32], rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """The embeddings at these places, float32 [n, dimensions], in their order."""
        result = np.empty((len(rows), self._dimensions), dtype=np.float32)
        for part_id in np.unique(part_ids):
            places = np.flatnonzero(part_ids == part_id)
            result[places] = self.part(int(part_id))[rows[places]]
        return result

    def similarities(
        self, part_ids: NDArray[np.int32], rows: NDArray[np.int32], text: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The product of each picture's embedding with a text's.

        Args:
            part_ids: int [n], in any order.
            rows: int [n], the row in that part.
            text: float32 [dimensions], L2-normalised.

        Returns: float32 [n], cosines in [-1, 1] up to the rounding of float16. A value depends on its two vectors only,
            not on where the row lies or what is computed beside it.
        """
        result = np.empty(len(rows), dtype=np.float32)
        for part_id in np.unique(part_ids):
            array = self.part(int(part_id))
            places = np.flatnonzero(part_ids == part_id)
            for start in range(0, len(places), CHUNK):
                here = places[start : start + CHUNK]
                result[here] = products(array[rows[here]], text)
        return result


def products(images: NDArray[np.float16], text: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product of each row with the text's vector, float32 [n]."""
    # Not a matrix product: BLAS sums the last rows of a matrix in another order than the others.
    result: NDArray[np.float32] = np.einsum("ij,j->i", images.astype(np.float32), text, optimize=False)
    return result
