"""Sweeps against single scores in float64 with the same grouping."""

import numpy as np
import pytest

from engine.errors import EngineError
from engine.evaluation.formulas import Grouping, neglabel
from engine.evaluation.passes import normalised
from engine.evaluation.sweeps.choosing import choose
from engine.evaluation.sweeps.grid import Grid, Point, check_grid, fine_order, preview_rows, sweep_results, sweep_scores


def unit(rows: int, d: int, seed: int) -> np.ndarray:
    return normalised(np.random.default_rng(seed).normal(size=(rows, d)).astype(np.float32))


@pytest.fixture(scope="module")
def arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return unit(30, 16, 1), unit(5, 16, 2), unit(97, 16, 3)


def test_every_setting_equals_its_own_score(arrays: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    images, labels, negatives = arrays
    grid = Grid(counts=(23, 60, 97), groups=(1, 2, 10), temperatures=(0.005, 0.01, 1.0))
    found = sweep_scores(images, labels, negatives, grid, seed=4)
    assert found.shape == (27, 30)
    fine = fine_order(97, grid.fine_groups(), 4)
    exact = images.astype(np.float64)
    for row, point in enumerate(grid.points()):
        per_group = []
        for group in range(point.groups):
            size = grid.fine_groups() // point.groups
            members = np.flatnonzero((fine[: point.count] // size) == group)
            one = neglabel(exact @ labels.T, exact @ negatives[members].T, point.temperature, Grouping(1))
            per_group.append(one)
        # float32 products: their rounding counts more the lower the temperature.
        tolerance = 2e-8 / point.temperature + 2e-6
        np.testing.assert_allclose(found[row], np.mean(per_group, axis=0), atol=tolerance, rtol=0)


def test_labels_are_spread_evenly() -> None:
    counts = np.bincount(fine_order(1_050, 100, 0), minlength=100)
    assert counts.min() >= 10
    assert counts.max() <= 11


def test_results_have_the_numbers_of_worked_scores() -> None:
    inside = np.array([[0.9, 0.8, 0.7, 0.6]], dtype=np.float32)
    outside = {"far": np.array([[0.95, 0.1, 0.2, 0.3]], dtype=np.float32)}
    (row,) = sweep_results([Point(0.01, 10, 1)], inside, outside)
    assert (row.auroc, row.fpr95_id_positive, row.fpr95_ood_positive) == (0.75, 0.25, 1.0)
    assert row.auroc_low <= 0.75 <= row.auroc_high


def test_the_best_setting_is_reported_on_the_other_half() -> None:
    generator = np.random.default_rng(0)
    shift = np.array([[0.0], [2.0], [0.5]])
    inside = (generator.normal(size=(3, 200)) + shift).astype(np.float32)
    outside = {"far": generator.normal(size=(3, 200)).astype(np.float32)}
    points = Grid((10, 20, 30), (1,)).points()
    found = choose(points, inside, outside, seed=1)
    assert found.point == points[1]
    assert found.report[0].n_id == found.report[0].n_ood == 100
    assert found.report[0].auroc != found.validation_auroc
    with pytest.raises(EngineError, match="one picture"):
        choose(points, inside[:, :1], outside, seed=1)


def test_previews_take_small_sets_whole() -> None:
    rows = preview_rows({"id": 50_000, "near": 100, "far": 9_000}, seed=3)
    assert {name: len(chosen) for name, chosen in rows.items()} == {"near": 100, "far": 1_450, "id": 1_450}
    assert (rows["far"] == preview_rows({"id": 50_000, "near": 100, "far": 9_000}, seed=3)["far"]).all()


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (Grid((200,), (1,)), "asks for 200 negative labels, and 97"),
        (Grid((0, 10), (1,)), "no negative labels"),
        (Grid((5,), (10,)), "5 negative labels cannot fill 10 groups"),
        (Grid((90,), (7, 11, 13, 17)), "no common multiple"),
        (Grid((90,), (1,), (0.0,)), "temperature of 0"),
        (Grid((), (1,)), "at least one value"),
    ],
)
def test_impossible_grids_are_refused(grid: Grid, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        check_grid(grid, 97)
