"""What Review says of a candidate beside its row in the queue: filters, rules, and what it inherits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.filters.rules import verdicts as rule_verdicts
from engine.review.opinions import FilterOpinion, Place, filter_opinions
from engine.review.subtrees import Conflict, conflicts
from store.connection import Cursor
from store.review.words import Word, fetch_words


@dataclass(frozen=True, slots=True)
class Remarks:
    """What filters, rules and other reviewers say of one candidate, and a conflict in what it inherits."""

    opinions: tuple[FilterOpinion, ...] = ()
    rules: tuple[str, ...] = ()
    conflict: Conflict | None = None
    words: tuple[Word, ...] = ()


NOTHING = Remarks()


def read_remarks(
    cursor: Cursor,
    superclass: str,
    opinions: Mapping[Place, tuple[FilterOpinion, ...]] | None = None,
) -> dict[str, Remarks]:
    """The remarks on the candidates of a superclass, by wnid; those without any have no entry."""
    said = filter_opinions(cursor, superclass) if opinions is None else opinions
    rules: dict[str, list[str]] = {}
    for verdict in rule_verdicts(cursor, [superclass]):
        rules.setdefault(verdict.wnid, []).append(verdict.reason)
    disputed = {conflict.wnid: conflict for conflict in conflicts(cursor, superclass)}
    words = words_by_wnid(fetch_words(cursor, superclass))
    wnids = {wnid for _, wnid in said} | rules.keys() | disputed.keys() | words.keys()
    return {
        wnid: Remarks(
            said.get((superclass, wnid), ()), tuple(rules.get(wnid, ())), disputed.get(wnid),
            tuple(words.get(wnid, ())),
        )
        for wnid in wnids
    }  # fmt: skip


def with_words(remarks: Mapping[str, Remarks], words: Sequence[Word]) -> dict[str, Remarks]:
    """The remarks with what reviewers say by now."""
    said = words_by_wnid(words)
    return {
        wnid: replace(remarks.get(wnid, NOTHING), words=tuple(said.get(wnid, ())))
        for wnid in remarks.keys() | said.keys()
    }


def words_by_wnid(words: Sequence[Word]) -> dict[str, list[Word]]:
    """The words on each synset, in their order."""
    said: dict[str, list[Word]] = {}
    for word in words:
        said.setdefault(word.wnid, []).append(word)
    return said
