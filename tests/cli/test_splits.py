"""The commands of the room splits."""

from pathlib import Path
from typing import Any

import pytest

from sood_tui.cli import run
from sood_tui.workspace import create_workspace
from store.connection import open_store
from tests.catalogues import scored_workspace
from tests.commands import said_by

said = said_by("splits")

SCORES = {
    "dog": {f"dog{number}": [0.1 + number / 50] * 4 for number in range(10)},
    "cat": {"lion": [0.3] * 6, "lynx": [0.5] * 4},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    workspace = create_workspace(tmp_path / "work")
    store = open_store(workspace.catalogue)
    scored_workspace(workspace.root, SCORES, store=store)
    store.close()
    return workspace.root


def shares(document: Any, superclass: str) -> dict[str, float]:
    (cut,) = [cut for cut in document["superclasses"] if cut["superclass"] == superclass]
    return {band["split"]: band["share"] for band in cut["bands"]}


def test_show_gives_wanted_and_realised_shares(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = said(capsys, root, "show")
    assert [cut["class_id"] for cut in document["superclasses"]] == [0, 1]
    assert shares(document, "dog") == {"hard": 0.2, "easy": 0.2, "train": 0.6}
    assert shares(document, "cat") == {"hard": 0.0, "easy": 0.0, "train": 1.0}
    assert [band["wanted_share"] for band in document["total"]["bands"]] == pytest.approx([0.2, 0.2, 0.6])
    (case,) = document["degenerate"]
    assert (case["superclass"], case["empty"]) == ("cat", ["hard", "easy"])
    one = said(capsys, root, "show", "--superclass", "dog")
    assert [row["split"] for row in one["subclasses"]] == ["hard"] * 2 + ["easy"] * 2 + ["train"] * 6


def test_the_table_and_what_is_wrong_go_to_different_streams(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", str(root), "splits", "show"]) == 0
    output = capsys.readouterr()
    assert "train subclasses" in output.out
    assert "60.0 (of 60)" in output.out
    assert "lion holds the pictures from 0 % to 60 %" in output.err


def test_one_superclass_is_told_its_own_troubles_only(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", str(root), "splits", "show", "--superclass", "dog"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["-w", str(root), "splits", "show", "--superclass", "cat"]) == 0
    assert "cat: hard and easy would be empty." in capsys.readouterr().err


def test_sensitivity_names_the_percentiles_and_refuses_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["-w", str(root), "splits", "sensitivity", "--hard", "15,20", "--draws", "0", "--easy"]
    assert run([*command, "40"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split("\t")[:4] == ["hard %", "easy %", "jaccard_train", "moved"]
    assert [row.split("\t")[:2] for row in rows] == [["15.0000", "40.0000"], ["20.0000", "40.0000"]]
    assert run([*command, "forty"]) == 2
    assert "'forty' is no list of percentiles" in capsys.readouterr().err


def test_set_rules_undo_redo_log(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, root, "set", "--easy", "50", "--hard", "10")
    assert shares(said(capsys, root, "show"), "dog") == {"hard": 0.1, "easy": 0.4, "train": 0.5}
    said(capsys, root, "set", "--hard", "30", "--superclass", "dog")
    assert shares(said(capsys, root, "show"), "dog") == {"hard": 0.3, "easy": 0.2, "train": 0.5}
    said(capsys, root, "set", "--default", "--superclass", "dog")
    assert shares(said(capsys, root, "show"), "dog") == {"hard": 0.1, "easy": 0.4, "train": 0.5}
    said(capsys, root, "rules", "--minimum-subclasses", "3")
    document = said(capsys, root, "show")
    assert [cut["superclass"] for cut in document["superclasses"]] == ["dog"]
    assert {one["rule"] for one in document["removed"]} == {"minimum_subclasses"}
    assert [event["key"] for event in said(capsys, root, "undo")] == ["minimum_subclasses"]
    assert len(said(capsys, root, "show")["superclasses"]) == 2
    said(capsys, root, "redo")
    assert said(capsys, root, "rules")["settings"]["minimum_subclasses"] == 3
    entries = said(capsys, root, "log")
    assert [entry["key"] for entry in entries][:3] == ["redo", "undo", "minimum_subclasses"]
    said(capsys, root, "set", "--bands", "10,20,40,60", "--split", "fine", "--remedy", "greedy")
    assert len(said(capsys, root, "show", "--split", "fine")["total"]["bands"]) == 5
    assert [one["split"] for one in said(capsys, root, "list")] == ["main", "fine"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["set", "--easy", "20", "--hard", "40"], "must lie below"),
        (["set", "--easy", "10"], "must lie below"),
        (["set", "--hard", "0"], "between 0 and 100"),
        (["set", "--bands", "10,x"], "no list of percentiles"),
        (["set", "--bands", "10,20", "--easy", "30"], "leave --easy"),
        (["set"], "Nothing was said"),
        (["set", "--default"], "--superclass"),
        (["set", "--easy", "50", "--superclass", "dogs"], "Did you mean dog"),
        (["rules", "--minimum-subclasses", "0"], "at least 1"),
        (["rules", "--outliers", "up"], "up"),
        (["show", "--split", "lax"], "no split lax"),
        (["show", "--superclass", "bird"], "not in the split"),
        (["undo"], "no change to take back"),
        (["set", "--run", "5"], "no scoring run 5"),
    ],
)
def test_wrong_input_is_exit_code_2(
    root: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(root), "splits", *arguments]) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""
