"""Verdicts of a filter, put in directly."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from engine.filters.verdicts import VERDICT_SCHEMA


def verdict_table(
    superclass: str, p_yes: Mapping[str, float], image_ids: Mapping[str, Sequence[int]] | None = None
) -> pa.Table:
    """One verdict for each wnid: accepted from a half on, with a margin that grows with P(yes)."""
    rows = [
        {
            "superclass": superclass, "wnid": wnid, "outcome": "accept" if p >= 0.5 else "reject", "p_yes": p,
            "p_yes_low": None, "p_yes_high": None, "margin": 10 * (p - 0.5), "mass": 0.99, "answer": "yes",
            "question": f"Is this a {superclass}?", "reason": f"P(yes) is {p}",
            "image_ids": list((image_ids or {}).get(wnid, (1000, 1001))),
        }
        for wnid, p in p_yes.items()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=VERDICT_SCHEMA)
