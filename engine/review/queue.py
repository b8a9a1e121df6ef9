"""The review queue: candidates in the order in which a person wants to see them."""

from collections import defaultdict
from collections.abc import Callable
from typing import Literal, get_args

from engine.review.decisions import require_superclass
from store import review as log
from store.connection import Cursor
from store.review import QueueItem

Order = Literal["tree", "name", "pictures", "score", "match"]

ORDERS: tuple[Order, ...] = get_args(Order)


def queue(
    cursor: Cursor,
    superclass: str | None = None,
    order: Order = "name",
    pending_only: bool = False,
    run_id: int | None = None,
) -> list[QueueItem]:
    """Candidates in the order in which a person wants to see them, superclass by superclass.

    Args:
        cursor: for reading.
        superclass: None for all.
        order: tree (hypernyms before hyponyms), name, pictures (most first), score (lowest mean similarity first;
            not scored last), match (highest text similarity first).
        pending_only: leave out what was decided.
        run_id: the scoring run that the order score and the column similarity_mean take.

    Raises: EngineError if there is no such superclass.
    """
    if superclass is not None:
        require_superclass(cursor, superclass)
    items = log.fetch_queue(cursor, superclass, pending_only, run_id)
    if order == "tree":
        places = {name: _tree_places(cursor, name) for name in {item.superclass for item in items}}
        return sorted(items, key=lambda item: (item.superclass, places[item.superclass].get(item.wnid, 1 << 30)))
    nothing = float("inf")
    keys: dict[str, Callable[[QueueItem], float]] = {
        "name": lambda item: 0,
        "pictures": lambda item: -item.images,
        "score": lambda item: nothing if item.similarity_mean is None else item.similarity_mean,
        "match": lambda item: nothing if item.similarity is None else -item.similarity,
    }
    return sorted(items, key=lambda item: (item.superclass, keys[order](item)))


def _tree_places(cursor: Cursor, superclass: str) -> dict[str, int]:
    """Place of each synset in a walk down from the roots; one that is reached twice stands where it is met first."""
    children: dict[str, list[str]] = defaultdict(list)
    for hypernym, wnid in log.fetch_hyponym_edges(cursor, superclass):
        children[hypernym].append(wnid)
    places: dict[str, int] = {}
    waiting = log.fetch_root_wnids(cursor, superclass)[::-1]
    while waiting:
        wnid = waiting.pop()
        if wnid not in places:
            places[wnid] = len(places)
            waiting += children[wnid][::-1]
    return places
