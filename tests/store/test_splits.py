"""Statements of the room splits."""

from pathlib import Path

import pytest

from store.splits.similarities import (
    Pair,
    fetch_labels,
    fetch_picture_counts,
    fetch_prompts,
    fetch_runs,
    fetch_similarities,
)
from tests.catalogues import WHEN, add_table, scored_workspace, wnid_of

SCORES = {"dog": {"a": [0.5, 0.25], "b": [0.75]}, "cat": {"c": [0.125]}}


def test_similarities_come_by_place_and_picture_and_without_what_cannot_be_read(tmp_path: Path) -> None:
    store = scored_workspace(tmp_path, SCORES).opened()
    pairs = [Pair("cat", wnid_of("c"), 1), Pair("dog", wnid_of("b"), -1), Pair("dog", wnid_of("a"), 1)]
    with store.reading() as cursor:
        found = fetch_similarities(cursor, pairs)
        assert found.place.tolist() == [0, 2, 2]
        assert found.similarity.tolist() == [0.125, 0.5, 0.25]
    issue = {"root_id": 1, "wnid": wnid_of("a"), "path": "x", "detail": "", "found_at": WHEN}
    add_table(store, "image_issue", [issue | {"image_id": 1000, "kind": "missing_file"}])
    add_table(store, "image_issue", [issue | {"image_id": 1001, "kind": "something_else"}])
    with store.reading() as cursor:
        assert fetch_similarities(cursor, pairs).similarity.tolist() == [0.125, 0.25]
        counts = fetch_picture_counts(cursor, [wnid_of("a"), wnid_of("b"), "n00000000"])
    assert counts == {wnid_of("a"): (2, 1), wnid_of("b"): (1, 0)}


def test_runs_prompts_and_labels(tmp_path: Path) -> None:
    with scored_workspace(tmp_path, SCORES, lemmas={"a": "Affe"}).opened().reading() as cursor:
        (run,) = fetch_runs(cursor)
        assert (run.model, run.template) == ("tiny-clip", "a photo of a {}")
        assert [(one.superclass, one.prompt) for one in fetch_prompts(cursor, 1)] == [
            ("cat", "a photo of a cat"),
            ("dog", "a photo of a dog"),
        ]
        assert fetch_prompts(cursor, 2) == []
        assert fetch_labels(cursor, [wnid_of("a")])[wnid_of("a")].lemma == "Affe"


def test_empty_input_gives_empty_arrays(tmp_path: Path) -> None:
    with scored_workspace(tmp_path, SCORES).opened().reading() as cursor:
        found = fetch_similarities(cursor, [])
    assert (len(found.place), len(found.image_id), found.similarity.tolist()) == (0, 0, pytest.approx([]))
