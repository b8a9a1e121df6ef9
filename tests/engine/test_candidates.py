"""Superclasses from the hierarchy and from lists: what is added, what is refused, what comes back."""

from pathlib import Path

import pytest

from engine.candidates.superclasses import add_superclass, list_candidates, overlaps, remove, seed_file
from engine.errors import EngineError
from engine.review.decisions import decide
from engine.workspace import Workspace
from store.candidates.superclasses import UnknownSuperclass, fetch_superclasses
from store.connection import Store
from store.errors import UnknownWnid
from tests.picture_roots import BEAGLE, CHIHUAHUA, DOG, PAPILLON, TABBY, TOY_DOG, WOLF, put_pictures

CAT = "n02121620"


@pytest.fixture
def workspace(tiny_wordnet: Store, tmp_path: Path) -> Workspace:
    put_pictures(tiny_wordnet, tmp_path, {BEAGLE: 3, PAPILLON: 4, DOG: 5, TABBY: 7})
    return Workspace(tmp_path, tiny_wordnet)


def names(workspace: Workspace) -> list[str]:
    with workspace.opened().reading() as cursor:
        return [row.superclass for row in fetch_superclasses(cursor)]


def test_a_superclass_is_named_by_the_first_word_of_its_root(workspace: Workspace) -> None:
    report = add_superclass(workspace, [DOG])
    assert (report.superclass, report.roots, report.is_new) == ("dog", (DOG,), True)
    assert (set(report.added), report.candidates, report.images, report.root_images) == ({BEAGLE, PAPILLON}, 2, 7, 5)
    with_root = add_superclass(workspace, [DOG], name="dog_too", include_root=True)
    assert (with_root.candidates, with_root.images, with_root.root_images) == (3, 12, 0)
    assert [(row.other, row.relation, row.shared) for row in with_root.overlaps] == [("dog", "same", 2)]


def test_adding_again_finds_what_a_new_root_of_pictures_brought(workspace: Workspace, tmp_path: Path) -> None:
    add_superclass(workspace, [DOG])
    again = add_superclass(workspace, [DOG])
    assert (again.is_new, again.added, again.candidates) == (False, (), 2)
    put_pictures(workspace.opened(), tmp_path, {CHIHUAHUA: 1, TOY_DOG: 2}, root_id=2, name="val")
    again = add_superclass(workspace, [DOG])
    assert (again.is_new, again.added, again.candidates) == (False, (TOY_DOG, CHIHUAHUA), 4)


def test_a_limit_stays_until_another_is_given(workspace: Workspace, tmp_path: Path) -> None:
    put_pictures(workspace.opened(), tmp_path, {CHIHUAHUA: 1, TOY_DOG: 2}, root_id=2, name="val")
    assert add_superclass(workspace, [DOG], depth=1).added == (TOY_DOG,)
    assert add_superclass(workspace, [DOG]).depth_limit == 1
    deeper = add_superclass(workspace, [DOG], depth=2)
    assert (deeper.added, deeper.depth_limit) == ((CHIHUAHUA,), 2)
    assert add_superclass(workspace, [DOG], depth=1).dropped == 1


def test_further_roots_widen_a_superclass(workspace: Workspace) -> None:
    add_superclass(workspace, [DOG], name="pet")
    wider = add_superclass(workspace, [DOG, CAT], name="pet")
    assert (wider.roots, wider.added, wider.is_new) == ((DOG, CAT), (TABBY,), False)
    with pytest.raises(EngineError, match=r"a superclass pet already, of dog\.n\.01, cat\.n\.01") as caught:
        add_superclass(workspace, [WOLF], name="pet")
    assert "--also n02114100" in caught.value.hint


@pytest.mark.parametrize("name", ["", "two words", "a/b", "tab\there", "new\nline", "\x1b[31m"])
def test_names_that_no_list_can_hold_are_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(EngineError, match="cannot be the name"):
        add_superclass(workspace, [DOG], name=name)
    assert names(workspace) == []


def test_nothing_is_made_of_nothing(workspace: Workspace) -> None:
    with pytest.raises(EngineError, match=r"No synset below wolf\.n\.01 has pictures"):
        add_superclass(workspace, [WOLF])
    with pytest.raises(EngineError, match="within 1 steps") as caught:
        add_superclass(workspace, [DOG], depth=1)
    assert "5 pictures: --include-root" in caught.value.hint
    assert "greater --depth" in caught.value.hint
    with pytest.raises(EngineError, match="is an adjective"):
        add_superclass(workspace, ["a01382086"])
    with pytest.raises(UnknownWnid):
        add_superclass(workspace, ["n99999999"])
    assert names(workspace) == []


