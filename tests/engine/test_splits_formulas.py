"""The percentile rule against NumPy on the written-out values, and the golden cases."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.splits.formulas import (
    Floats,
    Ladder,
    bands_of,
    build_ladder,
    count_bands,
    greedy_thresholds,
    unweighted_thresholds,
    weighted_thresholds,
)

BANDS = ("hard", "easy", "train")
SPLIT_CASES = (
    "split_weighted_5_subclasses",
    "split_interpolated_threshold",
    "split_between_values",
    "split_hard_empty",
    "split_all_train",
    "split_tied_means",
)


def one_superclass(means: list[float], pictures: list[int]) -> Ladder:
    order = np.argsort(means, kind="stable")
    return build_ladder(
        np.zeros(len(means), np.int64), np.asarray(means, np.float64)[order], np.asarray(pictures, np.int64)[order], 1
    )


def ladder_of(superclasses: list[list[tuple[float, int]]]) -> Ladder:
    rows = [(index, mean, pictures) for index, subs in enumerate(superclasses) for mean, pictures in sorted(subs)]
    return build_ladder(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.int64),
        len(superclasses),
    )


def written_out(subs: list[tuple[float, int]]) -> Floats:
    return np.repeat(np.array([mean for mean, _ in subs]), [pictures for _, pictures in subs])


subclasses = st.lists(
    st.tuples(st.floats(0, 1), st.integers(1, 60)), min_size=1, max_size=12
)  # fmt: skip
percentile = st.floats(0.01, 99.99)


@pytest.mark.parametrize("name", SPLIT_CASES)
def test_golden_splits(name: str, golden: dict[str, Any]) -> None:
    inputs, expected = golden[name]["inputs"], golden[name]["expected"]
    ladder = one_superclass(inputs["means"], inputs["counts"])
    thresholds = weighted_thresholds(ladder, np.array([[inputs["p2"], inputs["p1"]]], np.float64))
    assert thresholds.tolist() == [[expected["p20"], expected["p40"]]]
    band = bands_of(ladder, thresholds)
    assert [BANDS[index] for index in band] == expected["assignment"]
    pictures, _ = count_bands(ladder, band, 3)
    assert dict(zip(BANDS, pictures[0].tolist(), strict=True)) == expected["images"]


@given(st.lists(subclasses, min_size=1, max_size=6), st.lists(percentile, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_thresholds_equal_numpys_to_the_bit(superclasses: list[list[tuple[float, int]]], asked: list[float]) -> None:
    ladder = ladder_of(superclasses)
    found = weighted_thresholds(ladder, np.tile(np.array(asked), (len(superclasses), 1)))
    for row, subs in zip(found, superclasses, strict=True):
        assert row.tobytes() == np.array([np.percentile(written_out(subs), p) for p in asked]).tobytes()


@given(subclasses, st.tuples(percentile, percentile).map(sorted))
@settings(max_examples=200, deadline=None)
def test_bands_partition_the_pictures_and_respect_the_thresholds(
    subs: list[tuple[float, int]], asked: list[float]
) -> None:
    ladder = ladder_of([subs])
    thresholds = weighted_thresholds(ladder, np.array([asked]))
    band = bands_of(ladder, thresholds)
    hard, easy = thresholds[0]
    assert np.all(ladder.mean[band == 2] >= easy)
    assert np.all((ladder.mean[band == 1] >= hard) & (ladder.mean[band == 1] < easy))
    assert np.all(ladder.mean[band == 0] < hard)
    pictures, count = count_bands(ladder, band, 3)
    assert pictures.sum() == sum(number for _, number in subs)
    assert count.sum() == len(subs)
    assert count[0, 2] >= 1  # the highest mean always reaches every threshold


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), min_size=2, max_size=10),
    st.sampled_from([0.5, 2.0, 4.0]),
    st.integers(-3, 3),
)
@settings(max_examples=200, deadline=None)
def test_a_positive_affine_map_of_the_scores_moves_no_subclass(
    subs: list[tuple[int, int]], scale: float, shift: int
) -> None:
    # Sixteenths, powers of two and whole numbers are exact in binary, so that no rounding hides behind the claim.
    asked = np.array([[20.0, 40.0]])
    here = ladder_of([[(value / 16, number) for value, number in subs]])
    there = ladder_of([[(value / 16 * scale + shift, number) for value, number in subs]])
    bands = [bands_of(ladder, np.round(weighted_thresholds(ladder, asked), 12)) for ladder in (here, there)]
    assert bands[0].tolist() == bands[1].tolist()


def test_greedy_fills_every_band_where_there_are_means_enough() -> None:
    mean, pictures = np.array([0.3, 0.5, 0.7]), np.array([30, 30, 40])
    assert greedy_thresholds(mean, pictures, (20, 40)).tolist() == [0.5, 0.7]  # hard 30, easy 30, train 40
    # hard takes 10 + 15 >= 20, easy 30 more >= 40, the rest is train
    assert greedy_thresholds(np.array([0.1, 0.2, 0.3, 0.4]), np.array([10, 15, 30, 45]), (20, 40)).tolist() == [
        0.3,
        0.4,
    ]
    assert greedy_thresholds(np.array([0.3, 0.6]), np.array([50, 50]), (20, 40)).tolist() == [0.3, 0.6]
    assert greedy_thresholds(np.array([0.3]), np.array([5]), (20, 40)).tolist() == [0.3, 0.3]


def test_greedy_keeps_ties_together() -> None:
    thresholds = greedy_thresholds(np.array([0.3, 0.3, 0.5, 0.7]), np.array([10, 10, 30, 50]), (20, 40))
    assert thresholds.tolist() == [0.5, 0.7]


def test_unweighted_counts_each_subclass_once() -> None:
    # five means: the 20th percentile stands at 0.8 steps, the 40th at 1.6
    found = unweighted_thresholds(np.array([0.0, 0.1, 0.2, 0.3, 0.4]), (20, 40))
    assert found.tolist() == pytest.approx([0.08, 0.16])


def test_rows_out_of_order_are_refused() -> None:
    rows = np.zeros(2, np.int64)
    with pytest.raises(ValueError, match="sorted"):
        build_ladder(rows, np.array([0.5, 0.4]), np.array([1, 1]), 1)
    with pytest.raises(ValueError, match="picture"):
        build_ladder(rows, np.array([0.4, 0.5]), np.array([1, 0]), 1)
    with pytest.raises(ValueError, match="subclass"):
        build_ladder(rows, np.array([0.4, 0.5]), np.array([1, 1]), 2)


def test_56_superclasses_are_retuned_within_a_frame() -> None:
    draw = np.random.default_rng(5)
    superclass = np.repeat(np.arange(56), 25)
    mean = np.sort(draw.random((56, 25)), axis=1).ravel()
    ladder = build_ladder(superclass, mean, draw.integers(200, 2000, 1400), 56)
    asked = np.tile([20.0, 40.0], (56, 1))
    took = []
    for _ in range(21):
        started = time.perf_counter()
        thresholds = weighted_thresholds(ladder, asked)
        count_bands(ladder, bands_of(ladder, thresholds), 3)
        took.append(time.perf_counter() - started)
    assert sorted(took)[10] < 0.016
