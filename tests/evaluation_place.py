"""A workspace with drawn dogs, cats and birds, and folders of further pictures and words beside it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sood_tui.cli import run
from sood_tui.workspace import create_workspace, opened
from tests.fixtures_wordnet import load_tiny_wordnet
from tests.tiny_clip import make_tiny_clip

DOGS = {"n02085620": 8, "n02086079": 6, "n02088364": 6}
CATS = {"n02123045": 7, "n02123597": 5}
BIRDS = {"n02012849": 9, "n01816887": 6}
WORDS = "tree\nmountain\nbridge\nbread\nriver\nmusic\nplanet\ncloud\nrusty,adj\nwet,adj\ngolden,adj\nangry,adj\n"

Command = Callable[..., str]


def draw(folder: Path, counts: dict[str, int], seed: int) -> None:
    """Noise around a colour of each synset's own, so that embeddings differ by class."""
    generator = np.random.default_rng(seed)
    for wnid, count in counts.items():
        (folder / wnid).mkdir(parents=True, exist_ok=True)
        colour = generator.integers(0, 200, 3)
        for number in range(count):
            pixels = np.clip(colour + generator.integers(0, 56, (40, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / wnid / f"{wnid}_{number}.JPEG")


def make_place(place: Path) -> Path:
    """Build it all below a folder.

    Returns: the root of the workspace.
    """
    workspace = create_workspace(place / "work")
    with opened(workspace) as owner:
        load_tiny_wordnet(owner.opened())
    draw(place / "pictures", DOGS | CATS | BIRDS, 4)
    draw(place / "outside", {"places": 10}, 5)
    (place / "words.txt").write_text(WORDS)
    make_tiny_clip(place / "tiny")
    assert run(["-w", str(workspace.root), "images", "add", str(place / "pictures")]) == 0
    return workspace.root


def make_command(root: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command of the room in the workspace; gives its output, or its message where it is to fail."""

    def call(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert run(["-w", str(root), "evaluation", *arguments]) == code
        captured = capsys.readouterr()
        return captured.out if code == 0 else captured.err

    return call


def common(root: Path) -> list[str]:
    """Options of every run here."""
    model = f"local-dir:{root.parent / 'tiny'}"
    words = f"file:{root.parent / 'words.txt'}"
    return ["--model", model, "--device", "cpu", "--corpus", words, "--keep", "1.0", "--groups", "3"]


def last(command: Command) -> int:
    """The number of the newest evaluation."""
    return int(json.loads(command("list", "--json"))[-1]["run_id"])
