"""What the catalogue answers about WordNet, on 69 synsets whose relations were counted by hand."""

import pytest

from store.connection import Store, memory_store
from store.errors import UnknownWnid
from store.wordnet.importing import count_synsets, fetch_fact
from store.wordnet.lists import fetch_memberships
from store.wordnet.synsets import (
    fetch_children,
    fetch_hypernym_path,
    fetch_nodes,
    fetch_parents,
    fetch_roots,
    fetch_subtree,
    fetch_synset,
    fetch_synsets,
    search,
)
from store.wordnet.words import fetch_by_name, fetch_near_spellings, fetch_senses
from tests.catalogue_rows import ancestors_of, closure_of

ENTITY, DOG, TOY_DOG, CAT, SHIP = "n00001740", "n02084071", "n02085374", "n02121620", "n04194289"
DOMESTIC_ANIMAL, CARNIVORE, MAYFLOWER = "n01317541", "n02075296", "n03732992"


def add_images(store: Store) -> None:
    """Seven pictures of a Chihuahua and five of a tabby, counted as a scan would."""
    with store.writing() as cursor:
        cursor.execute(
            """
            INSERT INTO image_count (wnid, images, subtree_images, subtree_synsets) VALUES
                ('n02085620', 7, 7, 1), ('n02085374', 0, 7, 1), ('n02084071', 0, 7, 1), ('n02123045', 5, 5, 1),
                ('n01317541', 0, 12, 2)
            """
        )


