"""Numbers on pictures with several valid labels."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.labels.decomposition import decompose
from engine.labels.numbers import PictureNumbers, TruthTable, aggregate, judge, ranked_classes, report, subgroups

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "golden.json").read_text())["asma_6_images"]


@pytest.fixture
def golden_numbers() -> PictureNumbers:
    inputs = GOLDEN["inputs"]
    names = list(inputs["ranked_predictions"])
    return judge(
        np.asarray([inputs["ranked_predictions"][name] for name in names]),
        np.asarray([inputs["single_label"][name] for name in names]),
        TruthTable.of([inputs["multi_label"][name] for name in names]),
    )


def test_golden_case(golden_numbers: PictureNumbers) -> None:
    expected = GOLDEN["expected"]
    found = report(golden_numbers)
    assert found.top1 == pytest.approx(expected["top1_all6"], abs=1e-12)
    assert found.top1_with_label == pytest.approx(expected["top1_on_5_nonempty"], abs=1e-12)
    assert found.real_accuracy == pytest.approx(expected["real_accuracy"], abs=1e-12)
    assert found.multi_label_share == pytest.approx(expected["multi_label_share_nonempty"], abs=1e-12)
    assert found.aggregates["macro_recall"] == pytest.approx(expected["asma_macro_recall(default)"], abs=1e-12)
    assert found.aggregates["macro_exact"] == pytest.approx(expected["asma_macro_exact"], abs=1e-12)
    assert found.aggregates["weighted_recall"] == pytest.approx(expected["asma_weighted_recall"], abs=1e-12)
    assert found.aggregates["multi_only_recall"] == pytest.approx(expected["asma_multi_only_macro(k>=2)"], abs=1e-12)
    assert {group.labels: group.images for group in found.subgroups} == expected["subgroup_sizes"]
    for name, key in (("recall", "subgroup_recall"), ("exact", "subgroup_exact"), ("real_accuracy", "subgroup_real")):
        assert {group.labels: getattr(group, name) for group in found.subgroups} == pytest.approx(expected[key])
    recalls = [value for value in golden_numbers.recall if not np.isnan(value)]
    assert recalls == pytest.approx(list(expected["variable_topk_recall_per_image"].values()), abs=1e-12)
    assert [int(e) for e, k in zip(golden_numbers.exact, golden_numbers.sizes, strict=True) if k] == list(
        expected["exact_per_image"].values()
    )


def test_small_groups_are_merged_for_display_only(golden_numbers: PictureNumbers) -> None:
    shown = subgroups(golden_numbers, smallest=2)
    assert [(group.labels, group.images) for group in shown] == [("1", 2), ("2", 2), ("3", 1)]
    shown = subgroups(golden_numbers, smallest=3)
    assert [(group.labels, group.images) for group in shown] == [("1+", 5)]
    assert shown[0].recall == pytest.approx((1 + 1 + 0.5 + 2 / 3 + 1) / 5)


def test_repeated_labels_count_once() -> None:
    numbers = judge(np.asarray([[1, 2, 3]]), np.asarray([1]), TruthTable.of([[2, 1, 2]]))
    assert numbers.sizes.tolist() == [2]
    assert numbers.recall.tolist() == [1.0]


def test_rankings_that_are_too_short_are_refused() -> None:
    with pytest.raises(EngineError, match="3 valid labels"):
        judge(np.asarray([[1, 2]]), np.asarray([1]), TruthTable.of([[1, 2, 3]]))


def test_sets_of_different_length_are_refused() -> None:
    with pytest.raises(EngineError, match="1 predictions, 2 single labels"):
        judge(np.asarray([[1]]), np.asarray([1, 2]), TruthTable.of([[1]]))


def test_no_valid_label_anywhere_gives_no_number() -> None:
    found = report(judge(np.asarray([[1], [2]]), np.asarray([1, 1]), TruthTable.of([[], []])))
    assert found.top1 == 0.5
    assert found.real_accuracy is None
    assert set(found.aggregates.values()) == {None}
    assert found.subgroups == ()


def test_ties_are_ranked_by_class_index_and_nan_is_refused() -> None:
    assert ranked_classes(np.asarray([[0.5, 0.7, 0.7, 0.1]]), 3).tolist() == [[1, 2, 0]]
    with pytest.raises(EngineError, match="row 1"):
        ranked_classes(np.asarray([[0.1, 0.2], [np.nan, 0.3]]), 1)


def _numbers(sizes: list[int], recalls: list[float]) -> PictureNumbers:
    count = np.zeros(len(sizes), dtype=bool)
    return PictureNumbers(np.asarray(sizes), count, count, np.asarray(recalls, dtype=np.float64), count)


class TestDecomposition:
    """The two parts of a drop."""

    def test_a_drop_that_is_all_composition(self) -> None:
        a = _numbers([1] * 90 + [2] * 10, [1.0] * 90 + [0.5] * 10)
        b = _numbers([1] * 50 + [2] * 50, [1.0] * 50 + [0.5] * 50)
        found = decompose(a, b)
        assert found.drop == pytest.approx(0.2, abs=1e-12)
        assert found.composition == pytest.approx(0.2, abs=1e-12)
        assert found.within == pytest.approx(0.0, abs=1e-12)
        assert found.composition_share == pytest.approx(1.0)
        assert found.within_interval == pytest.approx((0.0, 0.0), abs=1e-12)

    def test_a_drop_without_composition(self) -> None:
        a = _numbers([1] * 60 + [2] * 40, [1.0] * 60 + [1.0] * 40)
        b = _numbers([1] * 60 + [2] * 40, [0.0] * 30 + [1.0] * 30 + [0.5] * 40)
        found = decompose(a, b)
        assert found.drop == pytest.approx(0.5, abs=1e-12)
        assert found.composition == pytest.approx(0.0, abs=1e-12)
        assert found.within == pytest.approx(0.5, abs=1e-12)

    def test_a_group_that_one_set_lacks_is_composition(self) -> None:
        found = decompose(_numbers([1, 1], [1.0, 1.0]), _numbers([1, 3], [1.0, 0.0]))
        assert found.drop == pytest.approx(0.5)
        assert found.composition == pytest.approx(0.5)

    def test_a_set_without_labels_is_refused(self) -> None:
        with pytest.raises(EngineError, match="second set"):
            decompose(_numbers([1], [1.0]), _numbers([0], [np.nan]))

    def test_the_sentence_names_both_parts_and_the_caution(self) -> None:
        a = _numbers([1] * 90 + [2] * 10, [1.0] * 90 + [0.5] * 10)
        b = _numbers([1] * 50 + [2] * 50, [1.0] * 50 + [0.5] * 50)
        sentence = decompose(a, b).sentence("validation", "V2")
        assert "falls by 20.0%" in sentence
        assert "labelled by different procedures" in sentence

    @given(
        st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1, max_size=60),
        st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1, max_size=60),
    )
    def test_the_parts_add_up_to_the_drop(self, a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
        numbers = [_numbers([k for k, _ in side], [min(j, k) / k for k, j in side]) for side in (a, b)]
        found = decompose(*numbers, resamples=10)
        assert found.composition + found.within == pytest.approx(found.drop, abs=1e-12)
        assert sum(group.composition + group.within for group in found.groups) == pytest.approx(found.drop, abs=1e-12)


@given(st.integers(1, 5), st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_macro_is_weighted_when_all_groups_have_the_same_size(groups: int, hits: list[int]) -> None:
    sizes = [k for k in range(1, groups + 1) for _ in hits]
    recalls = [min(j, k) / k for k in range(1, groups + 1) for j in hits]
    numbers = _numbers(sizes, recalls)
    assert aggregate(numbers, "macro") == pytest.approx(aggregate(numbers, "weighted"), abs=1e-12)
