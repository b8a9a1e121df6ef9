"""Choosing one setting of a sweep on a half of the pictures, and judging it on the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.numbers.metrics import RankedScores
from engine.evaluation.sweeps.grid import Point, SweepResult, sweep_results


def halves(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two halves of n pictures, seeded: one to choose a setting on, one to report it on.

    Raises: EngineError for fewer than two pictures.
    """
    if n < 2:
        raise EngineError("A set of one picture cannot be halved.", "Choose the setting by hand.")
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best setting on one half of every set, and its numbers on the other.

    Attributes:
        point: the setting.
        validation_auroc: mean over the OOD sets on the half that chose it.
        report: its numbers on the other half, one row an OOD set.
    """

    point: Point
    validation_auroc: float
    report: tuple[SweepResult, ...]


def choose(
    points: Sequence[Point], of_id: NDArray[np.float32], of_ood: Mapping[str, NDArray[np.float32]], seed: int
) -> Chosen:
    """The setting with the best mean AUROC on a validation half; ties go to the first.

    Raises: EngineError when a set is too small to be halved.
    """
    parts = {name: halves(scores.shape[1], seed) for name, scores in of_ood.items()}
    id_parts = halves(of_id.shape[1], seed)
    means = []
    for row in range(len(points)):
        ranked = RankedScores(of_id[row, id_parts[0]].astype(np.float64))
        means.append(np.mean([ranked.auroc(of_ood[n][row, part[0]].astype(np.float64)) for n, part in parts.items()]))
    best = int(np.argmax(means))
    held_out = {name: of_ood[name][best : best + 1, part[1]] for name, part in parts.items()}
    report = tuple(sweep_results([points[best]], of_id[best : best + 1, id_parts[1]], held_out, seed))
    return Chosen(points[best], float(means[best]), report)
