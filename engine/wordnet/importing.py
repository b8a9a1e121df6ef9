"""WordNet into the catalogue, once for each workspace."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.wordnet.cache import (
    CachedWordNet,
    CatalogueTables,
    cache_folder,
    derive_tables,
    find_cached,
    load_cached,
    write_cache,
)
from engine.wordnet.lists import read_lists
from engine.wordnet.reading import read_wordnet
from engine.wordnet.sources import WordNetSource, find_wordnet
from store.connection import Store
from store.wordnet import importing as wordnet_import

WORDNET_VERSION = "3.0"

# What is being done, and how much of it: done, total. Where total is 0 the amount is not known.
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What the catalogue knows of WordNet now.

    Attributes:
        synsets: in the catalogue, nouns and adjectives.
        origin: where they came from.
        from_cache: they were read for an earlier workspace and kept.
        was_there: the catalogue had them already, nothing was done.
    """

    synsets: int
    origin: str
    from_cache: bool
    was_there: bool


def choose_source(explicit: Path | None = None) -> WordNetSource | CachedWordNet:
    """WordNet's files, or this user's cache of them.

    Args:
        explicit: what the user named; only it is looked at, and its cache if it was read before.

    Raises: WordNetNotFound, WrongWordNet.
    """
    if explicit is None:
        return find_cached() or find_wordnet()
    source = find_wordnet(explicit)
    source.check()
    return find_cached(source.fingerprint) or source


def import_wordnet(
    store: Store, source: WordNetSource | CachedWordNet, on_progress: OnProgress | None = None
) -> ImportReport:
    """Load WordNet into the catalogue in one transaction; a catalogue that has it is left as it is.

    Args:
        store: open.
        source: from ``choose_source`` or ``find_wordnet``.
        on_progress: called now and then.

    Raises: WrongWordNet if it is not version 3.0 or is damaged; EngineError if the lists of ImageNet are missing.
    """
    tell = on_progress or (lambda _what, _done, _total: None)
    with store.reading() as cursor:
        synsets = wordnet_import.count_synsets(cursor)
        origin = wordnet_import.fetch_fact(cursor, "wordnet_origin")
    if synsets:
        return ImportReport(synsets, origin or "", from_cache=False, was_there=True)
    if isinstance(source, WordNetSource):
        source.check()
        source = find_cached(source.fingerprint) or source
    if isinstance(source, CachedWordNet):
        tables, origin, from_cache = load_cached(source), source.origin, True
    else:
        tables, origin, from_cache = _read(source, tell), str(source.path), False
    tell("Writing the catalogue", 0, 0)
    _write(store, tables, origin)
    return ImportReport(tables.synset.num_rows, origin, from_cache, was_there=False)


def _read(source: WordNetSource, tell: OnProgress) -> CatalogueTables:
    def tell_reading(done: int, total: int) -> None:
        tell("Reading WordNet", done, total)

    read = read_wordnet(source, cache_folder(), tell_reading)
    tell("Working out the hyponym closure", 0, 0)
    tables = derive_tables(read)
    # Without a cache the next workspace takes as long as this one; that is no reason to fail.
    with contextlib.suppress(OSError):
        write_cache(tables, source.fingerprint, str(source.path))
    return tables


def _write(store: Store, tables: CatalogueTables, origin: str) -> None:
    with store.writing() as cursor:
        wordnet_import.insert_synsets(cursor, tables.synset)
        wordnet_import.insert_lemmas(cursor, tables.lemma)
        wordnet_import.insert_hypernyms(cursor, tables.hypernym)
        wordnet_import.insert_irregular_forms(cursor, tables.irregular_form)
        wordnet_import.insert_closure(cursor, tables.hyponym_closure)
        wordnet_import.insert_tree(cursor, tables.tree_node)
        wordnet_import.insert_cards(cursor, tables.synset_card)
        wordnet_import.insert_membership(cursor, read_lists())
        wordnet_import.insert_fact(cursor, "wordnet_version", WORDNET_VERSION)
        wordnet_import.insert_fact(cursor, "wordnet_origin", origin)
