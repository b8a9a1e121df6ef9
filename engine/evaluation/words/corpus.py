"""The words that negative labels are mined from: WordNet's lemmas by lexicographer file, or a user's own list."""

import csv
import random
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from engine.errors import EngineError
from engine.evaluation.labels import Labels
from store.connection import Cursor
from store.evaluation import sets as store

NOUN_FILES = tuple(
    f"noun.{name}"
    for name in (
        "Tops", "act", "artifact", "attribute", "body", "cognition", "communication", "event", "feeling", "group",
        "location", "motive", "object", "person", "phenomenon", "plant", "possession", "process", "quantity",
        "relation", "shape", "state", "substance", "time",
    )
)  # fmt: skip
ADJECTIVE_FILES = ("adj.all", "adj.pert", "adj.ppl")
PRESETS: Mapping[str, tuple[str, ...]] = {
    "neglabel": (*NOUN_FILES, *ADJECTIVE_FILES),
    "nouns": NOUN_FILES,
    "csp": tuple(
        name
        for name in (*NOUN_FILES, *ADJECTIVE_FILES)
        if name not in {"noun.person", "noun.quantity", "noun.group", "adj.pert"}
    ),
}
"""NegLabel's 27 groups (no noun.animal, no noun.food), its nouns alone, and CSP's choice among them."""

CSP_WORDS = (
    "environment", "space", "object", "scene", "place", "item", "area", "view", "thing", "pattern", "structure",
    "landscape", "vista", "creature",
)  # fmt: skip

WORDS = pa.schema(
    [
        pa.field("word", pa.string(), nullable=False),
        pa.field("pos", pa.string(), nullable=False),
        pa.field("wnid", pa.string()),
        pa.field("lexname", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """Which words may become negative labels.

    Attributes:
        source: a preset (neglabel, nouns, csp), lexicographer files by comma, or file:PATH (a word or WORD,POS a line).
        drop_id_names: leave out what equals an ID label or a lemma of its synset, whatever the case.
        drop_hyponyms: also leave out what lies below an ID synset.
        drop_proper: also leave out instances and capitalised words; with drop_hyponyms this is what stands for
            NegRefine's language model.
        compatible: keep all of it, malformed entries too, as NegLabel's code does.
    """

    source: str = "neglabel"
    drop_id_names: bool = True
    drop_hyponyms: bool = False
    drop_proper: bool = False
    compatible: bool = False


@dataclass(frozen=True, slots=True)
class Corpus:
    """The words, and how many fell away for which reason."""

    words: pa.Table
    left_out: Mapping[str, int] = field(default_factory=dict)


def make_corpus(
    cursor: Cursor, labels: Labels, settings: CorpusSettings, recipe: str = "plain", seed: int = 0
) -> Corpus:
    """The corpus in its fixed order: nouns before adjectives, files by name, the first of equal words wins.

    Args:
        cursor: any cursor.
        labels: of the ID set.
        settings: which words.
        recipe: csp joins each adjective with a seeded superclass word.
        seed: of that choice.

    Raises: EngineError when nothing is left, or the source is unknown.
    """
    rows = list(_rows(cursor, settings.source))
    forbidden = {} if settings.compatible else _forbidden(cursor, labels, settings)
    seen: set[str] = set()
    kept: list[tuple[str, str, str | None, str]] = []
    left_out: Counter[str] = Counter()
    for spelled, wnid, lexname, is_instance in rows:
        word = unicodedata.normalize("NFC", spelled.replace("_", " ").strip())
        reason = _reason(word, wnid, is_instance, seen, forbidden, settings)
        if reason:
            left_out[reason] += 1
            continue
        seen.add(word)
        kept.append((word, "adj" if lexname.startswith("adj") else "noun", wnid, lexname))
    if not kept:
        raise EngineError(f"The corpus {settings.source} has no word left.", "Give another corpus.")
    if recipe == "csp":
        kept = _joined(kept, seed)
    columns = list(zip(*kept, strict=True))
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, WORDS, strict=True)], schema=WORDS)
    return Corpus(table, dict(left_out))


def _reason(
    word: str,
    wnid: str | None,
    is_instance: bool,
    seen: set[str],
    forbidden: Mapping[str, str],
    settings: CorpusSettings,
) -> str:
    if word in seen:
        return "repeated"
    if settings.compatible:
        return ""
    if not word or not word[0].isalnum() or any(mark in word for mark in "[]{}<>|"):
        return "malformed"
    if word.lower() in forbidden:
        return forbidden[word.lower()]
    if wnid is not None and wnid in forbidden:
        return forbidden[wnid]
    if settings.drop_proper and (is_instance or word[0].isupper()):
        return "proper noun"
    return ""


def _forbidden(cursor: Cursor, labels: Labels, settings: CorpusSettings) -> dict[str, str]:
    """Lower-case words and wnids that must not stand in the corpus, each with its reason."""
    found: dict[str, str] = {}
    if settings.drop_hyponyms and labels.wnids:
        found |= dict.fromkeys(
            sorted(store.fetch_closures(cursor, labels.wnids) - set(labels.wnids)), "below an ID synset"
        )
    if settings.drop_id_names:
        for lemmas in store.fetch_lemmas(cursor, labels.wnids).values() if labels.wnids else ():
            found |= {lemma.replace("_", " ").lower(): "synonym of an ID label" for lemma in lemmas}
        found |= {name.lower(): "ID label" for name in labels.names}
    return found


def _rows(cursor: Cursor, source: str) -> Iterator[tuple[str, str | None, str, bool]]:
    if source.startswith("file:"):
        yield from _of_file(source.removeprefix("file:"))
        return
    files = PRESETS.get(source) or tuple(part.strip() for part in source.split(","))
    known = [name for name, _ in store.fetch_lexnames(cursor)]
    strangers = [name for name in files if name not in known]
    if source not in PRESETS and strangers:
        raise EngineError(
            f"The catalogue has no lexicographer file {strangers[0]}.",
            f"A corpus is {', '.join(PRESETS)}, file:PATH, or of {', '.join(known[:4])} ...",
        )
    table = store.fetch_words(cursor, files)
    columns = [table[name].to_pylist() for name in ("word", "wnid", "lexname", "is_instance")]
    yield from zip(*columns, strict=True)


def _of_file(value: str) -> Iterator[tuple[str, None, str, bool]]:
    file = Path(value).expanduser()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"The words {value} cannot be read: {error}.") from error
    rows = [row for row in csv.reader(lines) if row and row[0].strip()]
    for wanted in ("noun", "adj"):
        for row in rows:
            pos = row[1].strip() if len(row) > 1 else "noun"
            if pos not in ("noun", "adj"):
                raise EngineError(f"{value}: {pos!r} is no part of speech.", "Write WORD or WORD,noun or WORD,adj.")
            if pos == wanted:
                yield row[0], None, f"{pos}.file", False


def _joined(kept: Sequence[tuple[str, str, str | None, str]], seed: int) -> list[tuple[str, str, str | None, str]]:
    chooser = random.Random(seed)
    return [
        (f"{word} {chooser.choice(CSP_WORDS)}" if pos == "adj" else word, pos, wnid, lexname)
        for word, pos, wnid, lexname in kept
    ]
