"""What the similarities of a run say about subclasses."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.scoring.formulas import (
    OUTLIER_FACTOR,
    SMALLEST_JUDGED,
    ConstantSuperclass,
    Tails,
    iqr_outliers,
    mean,
    minmax,
    standard_deviation,
)
from engine.workspace import Workspace
from store.connection import Cursor
from store.scoring import runs as store
from store.scoring.runs import ScoreRun

NOT_REJECTED = ("accept", "unsure", "pending")
ACCEPTED = ("accept",)

MeanKind = Literal["with_outliers", "without_outliers"]


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """How similarities become statistics.

    Attributes:
        tails: which outliers are judged: both, or only low.
        factor: how many interquartile ranges beyond its quartile a picture is an outlier.
        smallest: subclasses with fewer pictures have no outliers.
        mean_kind: whether outliers count in the mean and the standard deviation of a subclass.
        states: of the candidates that take part; the normalisation spans the pictures of exactly these.
    """

    tails: Tails = "both"
    factor: float = OUTLIER_FACTOR
    smallest: int = SMALLEST_JUDGED
    mean_kind: MeanKind = "with_outliers"
    states: tuple[str, ...] = NOT_REJECTED

    @classmethod
    def compatible(cls, states: tuple[str, ...] = ACCEPTED) -> "ScoreSettings":
        """As the reference computes: both tails, every subclass judged, outliers in the mean."""
        return cls(smallest=1, states=states)


@dataclass(frozen=True, slots=True)
class SubclassStatistics:
    """A subclass of a superclass in a run.

    Attributes:
        images: pictures with a similarity, outliers included.
        outliers: how many of them are outliers.
        similarity_mean: cosine in [-1, 1].
        score_mean: of the normalised similarities, in [0, 1].
        score_std: from a sample (divisor n - 1); None for fewer than two pictures.
    """

    superclass: str
    wnid: str
    images: int
    outliers: int
    similarity_mean: float | None
    score_mean: float | None
    score_std: float | None

    @property
    def kept(self) -> int:
        """Pictures that are no outliers."""
        return self.images - self.outliers


@dataclass(frozen=True, slots=True)
class SuperclassScores:
    """The scores of a superclass's pictures in a run, sorted by wnid and image_id.

    Attributes:
        subclasses: one for each wnid, sorted by wnid.
        subclass_index: int32 [n], which of the subclasses a picture belongs to.
        image_ids: int64 [n].
        similarities: float32 [n], cosines in [-1, 1].
        scores: float64 [n] in [0, 1], similarities stretched over the superclass.
        is_outlier: bool [n].
        is_constant: all similarities are equal, so that all scores are 0 and say nothing.
    """

    run_id: int
    superclass: str
    subclasses: tuple[SubclassStatistics, ...]
    subclass_index: NDArray[np.int32]
    image_ids: NDArray[np.int64]
    similarities: NDArray[np.float32]
    scores: NDArray[np.float64]
    is_outlier: NDArray[np.bool_]
    is_constant: bool


def latest_run(cursor: Cursor) -> ScoreRun:
    """The newest run.

    Raises: EngineError when nothing was scored yet.
    """
    runs = store.fetch_runs(cursor)
    if not runs:
        raise EngineError("Nothing was scored yet.", "`sood-tui scoring run` scores the candidates.")
    return runs[-1]


def find_run(cursor: Cursor, run_id: int | None) -> ScoreRun:
    """The run of that number, or the newest one.

    Raises: EngineError when there is no such run.
    """
    if run_id is None:
        return latest_run(cursor)
    found = [run for run in store.fetch_runs(cursor) if run.run_id == run_id]
    if not found:
        raise EngineError(f"There is no scoring run {run_id}.", "`sood-tui scoring runs` lists them.")
    return found[0]


def subclass_scores(
    workspace: Workspace, run_id: int, superclass: str, settings: ScoreSettings | None = None
) -> SuperclassScores:
    """The scores of a superclass's pictures and the statistics of its subclasses, the same bits every time.

    Pictures that were removed since the run, and candidates that have left the wanted states, are left out.
    """
    with workspace.opened().reading() as cursor:
        return scores_of(cursor, run_id, superclass, settings or ScoreSettings())


def scores_of(cursor: Cursor, run_id: int, superclass: str, settings: ScoreSettings) -> SuperclassScores:
    """``subclass_scores`` with a cursor that is already open."""
    table = store.fetch_similarities(cursor, run_id, superclass, settings.states)
    wnids, index = np.unique(np.asarray(table["wnid"].to_pylist(), dtype=str), return_inverse=True)
    similarities = table["similarity"].to_numpy().astype(np.float32, copy=False)
    return _assemble(
        run_id, superclass, wnids.tolist(), index.astype(np.int32), table["image_id"].to_numpy(), similarities, settings
    )


def _assemble(
    run_id: int,
    superclass: str,
    wnids: Sequence[str],
    index: NDArray[np.int32],
    image_ids: NDArray[np.int64],
    similarities: NDArray[np.float32],
    settings: ScoreSettings,
) -> SuperclassScores:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConstantSuperclass)
        scores = minmax(similarities)
    is_outlier = np.zeros(len(scores), dtype=bool)
    bounds = np.searchsorted(index, np.arange(len(wnids) + 1))
    subclasses = []
    for position, wnid in enumerate(wnids):
        here = slice(bounds[position], bounds[position + 1])
        found = iqr_outliers(scores[here], settings.factor, settings.tails, settings.smallest)
        is_outlier[here] = found.is_outlier
        subclasses.append(_statistics(superclass, wnid, similarities[here], scores[here], is_outlier[here], settings))
    return SuperclassScores(
        run_id, superclass, tuple(subclasses), index, image_ids, similarities, scores, is_outlier, bool(caught)
    )


def _statistics(
    superclass: str,
    wnid: str,
    similarities: NDArray[np.float32],
    scores: NDArray[np.float64],
    is_outlier: NDArray[np.bool_],
    settings: ScoreSettings,
) -> SubclassStatistics:
    counted = slice(None) if settings.mean_kind == "with_outliers" else ~is_outlier
    return SubclassStatistics(
        superclass=superclass,
        wnid=wnid,
        images=len(scores),
        outliers=int(np.count_nonzero(is_outlier)),
        similarity_mean=mean(similarities[counted]),
        score_mean=mean(scores[counted]),
        score_std=standard_deviation(scores[counted]),
    )
