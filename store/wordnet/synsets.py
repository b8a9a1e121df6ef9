"""Reading WordNet from the catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass

from store.connection import Cursor
from store.errors import UnknownWnid


@dataclass(frozen=True, slots=True)
class Synset:
    """One concept: its words, what it means, and where it stands.

    Attributes:
        wnid: part-of-speech letter and eight digits, n02084071.
        pos: n, or a and s for adjectives and their satellites.
        name: NLTK's name, dog.n.01.
        lemmas: as WordNet spells them, words joined by underscores; the first one leads.
        gloss: the definition, without examples.
        lexname: lexicographer file, noun.animal.
        sense_count: how often the sense-tagged corpora show one of its lemmas in this sense.
        depth: least number of steps up to entity.n.01; None for adjectives.
    """

    wnid: str
    pos: str
    name: str
    lemmas: tuple[str, ...]
    gloss: str
    lexname: str
    sense_count: int
    depth: int | None

    @property
    def lemma(self) -> str:
        """The first lemma."""
        return self.lemmas[0]


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A synset as a tree shows it below one of its hypernyms.

    Attributes:
        lemma: the first one.
        is_instance: an instance of the hypernym above, not a kind of it.
        children: number of direct hyponyms, instances included.
        descendants: number of synsets in its hyponym closure, each once.
        images: pictures of the synset itself.
        subtree_images: pictures of it and of its closure, each once.
        subtree_synsets: synsets with pictures among it and its closure.
    """

    wnid: str
    name: str
    lemma: str
    is_instance: bool
    children: int
    descendants: int
    images: int
    subtree_images: int
    subtree_synsets: int


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def fetch_synset(cursor: Cursor, wnid: str) -> Synset:
    """The synset of a wnid.

    Raises: UnknownWnid.
    """
    found = fetch_synsets(cursor, [wnid])
    if wnid not in found:
        raise UnknownWnid(wnid)
    return found[wnid]


def fetch_synsets(cursor: Cursor, wnids: Iterable[str]) -> dict[str, Synset]:
    """Synsets by wnid, in the order asked for; those that WordNet does not have are left out."""
    asked = list(dict.fromkeys(wnids))
    rows = cursor.execute(
        """
        SELECT
            synset.wnid,
            synset.pos,
            synset.name,
            synset_card.lemmas,
            synset.gloss,
            synset.lexname,
            synset.sense_count,
            synset.depth
        FROM synset
        JOIN synset_card USING (wnid)
        WHERE synset.wnid IN (SELECT unnest($wnids::VARCHAR[]))
        """,
        {"wnids": asked},
    ).fetchall()
    found = {row[0]: Synset(row[0], row[1], row[2], tuple(row[3]), *row[4:]) for row in rows}
    return {wnid: found[wnid] for wnid in asked if wnid in found}


def fetch_roots(cursor: Cursor) -> list[TreeNode]:
    """The synsets without a hypernym: entity.n.01."""
    rows = cursor.execute(
        """
        SELECT
            tree_node.wnid,
            tree_node.name,
            tree_node.lemma,
            tree_node.is_instance,
            tree_node.children,
            tree_node.descendants,
            coalesce(image_count.images, 0) AS images,
            coalesce(image_count.subtree_images, 0) AS subtree_images,
            coalesce(image_count.subtree_synsets, 0) AS subtree_synsets
        FROM tree_node
        LEFT JOIN image_count USING (wnid)
        WHERE tree_node.hypernym_wnid IS NULL
        ORDER BY tree_node.name
        """
    ).fetchall()
    return [TreeNode(*row) for row in rows]


def fetch_children(cursor: Cursor, wnid: str) -> list[TreeNode]:
    """The direct hyponyms of a synset, instances included, sorted by name; empty for a leaf."""
    rows = cursor.execute(
        """
        SELECT
            tree_node.wnid,
            tree_node.name,
            tree_node.lemma,
            tree_node.is_instance,
            tree_node.children,
            tree_node.descendants,
            coalesce(image_count.images, 0) AS images,
            coalesce(image_count.subtree_images, 0) AS subtree_images,
            coalesce(image_count.subtree_synsets, 0) AS subtree_synsets
        FROM tree_node
        LEFT JOIN image_count USING (wnid)
        WHERE tree_node.hypernym_wnid = $wnid
        ORDER BY tree_node.name
        """,
        {"wnid": wnid},
    ).fetchall()
    return [TreeNode(*row) for row in rows]


def fetch_nodes(cursor: Cursor, wnids: Iterable[str]) -> dict[str, TreeNode]:
    """Tree nodes of noun synsets by wnid, in the order asked for; wnids that are no nouns are left out.

    ``is_instance`` is true where every relation upwards is an instance relation.
    """
    asked = list(dict.fromkeys(wnids))
    rows = cursor.execute(
        """
        SELECT
            tree_node.wnid,
            any_value(tree_node.name) AS name,
            any_value(tree_node.lemma) AS lemma,
            bool_and(tree_node.is_instance) AS is_instance,
            any_value(tree_node.children) AS children,
            any_value(tree_node.descendants) AS descendants,
            coalesce(any_value(image_count.images), 0) AS images,
            coalesce(any_value(image_count.subtree_images), 0) AS subtree_images,
            coalesce(any_value(image_count.subtree_synsets), 0) AS subtree_synsets
        FROM tree_node
        SEMI JOIN (SELECT DISTINCT unnest($wnids::VARCHAR[]) AS wnid) AS asked USING (wnid)
        LEFT JOIN image_count USING (wnid)
        GROUP BY tree_node.wnid
        """,
        {"wnids": asked},
    ).fetchall()
    found = {row[0]: TreeNode(*row) for row in rows}
    return {wnid: found[wnid] for wnid in asked if wnid in found}


