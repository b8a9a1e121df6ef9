"""WordNet on its way into the catalogue: whole tables at a time, inside the caller's transaction.

What is inserted is stored in the order in which it is given; the ``derive`` functions sort what they make.
"""

import pyarrow as pa

from store.connection import Cursor


def insert_synsets(cursor: Cursor, synsets: pa.Table) -> None:
    """Add synsets: columns wnid, pos, name, gloss, lexname, sense_count, depth; sorted by wnid."""
    cursor.register("incoming", synsets)
    cursor.execute(
        """
        INSERT INTO synset (wnid, pos, name, gloss, lexname, sense_count, depth)
        SELECT wnid, pos, name, gloss, lexname, sense_count, depth FROM incoming
        """
    )


def insert_lemmas(cursor: Cursor, lemmas: pa.Table) -> None:
    """Add the words of synsets: columns wnid, position, lemma, sense_count; sorted by wnid."""
    cursor.register("incoming", lemmas)
    cursor.execute(
        """
        INSERT INTO lemma (wnid, position, lemma, sense_count)
        SELECT wnid, position, lemma, sense_count FROM incoming
        """
    )


def insert_hypernyms(cursor: Cursor, hypernyms: pa.Table) -> None:
    """Add steps up: columns wnid, hypernym_wnid, is_instance; sorted by wnid."""
    cursor.register("incoming", hypernyms)
    cursor.execute(
        """
        INSERT INTO hypernym (wnid, hypernym_wnid, is_instance)
        SELECT wnid, hypernym_wnid, is_instance FROM incoming
        """
    )


def insert_irregular_forms(cursor: Cursor, forms: pa.Table) -> None:
    """Add inflected forms that no rule makes: columns form, lemma; sorted by form."""
    cursor.register("incoming", forms)
    cursor.execute("INSERT INTO irregular_form (form, lemma) SELECT form, lemma FROM incoming")


def insert_closure(cursor: Cursor, closure: pa.Table) -> None:
    """Add a hyponym closure that was derived before: columns ancestor_wnid, wnid, depth."""
    cursor.register("incoming", closure)
    cursor.execute(
        """
        INSERT INTO hyponym_closure (ancestor_wnid, wnid, depth)
        SELECT ancestor_wnid, wnid, depth FROM incoming
        """
    )


def insert_tree(cursor: Cursor, tree: pa.Table) -> None:
    """Add tree nodes that were derived before: the columns of tree_node."""
    cursor.register("incoming", tree)
    cursor.execute(
        """
        INSERT INTO tree_node (hypernym_wnid, wnid, name, lemma, is_instance, children, descendants)
        SELECT hypernym_wnid, wnid, name, lemma, is_instance, children, descendants FROM incoming
        """
    )


def insert_cards(cursor: Cursor, cards: pa.Table) -> None:
    """Add cards that were derived before: the columns of synset_card."""
    cursor.register("incoming", cards)
    cursor.execute(
        """
        INSERT INTO synset_card (wnid, name, sense_count, lemmas, path, words, gloss_words)
        SELECT wnid, name, sense_count, lemmas, path, words, gloss_words FROM incoming
        """
    )


def insert_membership(cursor: Cursor, membership: pa.Table) -> None:
    """Add published lists of wnids: columns list_name, position, wnid; sorted by list and position."""
    cursor.register("incoming", membership)
    cursor.execute(
        """
        INSERT INTO membership (list_name, position, wnid)
        SELECT list_name, position, wnid FROM incoming
        """
    )


def derive_closure(cursor: Cursor) -> None:
    """Work out the hyponym closure from the hypernym table, with the least depth of each pair.

    Sorted by ancestor, so that the closure of one synset is one contiguous piece of the table.
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


def derive_tree(cursor: Cursor) -> None:
    """Work out what a tree shows of each noun below each of its hypernyms; needs the closure."""
    cursor.execute(
        """
        INSERT INTO tree_node (hypernym_wnid, wnid, name, lemma, is_instance, children, descendants)
        WITH above AS (
            SELECT wnid, hypernym_wnid, bool_and(is_instance) AS is_instance
            FROM hypernym
            GROUP BY wnid, hypernym_wnid
        ), child AS (
            SELECT hypernym_wnid AS wnid, count(*) AS children
            FROM above
            GROUP BY hypernym_wnid
        ), descendant AS (
            SELECT ancestor_wnid AS wnid, count(*) AS descendants
            FROM hyponym_closure
            GROUP BY ancestor_wnid
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


def derive_cards(cursor: Cursor) -> None:
    """Work out the words, the shortest path from the root, and the text that search reads of every synset."""
    cursor.execute(
        """
        INSERT INTO synset_card (wnid, name, sense_count, lemmas, path, words, gloss_words)
        WITH RECURSIVE nearest AS (
            SELECT hypernym.wnid, arg_min(synset.wnid, (synset.depth, synset.wnid)) AS above
            FROM hypernym
            JOIN synset ON synset.wnid = hypernym.hypernym_wnid
            GROUP BY hypernym.wnid
        ), way AS (
            SELECT wnid, [wnid] AS path
            FROM synset
            ANTI JOIN hypernym USING (wnid)
            UNION ALL
            SELECT nearest.wnid, list_append(way.path, nearest.wnid) AS path
            FROM way
            JOIN nearest ON nearest.above = way.wnid
        ), word AS (
            SELECT wnid, list(lemma ORDER BY position) AS lemmas
            FROM lemma
            GROUP BY wnid
        )
        SELECT
            synset.wnid,
            synset.name,
            synset.sense_count,
            word.lemmas,
            way.path,
            '|' || lower(array_to_string(word.lemmas, '|')) || '|' AS words,
            ' ' || regexp_replace(lower(synset.gloss), '[^a-z0-9]+', ' ', 'g') AS gloss_words
        FROM synset
        JOIN word USING (wnid)
        JOIN way USING (wnid)
        ORDER BY synset.wnid
        """
    )


def fetch_closure_table(cursor: Cursor) -> pa.Table:
    """The whole hyponym closure, in the order in which it is stored."""
    return cursor.sql(
        "SELECT ancestor_wnid, wnid, depth FROM hyponym_closure ORDER BY ancestor_wnid, depth, wnid"
    ).to_arrow_table()


def fetch_tree_table(cursor: Cursor) -> pa.Table:
    """All tree nodes, in the order in which they are stored."""
    return cursor.sql(
        """
        SELECT hypernym_wnid, wnid, name, lemma, is_instance, children, descendants
        FROM tree_node
        ORDER BY hypernym_wnid NULLS FIRST, name
        """
    ).to_arrow_table()


def fetch_card_table(cursor: Cursor) -> pa.Table:
    """All cards, in the order in which they are stored."""
    return cursor.sql(
        "SELECT wnid, name, sense_count, lemmas, path, words, gloss_words FROM synset_card ORDER BY wnid"
    ).to_arrow_table()


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
