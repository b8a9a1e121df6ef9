"""The commands of the rooms images and candidates: data on standard output, sentences on standard error, exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from sood_tui.cli import run
from sood_tui.cli.images import Layout
from store.paths import text_of_path
from tests.picture_roots import BEAGLE, DOG, PAPILLON, TABBY, plant, tiny_workspace

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with tiny_workspace(tmp_path / "workspace") as made:
        root = made.root
    monkeypatch.setenv("SOOD_WORKSPACE", str(root))
    return root


@pytest.fixture
def pictures(tmp_path: Path, workspace: Path, capsys: Capture) -> Path:
    train = plant(tmp_path / "train", {BEAGLE: 3, PAPILLON: 2, TABBY: 1, DOG: 1})
    (train / BEAGLE / "notes.txt").touch()
    assert run(["images", "add", str(train)]) == 0
    capsys.readouterr()
    return train


def data(capsys: Capture, *arguments: str) -> Any:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: Capture, *arguments: str) -> str:
    assert run(list(arguments)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


def test_a_root_is_added_listed_and_scanned_again(workspace: Path, tmp_path: Path, capsys: Capture) -> None:
    train = plant(tmp_path / "train", {BEAGLE: 3, "misc": 1})
    assert run(["images", "add", str(train), "--json"]) == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert {key: report[key] for key in ("root", "images", "synsets", "added", "removed", "issues")} == {
        "root": "train", "images": 3, "synsets": 1, "added": 3, "removed": 0, "issues": {"unknown_folder": 1},
    }  # fmt: skip
    assert "Layout wnid (guessed" in shown.err
    assert "1 unknown_folder" in shown.err
    row = data(capsys, "images", "list")[0]
    assert (row["name"], row["path"], row["images"], row["issues"]) == ("train", text_of_path(str(train)), 3, 1)
    plant(train, {PAPILLON: 2})
    (train / BEAGLE / f"{BEAGLE}_1.JPEG").unlink()
    report = data(capsys, "images", "rescan", "train")[0]
    assert (report["added"], report["removed"], report["images"]) == (2, 1, 4)


def test_a_root_is_removed_when_it_is_meant(pictures: Path, capsys: Capture) -> None:
    assert "Would remove the root train: 7 pictures of 4 synsets." in refused(capsys, "images", "remove", "train")
    assert data(capsys, "images", "list")[0]["images"] == 7
    assert data(capsys, "images", "remove", "train", "--yes")["removed"] is True
    assert data(capsys, "images", "list") == []
    assert pictures.is_dir()


def test_issues_are_told_by_kind_with_examples(pictures: Path, capsys: Capture) -> None:
    found = data(capsys, "images", "issues")
    assert [(row["kind"], row["count"]) for row in found] == [("not_a_picture", 1)]
    assert found[0]["examples"][0]["path"] == f"{BEAGLE}/notes.txt"
    assert run(["images", "issues", "--kind", "not_a_picture"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"train\t{BEAGLE}/notes.txt")
    assert "kinds are" in refused(capsys, "images", "issues", "--kind", "nonsense")
    assert "No picture root is named" in refused(capsys, "images", "issues", "--root", "nowhere")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("images", "add", "/nowhere/at/all"), "There is no folder /nowhere/at/all."),
        (("images", "rescan"), "There is no root to scan again."),
        (("images", "rescan", "x"), "No picture root is named x."),
        (("images", "remove", "x"), "No picture root is named x."),
        (("images", "add", "/tmp", "--layout", "flat"), "flat"),
        (("candidates", "add", "crane"), "'crane' has 2 senses"),
        (("candidates", "add", "dog"), "No synset below dog.n.01 has pictures."),
        (("candidates", "list", "dog"), "There is no superclass dog."),
        (("candidates", "remove", "dog"), "There is no superclass dog."),
        (("candidates", "match", "pet"), "No synset has pictures yet."),
        (("candidates", "match", "pet", "--to", "pet"), "--above X"),
        (("candidates", "seed", "/nowhere.txt"), "cannot be read"),
    ],
)
def test_wrong_input_ends_with_2_and_a_sentence(
    workspace: Path, capsys: Capture, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, *arguments)


def test_the_outer_folder_is_refused_with_the_inner_one(workspace: Path, tmp_path: Path, capsys: Capture) -> None:
    inner = plant(tmp_path / "imagenet" / "train", {BEAGLE: 1})
    said = refused(capsys, "images", "add", str(tmp_path / "imagenet"))
    assert f"Add the inner folder: sood-tui images add {inner}" in said


def test_superclasses_are_added_listed_and_removed(pictures: Path, capsys: Capture) -> None:
    report = data(capsys, "candidates", "add", "dog", "--also", "tabby", "--name", "pet")
    assert (report["superclass"], report["candidates"], report["images"]) == ("pet", 2, 5)
    assert run(["candidates", "add", "n02085374"]) == 0
    assert "toy_dog lies inside pet (1 in common)." in capsys.readouterr().err
    listed = {row["superclass"]: row for row in data(capsys, "candidates", "list")}
    assert (listed["pet"]["roots"], listed["pet"]["pending"]) == ([DOG, TABBY], 2)
    assert [(row["other"], row["relation"]) for row in listed["toy_dog"]["overlaps"]] == [("pet", "inside")]
    rows = data(capsys, "candidates", "list", "pet")
    assert [(row["name"], row["route"], row["depth"]) for row in rows] == [
        ("beagle.n.01", "hyponym", 3),
        ("papillon.n.01", "hyponym", 3),
    ]
    assert run(["candidates", "remove", "pet"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Would remove pet: 2 candidates with 5 pictures." in shown.err
    assert "sood-tui candidates remove pet --yes" in shown.err
    assert data(capsys, "candidates", "remove", "pet", "--yes")["removed"] is True
    assert [row["superclass"] for row in data(capsys, "candidates", "list")] == ["toy_dog"]


def test_a_list_is_seeded_whole_or_not_at_all(pictures: Path, tmp_path: Path, capsys: Capture) -> None:
    seeds = tmp_path / "seeds.txt"
    seeds.write_text("dog\ncrane\nnothing\n", encoding="utf-8")
    said = refused(capsys, "candidates", "seed", str(seeds))
    assert "2 problems; nothing was added" in said
    assert data(capsys, "candidates", "list") == []
    seeds.write_text("dog\ncat.n.01\n", encoding="utf-8")
    assert [row["superclass"] for row in data(capsys, "candidates", "seed", str(seeds))] == ["dog", "cat"]


def test_empty_lists_say_what_to_do(workspace: Path, capsys: Capture) -> None:
    for arguments in (["images", "list"], ["images", "issues"], ["candidates", "list"]):
        assert run(arguments) == 0
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err
        assert data(capsys, *arguments) == []


def test_every_layout_has_a_name() -> None:
    assert [layout.value for layout in Layout] == ["wnid", "class", "list"]


@pytest.mark.parametrize("command", ["add", "list", "rescan", "remove", "issues"])
def test_images_commands_show_an_example(command: str, capsys: Capture) -> None:
    assert run(["images", command, "--help"]) == 0
    assert f"Example: sood-tui images {command}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", ["add", "seed", "match", "list", "remove"])
def test_candidates_commands_show_an_example(command: str, capsys: Capture) -> None:
    assert run(["candidates", command, "--help"]) == 0
    assert f"Example: sood-tui candidates {command}" in " ".join(capsys.readouterr().out.split())
