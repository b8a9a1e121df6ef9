"""The commands of the room review."""

from pathlib import Path

import pytest

from sood_tui.cli import run
from sood_tui.workspace import create_workspace
from store.connection import open_store
from tests.catalogues import WHEN, add_table, scored_workspace, wnid_of
from tests.commands import said_by
from tests.fixtures_wordnet import load_tiny_wordnet

said = said_by("review")

SCORES = {"cat": {"lion": [0.3, 0.4], "lynx": [0.5, 0.6]}, "wildcat": {"lynx": [0.2, 0.3], "cougar": [0.5, 0.7]}}
BIRD_CRANE, MACHINE_CRANE = "n02012849", "n03126707"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    workspace = create_workspace(tmp_path / "work")
    store = open_store(workspace.catalogue)
    scored_workspace(workspace.root, SCORES, accept=False, store=store)
    store.close()
    return workspace.root


def test_accept_undo_redo_and_the_log(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step = said(capsys, root, "accept", "cat", "lion.n.01", "lynx.n.01", "--by", "anna", "--note", "seen all 16")
    assert [event["wnid"] for event in step["events"]] == [wnid_of("lion"), wnid_of("lynx")]
    assert {item["state"] for item in said(capsys, root, "list", "cat")} == {"accept"}
    assert said(capsys, root, "list", "cat", "--pending") == []
    said(capsys, root, "undo", "--by", "bob")
    assert [item["state"] for item in said(capsys, root, "list", "cat")] == ["pending", "pending"]
    said(capsys, root, "redo")
    entries = said(capsys, root, "log")
    assert [entry["kind"] for entry in entries] == ["redo", "undo", "accept", "accept"]
    assert entries[2]["note"] == "seen all 16"
    assert [entry["undone"] for entry in entries] == [False, False, False, False]


def test_order_by_score_lists_the_least_typical_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = said(capsys, root, "list", "wildcat", "--order", "score")
    assert [item["lemma"] for item in items] == ["lynx", "cougar"]
    assert items[0]["similarity_mean"] == pytest.approx(0.25)


def test_replicas_and_assign(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, root, "accept", "cat", "lynx.n.01", "lion.n.01")
    said(capsys, root, "accept", "wildcat", "lynx.n.01", "cougar.n.01")
    assert [claim["superclass"] for claim in said(capsys, root, "replicas")] == ["cat", "wildcat"]
    said(capsys, root, "assign", "lynx.n.01", "wildcat")
    assert said(capsys, root, "replicas") == []
    said(capsys, root, "undo")
    (planned,) = said(capsys, root, "replicas", "--settle", "score", "--dry-run")
    assert (planned["name"], planned["keeper"], planned["rejected"]) == ("lynx.n.01", "cat", ["wildcat"])
    (tie,) = said(capsys, root, "replicas", "--settle", "nearest", "--dry-run")
    assert (tie["keeper"], tie["rejected"]) == (None, [])
    assert len(said(capsys, root, "replicas")) == 2  # nothing was recorded
    assert said(capsys, root, "replicas", "--settle", "score") == []  # cat 0.55, wildcat 0.25
    states = {(item["superclass"], item["lemma"]): item["state"] for item in said(capsys, root, "list")}
    assert states["cat", "lynx"] == "accept"
    assert states["wildcat", "lynx"] == "reject"


def test_export_import_and_agreement(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, root, "accept", "cat", "lynx.n.01", "--by", "anna")
    said(capsys, root, "reject", "cat", "lynx.n.01", "--by", "bob")
    assert run(["-w", str(root), "review", "export", str(tmp_path / "log.jsonl")]) == 0
    assert said(capsys, root, "import", str(tmp_path / "log.jsonl")) == {"added": 0, "known": 2, "strangers": 0}
    rows = said(capsys, root, "agreement")
    assert [(row["superclass"], row["raw"], row["kappa"]) for row in rows] == [("cat", 0, 0), (None, 0, 0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["accept", "cat", "cougar.n.01"], "no candidate of cat"),
        (["accept", "cats", "lion"], "Did you mean cat"),
        (["accept", "cat", "lionn"], "lion"),
        (["undo"], "no decision to take back"),
        (["redo"], "no step to bring back"),
        (["import", "nowhere.jsonl"], "nowhere.jsonl"),
        (["export", "nowhere/log.jsonl"], "There is no folder"),
        (["list", "bird"], "no superclass bird"),
    ],
)
def test_wrong_input_is_exit_code_2(
    root: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(root), "review", *arguments]) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""


