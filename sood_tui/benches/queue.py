"""What Review reads of a superclass: its queue in an order, what is said of each candidate, what stands by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from engine.errors import EngineError
from engine.review.opinions import filter_opinions
from engine.review.queue import Order, queue
from engine.review.selection import STATES, Term, parse
from engine.workspace import Workspace
from sood_tui.benches.desk import FILTERS
from sood_tui.benches.remarks import Remarks, read_remarks
from store.candidates.superclasses import Superclass, fetch_superclasses
from store.review.evidence import fetch_draws
from store.review.queue import QueueItem
from store.review.words import Standing, Word, fetch_standing, fetch_words
from store.splits.similarities import fetch_runs

ORDER_WORDS: dict[Order, str] = {
    "tree": "hypernyms before hyponyms",
    "name": "by name",
    "pictures": "most pictures first",
    "score": "lowest mean score first",
    "match": "highest text match first",
    "uncertain": "P(yes) nearest to a half first",
    "disagreement": "filters that contradict one another first",
    "disputed": "disputes between reviewers first",
    "audit": "at random, those drawn for the audit first",
}


@dataclass(frozen=True, slots=True)
class QueueRead:
    """What a reload found.

    Attributes:
        whole: the queue as it would be without the filter, where it is needed to know the way on; else the items.
    """

    superclasses: tuple[Superclass, ...]
    superclass: str
    items: tuple[QueueItem, ...]
    whole: tuple[QueueItem, ...]
    remarks: Mapping[str, Remarks]
    drawn: Mapping[str, datetime]


def read_queue(
    workspace: Workspace, superclass: str, order: str, kept: str, blind_for: str | None, stood_on: str = "",
    is_cut: bool = False,
) -> QueueRead:  # fmt: skip
    """Read a queue.

    Args:
        workspace: open.
        superclass: the one wanted; where it is none, the one with most left to do.
        order: one of ORDER_WORDS; any other is by tree.
        kept: one of FILTERS, or words of a selection.
        blind_for: the reviewer who is to see their own words only; None shows everything.
        stood_on: the wnid of the candidate from which to go on, where the filter may have left it out.
        is_cut: whether that may be out of date, as after a kill.
    """
    with workspace.opened().reading() as cursor:
        superclasses = tuple(fetch_superclasses(cursor))
        names = [row.superclass for row in superclasses]
        if superclass not in names:
            # The one with most left to do is the likeliest to be worked on next.
            superclass = max(superclasses, key=lambda row: row.pending).superclass if superclasses else ""
        orders: tuple[Order, ...] = tuple(ORDER_WORDS)
        wanted = orders[orders.index(order)] if order in orders else "tree"
        if not superclass:
            return QueueRead(superclasses, superclass, (), (), {}, {})
        opinions = filter_opinions(cursor, superclass) if blind_for is None else {}
        runs, selection = fetch_runs(cursor), _selection(kept)
        laid_out = partial(
            queue, cursor, superclass, wanted, run_id=runs[-1].run_id if runs else None, seed=workspace.seed,
            opinions=opinions, blind_for=blind_for,
        )  # fmt: skip
        items = tuple(laid_out(selection=selection))
        is_left_out = stood_on != "" and all(item.wnid != stood_on for item in items)
        whole = tuple(laid_out()) if selection and (is_left_out or is_cut) else items
        remarks = read_remarks(cursor, superclass, opinions) if blind_for is None else {}
        drawn = {draw.wnid: draw.drawn_at for draw in fetch_draws(cursor, superclass)}
        return QueueRead(superclasses, superclass, items, whole, remarks, drawn)


def read_standing(workspace: Workspace, superclass: str) -> tuple[list[Standing], list[Word]]:
    """What stands of the candidates of a superclass by now, and what each reviewer said."""
    with workspace.opened().reading() as cursor:
        return fetch_standing(cursor, superclass), fetch_words(cursor, superclass)


def _selection(kept: str) -> tuple[Term, ...]:
    """What a filter means; one that is no longer understood, from an older start, keeps everything."""
    if kept in FILTERS:
        return () if kept == "all" else parse(f"state:{kept}") if kept in STATES else parse(kept)
    return () if why_unfit(kept) else parse(kept)


def why_unfit(text: str) -> str:
    """Why a text selects nothing; empty where it does."""
    try:
        parse(text)
    except EngineError as error:
        return str(error)
    return ""


def filter_words(kept: str) -> str:
    """What the queue holds, in words."""
    return FILTERS.get(kept, kept)
