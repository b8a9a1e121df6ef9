"""Superclasses in the catalogue: candidates from the closure, overlaps, matches."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from store.candidates import proposed as rows
from store.candidates import text_match
from store.candidates.superclasses import (
    Overlap,
    UnknownSuperclass,
    fetch_depth_limit,
    fetch_overlaps,
    fetch_superclass_roots,
    fetch_superclasses,
    insert_superclass_roots,
    put_superclass,
)
from store.connection import Store
from tests.picture_roots import (
    BEAGLE,
    CHIHUAHUA,
    DOG,
    DOMESTIC_ANIMAL,
    PAPILLON,
    PEKINESE,
    TABBY,
    TOY_DOG,
    put_pictures,
)

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COUNTS = {BEAGLE: 3, PAPILLON: 4, CHIHUAHUA: 5, TOY_DOG: 6, TABBY: 7}


@pytest.fixture
def store(tiny_wordnet: Store, tmp_path: Path) -> Store:
    put_pictures(tiny_wordnet, tmp_path, COUNTS)
    return tiny_wordnet


def make(
    store: Store, name: str, roots: Sequence[str], depth: int | None = None, include_root: bool = False
) -> list[str]:
    with store.writing() as cursor:
        put_superclass(cursor, name, depth, WHEN)
        insert_superclass_roots(cursor, name, roots)
        return rows.insert_hyponym_candidates(cursor, name, include_root, WHEN)


def decide(store: Store, superclass: str, wnid: str, kind: str) -> None:
    with store.writing() as cursor:
        cursor.execute(
            'INSERT INTO decision (event_id, step_id, superclass, wnid, kind, reviewer, "at") '
            "VALUES (uuidv7(), uuid(), $superclass, $wnid, $kind, 'anna', $at)",
            {"superclass": superclass, "wnid": wnid, "kind": kind, "at": WHEN},
        )


def test_candidates_are_what_has_pictures_below_a_root_nearest_first(store: Store) -> None:
    assert make(store, "dog", [DOG]) == [TOY_DOG, CHIHUAHUA, PAPILLON, BEAGLE]
    with store.reading() as cursor:
        found = rows.fetch_candidates(cursor, "dog")
    assert [(row.name, row.depth, row.route, row.images, row.state) for row in found] == [
        ("toy_dog.n.01", 1, "hyponym", 6, "pending"),
        ("chihuahua.n.03", 2, "hyponym", 5, "pending"),
        ("beagle.n.01", 3, "hyponym", 3, "pending"),
        ("papillon.n.01", 3, "hyponym", 4, "pending"),
    ]


def test_the_depth_limit_and_the_root_are_heeded(store: Store) -> None:
    assert make(store, "dog", [DOG], depth=2) == [TOY_DOG, CHIHUAHUA]
    assert make(store, "toy", [TOY_DOG], include_root=True) == [TOY_DOG, CHIHUAHUA, PAPILLON]
    with store.reading() as cursor:
        assert [(row.route, row.depth) for row in rows.fetch_candidates(cursor, "toy")] == [
            ("root", 0),
            ("hyponym", 1),
            ("hyponym", 2),
        ]


def test_of_several_roots_the_nearest_counts_and_a_synset_comes_once(store: Store) -> None:
    """Papillon is three steps below dog and two below toy dog; toy dog is a root, so it is no candidate."""
    assert make(store, "pets", [DOG, TOY_DOG]) == [CHIHUAHUA, PAPILLON, BEAGLE]
    with store.reading() as cursor:
        depths = {row.wnid: row.depth for row in rows.fetch_candidates(cursor, "pets")}
        assert fetch_superclass_roots(cursor) == {"pets": (DOG, TOY_DOG)}
    assert depths == {CHIHUAHUA: 1, PAPILLON: 2, BEAGLE: 3}
    assert make(store, "pets", [DOMESTIC_ANIMAL, DOG]) == [TABBY]
    with store.reading() as cursor:
        assert fetch_superclass_roots(cursor) == {"pets": (DOG, TOY_DOG, DOMESTIC_ANIMAL)}


def test_the_numbers_of_a_superclass_follow_its_decisions(store: Store) -> None:
    make(store, "dog", [DOG])
    decide(store, "dog", PAPILLON, "accept")
    decide(store, "dog", BEAGLE, "reject")
    decide(store, "dog", PEKINESE, "accept")  # has no pictures and is no candidate
    with store.reading() as cursor:
        found = fetch_superclasses(cursor)[0]
    assert (found.candidates, found.images, found.accepted, found.rejected, found.unsure, found.pending) == (
        4,
        18,
        1,
        1,
        0,
        2,
    )
    assert found.roots == (DOG,)


def test_a_smaller_limit_takes_away_only_what_was_not_decided(store: Store) -> None:
    make(store, "dog", [DOG])
    decide(store, "dog", PAPILLON, "unsure")
    with store.writing() as cursor:
        put_superclass(cursor, "dog", 1, WHEN)
        assert rows.delete_deeper_candidates(cursor, "dog") == 2
    with store.reading() as cursor:
        assert {row.wnid for row in rows.fetch_candidates(cursor, "dog")} == {TOY_DOG, PAPILLON}
        assert fetch_depth_limit(cursor, "dog") == 1
        with pytest.raises(UnknownSuperclass):
            fetch_depth_limit(cursor, "cat")


def test_overlaps_tell_who_lies_inside_whom(store: Store) -> None:
    make(store, "dog", [DOG])
    make(store, "toy_dog", [TOY_DOG])
    make(store, "pet", [DOMESTIC_ANIMAL])
    make(store, "tabbies", [TABBY], include_root=True)
    decide(store, "dog", PAPILLON, "accept")
    decide(store, "toy_dog", PAPILLON, "accept")
    with store.reading() as cursor:
        assert fetch_overlaps(cursor, "dog") == [
            Overlap("dog", "pet", "inside", 4, 18, 0),
            Overlap("dog", "toy_dog", "holds", 2, 9, 1),
        ]
        pairs = [(row.superclass, row.other, row.relation, row.shared) for row in fetch_overlaps(cursor)]
    # Of the toy dogs chihuahua and papillon are below toy dog; below pet they are too, and so is toy dog itself.
    assert pairs == [
        ("dog", "pet", "inside", 4),
        ("dog", "toy_dog", "holds", 2),
        ("pet", "tabbies", "holds", 1),
        ("pet", "toy_dog", "holds", 2),
    ]


def test_superclasses_that_only_share_candidates_and_such_with_the_same_root(store: Store) -> None:
    make(store, "dog", [DOG])
    make(store, "hound", [DOG], depth=1)
    with store.writing() as cursor:
        put_superclass(cursor, "small", None, WHEN)
        rows.insert_match_candidates(
            cursor, "small", pa.table({"wnid": [CHIHUAHUA, TABBY], "similarity": [0.9, 0.8]}), WHEN
        )
    with store.reading() as cursor:
        assert [(row.other, row.relation, row.shared) for row in fetch_overlaps(cursor, "dog")] == [
            ("hound", "same", 1),
            ("small", "shares", 1),
        ]


def test_matches_come_best_first_and_are_taken_as_candidates_once(store: Store, tmp_path: Path) -> None:
    make(store, "dog", [DOG], depth=1)
    part = tmp_path / "part.parquet"
    parquet.write_table(pa.table({"wnid": [BEAGLE, TABBY, TOY_DOG], "similarity": [0.25, 0.75, 0.5]}), part)
    with store.writing() as cursor:
        text_match.insert_matches(cursor, "small pet", "clip", [str(part)], WHEN)
    with store.reading() as cursor:
        assert text_match.fetch_latest_match_model(cursor, "small pet") == "clip"
        assert text_match.fetch_latest_match_model(cursor, "nothing") is None
        found = text_match.fetch_matches(cursor, "small pet", "clip")
        assert [(row.name, row.similarity, row.images, row.superclasses) for row in found] == [
            ("tabby.n.01", 0.75, 7, ()),
            ("toy_dog.n.01", 0.5, 6, ("dog",)),
            ("beagle.n.01", 0.25, 3, ()),
        ]
        assert [row.wnid for row in text_match.fetch_matches(cursor, "small pet", "clip", above=0.5)] == [TABBY]
        assert [row.wnid for row in text_match.fetch_matches(cursor, "small pet", "clip", limit=2)] == [TABBY, TOY_DOG]
    table = pa.table({"wnid": [TABBY, TOY_DOG], "similarity": [0.75, 0.5]})
    with store.writing() as cursor:
        assert rows.insert_match_candidates(cursor, "dog", table, WHEN) == [TABBY]
    with store.reading() as cursor:
        candidates = rows.fetch_candidates(cursor, "dog")
    assert [(row.wnid, row.route, row.depth, row.similarity) for row in candidates] == [
        (TOY_DOG, "hyponym", 1, None),
        (TABBY, "match", None, 0.75),
    ]


def test_the_text_of_a_synset_is_its_words_and_its_gloss(store: Store) -> None:
    with store.reading() as cursor:
        table = text_match.fetch_match_texts(cursor)
    texts = dict(zip(table.column("wnid").to_pylist(), table.column("text").to_pylist(), strict=True))
    assert set(texts) == set(COUNTS)
    assert texts[TOY_DOG] == "toy dog, toy: any of several breeds of very small dogs kept purely as pets"