def test_an_ambiguous_word_means_the_sense_that_is_a_candidate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = create_workspace(tmp_path / "work")
    store = open_store(workspace.catalogue)
    load_tiny_wordnet(store)
    add_table(store, "superclass", [{"superclass": "bird", "depth_limit": None, "added_at": WHEN}])
    candidate = {"superclass": "bird", "route": "hyponym", "depth": 1, "similarity": None, "added_at": WHEN}
    add_table(store, "candidate", [candidate | {"wnid": BIRD_CRANE}])
    store.close()
    step = said(capsys, workspace.root, "accept", "bird", "crane")
    assert [event["wnid"] for event in step["events"]] == [BIRD_CRANE]
    store = open_store(workspace.catalogue)
    add_table(store, "candidate", [candidate | {"wnid": MACHINE_CRANE}])
    store.close()
    capsys.readouterr()
    assert run(["-w", str(workspace.root), "review", "accept", "bird", "crane"]) == 2
    assert MACHINE_CRANE in capsys.readouterr().err


def test_a_subtree_is_one_step_and_a_word_of_its_own_wins(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(root / "catalogue.duckdb")
    add_table(store, "hyponym_closure", [{"ancestor_wnid": wnid_of("lion"), "wnid": wnid_of("lynx"), "depth": 1}])
    store.close()
    step = said(capsys, root, "reject", "cat", "lion.n.01", "--subtree", "--by", "anna")
    assert {event["wnid"]: event["inherited_from"] for event in step["events"]} == {
        wnid_of("lion"): None, wnid_of("lynx"): wnid_of("lion"),
    }  # fmt: skip
    (item,) = said(capsys, root, "list", "cat", "--only", "inherited")
    assert (item["lemma"], item["state"], item["p_yes"]) == ("lynx", "reject", None)
    said(capsys, root, "accept", "cat", "lynx.n.01")
    assert said(capsys, root, "list", "cat", "--only", "inherited") == []
    assert said(capsys, root, "conflicts", "cat") == []
    assert run(["-w", str(root), "review", "accept", "cat", "lion.n.01", "lynx.n.01", "--subtree"]) == 2
    assert "--subtree takes one synset" in capsys.readouterr().err


def test_marks_and_the_story_of_a_picture(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, root, "accept", "cat", "lion.n.01", "lynx.n.01", "--by", "anna")
    path = f"imagenet21k_train/{wnid_of('lion')}/{wnid_of('lion')}_001.JPEG"
    told = said(capsys, root, "why", "cat", "lion.n.01", "--picture", path)
    assert told["story"]["candidate"]["state"] == "accept"
    assert told["place"]["similarity"] == pytest.approx(0.4)
    # 0.3 0.4 | 0.5 0.6 stretched over the superclass.
    assert told["place"]["score"] == pytest.approx(1 / 3, abs=1e-6)
    said(capsys, root, "mark", path, "--as", "bad", "--by", "ben", "--note", "a drawing")
    (marked,) = said(capsys, root, "pictures", "lion.n.01")
    assert (marked["mark"], marked["note"], marked["reviewer"]) == ("bad", "a drawing", "ben")
    assert said(capsys, root, "why", "cat", "lion.n.01", "--picture", path)["place"]["similarity"] is None
    assert run(["-w", str(root), "review", "why", "cat", "lion.n.01", "--picture", path]) == 0
    page = capsys.readouterr().out
    assert "accepted, by anna" in page
    assert "bad or off-topic picture" in page
    said(capsys, root, "undo")
    assert said(capsys, root, "pictures") == []
