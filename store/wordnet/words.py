"""What a person may mean by a word: its senses, and words spelt like it."""

from collections.abc import Sequence
from dataclasses import dataclass

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning of a word.

    Attributes:
        descendants: number of synsets in its hyponym closure, each once.
    """

    wnid: str
    name: str
    gloss: str
    descendants: int


def fetch_by_name(cursor: Cursor, name: str) -> str | None:
    """The wnid of the synset with this NLTK name, in any case; None if there is none."""
    row = cursor.execute(
        "SELECT wnid FROM synset WHERE lower(name) = lower($name) ORDER BY wnid LIMIT 1", {"name": name}
    ).fetchone()
    return None if row is None else str(row[0])


def fetch_senses(cursor: Cursor, forms: list[str]) -> list[Sense]:
    """The noun senses of a word, the one most often seen first.

    Args:
        cursor: any cursor.
        forms: spellings of the word in lower case, joined by underscores.
    """
    rows = cursor.execute(
        """
        SELECT synset.wnid, synset.name, synset.gloss, tree_node.descendants
        FROM lemma
        SEMI JOIN (SELECT unnest($forms::VARCHAR[]) AS form) AS asked ON asked.form = lower(lemma.lemma)
        JOIN synset USING (wnid)
        JOIN tree_node USING (wnid)
        WHERE synset.pos = 'n'
        GROUP BY synset.wnid, synset.name, synset.gloss, tree_node.descendants
        ORDER BY max(lemma.sense_count) DESC, synset.name
        """,
        {"forms": forms},
    ).fetchall()
    return [Sense(*row) for row in rows]


def fetch_irregular(cursor: Cursor, form: str) -> list[str]:
    """The lemmas that an inflected form may be of, sorted, where no rule makes it: goose for geese."""
    rows = cursor.execute(
        "SELECT DISTINCT lemma FROM irregular_form WHERE form = $form ORDER BY lemma", {"form": form}
    ).fetchall()
    return [str(row[0]) for row in rows]


def fetch_near_spellings(cursor: Cursor, word: str, limit: int = 5) -> list[str]:
    """Noun lemmas that differ from a word by at most two letters, nearest first, then those most often seen."""
    rows = cursor.execute(
        """
        SELECT lower(lemma.lemma) AS spelling
        FROM lemma
        WHERE starts_with(lemma.wnid, 'n')
          AND abs(length(lemma.lemma) - length($word)) <= 2
          AND damerau_levenshtein(lower(lemma.lemma), $word) <= 2
        GROUP BY spelling
        ORDER BY damerau_levenshtein(spelling, $word), sum(lemma.sense_count) DESC, spelling
        LIMIT $limit
        """,
        {"word": word, "limit": limit},
    ).fetchall()
    return [str(row[0]) for row in rows]


def has_wordnet(cursor: Cursor) -> bool:
    """Whether WordNet is in this catalogue."""
    row = cursor.execute("SELECT EXISTS (SELECT 1 FROM synset)").fetchone()
    return bool(row and row[0])


def fetch_nouns_of_words(cursor: Cursor, words: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """The noun synsets that have exactly these words: word -> (wnid, name), most used sense first.

    Args:
        words: lower case, joined by underscores.
    """
    rows = cursor.execute(
        """
        SELECT lower(lemma.lemma) AS word, synset.wnid, synset.name
        FROM lemma
        JOIN synset USING (wnid)
        WHERE synset.pos = 'n' AND lower(lemma.lemma) IN (SELECT unnest($words::VARCHAR[]))
        GROUP BY word, synset.wnid, synset.name
        ORDER BY word, max(lemma.sense_count) DESC, synset.wnid
        """,
        {"words": list(words)},
    ).fetchall()
    nouns: dict[str, list[tuple[str, str]]] = {}
    for word, wnid, name in rows:
        nouns.setdefault(str(word), []).append((str(wnid), str(name)))
    return nouns
