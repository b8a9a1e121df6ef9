"""The commands of the room filters."""

import json
from pathlib import Path

import pytest

from sood_tui.cli import run
from sood_tui.workspace import create_workspace
from store import filters as store
from store.connection import open_store
from tests.catalogues import WHEN, scored_workspace, wnid_of
from tests.commands import said_by
from tests.verdict_rows import verdict_table

told = said_by("filters")

SCORES = {"cat": {"lion": [0.3, 0.4], "lynx": [0.5, 0.6], "puma": [0.1, 0.2]}, "wildcat": {"lynx": [0.2, 0.3]}}
SAID = {
    ("a/vlm", 0): {"lion": 0.9, "lynx": 0.2, "puma": 0.7},
    ("a/vlm", 1): {"lion": 0.8, "lynx": 0.6, "puma": 0.9},
    ("b/other", 0): {"lion": 0.95, "lynx": 0.1, "puma": 0.3},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three filters have judged the three candidates of cat: two seeds of one model, and another model."""
    workspace = create_workspace(tmp_path / "work")
    opened = open_store(workspace.catalogue)
    scored_workspace(workspace.root, SCORES, accept=False, store=opened)
    with opened.writing() as cursor:
        for (model, seed), said in SAID.items():
            settings = json.dumps({"seed": seed, "compatible": False})
            number = store.insert_run(cursor, "vlm", "sheet", model, settings, None, WHEN)
            rows = verdict_table("cat", {wnid_of(name): p_yes for name, p_yes in said.items()})
            store.insert_verdicts(cursor, number, rows)
    opened.close()
    return workspace.root


def refused(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> str:
    """The message of a command that is refused."""
    capsys.readouterr()
    assert run(["-w", str(root), "filters", *arguments]) == 2
    return capsys.readouterr().err


def test_models_and_seeds_stand_side_by_side(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys, root, "compare", "cat")
    assert [row["wnid"] for row in rows] == [wnid_of(name) for name in ("puma", "lynx", "lion")]
    assert [row["disagree"] for row in rows] == [True, True, False]
    assert rows[0]["spread"] == pytest.approx(0.6)
    assert list(rows[0]["verdicts"]) == ["vlm sheet a/vlm seed 0", "vlm sheet a/vlm seed 1", "vlm sheet b/other seed 0"]
    assert run(["-w", str(root), "filters", "compare", "cat"]) == 0
    heading, first, *_ = capsys.readouterr().out.splitlines()
    assert heading.split("\t")[2:] == [
        "subclass",
        "vlm sheet vlm seed 0",
        "vlm sheet vlm seed 1",
        "vlm sheet other seed 0",
    ]
    assert first.split("\t")[2:] == ["puma.n.01", "accept 0.70", "accept 0.90", "reject 0.30"]
    assert [row["wnid"] for row in told(capsys, root, "disagreements", "cat")] == [wnid_of("puma"), wnid_of("lynx")]
    assert {row["seed"] for row in told(capsys, root, "list", "cat")["verdicts"]} == {0, 1}


def test_agreement_with_people_comes_with_intervals(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, names in (("accept", ("lion", "puma")), ("reject", ("lynx",))):
        synsets = [f"{name}.n.01" for name in names]
        assert run(["-w", str(root), "review", kind, "cat", *synsets, "--by", "anna"]) == 0
    found = told(capsys, root, "agreement", "cat")
    first = next(row for row in found["people"] if (row["model"], row["seed"]) == ("a/vlm", 0))
    assert (first["labels"], first["unanswered"]) == (3, 0)
    assert (first["precision"]["value"], first["recall"]["value"], first["kappa"]) == (1.0, 1.0, 1.0)
    assert 0.3 < first["precision"]["low"] < 1.0  # two of two
    assert first["calibration"] == "none"
    pair = found["filters"][0]
    assert (pair["filter"], pair["other_filter"]) == ("vlm sheet a/vlm seed 0", "vlm sheet a/vlm seed 1")
    assert (pair["items"], pair["raw"]) == (3, pytest.approx(2 / 3))
    assert run(["-w", str(root), "filters", "agreement"]) == 0
    assert "1.00 (0.34-1.00)" in capsys.readouterr().out
    assert "fraction" in refused(capsys, root, "agreement", "--at-recall", "95")


def test_an_audit_is_drawn_by_its_seed_and_judged_in_review(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again = (told(capsys, root, "audit", "--size", "2", "--seed", "4")["candidates"] for _ in range(2))
    places = [(row["superclass"], row["wnid"]) for row in first]
    assert places == [(row["superclass"], row["wnid"]) for row in again]
    assert len(places) == 2
    assert {row["state"] for row in first} == {"pending"}
    assert "at least one" in refused(capsys, root, "audit", "--size", "0")


def test_rules_are_switched_and_switched_back(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = told(capsys, root, "rules", "overlap", "--on", "--by", "anna")
    assert [row["rule"] for row in rules if row["active"]] == ["overlap"]
    dropped = told(capsys, root, "list")["rules"]
    assert {(row["superclass"], row["reason"]) for row in dropped} == {
        ("cat", "also a candidate of wildcat"), ("wildcat", "also a candidate of cat"),
    }  # fmt: skip
    told(capsys, root, "rules", "overlap", "--off")
    assert told(capsys, root, "list")["rules"] == []
    assert "no rule" in refused(capsys, root, "rules", "nonsense", "--on")
    assert "--on or --off" in refused(capsys, root, "rules", "overlap")
    assert "Say which rule" in refused(capsys, root, "rules", "--on")
    assert "from 0 on" in refused(capsys, root, "rules", "least_images", "--on", "--value", "nan")


@pytest.mark.parametrize("command", ["list", "compare", "agreement", "disagreements"])
def test_an_unknown_superclass_is_no_empty_list(root: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert "Did you mean cat?" in refused(capsys, root, command, "cats")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kind", "magic"], "is no kind of filter"),
        (["--kind", "clip", "--per-picture", "4"], "--per-picture"),
        (["--kind", "clip", "--model", "x", "--compat"], "--model, --compat"),
        ([], "No vision-language model is named"),
        (["cats", "--model", "x"], "Did you mean cat?"),
        (["--model", "x", "--samples", "0"], "at least 1"),
        (["--model", "./nowhere"], "does not exist"),
        (["--model", "x", "--samples", "100000"], "at most 400 pictures"),
        (["--model", "x", "--per-picture", "401"], "at most 400 pictures"),
        (["cats", "--kind", "clip"], "Did you mean cat?"),
        (["--model", "x", "--compat", "--per-picture", "3"], "sheets only"),
    ],
)
def test_runs_that_make_no_sense_are_refused(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert said in refused(capsys, root, "run", *arguments)
    assert not list((root / "jobs").glob("0*"))
