"""The commands for several reviewers: agreement, disagreements, rulings, judging blind, and who signs."""

import json
from pathlib import Path

import pytest

from engine.review.seats import Seats
from sood_tui.cli import run
from sood_tui.workspace import create_workspace
from store.connection import open_store
from tests.catalogues import scored_workspace
from tests.commands import said_by

said = said_by("review")

SCORES = {"cat": {"lion": [0.3, 0.4], "lynx": [0.5, 0.6], "tabby": [0.5, 0.5]}}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOOD_REVIEWER", "anna")
    workspace = create_workspace(tmp_path / "work")
    store = open_store(workspace.catalogue)
    scored_workspace(workspace.root, SCORES, accept=False, store=store)
    store.close()
    return workspace.root


def dispute(root: Path) -> None:
    for name, kind in (("ben", "accept"), ("cleo", "reject")):
        assert run(["-w", str(root), "review", kind, "cat", "lion.n.01", "--by", name]) == 0
        assert run(["-w", str(root), "review", "accept", "cat", "lynx.n.01", "--by", name]) == 0


def test_a_dispute_is_listed_settled_and_taken_back(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dispute(root)
    (found,) = said(capsys, root, "disagreements", "cat")
    assert (found["name"], found["state"]) == ("lion.n.01", "reject")
    assert [(word["reviewer"], word["kind"]) for word in found["words"]] == [("ben", "accept"), ("cleo", "reject")]
    assert next(item["lemma"] for item in said(capsys, root, "list", "cat", "--order", "disputed")) == "lion"
    step = said(capsys, root, "adjudicate", "cat", "accept", "lion.n.01", "--by", "dora", "--note", "looked twice")
    assert [(event["reviewer"], event["is_adjudication"]) for event in step["events"]] == [("dora", True)]
    assert said(capsys, root, "disagreements") == []
    (item,) = said(capsys, root, "list", "cat", "--only", "adjudicated")
    assert (item["lemma"], item["state"], item["note"]) == ("lion", "accept", "looked twice")
    said(capsys, root, "adjudicate", "cat", "clear", "lion.n.01", "--by", "dora")
    assert len(said(capsys, root, "disagreements")) == 1


def test_the_table_of_disagreements_names_who_says_what(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dispute(root)
    capsys.readouterr()
    assert run(["-w", str(root), "review", "disagreements"]) == 0
    assert "ben accepted, cleo rejected" in capsys.readouterr().out


def test_agreement_comes_with_intervals(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dispute(root)
    row, whole = said(capsys, root, "agreement")
    assert (row["superclass"], row["items"], row["raw"]) == ("cat", 2, 0.5)
    assert row["raw_low"] < 0.5 < row["raw_high"]
    assert row["kappa_low"] <= row["kappa"] <= row["kappa_high"]
    assert whole["superclass"] is None


def test_blind_lists_ones_own_words_alone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dispute(root)
    said(capsys, root, "unsure", "cat", "tabby.n.01")
    items = {item["lemma"]: item for item in said(capsys, root, "list", "cat", "--blind")}
    assert {name: item["state"] for name, item in items.items()} == {
        "lion": "pending", "lynx": "pending", "tabby": "unsure",
    }  # fmt: skip
    assert {item["p_yes"] for item in items.values()} == {None}
    assert {item["similarity_mean"] for item in items.values()} == {None}
    told = said(capsys, root, "why", "cat", "lion.n.01", "--blind")
    assert told["story"]["history"] == []
    assert told["place"] is None
    (root / "sood.toml").write_text('[review]\nblind = "on"\n', encoding="utf-8")
    assert [item["lemma"] for item in said(capsys, root, "list", "cat", "--only", "state:unsure")] == ["tabby"]


def test_as_signs_whatever_the_settings_say(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", str(root), "--as", "eve", "review", "accept", "cat", "tabby.n.01"]) == 0
    assert [entry["reviewer"] for entry in said(capsys, root, "log")] == ["eve"]


@pytest.mark.parametrize(("arguments", "told"), [
    (["--as", " ", "review", "log"], "--as needs a name"),
    (["review", "adjudicate", "dog", "accept", "lion.n.01"], "no superclass dog"),
    (["review", "adjudicate", "cat", "maybe", "lion.n.01"], "maybe"),
    (["review", "adjudicate", "cat", "clear", "lion.n.01"], "No adjudication stands"),
    (["review", "disagreements", "dog"], "no superclass dog"),
    (["review", "agreement", "dog"], "no superclass dog"),
])  # fmt: skip
def test_wrong_input_is_exit_code_2(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    capsys.readouterr()
    assert run(["-w", str(root), *arguments]) == 2
    assert told in capsys.readouterr().err


def test_a_command_takes_in_what_a_guest_left(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, root, "accept", "cat", "lion.n.01", "--by", "ben")
    journal = root / "ben.jsonl"
    assert run(["-w", str(root), "review", "export", str(journal)]) == 0
    said(capsys, root, "undo")
    text = journal.read_text(encoding="utf-8").replace('"event_id": "0', '"event_id": "f').replace("accept", "reject")
    seats = Seats(root / "seats")
    seats.make()
    (seats.path / "0-ben").mkdir()
    (seats.path / "0-ben" / "seat.json").write_text('{"reviewer": "ben"}', encoding="utf-8")
    (seats.path / "0-ben" / "journal.jsonl").write_text(text + "\n", encoding="utf-8")
    capsys.readouterr()
    assert run(["-w", str(root), "review", "log", "--json"]) == 0
    shown = capsys.readouterr()
    assert "1 decision of the guest ben taken in" in shown.err
    assert next(entry["kind"] for entry in json.loads(shown.out)) == "reject"
    assert list(seats.seats()) == []


def test_stop_tells_both_estimates_and_the_goal(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dispute(root)
    (row,) = said(capsys, root, "stop")
    # Two were accepted and looked at again, one of them overturned; the other is right, and all that is accepted now.
    assert (row["superclass"], row["accepted"], row["checked"], row["basis"]) == ("cat", 1, 2, "census")
    assert row["precision"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert (row["left"], row["is_precise"], row["is_reached"]) == (None, True, False)
    said(capsys, root, "reject", "cat", "tabby.n.01")
    (row,) = said(capsys, root, "stop", "cat", "--precision", "1")
    assert row["is_reached"] is True
    capsys.readouterr()
    assert run(["-w", str(root), "review", "stop"]) == 0
    shown = capsys.readouterr()
    assert "1.000 (1.000-1.000)" in shown.out
    assert "Goal: precision at least 95 %, at most 5 % of the good ones left." in shown.err


@pytest.mark.parametrize("arguments", [["--precision", "3"], ["--left", "-1"], ["dog"]])
def test_a_goal_that_cannot_be_is_refused(root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(["-w", str(root), "review", "stop", *arguments]) == 2
    assert "Error" in capsys.readouterr().err
