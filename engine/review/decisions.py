"""What people decided: deciding on one or many candidates, on whole subtrees, and settling replicas.

Every action is a step of one or more events. Nothing is ever changed or deleted; the state follows from the log.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, get_args

from engine.errors import EngineError
from engine.review.exchange import ImportReport, export_events, import_events
from engine.review.steps import Change, NothingToUndo, Step, record, redo, undo
from engine.workspace import Workspace
from store.candidates.superclasses import fetch_superclass_names
from store.connection import Cursor
from store.review import queue as rows
from store.review.queue import Claim

DecisionKind = Literal["accept", "reject", "unsure", "clear"]
Policy = Literal["nearest", "score", "larger", "first", "drop"]

POLICIES: tuple[Policy, ...] = get_args(Policy)

__all__ = [
    "POLICIES", "DecisionKind", "ImportReport", "NothingToUndo", "Policy", "Settlement", "Step", "assign", "decide",
    "export_events", "import_events", "preferred", "redo", "replicas", "require_superclass", "settle", "settlements",
    "undo",
]  # fmt: skip


def decide(
    workspace: Workspace,
    superclass: str,
    wnids: Sequence[str],
    kind: DecisionKind,
    reviewer: str,
    note: str | None = None,
) -> Step:
    """Record one decision on one or many candidates of a superclass, as one step. It is on disk when this returns.

    Raises: EngineError if there is no such superclass, no synset, or a synset is no candidate of it.
    """
    wnids = list(dict.fromkeys(wnids))
    with workspace.opened().deciding() as cursor:
        require_candidates(cursor, superclass, wnids)
        return record(cursor, [(superclass, wnid, kind, note) for wnid in wnids], reviewer)


def replicas(cursor: Cursor, run_id: int | None = None) -> dict[str, list[Claim]]:
    """The synsets that two or more superclasses have accepted, each with its claims and their means in a run."""
    claims = rows.fetch_claims(cursor, run_id)
    return {wnid: list(group) for wnid, group in groupby(claims, key=lambda claim: claim.wnid)}


def assign(workspace: Workspace, wnid: str, superclass: str, reviewer: str, note: str | None = None) -> Step:
    """Give a synset to one superclass and take it from every other that accepted it, as one step.

    Raises: EngineError if it is no candidate of the superclass, or if nothing would change.

    Source: METHODS 1.6. The reference clears the entry at the superclass's place in the list of duplicates, which
    removes another synset; here the claim itself is rejected.
    """
    with workspace.opened().deciding() as cursor:
        require_candidates(cursor, superclass, [wnid])
        changes = _assignment(rows.fetch_states_of(cursor, wnid), wnid, superclass, note)
        if not changes:
            raise EngineError(f"{wnid} is accepted under {superclass} alone: there is nothing to settle.")
        return record(cursor, changes, reviewer)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a rule makes of one replica: the superclass that keeps it; None where it is left to a person.

    With drop, none keeps it, and is_dropped says so.
    """

    wnid: str
    name: str
    lemma: str
    claims: tuple[Claim, ...]
    keeper: str | None
    is_dropped: bool = False

    @property
    def rejections(self) -> int:
        """How many claims fall."""
        return len(self.claims) if self.is_dropped else (len(self.claims) - 1 if self.keeper is not None else 0)


def settlements(cursor: Cursor, policy: Policy, run_id: int | None = None) -> list[Settlement]:
    """What a rule would do, replica by replica; nothing is recorded.

    Args:
        cursor: for reading.
        policy: nearest (fewest steps below a root), score (highest mean similarity in the run), larger (the superclass
            with more accepted pictures), first (by name of the superclass) or drop (reject all).
        run_id: the scoring run whose means count; needed by the policy score.

    Raises: EngineError if the policy score has no run.
    """
    if policy == "score" and run_id is None:
        raise EngineError("There is no scoring run to settle by.", "`sood-tui scoring run` makes one.")
    sizes = rows.fetch_accepted_images(cursor) if policy == "larger" else {}
    return [
        Settlement(
            wnid, claims[0].name, claims[0].lemma, tuple(claims),
            None if policy == "drop" else preferred(claims, policy, sizes), policy == "drop",
        )
        for wnid, claims in replicas(cursor, run_id).items()
    ]  # fmt: skip


