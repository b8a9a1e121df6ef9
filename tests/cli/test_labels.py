"""The commands of labels, and those of evaluation on pictures with several labels."""

from pathlib import Path

import pytest
from PIL import Image

from sood_tui.cli import run
from sood_tui.workspace import create_workspace
from store.connection import open_store
from tests.catalogues import WHEN, add_table
from tests.commands import said_by
from tests.fixtures_wordnet import load_tiny_wordnet

said = said_by()

CHIHUAHUA, PEKINESE, PAPILLON, BEAGLE = "n02085620", "n02086079", "n02086910", "n02088364"
OWNS = {1: CHIHUAHUA, 2: PEKINESE, 3: PAPILLON, 4: BEAGLE}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four synsets with a picture each, 1.JPEG to 4.JPEG, and a source `mine` for all of them."""
    workspace = create_workspace(tmp_path / "work")
    store = open_store(workspace.catalogue)
    load_tiny_wordnet(store)
    folder = tmp_path / "pictures"
    row = {"root_id": 1, "name": "train", "path": str(folder), "layout": "wnid", "added_at": WHEN}
    add_table(store, "image_root", [row])
    rows = [{"image_id": i, "root_id": 1, "wnid": wnid, "path": f"{wnid}/{i}.JPEG"} for i, wnid in OWNS.items()]
    add_table(store, "image", rows)
    counts = [{"wnid": wnid, "images": 1, "subtree_images": 1, "subtree_synsets": 1} for wnid in OWNS.values()]
    add_table(store, "image_count", counts)
    store.close()
    for number, wnid in OWNS.items():
        (folder / wnid).mkdir(parents=True)
        Image.new("RGB", (64, 64), (number * 50, 0, 0)).save(folder / wnid / f"{number}.JPEG")
    truth = tmp_path / "mine.csv"
    truth.write_text(f"file,labels\n1.JPEG,0\n2.JPEG,1 2\n3.JPEG,\n4.JPEG,0 1 2\n9.JPEG,{BEAGLE}\n")
    assert run(["-w", str(workspace.root), "labels", "import", str(truth), "--kind", "csv"]) == 0
    return workspace.root


def refused(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> str:
    capsys.readouterr()
    assert run(["-w", str(root), *arguments]) == 2
    return capsys.readouterr().err


def test_sources_flags_and_classes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = said(capsys, root, "labels", "list")
    assert (source["source"], source["files"], source["matched"]) == ("mine", 5, 4)
    assert said(capsys, root, "labels", "list", "mine") == [
        {"labels": 0, "images": 1},
        {"labels": 1, "images": 1},
        {"labels": 2, "images": 1},
        {"labels": 3, "images": 1},
    ]
    assert [row["line"] for row in said(capsys, root, "labels", "unmatched", "mine")] == [6]
    flags = [(row["image_id"], row["flag"]) for row in said(capsys, root, "labels", "flags", "mine")]
    assert flags == [(3, "no_valid_label"), (4, "other_label"), (4, "clutter")]
    rows = {row["lemma"]: row for row in said(capsys, root, "labels", "classes", "mine")}
    assert rows["Pekinese"]["mean_labels"] == 2.0
    assert rows["beagle"]["own_label_valid"] == 0.0
    assert "'crowd' is no flag" in refused(capsys, root, "labels", "flags", "mine", "--flag", "crowd")
    assert "No source of labels is named real" in refused(capsys, root, "labels", "list", "real")


def test_decisions_with_undo_and_redo(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = said(capsys, root, "labels", "queue", "--source", "mine", "--flag", "clutter")
    assert [item["image"]["image_id"] for item in waiting] == [4]
    assert len(waiting[0]["claims"]) == 4
    step = said(capsys, root, "labels", "confirm", "4.JPEG", "beagle.n.01", "papillon", "--by", "anna")
    assert [event["wnid"] for event in step["events"]] == [BEAGLE, PAPILLON]
    assert {event["reviewer"] for event in step["events"]} == {"anna"}
    said(capsys, root, "labels", "reject", "4", "--by", "bob")
    states = {row["wnid"]: (row["state"], row["reviewer"]) for row in said(capsys, root, "labels", "show", "4")}
    assert set(states.values()) == {("reject", "bob")}
    said(capsys, root, "labels", "undo")
    states = {row["wnid"]: row["state"] for row in said(capsys, root, "labels", "show", "4")}
    assert states == {BEAGLE: "confirm", PAPILLON: "confirm", CHIHUAHUA: "pending", PEKINESE: "pending"}
    assert said(capsys, root, "labels", "list", "own") == [{"labels": 2, "images": 1}]
    said(capsys, root, "labels", "redo")
    assert said(capsys, root, "labels", "list", "own") == [{"labels": 0, "images": 1}]
    assert [row["kind"] for row in said(capsys, root, "labels", "log")].count("reject") == 4
    found = said(capsys, root, "labels", "agreement")
    assert found["yields"] == []
    assert (found["agreements"][0]["items"], found["agreements"][0]["same"]) == (2, 0.0)


def test_what_is_not_there_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No picture has an embedding" in refused(capsys, root, "labels", "propose")
    assert "no order" in refused(capsys, root, "labels", "queue", "--order", "size")
    assert "raised by a source" in refused(capsys, root, "labels", "queue", "--flag", "clutter")
    assert "ends with 7.JPEG" in refused(capsys, root, "labels", "show", "7.JPEG")
    assert said(capsys, root, "labels", "queue") == []
    assert "There is a source mine already" in refused(
        capsys, root, "labels", "import", str(root.parent / "mine.csv"), "--kind", "csv"
    )
    assert run(["-w", str(root), "labels", "remove", "mine"]) == 0
    assert said(capsys, root, "labels", "list") == []


def test_numbers_of_predictions(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = root.parent / "net.csv"
    file.write_text("file,ranked\n1.JPEG,0 1 2\n2.JPEG,2 0 1\n3.JPEG,2 0 1\n4.JPEG,3 0 1\n")
    report = said(capsys, root, "evaluation", "predict", "net", str(file))
    assert (report["rows"], report["matched"]) == (4, 4)
    (run_,) = said(capsys, root, "evaluation", "predictions")
    assert (run_["predictions"], run_["classes"], run_["depth"]) == ("net", 4, 3)
    document = said(capsys, root, "evaluation", "multilabel", "net", "mine")
    assert "not recovered" in document["note"]
    numbers = document["sets"][0]["report"]
    # Top-1: 1, 3 and 4 of four pictures; ReaL: 1 and 2 of the three with a label.
    assert numbers["top1"] == pytest.approx(3 / 4)
    assert numbers["real_accuracy"] == pytest.approx(2 / 3)
    # Recall: 1 of one, 1 of two, 2 of three.
    assert numbers["aggregates"]["macro_recall"] == pytest.approx((1 + 1 / 2 + 2 / 3) / 3)
    drop = said(capsys, root, "evaluation", "drop", "net", "mine", "mine", "--values", "recall")
    assert drop["decomposition"]["drop"] == 0.0
    assert drop["composition_share"] is None
    assert run(["-w", str(root), "evaluation", "multilabel", "net", "mine", "--smallest", "1"]) == 0
    assert "multi_only_recall" in capsys.readouterr().out
    assert "no number" in refused(capsys, root, "evaluation", "drop", "net", "mine", "mine", "--values", "f1")
    assert run(["-w", str(root), "evaluation", "forget", "net"]) == 0
    assert "No predictions are named net" in refused(capsys, root, "evaluation", "multilabel", "net", "mine")


def test_patches_become_a_root_with_truth(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes = root.parent / "boxes.csv"
    boxes.write_text("file,x_min,y_min,x_max,y_max\n" + "".join(f"{i}.JPEG,4,4,60,40\n" for i in OWNS))
    folder = root.parent / "patches"
    report = said(
        capsys, root, "evaluation", "patches", str(folder), "--boxes", str(boxes), "--images", "6", "--labels", "1-3",
        "--cell-size", "32", "--blank", "--add", "patches",
    )  # fmt: skip
    assert report["by_labels"] == {"1": 2, "2": 2, "3": 2}
    assert said(capsys, root, "labels", "list", "patches") == [{"labels": k, "images": 2} for k in (1, 2, 3)]
    names = [f"patches_0_{number:06d}.png" for number in range(6)]
    file = root.parent / "net.csv"
    file.write_text("file,ranked\n" + "".join(f"{name},0 1 2\n" for name in names))
    said(capsys, root, "evaluation", "predict", "net", str(file), "--root", "patches")
    document = said(capsys, root, "evaluation", "multilabel", "net", "patches")
    assert document["sets"][0]["report"]["mean_labels"] == 2.0
    assert "no number of labels" in refused(
        capsys, root, "evaluation", "patches", str(folder / "x"), "--boxes", str(boxes), "--labels", "a-b"
    )
    assert "not an empty folder" in refused(
        capsys, root, "evaluation", "patches", str(folder), "--boxes", str(boxes), "--images", "1"
    )
