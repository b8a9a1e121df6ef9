"""The subclasses of a run, for a person to look at."""

from dataclasses import dataclass

from engine.errors import EngineError
from engine.scoring.statistics import ScoreSettings, find_run, scores_of
from store.candidates.proposed import fetch_candidates
from store.connection import Cursor
from store.scoring import runs as store


@dataclass(frozen=True, slots=True)
class ListedSubclass:
    """A subclass with its statistics; see SubclassStatistics for their meaning."""

    superclass: str
    wnid: str
    name: str
    state: str
    images: int
    outliers: int
    similarity_mean: float | None
    score_mean: float | None
    score_std: float | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The subclasses of a run from the least to the most typical in each superclass.

    Attributes:
        constant: superclasses whose pictures all have the same similarity.
        not_scored: pictures of the candidates asked for that have no similarity in this run.
    """

    run_id: int
    subclasses: tuple[ListedSubclass, ...]
    constant: tuple[str, ...]
    not_scored: int


def list_subclasses(cursor: Cursor, run_id: int | None, superclass: str | None, settings: ScoreSettings) -> Listing:
    """The subclasses of a run, of one superclass or of all.

    Args:
        run_id: None for the newest run.
        superclass: None for all.

    Raises: EngineError for an unknown run, or a superclass that it did not score.
    """
    run = find_run(cursor, run_id)
    names = [scored.superclass for scored in store.fetch_run_superclasses(cursor, run.run_id)]
    if superclass is not None and superclass not in names:
        raise EngineError(
            f"Run {run.run_id} has no scores of a superclass {superclass}.", f"It scored: {', '.join(names)}."
        )
    listed: list[ListedSubclass] = []
    constant: list[str] = []
    not_scored = 0
    for name in names if superclass is None else [superclass]:
        scores = scores_of(cursor, run.run_id, name, settings)
        candidates = {row.wnid: row for row in fetch_candidates(cursor, name)}
        wanted = sum(row.images for row in candidates.values() if row.state in settings.states)
        not_scored += wanted - len(scores.image_ids)
        if scores.is_constant:
            constant.append(name)
        listed += [
            ListedSubclass(
                name,
                row.wnid,
                candidates[row.wnid].name,
                candidates[row.wnid].state,
                row.images,
                row.outliers,
                row.similarity_mean,
                row.score_mean,
                row.score_std,
            )
            for row in sorted(scores.subclasses, key=lambda row: (row.score_mean or 0.0, row.wnid))
        ]
    return Listing(run.run_id, tuple(listed), tuple(constant), not_scored)
