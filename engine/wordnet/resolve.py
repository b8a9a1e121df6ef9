"""Which synset a person means: SYNSET of the command line."""

import re

from engine.errors import EngineError
from store.connection import Cursor
from store.wordnet.synsets import fetch_synset
from store.wordnet.words import Sense, fetch_by_name, fetch_irregular, fetch_near_spellings, fetch_senses

_WNID = re.compile(r"[na]\d{8}")
_NAME = re.compile(r".+\.[nas]\.\d+")

# Endings of nouns and what stands in their place in the dictionary form, as in WordNet's morphy.
_ENDINGS = (
    ("s", ""),
    ("ses", "s"),
    ("ves", "f"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("ies", "y"),
)


class AmbiguousWord(EngineError):
    """The word has several senses; the person must say which."""

    def __init__(self, word: str, senses: list[Sense]) -> None:
        lines = [f"  {sense.wnid}  {sense.name}  {sense.descendants:,} descendants  {sense.gloss}" for sense in senses]
        super().__init__(
            "\n".join([f"{word!r} has {len(senses)} senses:", *lines]),
            f"Name one by its wnid or its name, for example {senses[0].name}.",
        )
        self.senses = senses


class UnknownSynset(EngineError):
    """WordNet has no noun of this wnid, name or spelling."""

    def __init__(self, text: str, near: list[str]) -> None:
        hint = f"Spelt nearly so: {', '.join(near)}. " if near else ""
        super().__init__(
            f"WordNet 3.0 has no synset {text!r}.",
            f"{hint}`sood-tui wordnet find TEXT` searches words, names and glosses.",
        )
        self.near = near


def resolve(cursor: Cursor, text: str) -> str:
    """The wnid of the synset that a text names.

    Args:
        cursor: any cursor.
        text: a wnid (n02084071), an NLTK name (dog.n.01), or a word with one noun sense, plural or with blanks
            as well (toy dogs).

    Raises: AmbiguousWord, UnknownSynset; UnknownWnid for a wnid that WordNet 3.0 does not have.
    """
    asked = text.strip()
    if _WNID.fullmatch(asked.lower()):
        return fetch_synset(cursor, asked.lower()).wnid
    if _NAME.fullmatch(asked.lower()) and (wnid := fetch_by_name(cursor, asked)):
        return wnid
    word = "_".join(asked.lower().split())
    senses = fetch_senses(cursor, [word]) or fetch_senses(cursor, base_forms(cursor, word))
    if not senses:
        raise UnknownSynset(text, fetch_near_spellings(cursor, word) if word else [])
    if len(senses) > 1:
        raise AmbiguousWord(text, senses)
    return senses[0].wnid


def base_forms(cursor: Cursor, word: str) -> list[str]:
    """The forms under which an inflected noun may stand in WordNet, irregular ones first: geese -> goose.

    Of several words joined by underscores the last one is inflected: wild_geese -> wild_goose.

    Source: morphy(7WN): exception list first, then the endings of nouns.
    """
    before, joint, last = word.rpartition("_")
    irregular = [
        *fetch_irregular(cursor, word),
        *(f"{before}{joint}{lemma}" for lemma in fetch_irregular(cursor, last)),
    ]
    return list(dict.fromkeys([*irregular, *dictionary_forms(word)]))


def dictionary_forms(word: str) -> list[str]:
    """The forms under which a noun may stand in WordNet, but for irregular ones: dogs -> dog; buses -> buse, bus."""
    return [word.removesuffix(ending) + form for ending, form in _ENDINGS if word.endswith(ending) and word != ending]
