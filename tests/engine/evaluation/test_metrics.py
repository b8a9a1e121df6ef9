"""Metrics against the golden cases, against scikit-learn, and under the laws that they obey."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from engine.errors import EngineError
from engine.evaluation.numbers.bootstrap import (
    bin_counts,
    detection_intervals,
    mean_intervals,
    metrics_of_counts,
    paired_differences,
    share_interval,
)
from engine.evaluation.numbers.calibration import calibrate, calibration_part
from engine.evaluation.numbers.metrics import DetectionMetrics, RankedScores, detection_metrics, roc_points
from engine.evaluation.numbers.statistics import intra_class_variance_threshold, wilson_interval

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "golden.json").read_text())
METRIC_CASES = sorted(name for name in GOLDEN if name.startswith("metrics_"))
GOLDEN_NAMES = {
    "auroc": "auroc",
    "fpr95_idpos_strict": "fpr95_id_positive",
    "threshold_idpos_strict": "threshold_id_positive",
    "fpr95_idpos_nearest(reference)": "fpr95_id_positive_nearest",
    "recall_used_by_nearest": "recall_of_nearest",
    "fpr95_oodpos(OpenOOD)": "fpr95_ood_positive",
    "threshold_oodpos_on_conf": "threshold_ood_positive",
    "aupr_in_ap": "aupr_in",
    "aupr_out_ap": "aupr_out",
    "aupr_in_trapezoid(OpenOOD)": "aupr_in_trapezoid",
    "aupr_out_trapezoid(OpenOOD)": "aupr_out_trapezoid",
    "fpr95_oodpos_sklearn_drop_intermediate": "fpr95_ood_positive_thinned",
}

tied = st.lists(st.integers(0, 12).map(lambda k: k / 10), min_size=1, max_size=60)


@pytest.mark.parametrize("case", METRIC_CASES)
def test_golden(case: str) -> None:
    inputs, expected = GOLDEN[case]["inputs"], GOLDEN[case]["expected"]
    found = detection_metrics(inputs["id"], inputs["ood"])
    for golden_name, name in GOLDEN_NAMES.items():
        if golden_name in expected:
            assert getattr(found, name) == pytest.approx(expected[golden_name], abs=1e-12), name


def test_the_golden_file_holds_all_the_metric_cases() -> None:
    assert len(METRIC_CASES) == 7


@given(tied, tied)
@settings(max_examples=300, deadline=None)
def test_conventions_of_other_code_on_tied_scores(of_id: list[float], of_ood: list[float]) -> None:
    inside, outside = np.array(of_id), np.array(of_ood)
    found = detection_metrics(inside, outside)
    _as_scikit_learn(found, inside, outside)
    _as_neglabel(found, inside, outside)


def _as_scikit_learn(found: DetectionMetrics, inside: np.ndarray, outside: np.ndarray) -> None:
    scores = np.concatenate([inside, outside])
    is_id = np.concatenate([np.ones(len(inside)), np.zeros(len(outside))])
    assert found.auroc == pytest.approx(roc_auc_score(is_id, scores), abs=1e-9)
    assert found.aupr_in == pytest.approx(average_precision_score(is_id, scores), abs=1e-9)
    assert found.aupr_out == pytest.approx(average_precision_score(1 - is_id, -scores), abs=1e-9)
    # OpenOOD v1.5 and pytorch-ood: trapezoids, OOD positive, the first point that catches 95 %.
    precision, recall, _ = precision_recall_curve(1 - is_id, -scores)
    assert found.aupr_out_trapezoid == pytest.approx(auc(recall, precision), abs=1e-9)
    precision, recall, _ = precision_recall_curve(is_id, scores)
    assert found.aupr_in_trapezoid == pytest.approx(auc(recall, precision), abs=1e-9)
    rejected, caught, _ = roc_curve(1 - is_id, -scores, drop_intermediate=False)
    assert found.fpr95_ood_positive == pytest.approx(rejected[np.argmax(caught >= 0.95)], abs=1e-9)
    rejected, caught, _ = roc_curve(1 - is_id, -scores)
    assert found.fpr95_ood_positive_thinned == pytest.approx(rejected[np.argmax(caught >= 0.95)], abs=1e-9)
    accepted, kept, _ = roc_curve(is_id, scores, drop_intermediate=False)
    assert found.fpr95_id_positive == pytest.approx(accepted[np.argmax(kept >= 0.95)], abs=1e-9)


def _as_neglabel(found: DetectionMetrics, inside: np.ndarray, outside: np.ndarray) -> None:
    # Walks down the distinct scores by hand, as the function that NegLabel took over from earlier work does.
    points = []
    for threshold in sorted({*inside, *outside}, reverse=True):
        points.append((float((inside >= threshold).mean()), float((outside >= threshold).mean())))
        if points[-1][0] == 1.0:
            break
    candidates = [*reversed(points), (1.0, 0.0)]
    gaps = [abs(recall - 0.95) for recall, _ in candidates]
    assert found.fpr95_id_positive_nearest == pytest.approx(candidates[gaps.index(min(gaps))][1], abs=1e-9)


@given(tied, tied)
@settings(max_examples=100, deadline=None)
def test_auroc_knows_only_the_order_and_turns_around(of_id: list[float], of_ood: list[float]) -> None:
    inside, outside = np.array(of_id), np.array(of_ood)
    found = RankedScores(inside).auroc(outside)
    assert RankedScores(np.exp(3 * inside)).auroc(np.exp(3 * outside)) == pytest.approx(found, abs=1e-12)
    assert RankedScores(-inside).auroc(-outside) == pytest.approx(1 - found, abs=1e-12)


def test_the_two_conventions_are_mirror_images() -> None:
    inside, outside = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.95, 0.1, 0.2, 0.3])
    assert RankedScores(inside).fpr_id_positive(outside).fpr == 0.25
    assert RankedScores(inside).fpr_ood_positive(outside).fpr == 1.0
    assert RankedScores(-outside).fpr_id_positive(-inside).fpr == 1.0


@pytest.mark.parametrize(("of_id", "of_ood", "name"), [([], [0.5], "birds"), ([0.5], [], "places")])
def test_an_empty_set_is_named(of_id: list[float], of_ood: list[float], name: str) -> None:
    with pytest.raises(EngineError, match=f"set {name} is empty"):
        detection_metrics(of_id, of_ood, "birds", "places")


def test_a_score_that_is_no_number_is_named() -> None:
    with pytest.raises(EngineError, match="places has 2 scores that are no numbers, the first at row 1"):
        detection_metrics([0.5], [0.1, float("nan"), float("inf")], "birds", "places")


@given(tied, tied)
@settings(max_examples=100, deadline=None)
def test_counts_give_the_same_numbers_as_the_scores(of_id: list[float], of_ood: list[float]) -> None:
    inside, outside = np.array(of_id), np.array(of_ood)
    id_counts, ood_counts = bin_counts(inside, outside)
    exact = detection_metrics(inside, outside)
    for name, values in metrics_of_counts(id_counts[None], ood_counts[None]).items():
        assert values[0] == pytest.approx(getattr(exact, name), abs=1e-9), name


def test_intervals_cover_the_spread_of_fresh_samples() -> None:
    # AUROC of N(1, 1) against N(0, 1) is Phi(1 / sqrt 2) = 0.7602; 400 and 300 pictures give a deviation of 0.018.
    generator = np.random.default_rng(7)
    inside, outside = generator.normal(1, 1, 400), generator.normal(0, 1, 300)
    interval = detection_intervals(inside, outside, seed=1)["auroc"]
    assert interval.low < 0.7602 < interval.high
    assert interval.high - interval.low == pytest.approx(4 * 0.0178, rel=0.2)


def test_intervals_are_seeded_and_binning_changes_them_little() -> None:
    generator = np.random.default_rng(3)
    inside, outside = generator.normal(1, 1, 6000), generator.normal(0, 1, 4000)
    first, again = detection_intervals(inside, outside, seed=5), detection_intervals(inside, outside, seed=5)
    fine = detection_intervals(inside, outside, seed=5, bins=20_000)
    assert first == again
    assert first["auroc"].low == pytest.approx(fine["auroc"].low, abs=1e-3)
    assert first["fpr95_id_positive"].high == pytest.approx(fine["fpr95_id_positive"].high, abs=6e-3)


def test_the_interval_of_a_mean_over_one_set_is_that_of_the_set() -> None:
    generator = np.random.default_rng(5)
    inside, outside = generator.normal(1, 1, 300), generator.normal(0, 1, 200)
    assert mean_intervals([inside], [outside], seed=3) == detection_intervals(inside, outside, seed=3)


@pytest.mark.parametrize("is_stream", [False, True])
def test_intervals_of_means_follow_resampled_pictures(is_stream: bool) -> None:
    """Beside a plain bootstrap that draws pictures: the ID pictures are the same for all sets, the OOD sets are not."""
    generator = np.random.default_rng(8)
    inside = [generator.normal(1, 1, 250)] * 3
    if is_stream:  # each stream scores the same pictures a little differently
        inside = [scores + generator.normal(0, 0.05, 250) for scores in inside]
    outside = [generator.normal(mean, 1, size) for mean, size in ((0.0, 80), (0.3, 150), (-0.5, 60))]
    found = mean_intervals(inside, outside, seed=1)["auroc"]
    drawn = []
    for _ in range(1_500):
        rows = generator.integers(250, size=250)
        picked = [scores[generator.integers(len(scores), size=len(scores))] for scores in outside]
        values = [RankedScores(one[rows]).auroc(other) for one, other in zip(inside, picked, strict=True)]
        drawn.append(np.mean(values))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.006)
    assert found.high == pytest.approx(high, abs=0.006)
    single = detection_intervals(inside[0], outside[0], seed=1)["auroc"]
    assert found.high - found.low < single.high - single.low


def test_interval_of_a_share() -> None:
    interval = share_interval(np.arange(1000) < 900)
    assert interval.low == pytest.approx(0.9 - 1.96 * 0.0095, abs=0.003)


def test_paired_differences_see_that_two_runs_share_their_pictures() -> None:
    generator = np.random.default_rng(11)
    inside, outside = generator.normal(1, 1, 300), generator.normal(0, 1, 300)
    better = (inside + 0.15, outside)
    auroc = next(row for row in paired_differences((inside, outside), better, resamples=200) if row.metric == "auroc")
    same = next(row for row in paired_differences((inside, outside), (inside, outside), resamples=50))
    assert auroc.low > 0
    assert auroc.p_value == pytest.approx(1 / 200)
    assert (same.difference, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_calibration_keeps_what_was_asked_for() -> None:
    found = calibrate(np.arange(20) / 20)
    assert found.threshold == 0.05
    assert found.kept == 0.95
    assert "on 20 pictures only" in found.warning
    assert calibrate(np.arange(400.0)).warning == ""
    with pytest.raises(EngineError, match="a share of 0"):
        calibrate([1.0], 0.0)


def test_a_threshold_from_199_pictures_is_warned_of_and_one_from_200_is_not() -> None:
    scores = np.linspace(0, 1, 200)
    few = calibrate(scores[1:])
    assert few.warning.startswith("Calibrated on 199 pictures only, fewer than 200")
    assert f"{few.low:.1%} to {few.high:.1%}" in few.warning
    assert calibrate(scores).warning == ""


def test_calibration_part_is_seeded_and_refuses_an_empty_half() -> None:
    part = calibration_part(10, 0.3, seed=4)
    assert part.sum() == 3
    assert (part == calibration_part(10, 0.3, seed=4)).all()
    with pytest.raises(EngineError, match="one part empty"):
        calibration_part(1, 0.5, seed=0)


def test_wilson_interval_of_19_in_20() -> None:
    # Worked by hand from the formula with z = 1.96.
    low, high = wilson_interval(19, 20)
    assert (round(low, 4), round(high, 4)) == (0.7639, 0.9911)


def test_intra_class_variance_threshold_golden() -> None:
    case = GOLDEN["intra_class_variance_threshold"]
    found = intra_class_variance_threshold(np.array(case["inputs"]["scores"]))
    assert found == pytest.approx(case["expected"]["threshold(middle)"], abs=1e-12)
    assert intra_class_variance_threshold(np.full(4, 0.505)) == 0.505


def test_roc_points_run_from_corner_to_corner() -> None:
    generator = np.random.default_rng(0)
    accepted, kept = roc_points(generator.normal(1, 1, 5000), generator.normal(0, 1, 5000), most=100)
    assert (accepted[0], kept[0], accepted[-1], kept[-1]) == (0, 0, 1, 1)
    assert len(accepted) <= 100
