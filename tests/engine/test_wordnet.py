"""Finding, naming and walking WordNet on the tiny hierarchy; the lists; and what is refused."""

import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from engine.errors import EngineError
from engine.wordnet import lists, sources
from engine.wordnet.finding import find, lemma_for
from engine.wordnet.reading import irregular_forms, least_depths, lexnames_text
from engine.wordnet.resolve import AmbiguousWord, UnknownSynset, base_forms, dictionary_forms, resolve
from engine.wordnet.sources import WordNetNotFound, WordNetSource, WrongWordNet, find_wordnet
from engine.wordnet.tree import tree_rows
from store.connection import Store
from store.errors import UnknownWnid
from store.wordnet.importing import insert_irregular_forms

DOG, TOY_DOG = "n02084071", "n02085374"


@pytest.mark.parametrize(
    "text", [DOG, "N02084071", " n02084071 ", "dog.n.01", "Dog.N.01", "dog", "DOGS", "domestic dog", "Canis_familiaris"]
)
def test_a_synset_is_named_by_wnid_name_or_word(tiny_wordnet: Store, text: str) -> None:
    with tiny_wordnet.reading() as cursor:
        assert resolve(cursor, text) == DOG


@pytest.mark.parametrize(
    ("plural", "wnid"),
    [("puppies", "n01322604"), ("wolves", "n02114100"), ("toy dogs", TOY_DOG), ("hounds", "n02087551")],
)
def test_regular_plurals_are_understood(tiny_wordnet: Store, plural: str, wnid: str) -> None:
    # "wolves" has the ending ves -> f
    with tiny_wordnet.reading() as cursor:
        assert resolve(cursor, plural) == wnid


