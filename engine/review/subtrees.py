"""A decision for a synset and everything below it. What is inherited is marked so, and a word of one's own wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

from engine.errors import EngineError
from engine.review.decisions import DecisionKind, require_superclass
from engine.review.steps import Step, record
from engine.workspace import Workspace
from store.connection import Cursor
from store.review.subtrees import Inherited, Reached, fetch_inherited, fetch_lines_between, fetch_reached


@dataclass(frozen=True, slots=True)
class Reach:
    """What a decision on a subtree would do under one superclass, in numbers of candidates.

    Attributes:
        candidates: at and under the synset; each takes the decision, seen or not.
        changed: those that would stand otherwise than now.
        earlier: those of the changed that had inherited another decision.
        own: those below the synset that keep the word that was given to them alone.
    """

    superclass: str
    candidates: int
    changed: int
    earlier: int
    own: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """A candidate whose ways up disagree: synsets that do not lie under one another gave it different decisions."""

    superclass: str
    wnid: str
    name: str
    claims: tuple[Inherited, ...]


def decide_subtree(
    workspace: Workspace, superclass: str, wnid: str, kind: DecisionKind, reviewer: str, note: str | None = None
) -> Step:
    """Give a decision to a synset and to every candidate of the superclass below it, as one step.

    On the synset itself, if it is a candidate, it is a decision like any other. Below, a decision on a single candidate
    stands whenever it was taken; undoing that one brings the inherited one out.

    Raises: EngineError if there is no such superclass, or no candidate of it lies there.
    """
    with workspace.opened().deciding() as cursor:
        require_superclass(cursor, superclass)
        reached = [row for row in fetch_reached(cursor, wnid) if row.superclass == superclass]
        if not reached:
            raise EngineError(
                f"No candidate of {superclass} lies at or under {wnid}.",
                f"`sood-tui review list {superclass}` lists its candidates.",
            )
        # Putting back means what inherits, not the words that people gave to single candidates.
        wanted = [row for row in reached if kind != "clear" or row.wnid == wnid or row.inherited_from is not None]
        if not wanted:
            raise EngineError("Nothing below it has inherited a decision.", "u takes back the last step.")
        return record(cursor, [(superclass, row.wnid, kind, note) for row in wanted], reviewer, wnid)


def reach(cursor: Cursor, wnid: str, kind: DecisionKind) -> list[Reach]:
    """What such a decision would touch, by superclass; empty where no candidate lies at or under the synset."""
    rows = fetch_reached(cursor, wnid)
    return [
        _reach(name, list(group), wnid, kind) for name, group in groupby(rows, key=lambda reached: reached.superclass)
    ]


def conflicts(cursor: Cursor, superclass: str | None = None) -> list[Conflict]:
    """Candidates that inherit different decisions by different ways up, and have no word of their own.

    Where one of the synsets lies under the other there is no conflict: there the last word counts.
    """
    rows = fetch_inherited(cursor, superclass)
    lines = fetch_lines_between(cursor, sorted({row.origin for row in rows}))
    found = []
    for (name, wnid), group in groupby(rows, key=lambda row: (row.superclass, row.wnid)):
        claims = tuple(group)
        if any(_disagree(one, other, lines) for one, other in combinations(claims, 2)):
            found.append(Conflict(name, wnid, claims[0].name, claims))
    return found


def _reach(superclass: str, rows: Sequence[Reached], wnid: str, kind: DecisionKind) -> Reach:
    target = "pending" if kind == "clear" else kind
    own = [row for row in rows if row.wnid != wnid and row.state != "pending" and row.inherited_from is None]
    open_to_it = [row for row in rows if row not in own]
    changed = [row for row in open_to_it if row.state != target]
    earlier = sum(row.state != "pending" for row in changed)
    return Reach(superclass, len(rows), len(changed), earlier, len(own))


def _disagree(one: Inherited, other: Inherited, lines: set[tuple[str, str]]) -> bool:
    related = (one.origin, other.origin) in lines or (other.origin, one.origin) in lines
    return one.kind != other.kind and "clear" not in (one.kind, other.kind) and not related
