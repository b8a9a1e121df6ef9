"""The hierarchy below a synset, line by line."""

from dataclasses import dataclass

from store.connection import Cursor
from store.errors import UnknownWnid
from store.wordnet.synsets import TreeNode, fetch_nodes, fetch_subtree


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One line of a tree.

    Attributes:
        node: the synset of the line.
        hypernym_wnid: the synset it stands below; None in the first line.
        depth: steps below the synset of the first line, on the way that the tree shows.
        repeated: what lies below it is shown further up, where it stands below another hypernym.
    """

    node: TreeNode
    hypernym_wnid: str | None
    depth: int
    repeated: bool


def tree_rows(cursor: Cursor, wnid: str, depth: int | None = None, with_images: bool = False) -> list[TreeRow]:
    """The tree below a noun synset, itself first, hyponyms sorted by name.

    It is a graph: a synset with two hypernyms is listed below both, and what lies below it only once, unless a limit
    cut it the first time.

    Args:
        cursor: any cursor.
        wnid: where to start.
        depth: at most so many steps down; None for all.
        with_images: leave out what has no pictures in its subtree.

    Raises: UnknownWnid for a wnid that is no noun synset.
    """
    found = fetch_nodes(cursor, [wnid])
    if wnid not in found:
        raise UnknownWnid(wnid)
    below: dict[str, list[TreeNode]] = {}
    for above, node in fetch_subtree(cursor, wnid, depth):
        if node.subtree_images or not with_images:
            below.setdefault(above, []).append(node)
    rows: list[TreeRow] = []
    shown_at: dict[str, int] = {}
    waiting: list[tuple[TreeNode, str | None, int]] = [(found[wnid], None, 0)]
    while waiting:
        node, hypernym_wnid, steps = waiting.pop()
        children = below.get(node.wnid, []) if depth is None or steps < depth else []
        # Under a limit an earlier showing further down was cut sooner.
        before = shown_at.get(node.wnid)
        repeated = bool(children) and before is not None and (depth is None or before <= steps)
        rows.append(TreeRow(node, hypernym_wnid, steps, repeated))
        if children and not repeated:
            shown_at[node.wnid] = steps
            waiting += [(child, node.wnid, steps + 1) for child in reversed(children)]
    return rows
