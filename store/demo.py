"""What the demo asks WordNet: which leaves lie under a synset that ImageNet knows."""

from dataclasses import dataclass

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class KnownLeaf:
    """A synset without hyponyms that stands in ImageNet-22k.

    Attributes:
        wnid: of the leaf.
        lemma: its first one.
        sense_count: how often the tagged corpora show it.
        in_imagenet_1k: whether it is one of the thousand.
    """

    wnid: str
    lemma: str
    sense_count: int
    in_imagenet_1k: bool


def fetch_known_leaves(cursor: Cursor, wnid: str) -> list[KnownLeaf]:
    """The leaves of the hyponym closure of a synset that ImageNet-22k lists, sorted by wnid."""
    rows = cursor.execute(
        """
        SELECT
            synset.wnid,
            lemma.lemma,
            synset.sense_count,
            synset.wnid IN (SELECT wnid FROM membership WHERE list_name = 'imagenet_1k')
        FROM hyponym_closure
        JOIN synset ON synset.wnid = hyponym_closure.wnid
        JOIN lemma ON lemma.wnid = synset.wnid AND lemma.position = 0
        WHERE hyponym_closure.ancestor_wnid = $wnid
          AND synset.wnid IN (SELECT wnid FROM membership WHERE list_name = 'imagenet_22k')
          AND synset.wnid NOT IN (SELECT hypernym_wnid FROM hypernym)
        ORDER BY synset.wnid
        """,
        {"wnid": wnid},
    ).fetchall()
    return [KnownLeaf(*row) for row in rows]
