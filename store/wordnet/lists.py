"""The published lists of synsets, such as ImageNet's."""

from typing import NamedTuple

from store.connection import Cursor


class Membership(NamedTuple):
    """A published list that names a synset, and its place there: the class index of a model trained on it."""

    list_name: str
    position: int


def fetch_memberships(cursor: Cursor, wnid: str) -> list[Membership]:
    """The published lists (ImageNet-21K-P, 22K, 12K, 1K) that name a synset."""
    rows = cursor.execute(
        "SELECT list_name, position FROM membership WHERE wnid = $wnid ORDER BY list_name", {"wnid": wnid}
    ).fetchall()
    return [Membership(*row) for row in rows]


def fetch_class_list(cursor: Cursor, list_name: str) -> list[str]:
    """wnids of a published list in the order of its class indices."""
    rows = cursor.execute(
        "SELECT wnid FROM membership WHERE list_name = $list_name ORDER BY position", {"list_name": list_name}
    ).fetchall()
    return [row[0] for row in rows]
