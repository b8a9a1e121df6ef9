"""Two runs side by side: paired differences, and which pictures changed sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.numbers.bootstrap import PairedDifference, paired_differences
from engine.evaluation.numbers.metrics import RankedScores
from engine.evaluation.reports.reading import read_scores
from engine.workspace import Workspace
from store.connection import Cursor
from store.evaluation import runs as store


@dataclass(frozen=True, slots=True)
class ChangedPicture:
    """A picture that one run keeps and the other does not, each at its own strict ID-positive threshold."""

    part: str
    path: str
    image_id: int | None
    first: float
    second: float
    kept_by: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences of the second run less the first on the pictures that both have."""

    first: str
    second: str
    part: str
    n_id: int
    n_ood: int
    differences: tuple[PairedDifference, ...]
    changed: tuple[ChangedPicture, ...]
    changed_id: int
    changed_ood: int


@dataclass(frozen=True)
class _Side:
    """One run's scores of one method, by picture."""

    title: str
    of_id: dict[str, dict[str, float]]
    of_ood: dict[str, dict[str, float]]
    image_ids: dict[str, int | None]


def compare(
    workspace: Workspace,
    first: tuple[int, str | None],
    second: tuple[int, str | None],
    resamples: int = 1_000,
    shown: int = 20,
) -> list[Comparison]:
    """Compare two runs (or two methods of one) on each OOD set that both have.

    Args:
        first: number of the run and method; None: its first method.
        second: the same of the other.
        resamples: of the paired bootstrap.
        shown: at most so many changed pictures of each set, those with the largest change first.

    Raises: EngineError when they share no OOD set or no pictures.
    """
    with workspace.opened().reading() as cursor:
        one, other = _side(cursor, *first), _side(cursor, *second)
    names = [name for name in one.of_ood if name in other.of_ood]
    if not names:
        raise EngineError(
            f"{one.title} and {other.title} share no OOD set.",
            f"The first has {', '.join(one.of_ood)}, the second {', '.join(other.of_ood)}.",
        )
    return [_compare_set(one, other, name, resamples, shown) for name in names]


def _side(cursor: Cursor, run_id: int, method: str | None) -> _Side:
    run = store.fetch_evaluation(cursor, run_id)
    if run.kind == "sweep":
        raise EngineError(f"Evaluation {run_id} is a sweep, which keeps no score of each picture.")
    chosen = method or run.methods[0]
    parts = store.fetch_parts(cursor, run_id)
    pictures = store.fetch_pictures(cursor, run_id)
    scores = read_scores(cursor, run_id, chosen)
    paths = {
        part.position: pictures.filter(np.asarray(pictures["part"].to_numpy() == part.position)).to_pylist()
        for part in parts
    }
    # A picture that set one run's threshold would flatter it; it is left out of both.
    paths[0] = [row for row, kept in zip(paths[0], scores.reported, strict=True) if kept]
    of_ood: dict[str, dict[str, float]] = {}
    of_id: dict[str, dict[str, float]] = {}
    ids: dict[str, int | None] = {}
    for part in parts[1:]:
        inside, outside = scores.against(part.position, part.name)
        # An adaptive method gives the ID pictures other scores beside each OOD set.
        of_id[part.name] = {row["path"]: float(score) for row, score in zip(paths[0], inside, strict=True)}
        of_ood[part.name] = {row["path"]: float(s) for row, s in zip(paths[part.position], outside, strict=True)}
        ids |= {row["path"]: row["image_id"] for row in (*paths[0], *paths[part.position])}
    return _Side(f"{run_id} {chosen}", of_id, of_ood, ids)


def _compare_set(one: _Side, other: _Side, name: str, resamples: int, shown: int) -> Comparison:
    id_paths = sorted(one.of_id[name].keys() & other.of_id[name].keys())
    ood_paths = sorted(one.of_ood[name].keys() & other.of_ood[name].keys())
    if not id_paths or not ood_paths:
        raise EngineError(f"{one.title} and {other.title} have no pictures in common for {name}.")
    sides = [(_values(side.of_id[name], id_paths), _values(side.of_ood[name], ood_paths)) for side in (one, other)]
    found = paired_differences(sides[0], sides[1], resamples=resamples)
    changed = []
    for kind, paths in ((0, id_paths), (1, ood_paths)):
        kept = [pair[kind] >= RankedScores(pair[0]).fpr_id_positive(pair[1]).threshold for pair in sides]
        for place in np.flatnonzero(kept[0] != kept[1]):
            path = paths[place]
            by = one.title if kept[0][place] else other.title
            values = float(sides[0][kind][place]), float(sides[1][kind][place])
            changed.append((kind, ChangedPicture("ID" if kind == 0 else name, path, one.image_ids[path], *values, by)))
    ranked = sorted(changed, key=lambda pair: -abs(pair[1].first - pair[1].second))
    counts = [sum(kind == side for kind, _ in changed) for side in (0, 1)]
    return Comparison(
        one.title, other.title, name, len(id_paths), len(ood_paths), tuple(found),
        tuple(picture for _, picture in ranked[:shown]), counts[0], counts[1],
    )  # fmt: skip


def _values(scores: dict[str, float], paths: list[str]) -> NDArray[np.float64]:
    return np.array([scores[path] for path in paths])
