"""Whether a batch fits into memory is found out before the work begins, from a few pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from engine.gpu import fitting
from engine.gpu.classifier import Classifier, Logits
from engine.gpu.clip import PictureFormat, load_model
from engine.gpu.encoding import Encoder
from engine.jobs.devices import usable_cores
from tests.tiny_clip import make_tiny_clip

PICTURE = 20_000_000
pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel does not tell peaks")


def take_memory(count: int) -> None:
    """Fill so much memory for each picture, and give it back."""
    np.ones((count, PICTURE), np.uint8).sum()


def test_a_batch_that_fits_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "free_memory", lambda: 40 * PICTURE)
    tried: list[int] = []

    def attempt(count: int) -> None:
        tried.append(count)
        take_memory(count)

    assert fitting.fitting_batch(16, attempt, pytest.fail, usable_cores()) == 16
    assert tried == [1, 2, fitting.TRIED]
    assert fitting.fitting_batch(1, take_memory, pytest.fail, usable_cores()) == 1


def test_a_batch_that_does_not_fit_is_halved_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "free_memory", lambda: 40 * PICTURE)
    told: list[str] = []
    # 256 would take 5 GB at least, 720 MB may be used: 32 pictures take 640 MB, and a little.
    assert fitting.fitting_batch(256, take_memory, told.append, usable_cores()) in (16, 32)
    assert len(told) == 1
    assert told[0].startswith("256 pictures at once would take ")
    # Two processes share it.
    assert fitting.fitting_batch(256, take_memory, told.append, max(1, usable_cores() // 2)) <= 16


def test_not_even_one_picture_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "free_memory", lambda: PICTURE // 2)
    with pytest.raises(EngineError, match="A single picture does not fit into memory: it takes"):
        fitting.fitting_batch(4, take_memory, pytest.fail, usable_cores())


def test_memory_of_this_machine() -> None:
    assert 0 < fitting.free_memory() < 1 << 62
    used, _, whole = fitting.memory_text(torch.device("cpu")).partition(" of ")
    assert 0 < float(used) < float(whole.removesuffix(" GB")) + 1


def test_an_encoder_tries_before_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = load_model(f"local-dir:{make_tiny_clip(tmp_path / 'tiny')}", None, "cpu")
    seen: list[int] = []
    encoder = Encoder(clip, 64, pytest.fail)
    encode = encoder.encode

    def note(pictures: list[torch.Tensor]) -> object:
        seen.append(len(pictures))
        return encode(pictures)

    monkeypatch.setattr(encoder, "encode", note)
    encoder.try_batch(5, usable_cores())
    assert seen == []  # to try five would cost as much as to do them
    encoder.try_batch(1000, usable_cores())
    assert max(seen) == fitting.TRIED
    assert encoder.batch_size == 64


def test_a_classifier_tries_before_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hungry(torch.nn.Module):
        """Takes 20 MB a picture."""

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            take_memory(len(pictures))
            return pictures.mean(dim=(2, 3))

    how = PictureFormat((16, 16), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", "shortest")
    told: list[str] = []
    logits = Logits(Classifier("timm:hungry", Hungry(), torch.device("cpu"), how, (16, 16), ""), 256, told.append)
    monkeypatch.setattr(fitting, "free_memory", lambda: 40 * PICTURE)
    logits.try_batch(20, usable_cores())
    assert logits.batch_size == 256  # 20 fit, and more there are not
    logits.try_batch(10_000, usable_cores())
    assert logits.batch_size in (16, 32)
    assert len(told) == 1
    assert logits.memory.endswith(" GB")


def test_large_pictures_are_judged_by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "free_memory", lambda: 40 * PICTURE)
    tried: list[int] = []

    def attempt(count: int) -> None:
        tried.append(count)
        take_memory(5 * count)

    told: list[str] = []
    assert fitting.fitting_batch(16, attempt, told.append, usable_cores()) in (4, 8)
    assert tried == [1, 2]
    assert len(told) == 1