def test_decisions_outlive_their_superclass(workspace: Workspace) -> None:
    add_superclass(workspace, [DOG])
    decide(workspace, "dog", [BEAGLE], "accept", "anna")
    shown = remove(workspace, "dog", dry_run=True)
    assert (shown.candidates, shown.images, shown.accepted, shown.removed) == (2, 7, 1, False)
    assert names(workspace) == ["dog"]
    assert remove(workspace, "dog").removed
    assert names(workspace) == []
    with workspace.opened().reading() as cursor:
        assert overlaps(cursor) == []
    add_superclass(workspace, [DOG])
    with workspace.opened().reading() as cursor:
        states = {row.wnid: (row.state, row.reviewer) for row in list_candidates(cursor, "dog")}
    assert states == {BEAGLE: ("accept", "anna"), PAPILLON: ("pending", None)}


def test_an_unknown_superclass_gets_a_near_spelling(workspace: Workspace) -> None:
    add_superclass(workspace, [DOG])
    with pytest.raises(UnknownSuperclass) as caught:
        remove(workspace, "dgo")
    assert caught.value.hint == "Did you mean dog?"
    with workspace.opened().reading() as cursor, pytest.raises(UnknownSuperclass):
        list_candidates(cursor, "cat")


def seed(
    workspace: Workspace, tmp_path: Path, text: str, name: str = "seeds.yaml"
) -> list[tuple[str, tuple[str, ...]]]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return [(report.superclass, report.roots) for report in seed_file(workspace, path)]


def test_a_text_list_has_a_synset_a_line(workspace: Workspace, tmp_path: Path) -> None:
    text = "# seeds\ndog.n.01   # man's best friend\n\ntoy dog\nn02121620\n"
    assert seed(workspace, tmp_path, text, "seeds.txt") == [("dog", (DOG,)), ("toy_dog", (TOY_DOG,)), ("cat", (CAT,))]


@pytest.mark.parametrize(
    "text",
    [
        "- {synset: dog, name: pet, also: cat.n.01}\n- toy dog\n",
        "pet: [dog, cat.n.01]\ntoy_dog:\n",
        "pet:\n  synset: dog\n  also: [cat.n.01]\n  depth: 9\n  include_root: false\ntoy_dog: toy_dog\n",
    ],
)
def test_yaml_may_name_and_widen(workspace: Workspace, tmp_path: Path, text: str) -> None:
    assert seed(workspace, tmp_path, text) == [("pet", (DOG, CAT)), ("toy_dog", (TOY_DOG,))]


def test_numbers_in_yaml_are_places(workspace: Workspace, tmp_path: Path) -> None:
    assert seed(workspace, tmp_path, "0: dog\n1: toy dog\n") == [("dog", (DOG,)), ("toy_dog", (TOY_DOG,))]


def test_all_problems_of_a_list_are_told_at_once_and_nothing_is_added(workspace: Workspace, tmp_path: Path) -> None:
    text = (
        "- dog\n- crane\n- puppi\n- wolf\n- {synset: toy dog, nmae: x}\n- {synset: beagle, depth: none}\n- 7\n"
        "- {synset: toy dog, name: dog}\n- {synset: toy dog, name: two words}\n- no\n"
    )
    with pytest.raises(EngineError) as caught:
        seed(workspace, tmp_path, text)
    message = caught.value.message
    assert "9 problems; nothing was added" in message
    for part in (
        "entry 2: 'crane' has 2 senses",
        "entry 3: WordNet 3.0 has no synset 'puppi'. Spelt nearly so: puppy",
        "entry 4: No synset below wolf.n.01 has pictures.",
        "entry 5: nmae is not known here",
        "entry 6: depth must be a whole number above 0, not none",
        "entry 7: WordNet 3.0 has no synset '7'",
        "entry 8: the name dog is used by entry 1 already",
        "entry 9: 'two words' cannot be the name",
        "entry 10: WordNet 3.0 has no synset 'no'",
    ):
        assert part in message
    assert names(workspace) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog: dog\ndog: cat\n", "the key dog stands twice"),
        ("- [dog\n", "no YAML"),
        ("# nothing\n", "is empty"),
        ("dog", "neither a list nor a mapping"),
        ("!!python/object/apply:os.getcwd []", "no YAML"),
    ],
)
def test_a_list_that_is_no_list_is_refused(workspace: Workspace, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        seed(workspace, tmp_path, text)


def test_a_list_that_is_not_there_or_not_text_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        seed_file(workspace, tmp_path / "missing.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(EngineError, match="not UTF-8"):
        seed_file(workspace, tmp_path / "binary.txt")
