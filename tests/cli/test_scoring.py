"""The commands of the room scoring, from a folder of pictures to the list of subclasses."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sood_tui.cli import run
from sood_tui.workspace import create_workspace, opened
from tests.fixtures_wordnet import load_tiny_wordnet
from tests.tiny_clip import make_tiny_clip

DOGS = {"n02085620": 5, "n02086079": 3, "n02088364": 1}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with the tiny WordNet, nine dogs of three kinds, and one file that is no picture."""
    workspace = create_workspace(tmp_path / "work")
    with opened(workspace) as owner:
        load_tiny_wordnet(owner.opened())
    rng = np.random.default_rng(4)
    for wnid, count in DOGS.items():
        folder = tmp_path / "dogs" / wnid
        folder.mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (50, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{wnid}_{number}.JPEG")
    (tmp_path / "dogs" / "n02085620" / "n02085620_x.JPEG").write_text("404: not found")
    return workspace.root


def test_the_room_end_to_end(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def command(*arguments: str, code: int = 0) -> str:
        assert run(["-w", str(root), *arguments]) == code
        captured = capsys.readouterr()
        return captured.out if code == 0 else captured.err

    command("images", "add", str(tmp_path / "dogs"))
    assert "no superclass yet" in command("scoring", "run", code=2)
    command("candidates", "add", "dog.n.01")
    assert "Nothing was scored yet" in command("scoring", "list", code=2)
    assert json.loads(command("scoring", "runs", "--json")) == []
    model = f"local-dir:{make_tiny_clip(tmp_path / 'tiny')}"

    summary = json.loads(command("scoring", "run", "--model", model, "--device", "cpu", "--json"))
    assert (summary["state"], summary["done"], summary["result"]["encoded"]) == ("finished", 10, 9)
    assert summary["warnings"] == 1
    again = command("scoring", "run", "dog", "--model", model, "--device", "cpu", "--compat", "--json")
    assert json.loads(again)["result"]["encoded"] == 0

    runs = json.loads(command("scoring", "runs", "--json"))
    assert [(row["run_id"], row["images"], row["superclasses"]) for row in runs] == [(1, 9, 1), (2, 9, 1)]
    assert [(row["template"], row["keep_underscores"]) for row in runs] == [("{}", False), ("{}", True)]
    listing = json.loads(command("scoring", "list", "dog", "--json"))
    assert (listing["run_id"], listing["not_scored"], listing["constant"]) == (2, 1, [])
    rows = listing["subclasses"]
    assert {row["wnid"]: row["images"] for row in rows} == DOGS
    means = [row["score_mean"] for row in rows]
    assert means == sorted(means)
    (single,) = (row for row in rows if row["images"] == 1)
    assert single["score_std"] is None
    (three,) = (row for row in rows if row["images"] == 3)
    assert three["outliers"] == 0

    table = command("scoring", "list", "--run", "1").splitlines()
    assert table[0].split("\t")[:2] == ["superclass", "subclass"]
    assert len(table) == 4
    assert "n02085620_x.JPEG" in command("images", "issues")
    assert "There is no scoring run 7" in command("scoring", "list", "--run", "7", code=2)
    assert "no scores of a superclass cat" in command("scoring", "list", "cat", code=2)


def test_requests_that_cannot_be_met(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def error(*arguments: str) -> str:
        assert run(["-w", str(root), "scoring", *arguments]) == 2
        return capsys.readouterr().err

    assert "There is no executor slurm" in error("run", "--executor", "slurm")
    assert "--address and --storage speak of a cluster" in error("run", "--address", "ray://x:1")
    assert "names no device" in error("run", "--device", "tpu")
    assert "contradict" in error("run", "--compat", "--template", "a {}")
    assert "has no {}" in error("run", "--template", "a photo")
    assert "no middle tails" in error("list", "--tails", "middle")


def test_a_job_without_its_model_is_exit_code_3(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["-w", str(root), "images", "add", str(tmp_path / "dogs")])
    run(["-w", str(root), "candidates", "add", "dog.n.01"])
    (tmp_path / "bare").mkdir()
    assert run(["-w", str(root), "scoring", "run", "--model", f"local-dir:{tmp_path / 'bare'}"]) == 3
    assert "has no open_clip_config.json" in capsys.readouterr().err
