"""A hand-made WordNet of 68 synsets, with real wnids, for tests that need a hierarchy but not the whole of it.

It has what makes WordNet hard: synsets with two hypernyms (dog, domestic cat), an instance hyponym (the Mayflower),
ambiguous words (cat, crane, feline), lemmas in capitals and with hyphens, and adjectives of every group. Glosses are
cut short, and a hypernym that is not among the synsets is left out; all else is WordNet 3.0's.

WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. See NOTICE.
"""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from store import wordnet_import
from store.connection import Store, memory_store

# wnid | name | lemma:sense_count ... | hypernym ... (@ before an instance relation, - for none) | lexname | gloss
TINY_WORDNET = """
n00001740 | entity.n.01 | entity:11 | - | noun.Tops | that which is perceived or known or inferred to have its own
n00001930 | physical_entity.n.01 | physical_entity:0 | n00001740 | noun.Tops | an entity that has physical existence
n00002137 | abstraction.n.06 | abstraction:0 abstract_entity:0 | n00001740 | noun.Tops | a general concept formed by
n00002684 | object.n.01 | object:51 physical_object:0 | n00001930 | noun.Tops | a tangible and visible entity; an
n00003553 | whole.n.02 | whole:0 unit:0 | n00002684 | noun.Tops | an assemblage of parts that is regarded as a single
n00004258 | living_thing.n.01 | living_thing:1 animate_thing:0 | n00003553 | noun.Tops | a living (or once living)
n00004475 | organism.n.01 | organism:9 being:6 | n00004258 | noun.Tops | a living thing that has (or can develop) the
n00015388 | animal.n.01 | animal:67 animate_being:0 beast:4 brute:0 creature:16 fauna:0 | n00004475 | noun.Tops | a
n01466257 | chordate.n.01 | chordate:0 | n00015388 | noun.animal | any animal of the phylum Chordata having a
n01471682 | vertebrate.n.01 | vertebrate:1 craniate:0 | n01466257 | noun.animal | animals having a bony or
n01861778 | mammal.n.01 | mammal:3 mammalian:0 | n01471682 | noun.animal | any warm-blooded vertebrate having the
n01886756 | placental.n.01 | placental:0 placental_mammal:0 eutherian:0 eutherian_mammal:0 | n01861778 | noun.animal | mammals having a placenta; all mammals except monotremes and
n02075296 | carnivore.n.01 | carnivore:0 | n01886756 | noun.animal | a terrestrial or aquatic flesh-eating mammal
n02083346 | canine.n.02 | canine:0 canid:0 | n02075296 | noun.animal | any of various fissiped mammals with
n01317541 | domestic_animal.n.01 | domestic_animal:1 domesticated_animal:0 | n00015388 | noun.animal | any of various
n02084071 | dog.n.01 | dog:42 domestic_dog:0 Canis_familiaris:0 | n01317541 n02083346 | noun.animal | a member of the
n01322604 | puppy.n.01 | puppy:2 | n02084071 | noun.animal | a young dog
n02085374 | toy_dog.n.01 | toy_dog:0 toy:0 | n02084071 | noun.animal | any of several breeds of very small dogs kept
n02085620 | chihuahua.n.03 | Chihuahua:0 | n02085374 | noun.animal | an old breed of tiny short-haired dog with
n02086079 | pekinese.n.01 | Pekinese:0 Pekingese:0 Peke:0 | n02085374 | noun.animal | a Chinese breed of small
n02086346 | toy_spaniel.n.01 | toy_spaniel:0 | n02085374 | noun.animal | a very small spaniel
n02086910 | papillon.n.01 | papillon:0 | n02086346 | noun.animal | small slender toy spaniel with erect ears and a
n02087122 | hunting_dog.n.01 | hunting_dog:0 | n02084071 | noun.animal | a dog used in hunting game
n02087551 | hound.n.01 | hound:2 hound_dog:1 | n02087122 | noun.animal | any of several breeds of dog used for
n02088364 | beagle.n.01 | beagle:0 | n02087551 | noun.animal | a small short-legged smooth-coated breed of hound
n02103406 | working_dog.n.01 | working_dog:0 | n02084071 | noun.animal | any of several breeds of usually large
n02114100 | wolf.n.01 | wolf:1 | n02083346 | noun.animal | any of various predatory carnivorous canine mammals of
n02120997 | feline.n.01 | feline:0 felid:0 | n02075296 | noun.animal | any of various lithe-bodied roundheaded
n02121620 | cat.n.01 | cat:18 true_cat:0 | n02120997 | noun.animal | feline mammal usually having thick soft fur and
n02121808 | domestic_cat.n.01 | domestic_cat:0 house_cat:0 Felis_domesticus:0 Felis_catus:0 | n01317541 n02121620 | noun.animal | any domesticated member of
n02123597 | siamese_cat.n.01 | Siamese_cat:2 Siamese:0 | n02121808 | noun.animal | a slender short-haired blue-eyed
n02123045 | tabby.n.01 | tabby:0 tabby_cat:0 | n02121808 | noun.animal | a cat with a grey or tawny coat mottled with
n02127808 | big_cat.n.01 | big_cat:0 cat:0 | n02120997 | noun.animal | any of several large cats typically able to
n02129165 | lion.n.01 | lion:2 king_of_beasts:0 Panthera_leo:0 | n02127808 | noun.animal | large gregarious predatory
n01503061 | bird.n.01 | bird:29 | n01471682 | noun.animal | warm-blooded egg-laying vertebrates characterized by
n02005790 | aquatic_bird.n.01 | aquatic_bird:0 | n01503061 | noun.animal | wading and swimming and diving birds of
n02000954 | wading_bird.n.01 | wading_bird:0 wader:0 | n02005790 | noun.animal | any of many long-legged birds that
n02012849 | crane.n.05 | crane:0 | n02000954 | noun.animal | large long-necked wading bird of marshes and plains in
n01816887 | parrot.n.01 | parrot:1 | n01503061 | noun.animal | usually brightly colored zygodactyl tropical birds
n01604330 | bird_of_prey.n.01 | bird_of_prey:0 raptor:0 raptorial_bird:0 | n01503061 | noun.animal | any of numerous
n01613294 | eagle.n.01 | eagle:1 bird_of_Jove:0 | n01604330 | noun.animal | any of various large keen-sighted diurnal
n01614925 | bald_eagle.n.01 | bald_eagle:0 American_eagle:0 Haliaeetus_leucocephalus:0 | n01613294 | noun.animal | a
n00021939 | artifact.n.01 | artifact:1 artefact:0 | n00003553 | noun.Tops | a man-made object taken as a whole
n03575240 | instrumentality.n.03 | instrumentality:0 instrumentation:3 | n00021939 | noun.artifact | an artifact (or
n03100490 | conveyance.n.03 | conveyance:0 transport:3 | n03575240 | noun.artifact | something that serves as a means
n04524313 | vehicle.n.01 | vehicle:9 | n03100490 | noun.artifact | a conveyance that transports people or objects
n04576211 | wheeled_vehicle.n.01 | wheeled_vehicle:0 | n04524313 | noun.artifact | a vehicle that moves on wheels and
n04170037 | self-propelled_vehicle.n.01 | self-propelled_vehicle:0 | n04576211 | noun.artifact | a wheeled vehicle
n03791235 | motor_vehicle.n.01 | motor_vehicle:0 automotive_vehicle:0 | n04170037 | noun.artifact | a self-propelled
n02958343 | car.n.01 | car:71 auto:2 automobile:15 machine:0 motorcar:1 | n03791235 | noun.artifact | a motor vehicle
n02930766 | cab.n.03 | cab:0 hack:0 taxi:5 taxicab:0 | n02958343 | noun.artifact | a car driven by a person whose job
n02701002 | ambulance.n.01 | ambulance:3 | n02958343 | noun.artifact | a vehicle that takes people to and from
n04490091 | truck.n.01 | truck:20 motortruck:0 | n03791235 | noun.artifact | an automotive vehicle suitable for
n02834778 | bicycle.n.01 | bicycle:5 bike:0 wheel:0 cycle:0 | n04576211 | noun.artifact | a wheeled vehicle that has
n03125870 | craft.n.02 | craft:1 | n04524313 | noun.artifact | a vehicle designed for navigation in or on water or
n04530566 | vessel.n.02 | vessel:6 watercraft:0 | n03125870 | noun.artifact | a craft designed for water
n04194289 | ship.n.01 | ship:49 | n04530566 | noun.artifact | a vessel that carries passengers or freight
n03732992 | mayflower.n.01 | Mayflower:1 | @n04194289 | noun.artifact | the ship in which the Pilgrim Fathers sailed
n02686568 | aircraft.n.01 | aircraft:15 | n03125870 | noun.artifact | a vehicle that can fly
n03510583 | heavier-than-air_craft.n.01 | heavier-than-air_craft:0 | n02686568 | noun.artifact | a non-buoyant
n02691156 | airplane.n.01 | airplane:5 aeroplane:0 plane:21 | n03510583 | noun.artifact | an aircraft that has a
n03183080 | device.n.01 | device:36 | n03575240 | noun.artifact | an instrumentality invented for a particular purpose
n03664675 | lifting_device.n.01 | lifting_device:0 | n03183080 | noun.artifact | a device for lifting heavy loads
n03126707 | crane.n.04 | crane:0 | n03664675 | noun.artifact | lifts and moves heavy objects; lifting tackle is
a01382086 | large.a.01 | large:139 big:107 | - | adj.all | above average in size or number or quantity or magnitude
a02881889 | feline.a.01 | feline:2 | - | adj.pert | of or relating to cats
a00961908 | doglike.s.01 | doglike:1 | - | adj.all | resembling a dog; especially in devotion
a03147282 | avenged.a.01 | avenged:0 | - | adj.ppl | for which vengeance has been taken
a00289082 | broken.a.01 | broken:16 | - | adj.all | physically and forcibly separated into pieces or cracked or split
"""

