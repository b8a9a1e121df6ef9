"""What only a GPU can show; everything here is skipped where there is none."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from engine.gpu.clip import ClipModel, compile_model, encode_pictures, load_model
from engine.gpu.encoding import Encoder
from engine.jobs.devices import list_gpus, places_of
from tests.tiny_clip import make_tiny_clip

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
PARITY = 2e-3
"""Largest 1 - cosine between float32 on the processor and half precision on the GPU."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_clip(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def cuda(folder: Path) -> ClipModel:
    return load_model(f"local-dir:{folder}", device="cuda:0")


def pictures(count: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    return list(torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator))


def test_embeddings_agree_with_the_processor(folder: Path, cuda: ClipModel) -> None:
    cpu = load_model(f"local-dir:{folder}", device="cpu")
    here, there = Encoder(cpu, 8, pytest.fail), Encoder(cuda, 8, pytest.fail)
    cosine = (here.encode(pictures(32)).astype(np.float64) * there.encode(pictures(32)).astype(np.float64)).sum(axis=1)
    assert float((1 - cosine).max()) < PARITY
    exact = replace(cuda, precision=torch.float32)
    pixels = torch.stack(pictures(32))
    np.testing.assert_allclose(encode_pictures(cpu, pixels), encode_pictures(exact, pixels), atol=1e-3)


def test_a_batch_does_not_change_its_members(cuda: ClipModel) -> None:
    together = Encoder(cuda, 32, pytest.fail).encode(pictures(32)).astype(np.float64)
    alone = Encoder(cuda, 5, pytest.fail).encode(pictures(32)).astype(np.float64)
    assert float((1 - (together * alone).sum(axis=1)).max()) < PARITY


def test_batches_under_way_together_give_what_each_gives_alone(cuda: ClipModel) -> None:
    encoder = Encoder(cuda, 16, pytest.fail)
    batches = [pictures(64)[start : start + 16] for start in range(0, 64, 16)]
    expected = [encoder.encode(batch) for batch in batches]
    under_way = [encoder.begin(batch) for batch in batches]
    assert [encoder.finish(flights).tobytes() for flights in under_way] == [rows.tobytes() for rows in expected]


def test_memory_that_runs_out_halves_the_batch_and_goes_on(cuda: ClipModel) -> None:
    told: list[str] = []
    encoder = Encoder(cuda, 4096, told.append)
    expected = Encoder(cuda, 64, pytest.fail).encode(pictures(64))
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 60e6) / whole)
    try:
        found = encoder.encode(pictures(64) * 64)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert told
    assert encoder.batch_size < 4096
    cosine = (found[:64].astype(np.float64) * expected.astype(np.float64)).sum(axis=1)
    assert float((1 - cosine).max()) < PARITY


def test_a_batch_that_does_not_fit_is_halved_before_the_work_begins(cuda: ClipModel) -> None:
    told: list[str] = []
    encoder = Encoder(cuda, 4096, told.append)
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 60e6) / whole)
    try:
        encoder.try_batch(1_000_000, cores=1)
        warned, batch = len(told), encoder.batch_size
        encoder.encode(pictures(64) * 64)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert warned
    assert batch < 4096
    assert len(told) == warned, "what was tried fits when it is done"


def test_the_memory_is_told(cuda: ClipModel) -> None:
    Encoder(cuda, 8, pytest.fail).encode(pictures(8))
    assert Encoder(cuda, 8, pytest.fail).memory.endswith(" GB")


def test_a_compiled_model_gives_the_same(folder: Path) -> None:
    clip = load_model(f"local-dir:{folder}", device="cuda:0")
    before = encode_pictures(clip, torch.stack(pictures(16)))
    told: list[str] = []
    compile_model(clip, told.append)
    after = encode_pictures(clip, torch.stack(pictures(16)))
    assert float((1 - (before * after).sum(axis=1)).max()) < PARITY, told


def test_a_process_sees_the_card_of_its_place_only() -> None:
    for gpu, place in zip(list_gpus(), places_of("cuda"), strict=True):
        program = "import torch; print(torch.cuda.device_count(), torch.cuda.get_device_properties(0).uuid)"
        printed = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **place.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        count, uuid = printed.stdout.split()
        assert count == "1"
        assert gpu.uuid.endswith(uuid)


def test_a_card_that_is_not_there_says_what_is(folder: Path) -> None:
    with pytest.raises(EngineError, match="this machine shows"):
        load_model(f"local-dir:{folder}", device="cuda:99")
