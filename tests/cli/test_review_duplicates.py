"""Pictures that are there twice: found by content, settled by a rule, taken back by one undo."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sood_tui.cli import run
from sood_tui.workspace import create_workspace
from store.connection import Store, open_store
from tests.catalogues import add_table, scored_workspace
from tests.commands import said_by

said = said_by("review")

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
    embed(workspace.root, store, {image: ANGLES[Path(path).name] for image, path in places.items()})
    store.close()
    return workspace.root


ANGLES = {"a.png": 0.0, "b.png": 0.0, "c.png": 5.0, "d.png": 15.0, "e.png": 0.0, "f.png": 90.0, "g.png": 200.0}
"""Degrees; the cosine of d with c is 0.985, with a 0.966."""


def embed(root: Path, store: Store, angles: dict[int, float]) -> None:
    """Give pictures embeddings of two dimensions."""
    turned = np.radians(list(angles.values()))
    (root / "embeddings" / "tiny").mkdir(parents=True)
    np.save(root / "embeddings" / "tiny" / "part.npy", np.stack([np.cos(turned), np.sin(turned)], 1).astype(np.float16))
    part = {"part_id": 1, "set_id": 1, "path": "embeddings/tiny/part.npy", "rows": len(angles), "sha256": "0" * 64}
    add_table(store, "embedding_part", [part])
    rows = [{"set_id": 1, "image_id": image, "part_id": 1, "row": row} for row, image in enumerate(angles)]
    add_table(store, "embedding", rows)


def smooth(seed: int) -> Image.Image:
    """A picture without fine structure, so that its hash does not depend on its size."""
    noise = np.random.default_rng(seed).integers(0, 255, (8, 9, 3)).astype(np.uint8)
    return Image.fromarray(noise).resize((180, 160), Image.Resampling.NEAREST)


def names(found: Any) -> list[tuple[str, str, str]]:
    return sorted(
        (Path(pair["stays_picture"]).name, Path(pair["goes_picture"]).name, pair["kind"]) for pair in found["pairs"]
    )


def test_exact_ones_are_the_same_file_or_the_same_pixels(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, root, "duplicates", "dog", "--keep", "first")
    assert names(found) == [("a.png", "b.png", "exact"), ("a.png", "e.png", "exact")]
    assert (found["listed"], found["compared"], found["unreadable"], found["left_out"]) == (6, 6, 1, 0)
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
    assert "0 to 7 of 64 bits, not in 9" in capsys.readouterr().err
    assert run(["-w", str(root), "review", "duplicates", "--threshold", "0.5"]) == 2
    assert "from a cosine of 0.9 to 1, not 0.5" in capsys.readouterr().err
    assert run(["-w", str(root), "review", "replicas", "--dry-run"]) == 2
    assert "Add --settle" in capsys.readouterr().err


def test_neighbours_by_embedding_have_a_threshold(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def alike(threshold: str) -> list[tuple[str, str, str]]:
        found = said(capsys, root, "duplicates", "--threshold", threshold, "--keep", "first")
        assert (found["embedded"], found["compared_by_embedding"]) == (6, 6)
        return [pair for pair in names(found) if pair[2] == "embedding"]

    assert alike("0.999") == []
    assert alike("0.99") == [("a.png", "c.png", "embedding")]
    # d is like c, which goes: it stays unless it is like a itself.
    assert alike("0.98") == [("a.png", "c.png", "embedding")]
    assert alike("0.96") == [("a.png", "c.png", "embedding"), ("a.png", "d.png", "embedding")]


def test_pictures_are_read_once_and_broken_ones_have_their_reason(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(root), "review", "duplicates"]) == 0
    told = capsys.readouterr().err
    assert "0001-prints" in told
    assert "7 of 7 pictures (100 %)" in told
    assert "1 could not be read" in told
    assert run(["-w", str(root), "images", "issues", "--kind", "undecodable", "--json"]) == 0
    (issue,) = json.loads(capsys.readouterr().out)
    assert (Path(issue["path"]).name, issue["detail"]) == ("g.png", "the file is no picture of a known format")
    broken = next((root.parent / "pictures").rglob("g.png"))
    smooth(1).save(broken)  # it has changed, so it is read again, and only that one
    assert run(["-w", str(root), "review", "duplicates"]) == 0
    told = capsys.readouterr().err
    assert "1 of 1 pictures (100 %)" in told
    assert "7 of 7 pictures compared: 3 exact" in told
    assert run(["-w", str(root), "review", "duplicates"]) == 0
    assert "prints" not in capsys.readouterr().err


def test_only_pairs_across_synsets_or_lists(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert names(said(capsys, root, "duplicates", "--across", "synsets", "--keep", "first")) == [
        ("a.png", "e.png", "exact")
    ]
    assert said(capsys, root, "duplicates", "--across", "splits")["pairs"] == []  # all stand in train
    assert run(["-w", str(root), "splits", "set", "--hard", "70", "--easy", "80"]) == 0
    (across,) = said(capsys, root, "duplicates", "--across", "splits", "--keep", "first")["pairs"]
    assert {across["stays_split"], across["goes_split"]} <= {"train", "easy", "hard"}
    assert across["is_across_splits"]
    within = said(capsys, root, "duplicates", "--across", "within", "--keep", "first")["pairs"]
    assert all(pair["stays_split"] == pair["goes_split"] for pair in within)
    assert [(Path(pair["stays_picture"]).name, Path(pair["goes_picture"]).name) for pair in within] == [
        ("a.png", "b.png")
    ]


def test_pictures_of_a_disk_that_is_gone_are_not_unreadable(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = root.parent / "pictures"
    pictures.rename(root.parent / "unmounted")
    assert run(["-w", str(root), "review", "duplicates"]) == 2
    assert f"The picture folder {pictures} is not there" in capsys.readouterr().err
    assert run(["-w", str(root), "images", "issues", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    (root.parent / "unmounted").rename(pictures)
    assert names(said(capsys, root, "duplicates", "--keep", "first")) == [
        ("a.png", "b.png", "exact"), ("a.png", "e.png", "exact"),
    ]  # fmt: skip
