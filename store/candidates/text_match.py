"""What a text match compares, and what it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class Match:
    """A synset that a text match found; ``superclasses`` are those that have it as a candidate already."""

    wnid: str
    name: str
    lemma: str
    gloss: str
    similarity: float
    images: int
    superclasses: tuple[str, ...]


def fetch_match_texts(cursor: Cursor) -> pa.Table:
    """The synsets that have pictures, with the text that stands for each: columns wnid and text.

    The text is the words joined by commas, then the gloss.
    """
    table: pa.Table = cursor.sql(
        """
        SELECT
            synset.wnid,
            concat(string_agg(replace(lemma.lemma, '_', ' '), ', ' ORDER BY lemma.position), ': ', synset.gloss) AS text
        FROM image_count
        JOIN synset USING (wnid)
        JOIN lemma USING (wnid)
        WHERE image_count.images > 0
        GROUP BY synset.wnid, synset.gloss
        ORDER BY synset.wnid
        """
    ).to_arrow_table()
    return table


def delete_matches(cursor: Cursor, query: str, model_key: str) -> None:
    """Forget what an earlier match of the same text with the same model found."""
    cursor.execute(
        "DELETE FROM text_match WHERE query = $query AND model_key = $model_key",
        {"query": query, "model_key": model_key},
    )


def insert_matches(cursor: Cursor, query: str, model_key: str, parts: Sequence[str], at: datetime) -> None:
    """Keep what a match found: Parquet files with the columns wnid and similarity."""
    cursor.execute(
        """
        INSERT INTO text_match (query, model_key, wnid, similarity, found_at)
        SELECT $query, $model_key, wnid, similarity, $at
        FROM read_parquet($parts)
        ORDER BY similarity DESC, wnid
        """,
        {"query": query, "model_key": model_key, "parts": list(parts), "at": at},
    )


def fetch_latest_match_model(cursor: Cursor, query: str) -> str | None:
    """The model_key of the newest match of a text; None if there is none."""
    row = cursor.execute(
        "SELECT arg_max(model_key, found_at) FROM text_match WHERE query = $query", {"query": query}
    ).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def fetch_matches(
    cursor: Cursor, query: str, model_key: str, above: float | None = None, limit: int | None = None
) -> list[Match]:
    """What a match found, best first.

    Args:
        above: only similarities greater than this.
        limit: at most so many.
    """
    rows = cursor.execute(
        """
        SELECT
            text_match.wnid, synset.name, lemma.lemma, synset.gloss, text_match.similarity, coalesce(images, 0),
            coalesce(list(candidate.superclass ORDER BY candidate.superclass)
                     FILTER (candidate.superclass IS NOT NULL), [])
        FROM text_match
        JOIN synset USING (wnid)
        JOIN lemma ON lemma.wnid = text_match.wnid AND lemma.position = 0
        LEFT JOIN image_count ON image_count.wnid = text_match.wnid
        LEFT JOIN candidate ON candidate.wnid = text_match.wnid
        WHERE query = $query AND model_key = $model_key AND ($above IS NULL OR text_match.similarity > $above)
        GROUP BY text_match.wnid, synset.name, lemma.lemma, synset.gloss, text_match.similarity, images
        ORDER BY text_match.similarity DESC, text_match.wnid
        LIMIT $limit
        """,
        {"query": query, "model_key": model_key, "above": above, "limit": limit},
    ).fetchall()
    return [
        Match(wnid, name, lemma, gloss, cosine, images, tuple(by))
        for wnid, name, lemma, gloss, cosine, images, by in rows
    ]
