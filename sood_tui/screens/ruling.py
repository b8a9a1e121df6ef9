"""Settling what reviewers dispute, on the screen: the ruling, why, and then it stands before every other word."""

from collections.abc import Callable
from functools import partial

from textual.app import App

from engine.review.decisions import DecisionKind
from engine.review.disputes import adjudicate
from engine.review.steps import Step
from engine.workspace import Workspace
from sood_tui.marks import MARKS, VERBS
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog
from store.review.queue import QueueItem

Ruling = Callable[[Workspace, str], Step]
"""Records the ruling in a workspace, signed with a name."""


def ask_ruling(app: "App[int]", item: QueueItem, rule: Callable[[Ruling], None]) -> None:
    """Ask how a candidate is settled, and why.

    Args:
        app: shows the dialogs.
        item: the candidate.
        rule: called with what records the answer; not called when the person gives up.
    """
    kinds: tuple[DecisionKind, ...] = ("accept", "reject", "unsure")
    choices = [Choice(kind, f"{MARKS[kind].sign} {VERBS[kind]}", "before every other word") for kind in kinds]
    if item.is_adjudicated:
        choices.append(Choice("clear", "Take the ruling back", "the last word counts again"))

    def chosen(kind: str | None) -> None:
        wanted: tuple[DecisionKind, ...] = tuple(one for one in (*kinds, "clear") if one == kind)
        if wanted:
            asked = "Why? Nothing is an answer, too."
            title = f"Ruling on {item.lemma.replace('_', ' ')}"
            app.push_screen(AskDialog(title, asked, ""), partial(noted, wanted[0]))

    def noted(kind: DecisionKind, note: str | None) -> None:
        if note is not None:
            rule(lambda workspace, name: adjudicate(workspace, item.superclass, [item.wnid], kind, name, note.strip()))

    app.push_screen(ChooseDialog("Settle this candidate", choices, item.state, "w"), chosen)
