"""WordNet on its way into the catalogue: whole tables at a time, inside the caller's transaction."""

import pyarrow as pa

from store.connection import Cursor


def insert_synsets(cursor: Cursor, synsets: pa.Table) -> None:
    """Add synsets.

    Args:
        cursor: inside a transaction.
        synsets: columns wnid, pos, name, gloss, lexname, sense_count, depth.
    """
    _hand_over(cursor, synsets)
    cursor.execute(
        """
        INSERT INTO synset (wnid, pos, name, gloss, lexname, sense_count, depth)
        SELECT wnid, pos, name, gloss, lexname, sense_count, depth
        FROM incoming
        ORDER BY wnid
        """
    )


def insert_lemmas(cursor: Cursor, lemmas: pa.Table) -> None:
    """Add the words of synsets: columns wnid, position, lemma, sense_count."""
    _hand_over(cursor, lemmas)
    cursor.execute(
        """
        INSERT INTO lemma (wnid, position, lemma, sense_count)
        SELECT wnid, position, lemma, sense_count
        FROM incoming
        ORDER BY wnid, position
        """
    )


def insert_hypernyms(cursor: Cursor, hypernyms: pa.Table) -> None:
    """Add steps up: columns wnid, hypernym_wnid, is_instance."""
    _hand_over(cursor, hypernyms)
    cursor.execute(
        """
        INSERT INTO hypernym (wnid, hypernym_wnid, is_instance)
        SELECT wnid, hypernym_wnid, is_instance
        FROM incoming
        ORDER BY hypernym_wnid, wnid
        """
    )


def insert_closure(cursor: Cursor) -> None:
    """Work out the hyponym closure from the hypernym table, with the least depth of each pair.

    Stored sorted by ancestor, so that the closure of one synset is one contiguous piece of the table.
    """
    cursor.execute(
        """
        INSERT INTO hyponym_closure (ancestor_wnid, wnid, depth)
        WITH RECURSIVE below AS (
            SELECT hypernym_wnid AS ancestor_wnid, wnid, 1 AS depth
            FROM hypernym
            UNION
            SELECT below.ancestor_wnid, hypernym.wnid, below.depth + 1 AS depth
            FROM below
            JOIN hypernym ON hypernym.hypernym_wnid = below.wnid
        )
        SELECT ancestor_wnid, wnid, min(depth) AS depth
        FROM below
        GROUP BY ancestor_wnid, wnid
        ORDER BY ancestor_wnid, depth, wnid
        """
    )


def insert_tree(cursor: Cursor) -> None:
    """Work out what a tree shows of each synset, from the tables that are in; roots have no hypernym."""
    cursor.execute(
        """
        INSERT INTO tree_node (hypernym_wnid, wnid, name, lemma, is_instance, children, descendants)
        WITH child AS (
            SELECT hypernym_wnid AS wnid, count(DISTINCT wnid) AS children
            FROM hypernym
            GROUP BY hypernym_wnid
        ), descendant AS (
            SELECT ancestor_wnid AS wnid, count(*) AS descendants
            FROM hyponym_closure
            GROUP BY ancestor_wnid
        ), above AS (
            SELECT wnid, hypernym_wnid, bool_and(is_instance) AS is_instance
            FROM hypernym
            GROUP BY wnid, hypernym_wnid
        )
        SELECT
            above.hypernym_wnid,
            synset.wnid,
            synset.name,
            lemma.lemma,
            coalesce(above.is_instance, false) AS is_instance,
            coalesce(child.children, 0) AS children,
            coalesce(descendant.descendants, 0) AS descendants
        FROM synset
        JOIN lemma ON lemma.wnid = synset.wnid AND lemma.position = 0
        LEFT JOIN above ON above.wnid = synset.wnid
        LEFT JOIN child ON child.wnid = synset.wnid
        LEFT JOIN descendant ON descendant.wnid = synset.wnid
        WHERE synset.pos = 'n'
        ORDER BY above.hypernym_wnid NULLS FIRST, synset.name
        """
    )


def insert_membership(cursor: Cursor, membership: pa.Table) -> None:
    """Add published lists of wnids: columns list_name, position, wnid."""
    _hand_over(cursor, membership)
    cursor.execute(
        """
        INSERT INTO membership (list_name, position, wnid)
        SELECT list_name, position, wnid
        FROM incoming
        ORDER BY list_name, position
        """
    )


def insert_fact(cursor: Cursor, key: str, value: str) -> None:
    """Write down something the workspace knows of itself; a later value replaces an earlier one."""
    cursor.execute(
        "INSERT OR REPLACE INTO workspace_fact (key, value) VALUES ($key, $value)", {"key": key, "value": value}
    )


def fetch_fact(cursor: Cursor, key: str) -> str | None:
    """What the workspace knows under this key; None when it was never written down."""
    row = cursor.execute("SELECT value FROM workspace_fact WHERE key = $key", {"key": key}).fetchone()
    return None if row is None else str(row[0])


def count_synsets(cursor: Cursor) -> int:
    """How many synsets the catalogue holds; 0 before WordNet was imported."""
    row = cursor.execute("SELECT count(*) FROM synset").fetchone()
    return int(row[0]) if row else 0


def _hand_over(cursor: Cursor, table: pa.Table) -> None:
    """Let statements of this cursor read an Arrow table under the name ``incoming``."""
    cursor.register("incoming", table)
