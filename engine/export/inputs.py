"""Hashes of what went into an export, subclass by subclass, so that a rebuild can say where its inputs differ."""

import hashlib
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.export.arrow_text import text_of
from engine.export.plan import Plan, stream_rows
from store.connection import Cursor

NO_SIMILARITY = np.float32(-2)
"""Stands for a picture that was not scored; no cosine is so small."""


def hash_inputs(cursor: Cursor, plan: Plan) -> dict[str, Any]:
    """Superclass -> wnid -> number of pictures, hash of their paths, hash of their similarities.

    Args:
        cursor: with the rows laid out; they come sorted by superclass, wnid, root and path.
        plan: of the export.
    """
    found: dict[str, Any] = {}
    hashers: dict[tuple[str, str], tuple[Any, Any]] = {}
    for batch in stream_rows(cursor, plan):
        for start, end in _runs(batch["wnid"]):
            part = batch.slice(start, end - start)
            key = (part["superclass"][0].as_py(), part["wnid"][0].as_py())
            of_paths, of_similarities = hashers.setdefault(key, (hashlib.sha256(), hashlib.sha256()))
            lines = pc.binary_join_element_wise(part["path"], pa.scalar("\n"), "")
            of_paths.update(text_of(lines))
            of_similarities.update(_numbers(part["similarity"]))
            entry = found.setdefault(key[0], {}).setdefault(key[1], {"pictures": 0})
            entry["pictures"] += end - start
    for (superclass, wnid), (of_paths, of_similarities) in hashers.items():
        found[superclass][wnid]["paths_sha256"] = of_paths.hexdigest()
        found[superclass][wnid]["similarities_sha256"] = of_similarities.hexdigest()
    return found


def _runs(wnids: pa.Array) -> list[tuple[int, int]]:
    """From where to where a wnid goes on."""
    if not len(wnids):
        return []
    codes = wnids.dictionary_encode().indices.to_numpy()
    starts = [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), len(codes)]
    return list(pairwise(starts))


def _numbers(similarities: pa.Array) -> bytes:
    filled = pc.fill_null(similarities, pa.scalar(float(NO_SIMILARITY), pa.float32()))
    return np.ascontiguousarray(filled.to_numpy(zero_copy_only=False), "<f4").tobytes()