def test_an_ambiguous_word_lists_its_senses_with_gloss_and_descendants(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor, pytest.raises(AmbiguousWord) as caught:
        resolve(cursor, "cat")
    assert [(sense.wnid, sense.descendants) for sense in caught.value.senses] == [("n02121620", 3), ("n02127808", 1)]
    lines = caught.value.message.splitlines()
    assert lines[0] == "'cat' has 2 senses:"
    assert lines[1].startswith("  n02121620  cat.n.01  3 descendants  feline mammal usually having thick soft fur")
    assert "cat.n.01" in caught.value.hint


def test_an_unknown_word_names_near_spellings(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor, pytest.raises(UnknownSynset, match="papilon") as caught:
        resolve(cursor, "papilon")
    assert caught.value.near == ["papillon"]
    assert "papillon" in caught.value.hint


@pytest.mark.parametrize("text", ["", "   ", "dog.n.09", "%", "'; DROP TABLE synset; --"])
def test_what_names_nothing_is_an_error(tiny_wordnet: Store, text: str) -> None:
    with tiny_wordnet.reading() as cursor:
        with pytest.raises(UnknownSynset):
            resolve(cursor, text)
        assert resolve(cursor, "dog") == DOG


def test_an_unknown_wnid_is_told_apart_from_a_word(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor, pytest.raises(UnknownWnid):
        resolve(cursor, "n00000001")


def test_dictionary_forms_follow_the_endings_of_nouns() -> None:
    assert dictionary_forms("buses") == ["buse", "bus"]
    assert dictionary_forms("firemen") == ["fireman"]
    assert dictionary_forms("dog") == []


def test_a_tree_lists_a_synset_below_both_of_its_hypernyms(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        rows = tree_rows(cursor, "n00015388")
    dogs = [row for row in rows if row.node.wnid == DOG]
    # chordate comes before domestic animal, so dog is first shown far down, below canine
    assert [(row.depth, row.hypernym_wnid, row.repeated) for row in dogs] == [
        (7, "n02083346", False),
        (2, "n01317541", True),
    ]
    domestic_cats = [row.repeated for row in rows if row.node.name == "domestic_cat.n.01"]
    assert domestic_cats == [False, True]
    assert sum(1 for row in rows if row.node.name == "papillon.n.01") == 1


def test_what_a_limit_cut_is_shown_where_it_stands_nearer_to_the_top(tiny_wordnet: Store) -> None:
    # below animal, dog is 7 steps down by way of chordate and 2 by way of domestic animal
    with tiny_wordnet.reading() as cursor:
        rows = tree_rows(cursor, "n00015388", depth=8)
    assert [(row.depth, row.repeated) for row in rows if row.node.wnid == DOG] == [(7, False), (2, False)]
    assert [row.depth for row in rows if row.node.name == "papillon.n.01"] == [5]


def test_what_was_shown_nearer_to_the_top_is_not_shown_again(tiny_wordnet: Store) -> None:
    with tiny_wordnet.writing() as cursor:
        # toy spaniel stands below toy dog; now below dog itself as well, and first by its name
        cursor.execute(
            """
            INSERT INTO tree_node (hypernym_wnid, wnid, name, lemma, is_instance, children, descendants)
            VALUES ('n02084071', 'n02086346', 'a_toy_spaniel.n.01', 'toy_spaniel', false, 1, 1)
            """
        )
    with tiny_wordnet.reading() as cursor:
        rows = [(row.node.wnid, row.depth, row.repeated) for row in tree_rows(cursor, DOG)]
    assert rows[1:3] == [("n02086346", 1, False), ("n02086910", 2, False)]
    assert ("n02086346", 2, True) in rows
    assert sum(1 for wnid, _, _ in rows if wnid == "n02086910") == 1


def test_a_tree_can_be_cut_at_a_depth(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        assert [row.node.name for row in tree_rows(cursor, TOY_DOG, depth=1)] == [
            "toy_dog.n.01",
            "chihuahua.n.03",
            "pekinese.n.01",
            "toy_spaniel.n.01",
        ]
        assert [row.node.name for row in tree_rows(cursor, TOY_DOG, depth=0)] == ["toy_dog.n.01"]
        assert len(tree_rows(cursor, TOY_DOG)) == 5


def test_a_tree_can_leave_out_what_has_no_pictures(tiny_wordnet: Store) -> None:
    with tiny_wordnet.writing() as cursor:
        cursor.execute(
            """
            INSERT INTO image_count (wnid, images, subtree_images, subtree_synsets)
            VALUES ('n02086910', 3, 3, 1), ('n02086346', 0, 3, 1), ('n02085374', 0, 3, 1)
            """
        )
    with tiny_wordnet.reading() as cursor:
        rows = tree_rows(cursor, TOY_DOG, with_images=True)
    assert [(row.node.name, row.depth) for row in rows] == [
        ("toy_dog.n.01", 0),
        ("toy_spaniel.n.01", 1),
        ("papillon.n.01", 2),
    ]


def test_an_adjective_has_no_tree(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor, pytest.raises(UnknownWnid):
        tree_rows(cursor, "a01382086")


def test_least_depths_take_the_shorter_of_two_ways() -> None:
    #   a > b > d,  a > c > e > d,  d > f (an instance)
    steps = [
        ("b", "a", False),
        ("c", "a", False),
        ("d", "b", False),
        ("e", "c", False),
        ("d", "e", False),
        ("f", "d", True),
    ]
    assert least_depths(steps) == {"a": 0, "b": 1, "c": 1, "d": 2, "e": 2, "f": 3}
    assert least_depths([]) == {}


def test_lexnames_are_the_45_of_wordnet() -> None:
    lines = lexnames_text().splitlines()
    assert len(lines) == 45
    assert (lines[0], lines[5], lines[44]) == ("00\tadj.all\t3", "05\tnoun.animal\t1", "44\tadj.ppl\t3")


def test_the_lists_have_the_published_sizes() -> None:
    table = lists.read_lists().to_pydict()
    sizes = {name: table["list_name"].count(name) for name in lists.LIST_FILES}
    assert sizes == {
        "imagenet_21k_p_fall11": 11_221,
        "imagenet_21k_p_winter21": 10_450,
        "imagenet_22k": 21_841,
        "imagenet_12k": 11_821,
        "imagenet_1k": 1_000,
    }
    first = table["list_name"].index("imagenet_1k")
    assert (table["wnid"][first], table["position"][first]) == ("n01440764", 0)  # tench is class 0


def test_where_there_is_no_wordnet_the_error_names_both_commands(tmp_path: Path) -> None:
    with pytest.raises(WordNetNotFound) as caught:
        find_wordnet(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in caught.value.message
    assert "python -m nltk.downloader wordnet" in caught.value.hint
    assert "apt-get install wordnet-base" in caught.value.hint


def test_nltks_data_path_comes_before_debians_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nltk.data

    debian = tmp_path / "debian"
    in_data_path = tmp_path / "nltk_data" / "corpora" / "wordnet"
    for folder in (debian, in_data_path):
        folder.mkdir(parents=True)
        (folder / "data.noun").touch()
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path / "empty"), str(tmp_path / "nltk_data")])
    monkeypatch.setattr(sources, "DEBIAN_FOLDER", debian)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert find_wordnet().path == in_data_path
    (in_data_path / "data.noun").unlink()
    assert find_wordnet().path == debian
    (debian / "data.noun").unlink()
    with pytest.raises(WordNetNotFound):
        find_wordnet()


@pytest.mark.parametrize("below", ["", "corpora/wordnet", "wordnet", "dict"])
def test_a_named_folder_may_be_the_files_or_what_holds_them(tmp_path: Path, below: str) -> None:
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.noun").touch()
    assert find_wordnet(tmp_path).path == folder


def test_the_archive_of_nltks_downloader_is_found_and_read(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    corpora.mkdir()
    with zipfile.ZipFile(corpora / "wordnet.zip", "w") as archive:
        archive.writestr("wordnet/data.noun", "nouns")
    for place in (tmp_path, corpora / "wordnet.zip"):
        source = find_wordnet(place)
        assert source.is_zip
        assert source.read("data.noun") == b"nouns"
        with pytest.raises(WrongWordNet, match=r"data\.adj"):
            source.read("data.adj")


def test_another_version_is_refused_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "data.noun").write_text(
        "  14 WordNet 3.1 Copyright 2011 by Princeton University.  All rights reserved.\n"
        "00001740 03 n 01 entity 0 000 | that which is perceived\n"
    )
    with pytest.raises(WrongWordNet, match=r"it is version 3\.1 and has 1 noun synsets instead of 82,115") as caught:
        WordNetSource(tmp_path).check()
    assert "wnids" in caught.value.hint


def test_a_truncated_copy_of_version_3_0_is_refused(tmp_path: Path) -> None:
    header = "  14 WordNet 3.0 Copyright 2006 by Princeton University.\n"
    (tmp_path / "data.noun").write_text(header + "00001740 03 n 01 entity\n")
    with pytest.raises(WrongWordNet, match="1 noun synsets"):
        WordNetSource(tmp_path).check()


def test_a_missing_timm_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lists, "_timm_folder", lambda: tmp_path)
    with pytest.raises(EngineError, match="imagenet_21k_p_fall11"):
        lists.read_lists()


def with_irregular_forms(store: Store) -> Store:
    forms = irregular_forms("dogmen dogman\n\nchildren child\noxen ox ox_team\nhoundz hound\n")
    table = pa.table({"form": [form for form, _ in forms], "lemma": [lemma for _, lemma in forms]})
    with store.writing() as cursor:
        insert_irregular_forms(cursor, table)
    return store


def test_a_line_of_exceptions_may_name_several_lemmas() -> None:
    assert irregular_forms("oxen ox\naxes ax axis\n\n") == [("oxen", "ox"), ("axes", "ax"), ("axes", "axis")]


def test_irregular_forms_are_understood_alone_and_as_the_last_of_several_words(tiny_wordnet: Store) -> None:
    with with_irregular_forms(tiny_wordnet).reading() as cursor:
        assert resolve(cursor, "houndz") == "n02087551"
        assert base_forms(cursor, "hot_houndz") == ["hot_hound"]
        assert base_forms(cursor, "oxen") == ["ox", "ox_team"]


def test_finding_understands_inflected_forms(tiny_wordnet: Store) -> None:
    with with_irregular_forms(tiny_wordnet).reading() as cursor:
        assert [synset.wnid for synset in find(cursor, "toy dogs")][:1] == [TOY_DOG]
        assert find(cursor, "Houndz")[0].wnid == "n02087551"
        assert find(cursor, "dogs")[0].wnid == DOG
        # The word itself goes before what it may be a form of, and nothing is there twice.
        found = [synset.wnid for synset in find(cursor, "dog")]
        assert found[0] == DOG
        assert len(found) == len(set(found))
        assert len(find(cursor, "dogs", 1)) == 1
        assert find(cursor, "  ") == []


def test_what_is_found_bears_the_word_that_was_typed(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        (dog,) = (synset for synset in find(cursor, "dog") if synset.wnid == DOG)
        assert dog.lemmas == ("dog", "domestic_dog", "Canis_familiaris")
        for text, lemma in (
            ("canis fam", "Canis_familiaris"), ("Domestic Dogs", "domestic_dog"), ("dogs", "dog"), ("dog", "dog"),
            ("domesti", "domestic_dog"), (DOG, "dog"), ("", "dog"),
        ):  # fmt: skip
            assert lemma_for(cursor, dog, text) == lemma