TINY_MEMBERSHIP = {
    "imagenet_21k_p_fall11": (
        "n02085374",
        "n02085620",
        "n02086079",
        "n02086910",
        "n02088364",
        "n02123045",
        "n02123597",
    ),
    "imagenet_1k": ("n02085620", "n02086079", "n02086910", "n02088364"),
}


def load_tiny_wordnet(store: Store) -> None:
    """Load the tiny WordNet and its closure into an empty catalogue, in one transaction."""
    with store.writing() as cursor:
        wordnet_import.insert_synsets(cursor, _synsets())
        wordnet_import.insert_lemmas(cursor, _lemmas())
        wordnet_import.insert_hypernyms(cursor, _hypernyms())
        wordnet_import.insert_membership(cursor, _membership())
        wordnet_import.insert_closure(cursor)
        wordnet_import.insert_fact(cursor, "wordnet_version", "3.0")


@pytest.fixture
def tiny_wordnet() -> Iterator[Store]:
    """A catalogue in memory with the tiny WordNet in it."""
    store = memory_store()
    load_tiny_wordnet(store)
    yield store
    store.close()


def _rows() -> list[list[str]]:
    return [line.split(" | ") for line in TINY_WORDNET.strip().splitlines()]


def _parents(field: str) -> list[str]:
    return [] if field == "-" else field.split()


