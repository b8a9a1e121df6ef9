"""Everything that is known of a candidate and of how it came to stand where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.errors import EngineError
from engine.filters.rules import RuleVerdict
from engine.filters.rules import verdicts as rule_verdicts
from engine.review.blind import own_history, own_items
from engine.review.opinions import FilterOpinion, filter_opinions
from engine.review.queue import queue
from engine.review.subtrees import Conflict, conflicts
from store.connection import Cursor
from store.evaluation.sets import fetch_lemmas
from store.filters import fetch_audit
from store.review import log
from store.review.log import LogEntry
from store.review.pictures import MarkedPicture, fetch_marked_pictures
from store.review.queue import QueueItem, fetch_queue, fetch_states_of


@dataclass(frozen=True, slots=True)
class Story:
    """The story of a candidate under one superclass.

    Attributes:
        candidate: routes, numbers and the state that stands, with who and when.
        others: the same synset under every other superclass that has it.
        opinions: what each filter said, with the very pictures it saw.
        rules: what rules that are on would drop, and why.
        conflict: what it inherits by ways that disagree; None where they do not.
        marked: its pictures that were marked.
        history: every decision on it and its pictures, newest first.
        audit: the stratum that it was drawn from for the newest audit; None where it was not drawn.
        origins: the first lemma, by wnid, of each synset that a decision in the story is inherited from.
    """

    candidate: QueueItem
    others: tuple[QueueItem, ...]
    opinions: tuple[FilterOpinion, ...]
    rules: tuple[RuleVerdict, ...]
    conflict: Conflict | None
    marked: tuple[MarkedPicture, ...]
    history: tuple[LogEntry, ...]
    audit: str | None
    origins: Mapping[str, str]


def story(cursor: Cursor, superclass: str, wnid: str, run_id: int | None = None) -> Story:
    """Tell the whole story of a candidate.

    Args:
        cursor: for reading.
        superclass: under which.
        wnid: the synset.
        run_id: the scoring run whose mean similarity is told.

    Raises: EngineError if it is no candidate of the superclass.
    """
    own = next((item for item in queue(cursor, superclass, run_id=run_id) if item.wnid == wnid), None)
    if own is None:
        raise EngineError(
            f"{wnid} is no candidate of {superclass}.", f"`sood-tui review list {superclass}` lists them."
        )
    drawn = {(row.superclass, row.wnid): row.stratum for row in fetch_audit(cursor)}
    others, history = tuple(other_claims(cursor, superclass, wnid)), tuple(log.fetch_history(cursor, wnid))
    wnids = [*(item.inherited_from for item in (own, *others)), *(entry.inherited_from for entry in history)]
    lemmas = fetch_lemmas(cursor, sorted({wnid for wnid in wnids if wnid is not None}))
    return Story(
        own,
        others,
        filter_opinions(cursor, superclass, wnid).get((superclass, wnid), ()),
        tuple(verdict for verdict in rule_verdicts(cursor, [superclass]) if verdict.wnid == wnid),
        next((found for found in conflicts(cursor, superclass) if found.wnid == wnid), None),
        tuple(fetch_marked_pictures(cursor, wnid)),
        history,
        drawn.get((superclass, wnid)),
        {origin: words[0] for origin, words in lemmas.items()},
    )


def other_claims(cursor: Cursor, superclass: str, wnid: str) -> list[QueueItem]:
    """The synset as every other superclass that has it as a candidate sees it, by superclass."""
    names = [name for name in fetch_states_of(cursor, wnid) if name != superclass]
    return [item for name in names for item in fetch_queue(cursor, name, False, None) if item.wnid == wnid]


def own_story(cursor: Cursor, story: Story, reviewer: str) -> Story:
    """The story of a candidate with nothing in it that others, filters, rules or scores have said."""
    (candidate,) = own_items(cursor, [story.candidate], reviewer)
    history = own_history(story.history, reviewer)
    said = {candidate.inherited_from, *(entry.inherited_from for entry in history)}
    return replace(
        story, candidate=candidate, others=(), opinions=(), rules=(), conflict=None, audit=None,
        marked=tuple(mark for mark in story.marked if mark.reviewer == reviewer),
        history=history, origins={wnid: word for wnid, word in story.origins.items() if wnid in said},
    )  # fmt: skip