def settle(workspace: Workspace, policy: Policy, reviewer: str, run_id: int | None = None) -> Step | None:
    """Settle every replica by one rule, as one step; ties stay for a person.

    Args:
        workspace: open.
        policy: see settlements.
        reviewer: who asked for it.
        run_id: the scoring run whose means count; needed by the policy score.

    Returns: the step, or None when there was nothing that the rule could settle.

    Raises: EngineError if the policy score has no run.
    """
    with workspace.opened().deciding() as cursor:
        changes: list[Change] = []
        for found in settlements(cursor, policy, run_id):
            if found.is_dropped:
                note = "settled: dropped everywhere"
                changes += [(claim.superclass, found.wnid, "reject", note) for claim in found.claims]
            elif found.keeper is not None:
                states = rows.fetch_states_of(cursor, found.wnid)
                changes += _assignment(states, found.wnid, found.keeper, f"settled: {policy}")
        return record(cursor, changes, reviewer) if changes else None


def preferred(claims: Sequence[Claim], policy: Policy, sizes: Mapping[str, int] | None = None) -> str | None:
    """The superclass that a rule gives a synset to; None on a tie or where the rule has nothing to go by.

    Args:
        claims: on one synset.
        policy: any but drop.
        sizes: accepted pictures of each superclass, for the policy larger.
    """
    if policy == "first":
        return min((claim.superclass for claim in claims), default=None)
    keys: dict[Policy, Callable[[Claim], float | None]] = {
        "nearest": lambda claim: None if claim.depth is None else -claim.depth,
        "score": lambda claim: claim.similarity_mean,
        "larger": lambda claim: (sizes or {}).get(claim.superclass, 0),
    }
    key = keys[policy]
    ranked = sorted(((value, claim.superclass) for claim in claims if (value := key(claim)) is not None), reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]


def _assignment(states: dict[str, rows.State], wnid: str, superclass: str, note: str | None) -> list[Change]:
    """The changes that leave the synset accepted under this superclass alone."""
    changes: list[Change] = []
    if states.get(superclass) != "accept":
        changes.append((superclass, wnid, "accept", note))
    changes += [
        (other, wnid, "reject", f"assigned to {superclass}" + (f"; {note}" if note else ""))
        for other, state in states.items()
        if state == "accept" and other != superclass
    ]
    return changes


def require_superclass(cursor: Cursor, superclass: str) -> None:
    """Check that there is such a superclass.

    Raises: EngineError with names that are spelled alike.
    """
    names = fetch_superclass_names(cursor)
    if superclass not in names:
        near = difflib.get_close_matches(superclass, names, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "`sood-tui candidates add SYNSET` makes one."
        raise EngineError(f"There is no superclass {superclass}.", hint)


def require_candidates(cursor: Cursor, superclass: str, wnids: Sequence[str]) -> None:
    """Check that there is at least one synset, and that all are candidates of the superclass.

    Raises: EngineError naming those that are none.
    """
    known = rows.fetch_candidates_among(cursor, superclass, wnids) if wnids else set()
    strangers = [wnid for wnid in wnids if wnid not in known]
    if wnids and not strangers:
        return
    require_superclass(cursor, superclass)
    if not wnids:
        raise EngineError("No synset was named.", "Name the synsets to decide on after the superclass.")
    shown = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
    raise EngineError(
        f"{shown}: no candidate of {superclass}.",
        f"`sood-tui review list {superclass}` lists the candidates; `sood-tui candidates add` and `match` find others.",
    )
