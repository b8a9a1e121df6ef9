"""The review queue: candidates in the order in which a person wants to see them."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from engine.review.blind import own_items
from engine.review.decisions import require_superclass
from engine.review.opinions import FilterOpinion, Place, filter_opinions, probability, spread
from engine.review.selection import Surroundings, Term, keeps
from engine.review.subtrees import conflicts
from store.candidates.superclasses import fetch_superclass_roots
from store.connection import Cursor
from store.filters import fetch_audit
from store.review import queue as rows
from store.review.queue import QueueItem
from store.review.words import fetch_contradicted

Order = Literal["tree", "name", "pictures", "score", "match", "uncertain", "disagreement", "disputed", "audit"]

_NOTHING = float("inf")


def queue(
    cursor: Cursor,
    superclass: str | None = None,
    order: Order = "name",
    pending_only: bool = False,
    run_id: int | None = None,
    selection: Sequence[Term] = (),
    seed: int = 0,
    opinions: Mapping[Place, tuple[FilterOpinion, ...]] | None = None,
    blind_for: str | None = None,
) -> list[QueueItem]:
    """Candidates in the order in which a person wants to see them, superclass by superclass.

    Args:
        cursor: for reading.
        superclass: None for all.
        order: tree (hypernyms before hyponyms), name, pictures (most first), score (lowest mean similarity first;
            not scored last), match (highest text similarity first), uncertain (calibrated P(yes) nearest to a half
            first; what no filter judged last), disagreement (filters that contradict one another first, the widest
            apart before), disputed (those first on which reviewers contradict one another), audit (those drawn for the
            newest audit, then the others, both at random by the seed).
        pending_only: leave out what was decided.
        run_id: the scoring run that the order score and the column similarity_mean take.
        selection: what the candidates must be, see ``engine.review.selection.parse``.
        seed: of the order audit.
        opinions: what filters say, if it was read already.
        blind_for: a reviewer who sees their own words only: no verdicts, no scores, and no order by them.

    Raises: EngineError if there is no such superclass.
    """
    if superclass is not None:
        require_superclass(cursor, superclass)
    items = rows.fetch_queue(cursor, superclass, pending_only and blind_for is None, run_id)
    fields = {term.field for term in selection}
    if blind_for is not None:
        opinions, fields = {}, fields - {"disputed", "conflict"}
        order = "name" if order == "disputed" else order
        items = own_items(cursor, items, blind_for)
        items = [item for item in items if not pending_only or item.state == "pending"]
    if opinions is None and (order in ("uncertain", "disagreement") or "verdict" in fields):
        opinions = filter_opinions(cursor, superclass)
    said = opinions or {}
    disputed = fetch_contradicted(cursor, superclass) if order == "disputed" or "disputed" in fields else set()
    drawn = _drawn(cursor) if order == "audit" or "audit" in fields else frozenset()
    if selection:
        torn = _in_conflict(cursor, superclass) if "conflict" in fields else frozenset()
        around = Surroundings(torn, drawn, frozenset(disputed))
        items = [item for item in items if keeps(selection, item, said.get(_place(item), ()), around)]
    if order == "tree":
        places = {name: _tree_places(cursor, name) for name in {item.superclass for item in items}}
        return sorted(items, key=lambda item: (item.superclass, places[item.superclass].get(item.wnid, 1 << 30)))
    keys: dict[str, Callable[[QueueItem], float]] = {
        "name": lambda item: 0,
        "pictures": lambda item: -item.images,
        "score": lambda item: _NOTHING if item.similarity_mean is None else item.similarity_mean,
        "match": lambda item: _NOTHING if item.similarity is None else -item.similarity,
        "uncertain": lambda item: _certainty(said.get(_place(item), ())),
        "disagreement": lambda item: -spread(said.get(_place(item), ())),
        "disputed": lambda item: _place(item) not in disputed,
        "audit": lambda item: (_place(item) not in drawn) + _draw(seed, item),
    }
    return sorted(items, key=lambda item: (item.superclass, keys[order](item)))


def _place(item: QueueItem) -> Place:
    return item.superclass, item.wnid


def _certainty(opinions: tuple[FilterOpinion, ...]) -> float:
    chance = probability(opinions)
    return _NOTHING if chance is None else abs(chance - 0.5)


def _drawn(cursor: Cursor) -> frozenset[Place]:
    return frozenset((row.superclass, row.wnid) for row in fetch_audit(cursor))


def _in_conflict(cursor: Cursor, superclass: str | None) -> frozenset[Place]:
    return frozenset((row.superclass, row.wnid) for row in conflicts(cursor, superclass))


def _draw(seed: int, item: QueueItem) -> float:
    """A number in [0, 1) that seed, superclass and wnid pick."""
    digest = hashlib.sha256(f"{seed}/{item.superclass}/{item.wnid}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def _tree_places(cursor: Cursor, superclass: str) -> dict[str, int]:
    """Place of each synset in a walk down from the roots; one that is reached twice stands where it is met first."""
    children: dict[str, list[str]] = defaultdict(list)
    for hypernym, wnid in rows.fetch_hyponym_edges(cursor, superclass):
        children[hypernym].append(wnid)
    places: dict[str, int] = {}
    waiting = [*reversed(fetch_superclass_roots(cursor).get(superclass, ()))]
    while waiting:
        wnid = waiting.pop()
        if wnid not in places:
            places[wnid] = len(places)
            waiting += children[wnid][::-1]
    return places
