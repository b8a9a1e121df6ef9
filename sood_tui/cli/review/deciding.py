"""Decisions: as a command says them, taken, and told."""

import typer

from engine.errors import EngineError
from engine.review import decisions as engine
from engine.review.decisions import DecisionKind, Step
from engine.review.subtrees import decide_subtree
from engine.wordnet.resolve import AmbiguousWord, resolve
from sood_tui.cli.context import open_review, settings_of
from sood_tui.cli.output import emit_json, say
from store.connection import Cursor
from store.review.queue import fetch_candidates_among


def decide(
    context: typer.Context,
    superclass: str,
    synsets: list[str],
    kind: DecisionKind,
    by: str | None,
    note: str | None,
    subtree: bool,
    as_json: bool,
) -> None:
    """Decide on synsets of a superclass, or on one with all below it, as one step."""
    with open_review(context) as workspace:
        name = by or settings_of(workspace).reviewer
        with workspace.opened().reading() as cursor:
            engine.require_superclass(cursor, superclass)
            wnids = [candidate_named(cursor, superclass, text) for text in synsets]
        if subtree and len(wnids) > 1:
            raise EngineError("--subtree takes one synset: one step, one undo.", "Say the command once for each.")
        if subtree:
            step = decide_subtree(workspace, superclass, wnids[0], kind, name, note)
        else:
            step = engine.decide(workspace, superclass, wnids, kind, name, note)
    tell("Recorded", step, as_json)


def candidate_named(cursor: Cursor, superclass: str, text: str) -> str:
    """The wnid that a text names; of several senses the one that is a candidate, if only one is."""
    try:
        return resolve(cursor, text)
    except AmbiguousWord as ambiguous:
        meant = fetch_candidates_among(cursor, superclass, [sense.wnid for sense in ambiguous.senses])
        if len(meant) == 1:
            return meant.pop()
        raise


def tell(what: str, step: Step, as_json: bool) -> None:
    """Say what a step recorded, took back or brought back."""
    if as_json:
        emit_json(step)
    for event in step.events:
        whence = f", inherited from {event.inherited_from}" if event.inherited_from else ""
        say(f"{what}: {event.kind} {event.wnid} under {event.superclass} by {event.reviewer}{whence}")
    for picture in step.pictures:
        say(f"{what}: {picture.kind} {picture.root}/{picture.path} by {picture.reviewer}")
