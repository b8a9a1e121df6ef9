"""A verdict without a vision-language model: do the pictures of a candidate prefer its superclass to the others?"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.candidates.superclasses import require
from engine.errors import EngineError
from engine.events import now
from engine.filters.asking import LEAST_IMAGES
from engine.filters.intervals import wilson
from engine.filters.verdicts import VERDICT_SCHEMA
from engine.scoring.similarities import EmbeddingParts
from engine.workspace import Workspace
from store import filters as store
from store.candidates.proposed import fetch_candidates
from store.candidates.superclasses import fetch_superclass_names
from store.connection import Cursor
from store.scoring import runs as scoring
from store.scoring.embeddings import fetch_embedded, fetch_parts

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Preference:
    """How a candidate's pictures stand to its superclass.

    Attributes:
        share: fraction of the pictures whose best prompt is this superclass's; a tie counts half.
        margin: mean over the pictures of the similarity to this superclass minus the best other one, in [-2, 2].
    """

    share: float
    margin: float


def preference(similarities: Matrix, own: int) -> Preference:
    """How the pictures prefer one superclass among all.

    Args:
        similarities: float32 [n_pictures, n_superclasses], cosines; at least one picture and two superclasses.
        own: the column of this superclass.
    """
    of_own = similarities[:, own]
    of_others = np.delete(similarities, own, axis=1).max(axis=1)
    share = float((of_own > of_others).mean() + 0.5 * (of_own == of_others).mean())
    return Preference(share, float((of_own - of_others).mean(dtype=np.float64)))


def judge(workspace: Workspace, superclasses: Sequence[str] = (), least_images: int = LEAST_IMAGES) -> int:
    """Judge the candidates of superclasses by the newest scoring run.

    Returns: the number of the filter run.
    Raises: UnknownSuperclass; EngineError without a scoring run, or where it knows fewer than two superclasses.
    """
    with workspace.opened().writing() as cursor:
        runs = scoring.fetch_runs(cursor)
        if not runs:
            raise EngineError("Nothing is scored yet.", "`sood-tui scoring run` encodes the pictures and the prompts.")
        run = runs[-1]
        texts = scoring.fetch_text_embeddings(cursor, run.run_id)
        there = fetch_superclass_names(cursor)
        names = [name for name in texts if name in there]  # one that was removed since is no rival any more
        if len(names) < 2:
            only = f"only the superclass {names[0]}" if names else "none of the superclasses that are there now"
            raise EngineError(
                f"Scoring run {run.run_id} knows {only}, so there is nothing to prefer it to.",
                "Score all superclasses in one run: `sood-tui scoring run`.",
            )
        prompts = np.asarray([texts[name] for name in names], dtype=np.float32)
        paths = {part.part_id: workspace.root / part.path for part in fetch_parts(cursor, run.set_id)}
        parts = EmbeddingParts(paths, run.dimensions)
        rows = []
        for name in dict.fromkeys(superclasses) or names:
            if name not in texts:
                require(cursor, name)
                raise EngineError(
                    f"Scoring run {run.run_id} does not know {name}.", "Score it: `sood-tui scoring run`."
                )
            rows += _verdicts(cursor, parts, run.set_id, name, prompts, names.index(name), least_images)
        settings = json.dumps({"run_id": run.run_id, "least_images": least_images}, sort_keys=True)
        filter_run = store.insert_run(cursor, "clip", "share", run.model_key, settings, None, now())
        store.set_revision(cursor, filter_run, run.weights_sha256)
        store.insert_verdicts(cursor, filter_run, pa.Table.from_pylist(rows, VERDICT_SCHEMA))
    return filter_run


def left_out(cursor: Cursor) -> list[str]:
    """The superclasses that the newest scoring run does not know: they are not judged, and no picture prefers them."""
    runs = scoring.fetch_runs(cursor)
    known = scoring.fetch_text_embeddings(cursor, runs[-1].run_id) if runs else {}
    return [name for name in fetch_superclass_names(cursor) if name not in known]


def _verdicts(
    cursor: Cursor, parts: EmbeddingParts, set_id: int, superclass: str, prompts: Matrix, own: int, least_images: int
) -> list[dict[str, object]]:
    candidates = [row.wnid for row in fetch_candidates(cursor, superclass) if row.images]
    where = fetch_embedded(cursor, set_id, candidates)
    wnids = np.asarray(where["wnid"].to_pylist())
    part_ids, rows = (where[name].to_numpy() for name in ("part_id", "row"))
    verdicts = []
    for wnid in candidates:
        places = np.flatnonzero(wnids == wnid)
        key: dict[str, object] = {"superclass": superclass, "wnid": wnid, "image_ids": []}
        if len(places) < least_images:
            noun = "picture" if len(places) == 1 else "pictures"
            reason = f"{len(places)} encoded {noun}, needs {least_images}"
            verdicts.append({**key, "outcome": "insufficient", "reason": reason})
            continue
        found = preference(parts.embeddings(part_ids[places], rows[places]) @ prompts.T, own)
        low, high = wilson(found.share * len(places), len(places))
        verdicts.append(
            {
                **key,
                "outcome": "accept" if found.share >= 0.5 else "reject",
                "p_yes": found.share,
                "p_yes_low": low,
                "p_yes_high": high,
                "margin": found.margin,
                "reason": f"{found.share:.0%} of {len(places)} pictures".replace("%", " %")
                + f" are nearest to {superclass}",
            }
        )
    return verdicts
