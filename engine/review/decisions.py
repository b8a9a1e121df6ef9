"""What people decided: deciding, taking back, settling replicas, exchanging the log, agreement.

Every action is a step of one or more events. Nothing is ever changed or deleted; the state follows from the log.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Literal, get_args
from uuid import UUID

from engine.errors import EngineError
from engine.events import new_event_id, now
from engine.review.journal import BadJournal, read_journal, write_journal
from engine.workspace import Workspace
from store import review as log
from store.connection import Cursor
from store.review import Claim, Event, Kind

DecisionKind = Literal["accept", "reject", "unsure", "clear"]
Policy = Literal["nearest", "score", "drop"]
Change = tuple[str, str, Kind, str | None]  # superclass, wnid, kind, note

POLICIES: tuple[Policy, ...] = get_args(Policy)


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a person: what one undo takes back."""

    step_id: UUID
    events: tuple[Event, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of its events, each once, in their order."""
        return tuple(dict.fromkeys(event.kind for event in self.events))

    @property
    def superclasses(self) -> tuple[str, ...]:
        """The superclasses it speaks of, each once, in their order."""
        return tuple(dict.fromkeys(event.superclass for event in self.events))

    @property
    def wnids(self) -> tuple[str, ...]:
        """The synsets it speaks of, each once, in their order."""
        return tuple(dict.fromkeys(event.wnid for event in self.events))

    @property
    def reviewer(self) -> str:
        """Who took it."""
        return self.events[0].reviewer

    @property
    def at(self) -> datetime:
        """When, in UTC."""
        return self.events[0].at


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import brought: new events, events that were here already, and synsets that are no candidates here."""

    added: int
    known: int
    strangers: int


class NothingToUndo(EngineError):
    """No step is left that could be taken back, or brought back."""


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
    with workspace.opened().writing() as cursor:
        _require_candidates(cursor, superclass, wnids)
        return _record(cursor, [(superclass, wnid, kind, note) for wnid in wnids], reviewer)


def undo(workspace: Workspace, reviewer: str, of: str | None = None) -> Step:
    """Take back the newest step that stands; the log keeps both.

    Args:
        workspace: open.
        reviewer: who takes it back.
        of: only a step of this person.

    Returns: the step that was taken back.

    Raises: NothingToUndo.
    """
    with workspace.opened().writing() as cursor:
        target = log.fetch_undoable_step(cursor, of)
        if target is None:
            raise NothingToUndo("There is no decision to take back.", "`sood-tui review log` shows what was decided.")
        return _reverse(cursor, "undo", target, reviewer)


def redo(workspace: Workspace, reviewer: str, of: str | None = None) -> Step:
    """Bring back the step that was taken back last. A decision after the undo ends what can be brought back.

    Raises: NothingToUndo.
    """
    with workspace.opened().writing() as cursor:
        target = log.fetch_redoable_step(cursor, of)
        if target is None:
            raise NothingToUndo("There is no step to bring back.", "A new decision ends what redo can bring back.")
        return _reverse(cursor, "redo", target, reviewer)


def replicas(cursor: Cursor, run_id: int | None = None) -> dict[str, list[Claim]]:
    """The synsets that two or more superclasses have accepted, each with its claims and their means in a run."""
    claims = log.fetch_claims(cursor, run_id)
    return {wnid: list(group) for wnid, group in groupby(claims, key=lambda claim: claim.wnid)}


def assign(workspace: Workspace, wnid: str, superclass: str, reviewer: str, note: str | None = None) -> Step:
    """Give a synset to one superclass and take it from every other that accepted it, as one step.

    Raises: EngineError if it is no candidate of the superclass, or if nothing would change.

    Source: METHODS 1.6. The reference clears the entry at the superclass's place in the list of duplicates, which
    removes another synset; here the claim itself is rejected.
    """
    with workspace.opened().writing() as cursor:
        _require_candidates(cursor, superclass, [wnid])
        changes = _assignment(log.fetch_states_of(cursor, wnid), wnid, superclass, note)
        if not changes:
            raise EngineError(f"{wnid} is accepted under {superclass} alone: there is nothing to settle.")
        return _record(cursor, changes, reviewer)


def settle(workspace: Workspace, policy: Policy, reviewer: str, run_id: int | None = None) -> Step | None:
    """Settle every replica by one rule, as one step; ties stay for a person.

    Args:
        workspace: open.
        policy: nearest (fewest steps below a root), score (highest mean similarity in the run) or drop (reject all).
        reviewer: who asked for it.
        run_id: the scoring run whose means count; needed by the policy score.

    Returns: the step, or None when there was nothing that the rule could settle.

    Raises: EngineError if the policy score has no run.
    """
    if policy == "score" and run_id is None:
        raise EngineError("There is no scoring run to settle by.", "`sood-tui scoring run` makes one.")
    with workspace.opened().writing() as cursor:
        changes: list[Change] = []
        for wnid, claims in replicas(cursor, run_id).items():
            states = log.fetch_states_of(cursor, wnid)
            if policy == "drop":
                changes += [(claim.superclass, wnid, "reject", "settled: dropped everywhere") for claim in claims]
            elif (winner := preferred(claims, policy)) is not None:
                changes += _assignment(states, wnid, winner, f"settled: {policy}")
        return _record(cursor, changes, reviewer) if changes else None


def preferred(claims: Sequence[Claim], policy: Policy) -> str | None:
    """The superclass that a rule gives a synset to; None on a tie or where the rule has nothing to go by."""
    key: Callable[[Claim], float | None] = (
        (lambda claim: None if claim.depth is None else -claim.depth)
        if policy == "nearest"
        else (lambda claim: claim.similarity_mean)
    )
    ranked = sorted(((value, claim.superclass) for claim in claims if (value := key(claim)) is not None), reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]


def export_events(workspace: Workspace, path: Path) -> int:
    """Write the whole log as JSON lines. Returns: the number of events."""
    with workspace.opened().reading() as cursor:
        return write_journal(log.fetch_events(cursor), path)


def import_events(workspace: Workspace, path: Path) -> ImportReport:
    """Take in a journal: all of it or nothing. Events that are here already change nothing.

    Raises: BadJournal if a line is no event, or contradicts an event of the same id.
    """
    lines = read_journal(path)
    with workspace.opened().writing() as cursor:
        known = log.fetch_known_events(cursor, [event.event_id for _, event in lines])
        fresh: dict[UUID, Event] = {}
        problems = []
        for number, event in lines:
            earlier = known.get(event.event_id) or fresh.setdefault(event.event_id, event)
            if earlier != event:
                problems.append(f"line {number}: {event.event_id} is known with other contents")
        if problems:
            raise BadJournal(path, problems)
        if fresh:
            log.append_events(cursor, list(fresh.values()))
        pairs = [(event.superclass, event.wnid) for event in fresh.values() if event.kind not in ("undo", "redo")]
        return ImportReport(len(fresh), len(lines) - len(fresh), log.count_strangers(cursor, pairs))


def _assignment(states: dict[str, log.State], wnid: str, superclass: str, note: str | None) -> list[Change]:
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
    names = log.fetch_superclass_names(cursor)
    if superclass not in names:
        near = difflib.get_close_matches(superclass, names, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "`sood-tui candidates add SYNSET` makes one."
        raise EngineError(f"There is no superclass {superclass}.", hint)


def _require_candidates(cursor: Cursor, superclass: str, wnids: Sequence[str]) -> None:
    known = log.fetch_candidates_among(cursor, superclass, wnids) if wnids else set()
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


def _record(cursor: Cursor, changes: Sequence[Change], reviewer: str) -> Step:
    """Append the changes as one step."""
    event_ids = _event_ids(cursor, len(changes) + 1)
    step_id, at = event_ids[0], now()
    events = tuple(
        Event(event_id, step_id, superclass, wnid, kind, None, _signed(reviewer), at, note or None)
        for event_id, (superclass, wnid, kind, note) in zip(event_ids[1:], changes, strict=True)
    )
    log.append_events(cursor, events)
    return Step(step_id, events)


def _reverse(cursor: Cursor, kind: Literal["undo", "redo"], target: UUID, reviewer: str) -> Step:
    step_id, event_id = _event_ids(cursor, 2)
    log.append_events(cursor, [Event(event_id, step_id, "", "", kind, target, _signed(reviewer), now(), None)])
    return Step(target, tuple(log.fetch_step(cursor, target)))


def _event_ids(cursor: Cursor, count: int) -> list[UUID]:
    """New ids, each after everything in the log: the clock of whoever's events were taken in may run ahead of ours."""
    newest = log.fetch_newest_event_id(cursor)
    ids: list[UUID] = []
    for _ in range(count):
        fresh = new_event_id()
        newest = fresh if newest is None or fresh > newest else UUID(int=newest.int + 1)
        ids.append(newest)
    return ids


def _signed(reviewer: str) -> str:
    if not reviewer.strip():
        raise EngineError("A decision needs a name.", "Set `reviewer` in the settings, or say --by NAME.")
    return reviewer
