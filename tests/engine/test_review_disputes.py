"""Several reviewers: what each says, what stands, where they contradict one another, and who settles it."""

from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.filters.intervals import wilson
from engine.review.agreement import agreement, reviewer_agreement
from engine.review.decisions import decide, export_events, import_events, redo, undo
from engine.review.disputes import adjudicate, disputes
from engine.review.queue import queue
from engine.review.selection import parse
from engine.review.subtrees import decide_subtree
from engine.workspace import Workspace
from store.review.queue import fetch_opinions
from tests.catalogues import add_table, scored_workspace, wnid_of

NAMES = ("akita", "boxer", "collie")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return scored_workspace(tmp_path, {"dog": {name: [0.1] for name in NAMES}}, accept=False)


def say(workspace: Workspace, name: str, kind: str, reviewer: str) -> None:
    decide(workspace, "dog", [wnid_of(name)], kind, reviewer)  # type: ignore[arg-type]


def settle(workspace: Workspace, name: str, kind: str, reviewer: str = "carol") -> None:
    adjudicate(workspace, "dog", [wnid_of(name)], kind, reviewer, "looked twice")  # type: ignore[arg-type]


def states(workspace: Workspace) -> dict[str, str]:
    with workspace.opened().reading() as cursor:
        return {item.lemma: item.state for item in queue(cursor, "dog")}


def disputed(workspace: Workspace) -> list[str]:
    with workspace.opened().reading() as cursor:
        return [row.name for row in disputes(cursor)]


def test_only_accept_against_reject_is_a_dispute(workspace: Workspace) -> None:
    say(workspace, "akita", "accept", "anna")
    say(workspace, "akita", "reject", "ben")
    say(workspace, "boxer", "unsure", "anna")
    say(workspace, "boxer", "accept", "ben")
    say(workspace, "collie", "reject", "anna")
    say(workspace, "collie", "reject", "ben")
    with workspace.opened().reading() as cursor:
        (found,) = disputes(cursor, "dog")
        listed = queue(cursor, "dog", "disputed")
        only = queue(cursor, "dog", selection=parse("disputed"))
        rest = queue(cursor, "dog", selection=parse("-disputed"))
    assert (found.name, found.state) == ("akita.n.01", "reject")  # the last word stands until somebody settles it
    assert [(word.reviewer, word.kind) for word in found.words] == [("anna", "accept"), ("ben", "reject")]
    assert listed[0].lemma == "akita"
    assert [item.lemma for item in only] == ["akita"]
    assert [item.lemma for item in rest] == ["boxer", "collie"]


def test_an_adjudication_stands_before_every_other_word_until_it_is_taken_back(workspace: Workspace) -> None:
    say(workspace, "akita", "accept", "anna")
    say(workspace, "akita", "reject", "ben")
    settle(workspace, "akita", "accept")
    assert disputed(workspace) == []
    say(workspace, "akita", "reject", "ben")
    say(workspace, "akita", "clear", "anna")
    assert states(workspace)["akita"] == "accept"
    with workspace.opened().reading() as cursor:
        assert [item.is_adjudicated for item in queue(cursor, "dog", selection=parse("adjudicated"))] == [True]
        assert [(row.reviewer, row.kind) for row in fetch_opinions(cursor)] == [("ben", "reject")]  # carol's is none
    settle(workspace, "akita", "unsure", "dora")  # a later ruling replaces an earlier one
    assert states(workspace)["akita"] == "unsure"
    settle(workspace, "akita", "clear", "dora")
    # anna's own word is taken back by her, and the ruling by dora: what stood before anna's clear is set aside by it.
    assert states(workspace)["akita"] == "pending"
    with pytest.raises(EngineError, match="No adjudication stands"):
        settle(workspace, "akita", "clear")


