"""The commands of the room export."""

from pathlib import Path

import duckdb
import pytest

from sood_tui.cli import run
from sood_tui.notices import describe
from sood_tui.workspace import create_workspace
from store.connection import open_store
from tests.catalogues import scored_workspace, wnid_of
from tests.commands import said_by

said = said_by("export")

SCORES = {"dog": {f"dog{number}": [0.1 + number / 50] * 4 for number in range(10)}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    workspace = create_workspace(tmp_path / "work")
    store = open_store(workspace.catalogue)
    scored_workspace(workspace.root, SCORES, store=store)
    pictures = tmp_path / "pictures"
    with store.writing() as cursor:
        cursor.execute("UPDATE image_root SET path = ?", [str(pictures)])
        for (path,) in cursor.execute("SELECT path FROM image").fetchall():
            (pictures / path).parent.mkdir(parents=True, exist_ok=True)
            (pictures / path).touch()
    store.close()
    return workspace.root


def test_run_verify_diff_and_list(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    dry = said(capsys, root, "run", one, "--dry-run")
    assert not Path(one).exists()
    report = said(capsys, root, "run", one, "--formats", "sood,parquet,csv,jsonl")
    assert report["listed"] == dry["listed"] == {"train": 24, "easy": 8, "hard": 8}
    assert said(capsys, root, "verify", one, "--full")["pictures"] == 40
    assert run(["-w", str(root), "splits", "set", "--easy", "60"]) == 0
    said(capsys, root, "run", two)
    moves = said(capsys, root, "diff", one, two)["moves"]
    assert {(move["before"], move["after"], move["pictures"]) for move in moves} == {("train", "easy", 4)}
    assert [entry["path"] for entry in said(capsys, root, "list")] == [one, two]
    said(capsys, root, "run")
    assert (root / "exports" / "main" / "manifest.json").is_file()


def test_verify_says_file_and_line_with_exit_code_2_and_needs_no_workspace(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    said(capsys, root, "run", str(out))
    assert run(["export", "verify", str(out)]) == 0
    assert "Intact: 6 files" in capsys.readouterr().err
    file = out / "test_easy_ood.txt"
    lines = file.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace("dog", "cat")
    file.write_text("".join(lines))
    assert run(["export", "verify", str(out)]) == 2
    assert capsys.readouterr().out == f"test_easy_ood.txt:3: changed: {lines[2].strip()}\n"
    (one,) = said(capsys, root, "verify", str(out), code=2)["differences"]
    assert (one["file"], one["line"]) == ("test_easy_ood.txt", 3)


def test_roots_can_be_named_for_a_full_check(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    said(capsys, root, "run", out)
    assert run(["export", "verify", out, "--full"]) == 2
    assert "Where do the pictures" in capsys.readouterr().err
    assert run(["export", "verify", out, "--full", "--root", f"imagenet21k_train={tmp_path / 'pictures'}"]) == 0
    assert run(["export", "verify", out, "--full", "--root", "imagenet21k_train=/nowhere"]) == 2
    assert "missing picture" in capsys.readouterr().out
    assert run(["export", "verify", out, "--full", "--root", "nonsense"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "{out}", "--formats", "coco"], "There is no format coco"),
        (["run", "{out}", "--split", "lax"], "no split lax"),
        (["verify", "{out}"], "holds no export"),
        (["diff", "{out}", "{out}"], "holds no export"),
    ],
)
def test_wrong_input_is_exit_code_2(
    root: Path, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(out=tmp_path / "out") for argument in arguments]
    assert run(["-w", str(root), "export", *filled]) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""
    assert not (tmp_path / "out").exists()


def test_a_second_run_into_the_same_folder_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    said(capsys, root, "run", out)
    assert run(["-w", str(root), "export", "run", out]) == 2
    assert "--force" in capsys.readouterr().err
    assert said(capsys, root, "run", out, "--force")["listed"]["hard"] == 8


def test_decisions_taken_back_leave_the_export_as_it_was(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    first = said(capsys, root, "run", one)
    assert run(["-w", str(root), "review", "reject", "dog", "dog3.n.01", "--by", "bob"]) == 0
    assert run(["-w", str(root), "review", "unsure", "dog", "dog4.n.01", "--by", "bob"]) == 0
    changed = said(capsys, root, "run", two)
    assert wnid_of("dog3") not in Path(two, "test_easy_ood.txt").read_text()
    assert changed["manifest_sha256"] != first["manifest_sha256"]
    assert run(["-w", str(root), "review", "undo"]) == 0
    assert run(["-w", str(root), "review", "undo"]) == 0
    assert said(capsys, root, "run", two, "--force")["manifest_sha256"] == first["manifest_sha256"]


def test_a_full_disk_is_told_as_one_whoever_was_writing() -> None:
    with pytest.raises(duckdb.IOException) as found:
        duckdb.sql("COPY (SELECT range FROM range(100000)) TO '/dev/full' (FORMAT json)")
    notice = describe(found.value)
    assert notice is not None
    assert (notice.message, notice.exit_code) == ("The disk is full.", 2)
