"""Named sets of an evaluation, the pictures that their sources stand for, and what WordNet says of their synsets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from store.connection import Cursor
from store.errors import StoreError


class UnknownSet(StoreError):
    """There is no set of that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        listed = f"There are {', '.join(known)}." if known else "None was named yet."
        super().__init__(f"There is no evaluation set {name!r}.", f"{listed} `sood-tui evaluation sets add` names one.")


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A set that a person named."""

    name: str
    source: str
    near_or_far: str | None
    note: str | None
    added_at: datetime


def put_set(cursor: Cursor, named: NamedSet) -> None:
    """Add a set, or give its name a new meaning."""
    cursor.execute(
        """
        INSERT INTO evaluation_set (name, source, near_or_far, note, added_at)
        VALUES ($name, $source, $near_or_far, $note, $added_at)
        ON CONFLICT (name) DO UPDATE SET
            source = excluded.source, near_or_far = excluded.near_or_far, note = excluded.note,
            added_at = excluded.added_at
        """,
        {
            "name": named.name,
            "source": named.source,
            "near_or_far": named.near_or_far,
            "note": named.note,
            "added_at": named.added_at,
        },
    )


def delete_set(cursor: Cursor, name: str) -> None:
    """Forget a set; runs that used it keep their record of it."""
    cursor.execute("DELETE FROM evaluation_set WHERE name = $name", {"name": name})


def fetch_sets(cursor: Cursor) -> list[NamedSet]:
    """All named sets, by name."""
    rows = cursor.execute(
        "SELECT name, source, near_or_far, note, added_at FROM evaluation_set ORDER BY name"
    ).fetchall()
    return [NamedSet(*row) for row in rows]


def fetch_set(cursor: Cursor, name: str) -> NamedSet:
    """One named set.

    Raises: UnknownSet.
    """
    sets = fetch_sets(cursor)
    for named in sets:
        if named.name == name:
            return named
    raise UnknownSet(name, [named.name for named in sets])


def fetch_images_of_synsets(cursor: Cursor, wnids: Sequence[str]) -> pa.Table:
    """The pictures of synsets: image_id, path (absolute, as text), wnid; sorted by wnid, root and path."""
    return cursor.sql(
        """
        SELECT image.image_id, rtrim(image_root.path, '/') || '/' || image.path AS path, image.wnid
        FROM image
        JOIN image_root USING (root_id)
        WHERE list_contains($wnids, image.wnid)
        ORDER BY image.wnid, image.root_id, image.path
        """,
        params={"wnids": list(wnids)},
    ).to_arrow_table()


def fetch_images_by_id(cursor: Cursor, image_ids: pa.Table) -> pa.Table:
    """The same columns for a table of image_id and superclass, with the superclass; sorted alike."""
    cursor.register("incoming", image_ids)
    try:
        return cursor.sql(
            """
            SELECT
                image.image_id, rtrim(image_root.path, '/') || '/' || image.path AS path, image.wnid,
                incoming.superclass
            FROM image
            JOIN image_root USING (root_id)
            JOIN incoming USING (image_id)
            ORDER BY incoming.superclass, image.wnid, image.root_id, image.path
            """
        ).to_arrow_table()
    finally:
        cursor.unregister("incoming")


def fetch_closures(cursor: Cursor, wnids: Sequence[str]) -> set[str]:
    """The synsets themselves and everything below them."""
    rows = cursor.execute(
        "SELECT DISTINCT wnid FROM hyponym_closure WHERE list_contains($wnids, ancestor_wnid)", {"wnids": list(wnids)}
    ).fetchall()
    return {row[0] for row in rows} | set(wnids)


def fetch_relatives(cursor: Cursor, wnids: Sequence[str]) -> set[str]:
    """The synsets themselves, everything above them and everything below them."""
    rows = cursor.execute(
        "SELECT DISTINCT ancestor_wnid FROM hyponym_closure WHERE list_contains($wnids, wnid)", {"wnids": list(wnids)}
    ).fetchall()
    return {row[0] for row in rows} | fetch_closures(cursor, wnids)


def fetch_with_pictures(cursor: Cursor) -> list[tuple[str, int]]:
    """Synsets that have pictures of their own, with how many, by wnid."""
    rows = cursor.execute("SELECT wnid, images FROM image_count WHERE images > 0 ORDER BY wnid").fetchall()
    return [(row[0], int(row[1])) for row in rows]


def fetch_words(cursor: Cursor, lexnames: Sequence[str]) -> pa.Table:
    """Every lemma of the synsets of lexicographer files: word (as WordNet spells it), wnid, lexname, is_instance.

    Nouns come before adjectives, files in alphabetical order, words within a file in code point order.
    """
    return cursor.sql(
        """
        SELECT
            lemma.lemma AS word, synset.wnid, synset.lexname,
            coalesce(instance.wnid IS NOT NULL, FALSE) AS is_instance
        FROM lemma
        JOIN synset USING (wnid)
        LEFT JOIN (SELECT DISTINCT wnid FROM hypernym WHERE is_instance) AS instance ON instance.wnid = synset.wnid
        WHERE list_contains($lexnames, synset.lexname)
        ORDER BY synset.pos <> 'n', synset.lexname, lemma.lemma, synset.wnid
        """,
        params={"lexnames": list(lexnames)},
    ).to_arrow_table()


def fetch_lexnames(cursor: Cursor) -> list[tuple[str, int]]:
    """The lexicographer files that the catalogue has, with their lemmas; nouns first."""
    rows = cursor.execute(
        """
        SELECT synset.lexname, count(*)
        FROM lemma
        JOIN synset USING (wnid)
        GROUP BY synset.lexname
        ORDER BY starts_with(synset.lexname, 'adj'), synset.lexname
        """
    ).fetchall()
    return [(row[0], int(row[1])) for row in rows]


def fetch_lemmas(cursor: Cursor, wnids: Sequence[str]) -> dict[str, list[str]]:
    """Wnid to its lemmas as WordNet spells them, the first lemma first."""
    rows = cursor.execute(
        """
        SELECT wnid, list(lemma ORDER BY position)
        FROM lemma
        WHERE list_contains($wnids, wnid)
        GROUP BY wnid
        """,
        {"wnids": list(wnids)},
    ).fetchall()
    return {row[0]: list(row[1]) for row in rows}