def fetch_subtree(cursor: Cursor, wnid: str, depth: int | None = None) -> list[tuple[str, TreeNode]]:
    """Every step down below a synset: the wnid of the hypernym and the node below it, sorted by name.

    Args:
        cursor: any cursor.
        wnid: the synset above.
        depth: leave out hypernyms that are so many steps down or more; None for all.
    """
    rows = cursor.execute(
        """
        WITH above AS (
            SELECT $wnid AS wnid
            UNION ALL
            SELECT wnid FROM hyponym_closure WHERE ancestor_wnid = $wnid AND ($depth IS NULL OR depth < $depth)
        )
        SELECT
            tree_node.hypernym_wnid,
            tree_node.wnid,
            tree_node.name,
            tree_node.lemma,
            tree_node.is_instance,
            tree_node.children,
            tree_node.descendants,
            coalesce(image_count.images, 0) AS images,
            coalesce(image_count.subtree_images, 0) AS subtree_images,
            coalesce(image_count.subtree_synsets, 0) AS subtree_synsets
        FROM tree_node
        JOIN above ON above.wnid = tree_node.hypernym_wnid
        LEFT JOIN image_count ON image_count.wnid = tree_node.wnid
        ORDER BY tree_node.name
        """,
        {"wnid": wnid, "depth": depth},
    ).fetchall()
    return [(row[0], TreeNode(*row[1:])) for row in rows]


def fetch_parents(cursor: Cursor, wnid: str) -> list[Synset]:
    """The direct hypernyms of a synset, those of instance relations included; the one nearest to the root first."""
    rows = cursor.execute(
        """
        SELECT hypernym.hypernym_wnid
        FROM hypernym
        JOIN synset ON synset.wnid = hypernym.hypernym_wnid
        WHERE hypernym.wnid = $wnid
        ORDER BY synset.depth, synset.wnid
        """,
        {"wnid": wnid},
    ).fetchall()
    return list(fetch_synsets(cursor, [row[0] for row in rows]).values())


def fetch_hypernym_path(cursor: Cursor, wnid: str) -> list[Synset]:
    """A shortest way from the root down to a synset, both included; of several the one with the lowest wnids.

    An adjective is its own path. Raises: UnknownWnid.
    """
    row = cursor.execute("SELECT path FROM synset_card WHERE wnid = $wnid", {"wnid": wnid}).fetchone()
    if row is None:
        raise UnknownWnid(wnid)
    return list(fetch_synsets(cursor, row[0]).values())


def search(cursor: Cursor, text: str, limit: int = 50) -> list[Synset]:
    """Noun synsets that a text may mean, best first: quick enough to call at each key.

    First come a wnid or a name that begins with the text, then lemmas equal to it, lemmas that begin with it, lemmas
    with a word that begins with it, and last glosses in which each of its words begins a word. Within each group the
    sense that the tagged corpora show more often comes first.

    Args:
        cursor: any cursor.
        text: data, not a pattern; case does not matter, spaces and underscores are the same.
        limit: at most so many.
    """
    words = text.lower().replace("_", " ").split()
    if not words:
        return []
    # Six conditions are one pass over the glosses; words beyond the sixth must stand right after it.
    asked = [f" {word}" for word in words[:5]] + ([" " + " ".join(words[5:])] if words[5:] else [])
    rows = cursor.execute(
        """
        SELECT wnid
        FROM synset_card
        WHERE starts_with(wnid, 'n') AND (
            starts_with(wnid, $lemma)
            OR (contains($lemma, '.') AND starts_with(name, $lemma))
            OR contains(words, '|' || $lemma)
            OR contains(words, '_' || $lemma)
            OR contains(words, '-' || $lemma)
            OR (
                contains(gloss_words, $first)
                AND contains(gloss_words, $second)
                AND contains(gloss_words, $third)
                AND contains(gloss_words, $fourth)
                AND contains(gloss_words, $fifth)
                AND contains(gloss_words, $sixth)
            )
        )
        ORDER BY
            CASE
                WHEN starts_with(wnid, $lemma) OR name = $lemma THEN 0
                WHEN contains(words, '|' || $lemma || '|') THEN 1
                WHEN contains(words, '|' || $lemma) THEN 2
                WHEN contains(words, '_' || $lemma) OR contains(words, '-' || $lemma) THEN 3
                ELSE 4
            END,
            sense_count DESC,
            name
        LIMIT $limit
        """,
        {"lemma": "_".join(words), "limit": limit, **dict(zip(_ORDINALS, [*asked, *[""] * 6], strict=False))},
    ).fetchall()
    return list(fetch_synsets(cursor, [row[0] for row in rows]).values())
