"""Who stays of several pictures that are alike, by every rule, and which pairs count."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineError
from engine.likeness.hashes import MOST, Hashed, near_pairs
from engine.likeness.neighbours import Neighbours
from engine.review.duplicates import Comparison, Duplicate, Keep, Rule
from store.review.duplicates import RivalPicture

FEATURES = 0b1111 << 20  # a hash with fewer bits is of a picture without features


def rival(image_id: int, name: str, depth: int | None = 1, similarity: float | None = 0.2) -> RivalPicture:
    wnid = name.partition("_")[0]
    return RivalPicture(image_id, "root", "/data", f"{wnid}/{name}.jpg", wnid, depth, similarity)


def comparison(
    pictures: Sequence[RivalPicture],
    content: Sequence[int] | None = None,
    hashes: Sequence[int] | None = None,
    pixels: Sequence[float] | None = None,
    cosines: dict[tuple[int, int], float] | None = None,
    splits: Sequence[str | None] | None = None,
    has_run: bool = True,
) -> Comparison:
    """Of pictures that have nothing in common but what is given."""
    count = len(pictures)
    far = [FEATURES | 0xFF << 8 * (place % 8) | place << 30 for place in range(count)]
    hashed = np.array(hashes if hashes is not None else far, np.uint64)
    close = near_pairs(hashed, MOST) if hashes is not None else near_pairs(hashed[:0], MOST)
    pairs = list(cosines or {})
    return Comparison(
        listed=count, compared=count, unreadable=0, embedded=count, compared_by_embedding=count, pictures=pictures,
        splits=list(splits or [None] * count),
        content=np.array(content if content is not None else range(count), np.int64),
        hashes=hashed, has_hash=np.ones(count, np.bool_),
        pixels=np.array(pixels if pixels is not None else [100.0] * count), close=close,
        near=Neighbours(
            np.array([one for one, _ in pairs], np.int64), np.array([other for _, other in pairs], np.int64),
            np.array(list((cosines or {}).values()), np.float32),
        ),
        has_run=has_run, hashed=Hashed(np.arange(count), hashed, close),
    )  # fmt: skip


def settled(compared: Comparison, **rule: Any) -> list[tuple[int, int]]:
    """(stays, goes) by image_id."""
    return [(one.stays, one.goes) for one in found(compared, **rule)]


def found(compared: Comparison, **rule: Any) -> list[Duplicate]:
    return compared.duplicates(compared.settle(Rule(**rule)))


@pytest.mark.parametrize(
    ("keep", "stays"), [("nearest", 2), ("score", 3), ("larger", 4), ("first", 1)], ids=lambda value: str(value)
)
def test_each_rule_keeps_another_one(keep: Keep, stays: int) -> None:
    pictures = [
        rival(1, "n1_a", depth=3, similarity=0.1), rival(2, "n1_b", depth=1, similarity=0.2),
        rival(3, "n2_c", depth=2, similarity=0.3), rival(4, "n2_d", depth=4, similarity=0.05),
    ]  # fmt: skip
    compared = comparison(pictures, content=[0, 0, 0, 0], pixels=[100, 100, 100, 400])
    assert sorted(settled(compared, keep=keep)) == [(stays, goes) for goes in range(1, 5) if goes != stays]


def test_what_a_rule_has_nothing_to_go_by_for_comes_last() -> None:
    pictures = [rival(1, "n1_a", depth=None, similarity=None), rival(2, "n1_b", depth=9, similarity=-0.5)]
    compared = comparison(pictures, content=[0, 0], pixels=[np.inf, 10])
    for keep in ("nearest", "score", "larger"):
        assert settled(compared, keep=keep) == [(2, 1)]


def test_of_equal_ones_a_scored_picture_stays_and_then_the_first_by_path() -> None:
    pictures = [rival(1, "n1_b", similarity=None), rival(2, "n1_c"), rival(3, "n1_a", similarity=None)]
    compared = comparison(pictures, content=[0, 0, 0])
    assert sorted(settled(compared, keep="larger")) == [(2, 1), (2, 3)]
    assert sorted(settled(compared, keep="first")) == [(3, 1), (3, 2)]


def test_thresholds_let_more_pairs_count() -> None:
    one = FEATURES | 0xF0F0_0000_0000
    compared = comparison(
        [rival(number, f"n1_{number}") for number in range(1, 6)],
        hashes=[one, one ^ 0b11, one ^ 0b1111100, FEATURES ^ 0xFFFF << 44, 0xABCD << 3],
        cosines={(0, 3): 0.93, (3, 4): 0.99},
    )
    assert settled(compared) == []
    assert settled(compared, near=2) == [(1, 2)]
    assert settled(compared, near=5) == [(1, 2), (1, 3)]
    assert settled(compared, cosine=0.98) == [(4, 5)]
    # 4 now goes for 1, and so stands for nobody: 5 is like 4 alone.
    assert settled(compared, cosine=0.92) == [(1, 4)]
    (first, second) = found(compared, near=2, cosine=0.92)
    assert (first.kind, first.distance, first.cosine) == ("near", 2, None)
    assert second.kind == "embedding"
    assert second.cosine == pytest.approx(0.93)


def test_only_pairs_across_lists_or_synsets_or_within_a_list() -> None:
    pictures = [rival(1, "n1_a"), rival(2, "n1_b"), rival(3, "n2_c"), rival(4, "n2_d"), rival(5, "n2_e")]
    compared = comparison(pictures, content=[0] * 5, splits=["train", "train", "hard", "hard", None])
    assert len(settled(compared)) == 4
    assert sorted(settled(compared, across="splits")) == [(1, 3), (1, 4)]
    assert sorted(settled(compared, across="synsets")) == [(1, 3), (1, 4), (1, 5)]
    assert sorted(settled(compared, across="within")) == [(1, 2), (3, 4)]
    assert [one.is_across_splits for one in found(compared, across="splits")] == [True, True]
    assert compared.settle(Rule()).across_splits == 2


def test_turning_a_pair_keeps_the_other_one() -> None:
    (pair,) = found(comparison([rival(1, "n1_a"), rival(2, "n2_b")], content=[0, 0], splits=["easy", "hard"]))
    turned = pair.turned()
    assert (turned.stays, turned.stays_wnid, turned.stays_split) == (2, "n2", "hard")
    assert (turned.goes, turned.goes_wnid, turned.goes_split) == (1, "n1", "easy")
    assert turned.turned() == pair


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Rule(near=8), "0 to 7 of 64 bits, not in 8"),
        (Rule(near=-1), "0 to 7 of 64 bits, not in -1"),
        (Rule(cosine=0.5), "from a cosine of 0.9 to 1, not 0.5"),
        (Rule(cosine=1.5), "from a cosine of 0.9 to 1, not 1.5"),
        (Rule(keep="score"), "no scoring run to keep pictures by"),
    ],
    ids=str,
)
def test_rules_that_cannot_be_are_refused(rule: Rule, message: str) -> None:
    compared = comparison([rival(1, "n1_a"), rival(2, "n1_b")], content=[0, 0], has_run=False)
    with pytest.raises(EngineError, match=message):
        compared.settle(rule)


def test_nothing_compared_is_nothing_to_settle() -> None:
    compared = comparison([])
    assert len(compared.settle(Rule(near=7, cosine=0.9, across="within"))) == 0
    assert found(compared) == []
