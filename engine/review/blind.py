"""Judging without knowing: a candidate as one reviewer sees it who sees nobody else's word, no verdict and no score."""

from collections.abc import Sequence
from dataclasses import replace

from store.connection import Cursor
from store.review.log import LogEntry
from store.review.queue import QueueItem
from store.review.words import fetch_words


def own_items(cursor: Cursor, items: Sequence[QueueItem], reviewer: str) -> list[QueueItem]:
    """The candidates, in their order, each in the state that the reviewer alone gave it; scores are left out.

    Args:
        cursor: for reading.
        items: of one superclass or of several.
        reviewer: who looks at them.
    """
    only = items[0].superclass if items and all(item.superclass == items[0].superclass for item in items) else None
    said = {(word.superclass, word.wnid): word for word in fetch_words(cursor, only) if word.reviewer == reviewer}
    bare = [
        replace(
            item, state="pending", reviewer=None, at=None, note=None, inherited_from=None, is_adjudicated=False,
            similarity=None, similarity_mean=None,
        )
        for item in items
    ]  # fmt: skip
    return [
        replace(item, state=word.kind, reviewer=reviewer, at=word.at, note=word.note or None,
                inherited_from=word.inherited_from)
        if (word := said.get((item.superclass, item.wnid))) is not None
        else item
        for item in bare
    ]  # fmt: skip


def own_history(history: Sequence[LogEntry], reviewer: str) -> tuple[LogEntry, ...]:
    """What the reviewer decided themselves; rulings stay out, since they follow from what others said."""
    return tuple(entry for entry in history if entry.reviewer == reviewer and not entry.is_adjudication)
