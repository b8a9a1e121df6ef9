"""The arithmetic of scoring: golden cases, and what must hold for any numbers."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.errors import EngineError
from engine.scoring.formulas import ConstantSuperclass, iqr_outliers, mean, minmax, percentile, standard_deviation
from engine.scoring.prompts import make_prompt
from engine.scoring.similarities import products

EXACT = 1e-12
numbers = arrays.arrays(np.float64, st.integers(1, 40), elements=st.integers(-1000, 1000).map(lambda x: x / 8))


def test_minmax_golden(golden: dict[str, Any]) -> None:
    case = golden["minmax_per_superclass"]
    found = minmax(np.array(case["inputs"]["logits"]))
    np.testing.assert_allclose(found, case["expected"]["normalized"], atol=EXACT, rtol=0)
    with pytest.warns(ConstantSuperclass):
        constant = minmax(np.array(case["inputs"]["constant"]))
    assert constant.tolist() == case["expected"]["constant"]


@pytest.mark.parametrize("name", ["iqr_outliers_n9", "iqr_fence_is_inclusive", "iqr_n1", "iqr_zero_iqr"])
def test_outliers_golden(golden: dict[str, Any], name: str) -> None:
    case = golden[name]
    expected = case["expected"]
    found = iqr_outliers(np.array(case["inputs"]["x"]), case["inputs"]["k"])
    assert found.is_outlier.tolist() == expected["outlier"]
    assert found.lower_quartile == pytest.approx(expected["q1"], abs=EXACT)
    assert found.upper_quartile == pytest.approx(expected["q3"], abs=EXACT)
    assert found.lower_fence == pytest.approx(expected["low"], abs=EXACT)
    assert found.upper_fence == pytest.approx(expected["high"], abs=EXACT)


def test_the_whole_chain_golden(golden: dict[str, Any]) -> None:
    case = golden["engine_end_to_end_one_superclass"]
    logits = case["inputs"]["logits"]["crane"]
    scores = minmax(np.concatenate([np.array(values, dtype=np.float64) for values in logits.values()]))
    start = 0
    for name, values in logits.items():
        mine = scores[start : start + len(values)]
        start += len(values)
        np.testing.assert_allclose(mine, case["expected"]["normalized"][name], atol=EXACT, rtol=0)
        found = iqr_outliers(mine, smallest=1)
        assert found.is_outlier.tolist() == case["expected"]["outliers"][name]
        assert mean(mine) == pytest.approx(case["expected"]["mean_with_outliers(reference)"][name], abs=EXACT)
        kept = mine[~found.is_outlier]
        assert mean(kept) == pytest.approx(case["expected"]["mean_without_outliers(proposal)"][name], abs=EXACT)


def test_few_pictures_are_not_judged_unless_the_reference_is_wanted() -> None:
    three = np.array([0.0, 1.0, 100.0])
    # Quartiles 0.5 and 50.5: with a factor of 0.9 the fences are -44.5 and 95.5.
    assert iqr_outliers(three, factor=0.9).is_outlier.tolist() == [False, False, False]
    assert iqr_outliers(three, factor=0.9, smallest=1).is_outlier.tolist() == [False, False, True]


def test_very_good_pictures_stay_when_only_the_low_tail_is_judged() -> None:
    values = np.array([0.5, 0.52, 0.54, 0.55, 0.56, 0.58, 0.6, 0.95, 0.05])
    assert np.flatnonzero(iqr_outliers(values, tails="low").is_outlier).tolist() == [8]


def test_mean_and_deviation_of_few() -> None:
    assert mean(np.array([])) is None
    assert standard_deviation(np.array([0.4])) is None
    assert standard_deviation(np.array([1.0, 2.0, 4.0])) == pytest.approx((7 / 3) ** 0.5, abs=EXACT)
    assert minmax(np.array([], dtype=np.float32)).dtype == np.float64
    with pytest.raises(ValueError, match="without pictures"):
        iqr_outliers(np.array([]))


@given(numbers, st.floats(0, 1))
def test_percentiles_are_numpys_to_the_bit(values: np.ndarray, share: float) -> None:
    assert percentile(np.sort(values), share) == np.percentile(values, share * 100, method="linear") or (
        percentile(np.sort(values), share) == np.quantile(values, share, method="linear")
    )


@given(numbers, st.integers(1, 64), st.integers(-500, 500))
def test_scores_do_not_depend_on_scale_and_origin(values: np.ndarray, scale: int, shift: int) -> None:
    # Powers of two and eighths keep every product and sum exact, so that nothing but the formula is compared.
    factor = 2.0 ** (scale % 7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantSuperclass)
        plain, moved = minmax(values), minmax(values * factor + shift)
    np.testing.assert_allclose(moved, plain, atol=EXACT, rtol=0)
    assert plain.min() == 0
    assert plain.max() in (0, 1)
    flags = iqr_outliers(values).is_outlier
    assert iqr_outliers(values * factor + shift).is_outlier.tolist() == flags.tolist()
    assert iqr_outliers(-values).is_outlier.tolist() == flags.tolist()


@given(numbers, st.randoms(use_true_random=False))
def test_outliers_do_not_depend_on_the_order(values: np.ndarray, chance: Any) -> None:
    order = list(range(len(values)))
    chance.shuffle(order)
    flags = iqr_outliers(values).is_outlier
    assert iqr_outliers(values[order]).is_outlier.tolist() == flags[order].tolist()
    assert not flags[(values >= np.quantile(values, 0.25)) & (values <= np.quantile(values, 0.75))].any()
    low = iqr_outliers(values, tails="low").is_outlier
    assert not (low & ~flags).any()


def test_the_formulas_run_on_other_arrays() -> None:
    torch = pytest.importorskip("torch")
    values = [0.5, 0.52, 0.54, 0.55, 0.56, 0.58, 0.6, 0.95, 0.05]
    of_torch, of_numpy = torch.tensor(values, dtype=torch.float64), np.array(values)
    np.testing.assert_allclose(minmax(of_torch).numpy(), minmax(of_numpy), atol=EXACT, rtol=0)
    assert iqr_outliers(of_torch).is_outlier.tolist() == iqr_outliers(of_numpy).is_outlier.tolist()
    assert mean(of_torch) == pytest.approx(mean(of_numpy), abs=EXACT)
    assert standard_deviation(of_torch) == pytest.approx(standard_deviation(of_numpy), abs=EXACT)


def test_prompts() -> None:
    assert make_prompt("a photo of a {}", "bow_tie") == "a photo of a bow tie"
    assert make_prompt("{}", "bow_tie", keep_underscores=True) == "bow_tie"
    assert make_prompt("{} or {}", "odd {} name") == "odd {} name or odd {} name"
    with pytest.raises(EngineError, match=r"has no \{\}"):
        make_prompt("a photo", "dog")


def test_a_product_depends_on_its_two_vectors_only() -> None:
    rng = np.random.default_rng(5)
    images = rng.normal(size=(1000, 512)).astype(np.float16)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    text = rng.normal(size=512).astype(np.float32)
    text /= np.linalg.norm(text)
    together = products(images, text)
    assert together.dtype == np.float32
    assert all(products(images[row : row + 1], text)[0] == together[row] for row in range(0, 1000, 37))
    assert np.array_equal(products(images[3:500], text), together[3:500])
    np.testing.assert_allclose(together, images.astype(np.float64) @ text.astype(np.float64), atol=2e-7)
