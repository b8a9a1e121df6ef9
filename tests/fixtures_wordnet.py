"""A hand-made WordNet of 69 synsets, with real wnids, for tests that need a hierarchy but not the whole of it.

It has what makes WordNet hard: synsets with two hypernyms (dog, domestic cat), an instance hyponym (the Mayflower),
ambiguous words (cat, crane, feline), lemmas in capitals and with hyphens, and adjectives of every group. The
synsets stand in tests/data/tiny_wordnet.tsv.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from store.connection import Store, memory_store
from store.wordnet import importing as wordnet_import

TINY_WORDNET = Path(__file__).parent / "data" / "tiny_wordnet.tsv"

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
        wordnet_import.derive_closure(cursor)
        wordnet_import.derive_tree(cursor)
        wordnet_import.derive_cards(cursor)
        wordnet_import.insert_fact(cursor, "wordnet_version", "3.0")


@pytest.fixture
def tiny_wordnet() -> Iterator[Store]:
    """A catalogue in memory with the tiny WordNet in it."""
    store = memory_store()
    load_tiny_wordnet(store)
    yield store
    store.close()


def _rows() -> list[list[str]]:
    lines = TINY_WORDNET.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")][1:]


def _parents(field: str) -> list[str]:
    return [] if field == "-" else field.split()


def _counts(field: str) -> list[tuple[str, int]]:
    pairs = [item.rsplit(":", 1) for item in field.split()]
    return [(lemma, int(count)) for lemma, count in pairs]


def _depths() -> dict[str, int]:
    """Steps up to entity by the shortest way; hypernyms stand before hyponyms in the file."""
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
