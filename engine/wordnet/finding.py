"""Finding synsets as one types: by wnid, name, lemma, gloss, and by the inflected forms that people write."""

from engine.wordnet.resolve import base_forms
from store.connection import Cursor
from store.wordnet.synsets import Synset, fetch_synsets, search
from store.wordnet.words import fetch_senses


def find(cursor: Cursor, text: str, limit: int = 50) -> list[Synset]:
    """Noun synsets that a text may mean, best first: quick enough to call at each key.

    What has the very text as a word comes first, then what the text is an inflected form of (geese, toy dogs), then
    the rest as ``store.wordnet.synsets.search`` ranks it.

    Args:
        cursor: any.
        text: data, not a pattern; case does not matter, spaces and underscores are the same.
        limit: at most so many.
    """
    found = search(cursor, text, limit)
    word = _as_lemma(text)
    inflected = [sense.wnid for sense in fetch_senses(cursor, base_forms(cursor, word))] if word else []
    if not inflected:
        return found
    exact = [synset for synset in found if _is(synset, word)]
    first = {synset.wnid: synset for synset in exact} | fetch_synsets(cursor, inflected)
    return [*first.values(), *(synset for synset in found if synset.wnid not in first)][:limit]


def lemma_for(cursor: Cursor, synset: Synset, text: str) -> str:
    """The lemma of a synset that a text means or is a part of, spelt as WordNet spells it; else its first one."""
    word = _as_lemma(text)
    forms = (word, *base_forms(cursor, word)) if word else ()
    exact = [lemma for lemma in synset.lemmas if lemma.lower() in forms]
    parts = [lemma for lemma in synset.lemmas if word and word in lemma.lower()]
    return next(iter((*exact, *parts)), synset.lemmas[0])


def _as_lemma(text: str) -> str:
    return "_".join(text.lower().replace("_", " ").split())


def _is(synset: Synset, word: str) -> bool:
    return word in (synset.wnid, synset.name) or word in (lemma.lower() for lemma in synset.lemmas)