def test_undo_and_redo_of_an_adjudication_bring_the_dispute_back_and_end_it(workspace: Workspace) -> None:
    say(workspace, "akita", "accept", "anna")
    say(workspace, "akita", "reject", "ben")
    settle(workspace, "akita", "accept")
    undo(workspace, "carol", of="carol")
    assert states(workspace)["akita"] == "reject"
    assert disputed(workspace) == ["akita.n.01"]
    redo(workspace, "carol", of="carol")
    assert states(workspace)["akita"] == "accept"
    assert disputed(workspace) == []


def test_an_adjudication_travels_with_the_journal(workspace: Workspace, tmp_path: Path) -> None:
    say(workspace, "akita", "accept", "anna")
    settle(workspace, "akita", "reject")
    other = scored_workspace(tmp_path / "other", {"dog": {name: [0.1] for name in NAMES}}, accept=False)
    assert export_events(workspace, tmp_path / "all.jsonl") == 2
    assert import_events(other, tmp_path / "all.jsonl").added == 2
    say(other, "akita", "accept", "ben")
    assert states(other)["akita"] == "reject"


def test_a_reviewers_own_word_goes_before_one_that_came_from_above(workspace: Workspace) -> None:
    rows = [{"wnid": wnid_of("akita"), "ancestor_wnid": wnid_of("dog"), "depth": 1}]
    add_table(workspace.opened(), "hyponym_closure", rows)
    say(workspace, "akita", "accept", "anna")
    decide_subtree(workspace, "dog", wnid_of("dog"), "reject", "anna")
    say(workspace, "akita", "reject", "ben")
    with workspace.opened().reading() as cursor:
        assert [(row.reviewer, row.kind) for row in fetch_opinions(cursor)] == [("anna", "accept"), ("ben", "reject")]
    assert disputed(workspace) == ["akita.n.01"]


def test_undo_of_one_reviewer_leaves_the_steps_of_the_others(workspace: Workspace) -> None:
    say(workspace, "akita", "accept", "anna")
    say(workspace, "boxer", "reject", "ben")
    assert undo(workspace, "anna", of="anna").wnids == (wnid_of("akita"),)
    say(workspace, "collie", "accept", "ben")  # ends nothing of anna's
    assert redo(workspace, "anna", of="anna").wnids == (wnid_of("akita"),)
    assert states(workspace) == {"akita": "accept", "boxer": "reject", "collie": "accept"}


def test_kappa_has_an_interval_that_does_not_vanish_where_two_never_differ(workspace: Workspace) -> None:
    same = agreement(["accept", "reject"] * 5, ["accept", "reject"] * 5)
    low, high = wilson(10, 10)
    # Chance agreement is a half: kappa = (raw - 0.5) / 0.5.
    assert (same.kappa, same.kappa_low, same.kappa_high) == pytest.approx((1.0, 2 * low - 1, 2 * high - 1))
    assert (same.raw_low, same.raw_high) == pytest.approx((low, high))
    one_kind = agreement(["accept"] * 4, ["accept"] * 4)
    assert (one_kind.kappa, one_kind.kappa_low, one_kind.kappa_high) == (None, None, None)
    say(workspace, "akita", "accept", "anna")
    say(workspace, "akita", "reject", "ben")
    settle(workspace, "akita", "accept", "ben")
    with workspace.opened().reading() as cursor:
        (row, whole) = reviewer_agreement(cursor)
    assert (row.superclass, row.items, row.raw) == ("dog", 1, 0.0)  # a ruling is no second opinion
    assert whole.superclass is None


@pytest.mark.parametrize(("superclass", "name", "reviewer", "said"), [
    ("cat", "akita", "carol", "no superclass cat"),
    ("dog", "lynx", "carol", "no candidate of dog"),
    ("dog", "akita", " ", "needs a name"),
])  # fmt: skip
def test_what_cannot_be_settled_is_refused(
    workspace: Workspace, superclass: str, name: str, reviewer: str, said: str
) -> None:
    with pytest.raises(EngineError, match=said):
        adjudicate(workspace, superclass, [wnid_of(name)], "accept", reviewer)
    assert states(workspace)["akita"] == "pending"
