"""Decisions given to whole subtrees, in a small hierarchy in which one synset has two parents."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.review.decisions import decide, export_events, import_events, undo
from engine.review.subtrees import conflicts, decide_subtree, reach
from engine.workspace import Workspace
from store.connection import memory_store
from store.review.log import fetch_history
from store.review.subtrees import fetch_reached
from tests.catalogues import add_superclasses, add_synsets, add_table, wnid_of

EDGES = [
    ("animal", "dog"), ("animal", "pet"), ("dog", "toy"), ("pet", "toy"), ("toy", "pug"), ("toy", "papillon"),
    ("dog", "husky"), ("pet", "canary"),
]  # fmt: skip
"""toy has two parents that do not lie under one another; pug and papillon inherit from both."""

NAMES = ["animal", "dog", "pet", "toy", "pug", "papillon", "husky", "canary"]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    store = memory_store()
    add_synsets(store, NAMES)
    below = {name: sorted({low for _, low in closure(name)}) for name in NAMES}
    add_table(store, "hyponym_closure", [
        {"ancestor_wnid": wnid_of(high), "wnid": wnid_of(low), "depth": 1} for high in NAMES for low in below[high]
    ])  # fmt: skip
    add_superclasses(store, {"animal": NAMES[1:]})
    yield Workspace(tmp_path, store)
    store.close()


def closure(name: str) -> list[tuple[str, str]]:
    found = []
    for high, low in EDGES:
        if high == name:
            found += [(high, low), *closure(low)]
    return found


def standing(workspace: Workspace) -> dict[str, str]:
    """Name to state; an inherited one with the name that it came from."""
    names = {wnid_of(name): name for name in NAMES}
    with workspace.opened().reading() as cursor:
        return {
            names[row.wnid]: f"{row.state} < {names[row.inherited_from]}" if row.inherited_from else row.state
            for row in fetch_reached(cursor, wnid_of("animal"))
            if row.state != "pending"
        }


def by_wnid(kinds: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"{name}.n.01", kinds[name]) for name in sorted(kinds, key=wnid_of)]


def give(workspace: Workspace, name: str, kind: str, reviewer: str = "anna") -> None:
    decide_subtree(workspace, "animal", wnid_of(name), kind, reviewer)  # type: ignore[arg-type]


def test_what_lies_below_inherits_and_is_marked_so(workspace: Workspace) -> None:
    give(workspace, "toy", "reject")
    assert standing(workspace) == {"toy": "reject", "pug": "reject < toy", "papillon": "reject < toy"}


@pytest.mark.parametrize("first", ["own", "subtree"])
def test_a_word_of_its_own_wins_whenever_it_was_said(workspace: Workspace, first: str) -> None:
    if first == "own":
        decide(workspace, "animal", [wnid_of("pug")], "accept", "ben")
        give(workspace, "dog", "reject")
    else:
        give(workspace, "dog", "reject")
        decide(workspace, "animal", [wnid_of("pug")], "accept", "ben")
    assert standing(workspace) == {
        "dog": "reject", "husky": "reject < dog", "toy": "reject < dog", "papillon": "reject < dog", "pug": "accept",
    }  # fmt: skip


def test_undoing_the_own_word_brings_the_inherited_one_out(workspace: Workspace) -> None:
    give(workspace, "toy", "accept")
    decide(workspace, "animal", [wnid_of("pug")], "reject", "ben")
    undo(workspace, "ben")
    assert standing(workspace)["pug"] == "accept < toy"


def test_putting_back_sets_aside_what_was_inherited_before(workspace: Workspace) -> None:
    give(workspace, "toy", "reject")
    decide(workspace, "animal", [wnid_of("pug")], "clear", "anna")
    assert "pug" not in standing(workspace)
    give(workspace, "toy", "accept")
    assert standing(workspace)["pug"] == "accept < toy"


def test_putting_a_subtree_back_leaves_words_of_their_own(workspace: Workspace) -> None:
    decide(workspace, "animal", [wnid_of("pug")], "accept", "ben")
    give(workspace, "toy", "reject")
    give(workspace, "toy", "clear")
    assert standing(workspace) == {"pug": "accept"}
    with pytest.raises(EngineError, match="Nothing below it has inherited"):
        give(workspace, "animal", "clear")


def test_one_undo_takes_a_subtree_back(workspace: Workspace) -> None:
    before = standing(workspace)
    give(workspace, "animal", "accept")
    assert len(standing(workspace)) == 7
    undo(workspace, "anna")
    assert standing(workspace) == before == {}


def test_the_numbers_before_the_question(workspace: Workspace) -> None:
    decide(workspace, "animal", [wnid_of("husky")], "accept", "ben")
    give(workspace, "toy", "reject")
    with workspace.opened().reading() as cursor:
        (row,) = reach(cursor, wnid_of("dog"), "accept")
        # dog is undecided; toy itself has a word of its own, pug and papillon inherited another, husky keeps its own.
        assert (row.candidates, row.changed, row.earlier, row.own) == (5, 3, 2, 2)
        (row,) = reach(cursor, wnid_of("dog"), "reject")
        assert (row.candidates, row.changed, row.earlier, row.own) == (5, 1, 0, 2)
        assert reach(cursor, "n00000001", "accept") == []


def test_parents_that_disagree_are_a_conflict(workspace: Workspace) -> None:
    give(workspace, "dog", "accept")
    give(workspace, "pet", "reject")
    with workspace.opened().reading() as cursor:
        found = conflicts(cursor)
    assert {one.name: [(claim.origin_name, claim.kind) for claim in one.claims] for one in found} == {
        name: by_wnid({"dog": "accept", "pet": "reject"}) for name in ("toy.n.01", "pug.n.01", "papillon.n.01")
    }
    decide(workspace, "animal", [wnid_of("toy"), wnid_of("pug")], "accept", "anna")
    with workspace.opened().reading() as cursor:
        assert [one.name for one in conflicts(cursor, "animal")] == ["papillon.n.01"]


def test_a_word_further_down_the_same_way_is_no_conflict(workspace: Workspace) -> None:
    give(workspace, "dog", "accept")
    give(workspace, "toy", "reject")
    with workspace.opened().reading() as cursor:
        assert conflicts(cursor) == []
    assert standing(workspace)["pug"] == "reject < toy"


def test_inheritance_travels_and_is_told(workspace: Workspace, tmp_path: Path) -> None:
    give(workspace, "toy", "reject")
    journal, again = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    export_events(workspace, journal)
    undo(workspace, "anna")
    assert import_events(workspace, journal).added == 0
    with workspace.opened().reading() as cursor:
        (entry,) = fetch_history(cursor, wnid_of("pug"))
    assert (entry.kind, entry.inherited_from, entry.undone) == ("reject", wnid_of("toy"), True)
    other = Workspace(tmp_path / "other", memory_store())
    import_events(other, journal)
    export_events(other, again)
    assert again.read_bytes() == journal.read_bytes()


def test_nothing_there_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(EngineError, match="There is no superclass bird"):
        decide_subtree(workspace, "bird", wnid_of("toy"), "accept", "anna")
    with pytest.raises(EngineError, match="No candidate of animal lies at or under n00000001"):
        decide_subtree(workspace, "animal", "n00000001", "accept", "anna")
