"""Where reviewers contradict one another, and the word of a named person that settles it.

How a state follows from several words is defined in one place: the view decision_state of the catalogue. An
adjudication goes before every other word; else a word on the very synset before an inherited one; else the last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.errors import EngineError
from engine.review.decisions import DecisionKind, require_candidates, require_superclass
from engine.review.steps import Change, Step, record
from engine.workspace import Workspace
from store.connection import Cursor
from store.review.queue import State, fetch_states_of
from store.review.words import Word, fetch_adjudicated, fetch_contradicted, fetch_words


@dataclass(frozen=True, slots=True)
class Dispute:
    """A candidate that one reviewer accepts and another rejects; state is what stands until somebody settles it."""

    superclass: str
    wnid: str
    name: str
    state: State
    words: tuple[Word, ...]


def disputes(cursor: Cursor, superclass: str | None = None) -> list[Dispute]:
    """Candidates on which reviewers contradict one another and no adjudication stands, by superclass and name.

    An unsure word contradicts nobody: it asks for a second look.

    Raises: EngineError if there is no such superclass.
    """
    if superclass is not None:
        require_superclass(cursor, superclass)
    places = fetch_contradicted(cursor, superclass)
    if not places:
        return []
    found = []
    for (name, wnid), group in groupby(fetch_words(cursor, superclass), key=lambda word: (word.superclass, word.wnid)):
        if (name, wnid) in places:
            words = tuple(group)
            found.append(Dispute(name, wnid, words[0].name, fetch_states_of(cursor, wnid)[name], words))
    return sorted(found, key=lambda dispute: (dispute.superclass, dispute.name))


def adjudicate(
    workspace: Workspace,
    superclass: str,
    wnids: Sequence[str],
    kind: DecisionKind,
    reviewer: str,
    note: str | None = None,
) -> Step:
    """Settle candidates by the word of a named person, as one step. It stands until it is undone or adjudicated anew.

    Args:
        workspace: open.
        superclass: under which.
        wnids: candidates of it, disputed or not.
        kind: accept, reject or unsure; clear takes earlier adjudications back, so that the last word counts again.
        reviewer: who settles it.
        note: why.

    Raises: EngineError without a name, if there is no such superclass, if a synset is no candidate of it, or if there
        is no adjudication to take back.
    """
    wanted = list(dict.fromkeys(wnids))
    with workspace.opened().deciding() as cursor:
        require_candidates(cursor, superclass, wanted)
        if kind == "clear":
            settled = fetch_adjudicated(cursor, superclass)
            if free := [wnid for wnid in wanted if (superclass, wnid) not in settled]:
                raise EngineError(
                    f"No adjudication stands on {', '.join(free[:5])}.", "`sood-tui review log` shows what was decided."
                )
        changes: list[Change] = [(superclass, wnid, kind, note) for wnid in wanted]
        return record(cursor, changes, reviewer, is_adjudication=True)
