"""Pictures that are there twice: found by content, settled by a rule, taken back by one undo."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sood_tui.cli import run
from sood_tui.workspace import create_workspace
from store.connection import open_store
from tests.catalogues import scored_workspace

PATHS = {"husky": ["a.png", "b.png", "c.png", "d.png"], "pug": ["e.png", "f.png", "g.png"]}
SCORES = {"dog": {"husky": [0.1, 0.2, 0.9, 0.3], "pug": [0.4, 0.5, 0.6]}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """a, e: the same file; b: its pixels in another file; c: half its size; d, f: others; g: no picture."""
    workspace = create_workspace(tmp_path / "work")
    store = open_store(workspace.catalogue)
    scored_workspace(workspace.root, SCORES, store=store, paths=PATHS)
    folder = tmp_path / "pictures"
    folder.mkdir()
    with store.writing() as cursor:
        cursor.execute("UPDATE image_root SET path = $path", {"path": str(folder)})
        places = dict(cursor.execute("SELECT image_id, path FROM image").fetchall())
    store.close()
    drawn = [smooth(seed) for seed in range(3)]
    for place in places.values():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        name, target = Path(place).name, folder / place
        if name == "g.png":
            target.write_bytes(b"no picture")
        elif name == "c.png":
            drawn[0].resize((90, 80), Image.Resampling.BOX).save(target)
        else:
            drawn[{"d.png": 1, "f.png": 2}.get(name, 0)].save(target, compress_level=1 if name == "b.png" else 9)
    return workspace.root


def smooth(seed: int) -> Image.Image:
    """A picture without fine structure, so that its hash does not depend on its size."""
    noise = np.random.default_rng(seed).integers(0, 255, (8, 9, 3)).astype(np.uint8)
    return Image.fromarray(noise).resize((180, 160), Image.Resampling.NEAREST)


def said(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> Any:
    capsys.readouterr()
    assert run(["-w", str(root), "review", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def names(found: Any) -> list[tuple[str, str, str]]:
    return sorted(
        (Path(pair["stays_picture"]).name, Path(pair["goes_picture"]).name, pair["kind"]) for pair in found["pairs"]
    )


def test_exact_ones_are_the_same_file_or_the_same_pixels(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, root, "duplicates", "dog", "--keep", "first")
    assert names(found) == [("a.png", "b.png", "exact"), ("a.png", "e.png", "exact")]
    assert (found["listed"], found["compared"], found["left_out"]) == (7, 7, 0)
    assert [pair["is_across"] for pair in found["pairs"]] == [False, True]


def test_near_ones_have_near_hashes_and_the_rule_says_what_stays(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    larger = said(capsys, root, "duplicates", "--near", "3")
    assert ("a.png", "c.png", "near") in names(larger)
    assert len(larger["pairs"]) == 3
    assert {stays for stays, _, _ in names(said(capsys, root, "duplicates", "--near", "3", "--keep", "score"))} == {
        "c.png"
    }


def test_leaving_out_is_one_step_with_its_reason(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, root, "duplicates", "--leave-out", "--dry-run")["left_out"] == 0
    assert len(said(capsys, root, "duplicates")["pairs"]) == 2
    assert said(capsys, root, "duplicates", "--leave-out", "--by", "anna")["left_out"] == 2
    notes = [entry["note"] for entry in said(capsys, root, "log") if entry["kind"] == "bad"]
    assert len(notes) == 2
    assert all(note.startswith("exact duplicate of ") and note.endswith("kept by rule: larger") for note in notes)
    assert said(capsys, root, "duplicates")["pairs"] == []
    said(capsys, root, "undo")
    assert len(said(capsys, root, "duplicates")["pairs"]) == 2


def test_bad_input_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", str(root), "review", "duplicates", "dgo"]) == 2
    assert "There is no superclass dgo" in capsys.readouterr().err
    assert run(["-w", str(root), "review", "duplicates", "--near", "9"]) == 2
    assert "0 to 3 of 64 bits, not in 9" in capsys.readouterr().err