def _counts(field: str) -> list[tuple[str, int]]:
    pairs = [item.rsplit(":", 1) for item in field.split()]
    return [(lemma, int(count)) for lemma, count in pairs]


def _depths() -> dict[str, int]:
    """Steps up to entity by the shortest way; hypernyms stand before hyponyms in the table above."""
    depths: dict[str, int] = {}
    for wnid, _, _, parents, _, _ in _rows():
        if wnid.startswith("n"):
            above = [depths[parent.removeprefix("@")] for parent in _parents(parents)]
            depths[wnid] = min(above) + 1 if above else 0
    return depths


def _synsets() -> pa.Table:
    depths = _depths()
    return pa.Table.from_pylist(
        [
            {
                "wnid": wnid,
                "pos": name.rsplit(".", 2)[1],
                "name": name,
                "gloss": gloss,
                "lexname": lexname,
                "sense_count": sum(count for _, count in _counts(lemmas)),
                "depth": depths.get(wnid),
            }
            for wnid, name, lemmas, _, lexname, gloss in _rows()
        ]
    )


def _lemmas() -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"wnid": wnid, "position": position, "lemma": lemma, "sense_count": count}
            for wnid, _, lemmas, _, _, _ in _rows()
            for position, (lemma, count) in enumerate(_counts(lemmas))
        ]
    )


def _hypernyms() -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"wnid": wnid, "hypernym_wnid": parent.removeprefix("@"), "is_instance": parent.startswith("@")}
            for wnid, _, _, parents, _, _ in _rows()
            for parent in _parents(parents)
        ]
    )


def _membership() -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"list_name": list_name, "position": position, "wnid": wnid}
            for list_name, wnids in TINY_MEMBERSHIP.items()
            for position, wnid in enumerate(wnids)
        ]
    )