def test_a_synset_comes_with_its_words_in_order(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        dog = fetch_synset(cursor, DOG)
    assert (dog.name, dog.pos, dog.lexname) == ("dog.n.01", "n", "noun.animal")
    assert dog.lemmas == ("dog", "domestic_dog", "Canis_familiaris")
    assert dog.lemma == "dog"
    assert dog.gloss.startswith("a member of the genus Canis")
    assert dog.sense_count == 42
    assert dog.depth == 8  # by way of domestic animal; canine is at depth 11


def test_a_satellite_is_an_adjective_with_no_depth(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        doglike = fetch_synset(cursor, "a00961908")
    assert (doglike.pos, doglike.name, doglike.lexname, doglike.depth) == ("s", "doglike.s.01", "adj.all", None)


def test_an_unknown_wnid_is_an_error_that_names_it(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor, pytest.raises(UnknownWnid, match="n99999999"):
        fetch_synset(cursor, "n99999999")


def test_synsets_come_in_the_order_asked_for_and_unknown_ones_are_left_out(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        assert list(fetch_synsets(cursor, [DOG, "n99999999", CAT, DOG])) == [DOG, CAT]
        assert fetch_synsets(cursor, []) == {}


def test_the_closure_of_dog_has_ten_synsets_with_their_depths(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        closure = closure_of(cursor, DOG)
    assert list(closure.items()) == [
        ("n01322604", 1),  # puppy
        ("n02085374", 1),  # toy dog
        ("n02087122", 1),  # hunting dog
        ("n02103406", 1),  # working dog
        ("n02085620", 2),  # Chihuahua
        ("n02086079", 2),  # Pekinese
        ("n02086346", 2),  # toy spaniel
        ("n02087551", 2),  # hound
        ("n02086910", 3),  # papillon
        ("n02088364", 3),  # beagle
    ]


def test_a_synset_with_two_hypernyms_is_in_a_closure_once_with_the_least_depth(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        below_animal = closure_of(cursor, "n00015388")
    # animal > domestic animal > dog is shorter than animal > chordate > ... > canine > dog
    assert below_animal[DOG] == 2
    # animal itself, domestic animal, chordate and what is below: 34 nouns in the file stand under animal
    assert len(below_animal) == 34


def test_an_instance_counts_as_a_hyponym(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        assert closure_of(cursor, SHIP) == {MAYFLOWER: 1}
        (mayflower,) = fetch_children(cursor, SHIP)
    assert mayflower.is_instance
    assert mayflower.lemma == "Mayflower"


def test_the_root_is_entity_and_everything_else_is_below_it(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        (root,) = fetch_roots(cursor)
        assert (root.wnid, root.children, root.descendants) == (ENTITY, 2, 63)
        assert len(closure_of(cursor, ENTITY)) == 63  # 69 synsets, 5 of them adjectives
        assert count_synsets(cursor) == 69


def test_children_are_sorted_by_name_and_know_what_lies_below(tiny_wordnet: Store) -> None:
    add_images(tiny_wordnet)
    with tiny_wordnet.reading() as cursor:
        children = fetch_children(cursor, DOG)
    assert [child.name for child in children] == [
        "hunting_dog.n.01",
        "puppy.n.01",
        "toy_dog.n.01",
        "working_dog.n.01",
    ]
    toy_dog = children[2]
    assert (toy_dog.children, toy_dog.descendants) == (3, 4)
    assert (toy_dog.images, toy_dog.subtree_images, toy_dog.subtree_synsets) == (0, 7, 1)
    assert (children[1].children, children[1].descendants, children[1].subtree_images) == (0, 0, 0)


def test_a_leaf_has_no_children(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        assert fetch_children(cursor, MAYFLOWER) == []


def test_a_node_with_two_hypernyms_is_fetched_once(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        nodes = fetch_nodes(cursor, [DOG, MAYFLOWER, "a01382086"])
    assert list(nodes) == [DOG, MAYFLOWER]
    assert (nodes[DOG].descendants, nodes[DOG].is_instance, nodes[MAYFLOWER].is_instance) == (10, False, True)


def test_parents_come_nearest_to_the_root_first(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        assert [parent.name for parent in fetch_parents(cursor, DOG)] == ["domestic_animal.n.01", "canine.n.02"]
        assert fetch_parents(cursor, ENTITY) == []
        assert [parent.name for parent in fetch_parents(cursor, MAYFLOWER)] == ["ship.n.01"]


def test_the_path_is_a_shortest_one_with_the_root_first(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        names = [synset.name.split(".")[0] for synset in fetch_hypernym_path(cursor, "n02086910")]
        assert names == [
            "entity", "physical_entity", "object", "whole", "living_thing", "organism", "animal", "domestic_animal",
            "dog", "toy_dog", "toy_spaniel", "papillon",
        ]  # fmt: skip
        assert [synset.wnid for synset in fetch_hypernym_path(cursor, "a01382086")] == ["a01382086"]
        with pytest.raises(UnknownWnid):
            fetch_hypernym_path(cursor, "n99999999")


def test_ancestors_hold_both_ways_up(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        ancestors = ancestors_of(cursor, DOG)
    assert list(ancestors.items())[:2] == [(DOMESTIC_ANIMAL, 1), ("n02083346", 1)]
    assert ancestors[CARNIVORE] == 2
    assert list(ancestors.items())[-1] == (ENTITY, 8)


def test_a_subtree_holds_every_step_down(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        steps = fetch_subtree(cursor, DOG)
        first_steps = fetch_subtree(cursor, DOG, 1)
        # dog and domestic cat, and what is below both; no step leads to domestic cat from cat
        below_domestic = fetch_subtree(cursor, DOMESTIC_ANIMAL)
    assert len(steps) == 10
    assert [(above, node.name) for above, node in first_steps] == [
        (DOG, "hunting_dog.n.01"),
        (DOG, "puppy.n.01"),
        (DOG, "toy_dog.n.01"),
        (DOG, "working_dog.n.01"),
    ]
    assert len(below_domestic) == 14


def test_memberships_give_the_place_in_the_list(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        found = fetch_memberships(cursor, "n02085620")
        assert [(item.list_name, item.position) for item in found] == [
            ("imagenet_1k", 0),
            ("imagenet_21k_p_fall11", 1),
        ]
        assert fetch_memberships(cursor, DOG) == []


def names_found(store: Store, text: str, limit: int = 50) -> list[str]:
    with store.reading() as cursor:
        return [synset.name for synset in search(cursor, text, limit)]


def test_search_puts_equal_lemmas_before_words_before_glosses(tiny_wordnet: Store) -> None:
    assert names_found(tiny_wordnet, "dog") == [
        "dog.n.01",  # the lemma itself
        "hound.n.01",  # a word of a lemma, hound dog; seen three times in the corpora
        "hunting_dog.n.01",  # words of lemmas that were never seen, by name
        "toy_dog.n.01",
        "working_dog.n.01",
        "puppy.n.01",  # a word of the gloss; seen twice
        "chihuahua.n.03",  # words of glosses of synsets that were never seen, by name
        "pekinese.n.01",
    ]


def test_search_puts_lemmas_that_begin_so_before_words_that_do(tiny_wordnet: Store) -> None:
    # vehicle is the lemma; wheeled, motor and self-propelled vehicles have it as a word; the glosses follow
    assert names_found(tiny_wordnet, "vehic", 4) == [
        "vehicle.n.01",
        "motor_vehicle.n.01",
        "self-propelled_vehicle.n.01",
        "wheeled_vehicle.n.01",
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("n02084071", "dog.n.01"),
        ("dog.n.01", "dog.n.01"),
        ("DOG", "dog.n.01"),
        ("canis familiaris", "dog.n.01"),
        ("Canis_familiaris", "dog.n.01"),
        ("toy sp", "toy_spaniel.n.01"),
        ("air_craft", "heavier-than-air_craft.n.01"),
        ("erect ears", "papillon.n.01"),
        ("wader", "wading_bird.n.01"),
        ("a dog used in hunting game", "hunting_dog.n.01"),
        ("notched words that no gloss has", None),
        ("%", None),
        ("' OR 1=1 --", None),
        ("  ", None),
    ],
)
def test_search_finds_wnids_names_lemmas_and_glosses(tiny_wordnet: Store, text: str, first: str | None) -> None:
    found = names_found(tiny_wordnet, text)
    assert (found[0] if found else None) == first


def test_search_lists_nouns_only_and_no_more_than_asked_for(tiny_wordnet: Store) -> None:
    assert names_found(tiny_wordnet, "doglike") == []  # an adjective
    assert "feline.a.01" not in names_found(tiny_wordnet, "feline")
    assert len(names_found(tiny_wordnet, "a", 3)) == 3


def test_senses_of_a_word_come_most_often_seen_first(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        cats = fetch_senses(cursor, ["cat"])
        assert [(sense.name, sense.descendants) for sense in cats] == [("cat.n.01", 3), ("big_cat.n.01", 1)]
        assert [sense.wnid for sense in fetch_senses(cursor, ["feline"])] == ["n02120997"]  # the adjective is no sense
        assert fetch_senses(cursor, ["nothing"]) == []


def test_names_are_found_in_any_case(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        assert fetch_by_name(cursor, "Dog.N.01") == DOG
        assert fetch_by_name(cursor, "doglike.s.01") == "a00961908"
        assert fetch_by_name(cursor, "dog.n.02") is None


def test_near_spellings_come_nearest_first(tiny_wordnet: Store) -> None:
    with tiny_wordnet.reading() as cursor:
        assert fetch_near_spellings(cursor, "chihuaua") == ["chihuahua"]
        assert fetch_near_spellings(cursor, "dgo")[0] == "dog"
        assert fetch_near_spellings(cursor, "qqqqqqqq") == []


def test_an_empty_catalogue_answers_without_an_error() -> None:
    store = memory_store()
    with store.reading() as cursor:
        assert fetch_roots(cursor) == []
        assert search(cursor, "dog", 5) == []
        assert count_synsets(cursor) == 0
        assert fetch_fact(cursor, "wordnet_version") is None
    store.close()
