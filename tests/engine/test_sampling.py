"""Seeded samples: the same for everybody, pages without repeats, each picture as likely as any other."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.images.sample import sample_images, sample_subtree_images
from store.connection import Store
from tests.picture_roots import BEAGLE, DOG, PAPILLON, SIAMESE, TABBY, put_pictures

COUNTS = {BEAGLE: 23, PAPILLON: 7, TABBY: 16}
together = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def store(tiny_wordnet: Store, tmp_path: Path) -> Store:
    put_pictures(tiny_wordnet, tmp_path, COUNTS)
    return tiny_wordnet


def test_the_order_is_that_of_md5_over_seed_wnid_root_and_path(store: Store) -> None:
    paths = [f"{PAPILLON}/{PAPILLON}_{number}.JPEG" for number in range(7)]
    expected = sorted(paths, key=lambda path: hashlib.md5(f"7/{PAPILLON}/train/{path}".encode()).hexdigest())
    with store.reading() as cursor:
        assert [image.path for image in sample_images(cursor, PAPILLON, 4, seed=7)] == expected[:4]
        assert [image.path for image in sample_images(cursor, PAPILLON, 4, seed=7, page=1)] == expected[4:]


@together
@given(seed=st.integers(-(2**63), 2**63), count=st.integers(1, 30), wnid=st.sampled_from(sorted(COUNTS)))
def test_all_pages_together_hold_each_picture_once(store: Store, seed: int, count: int, wnid: str) -> None:
    with store.reading() as cursor:
        pages = [sample_images(cursor, wnid, count, seed, page) for page in range(COUNTS[wnid] // count + 2)]
        again = sample_images(cursor, wnid, count, seed, 0)
    ids = [image.image_id for page in pages for image in page]
    assert len(ids) == len(set(ids)) == COUNTS[wnid]
    assert pages[-1] == []
    assert all(len(page) == count for page in pages[: COUNTS[wnid] // count])
    assert again == pages[0]


@together
@given(seed=st.integers(0, 2**32), count=st.integers(0, 40))
def test_a_sample_of_a_subtree_has_no_repeats_and_only_what_lies_below(store: Store, seed: int, count: int) -> None:
    with store.reading() as cursor:
        found = sample_subtree_images(cursor, DOG, count, seed)
        assert found == sample_subtree_images(cursor, DOG, count, seed)
    assert len({image.image_id for image in found}) == len(found) == min(count, 30)
    assert {image.wnid for image in found} <= {BEAGLE, PAPILLON}


def test_each_picture_of_a_subtree_is_as_likely_as_any_other(store: Store) -> None:
    drawn: Counter[str] = Counter()
    with store.reading() as cursor:
        for seed in range(400):
            drawn.update(image.wnid for image in sample_subtree_images(cursor, DOG, 3, seed))
    # 1,200 draws, 23 of 30 pictures are beagles: 920 expected, standard deviation below 14.6.
    assert abs(drawn[BEAGLE] - 920) < 60
    assert drawn[BEAGLE] + drawn[PAPILLON] == 1200


def test_another_seed_draws_others_and_nothing_comes_of_nothing(store: Store) -> None:
    with store.reading() as cursor:
        assert sample_images(cursor, BEAGLE, 16, seed=0) != sample_images(cursor, BEAGLE, 16, seed=1)
        assert sample_images(cursor, SIAMESE, 16, seed=0) == []
        assert sample_subtree_images(cursor, SIAMESE, 16, seed=0) == []


def test_new_pictures_do_not_change_the_order_of_the_others(store: Store, tmp_path: Path) -> None:
    with store.reading() as cursor:
        before = [image.image_id for image in sample_images(cursor, BEAGLE, 50, seed=3)]
    put_pictures(store, tmp_path, {BEAGLE: 9}, root_id=2, name="val")
    with store.reading() as cursor:
        after = [image.image_id for image in sample_images(cursor, BEAGLE, 50, seed=3)]
    assert len(after) == 32
    assert [image_id for image_id in after if image_id in before] == before
