"""The training of the demo's CLIP, in a real job: what it saves loads, learns, and is the same for the same seed."""

import hashlib
from pathlib import Path

import open_clip
import pytest
import torch

from engine.demo.classes import SUBCLASSES, DemoClass
from engine.demo.pictures import draw_picture
from engine.demo.place import DemoPlace
from engine.jobs.folder import JobFolder
from engine.jobs.runner import ACTIVE
from sood_tui.workspace import create_workspace
from tests.jobs.waiting import wait_until

TREES = ("ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "yew")
KINDS = tuple(
    DemoClass(name, f"n{number:04d}{place:04d}", f"{name} {word}", place)
    for number, name in enumerate(("dog", "bottle"))
    for place, word in enumerate(TREES)
)


def trained(root: Path, seed: int, steps: int) -> tuple[DemoPlace, JobFolder]:
    place = DemoPlace(create_workspace(root).root)
    job = place.submit_training(KINDS, seed, steps)
    wait_until(lambda: job.state() not in ACTIVE, limit=240)
    assert job.state() == "finished", job.printed()
    return place, job


def weights_of(place: DemoPlace) -> str:
    return hashlib.sha256((place.checkpoint / "open_clip_model.safetensors").read_bytes()).hexdigest()


@pytest.mark.slow
def test_it_learns_to_tell_dogs_from_bottles(tmp_path: Path) -> None:
    place, job = trained(tmp_path / "w", seed=0, steps=60)
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.done == 60
    assert outcome.result["classes_shown"] == 2 * (SUBCLASSES - 2)
    assert [path.name for path in place.root.glob(".demo-clip*")] == []
    name = f"local-dir:{place.checkpoint}"
    model, _, preprocess = open_clip.create_model_and_transforms(name, require_pretrained=True)
    model.eval()
    with torch.inference_mode():
        texts = model.encode_text(open_clip.get_tokenizer(name)(["dog", "bottle"]), normalize=True)
        usual = [kind for kind in KINDS if kind.position < 4]
        pictures = torch.stack([preprocess(draw_picture(kind, 0, n)) for kind in usual for n in range(8)])
        found = (model.encode_image(pictures, normalize=True) @ texts.T).argmax(dim=1)
    wanted = torch.tensor([0] * 32 + [1] * 32)
    assert (found == wanted).float().mean().item() > 0.8


@pytest.mark.slow
def test_equal_seeds_give_equal_weights(tmp_path: Path) -> None:
    first, _ = trained(tmp_path / "a", seed=1, steps=3)
    second, _ = trained(tmp_path / "b", seed=1, steps=3)
    other, _ = trained(tmp_path / "c", seed=2, steps=3)
    assert weights_of(first) == weights_of(second) != weights_of(other)
