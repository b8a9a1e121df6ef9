"""Decoding in batches: the way is the same on every device, so that the processor stands in for the GPU here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.gpu.clip import PictureFormat
from engine.gpu.device_jpeg import Undecoded, decode_batch, read_or_prepare, works_on
from engine.gpu.pictures import UnreadablePicture, prepare

FORM = PictureFormat((32, 32), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
CPU = torch.device("cpu")
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Pictures that go to the device, and pictures that do not."""
    y, x = np.mgrid[0:60, 0:80]
    smooth = np.stack([x * 3, y * 4, (x + y) * 1.5], -1).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(smooth)
    picture.save(tmp_path / "plain.jpg", quality=92)
    picture.convert("L").save(tmp_path / "grey.jpg")
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    picture.save(tmp_path / "plain.png")
    picture.resize((20, 20)).save(tmp_path / "small.jpg")
    data = (tmp_path / "plain.jpg").read_bytes()
    (tmp_path / "padded.jpg").write_bytes(data + b"\0" * 9)
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.jpg").touch()
    return tmp_path


def test_only_whole_ordinary_jpeg_files_wait_for_the_device(files: Path) -> None:
    waits = {
        path.name: isinstance(read_or_prepare(str(path), FORM), Undecoded)
        for path in sorted(files.iterdir())
        if path.name not in ("cut.jpg", "empty.jpg")
    }
    assert waits == {
        "cmyk.jpg": False, "grey.jpg": True, "padded.jpg": True, "plain.jpg": True, "plain.png": False,
        "small.jpg": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"), [("cut.jpg", "truncated"), ("empty.jpg", "empty"), ("gone.jpg", "not there")]
)
def test_what_cannot_be_read_says_so_before_the_device_sees_it(files: Path, name: str, words: str) -> None:
    with pytest.raises(UnreadablePicture, match=words):
        read_or_prepare(str(files / name), FORM)


def batch_of(files: Path) -> tuple[list[str], torch.Tensor]:
    names = ["plain.jpg", "plain.png", "grey.jpg", "small.jpg", "plain.jpg", "cmyk.jpg"]
    return names, torch.stack([prepare(str(files / name), FORM) for name in names])


def test_a_mixed_batch_keeps_its_order_and_equals_single_pictures(files: Path) -> None:
    names, expected = batch_of(files)
    found = decode_batch([read_or_prepare(str(files / name), FORM) for name in names], FORM, CPU)
    assert found.dtype == torch.uint8
    assert torch.equal(found, expected)


def test_a_decoder_is_trusted_only_where_it_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.gpu import device_jpeg

    assert works_on(CPU)
    real = device_jpeg.decode_jpeg
    monkeypatch.setattr(
        device_jpeg,
        "decode_jpeg",
        lambda data, *more, **named: [255 - p for p in real(data, *more, **named)] if named else real(data, *more),
    )
    assert not works_on(CPU)


@CUDA
@pytest.mark.gpu
def test_the_gpu_decodes_nearly_the_same(files: Path) -> None:
    device = torch.device("cuda:0")
    if not works_on(device):
        pytest.skip("torchvision offers no nvJPEG here")
    names, expected = batch_of(files)
    found = decode_batch([read_or_prepare(str(files / name), FORM) for name in names], FORM, device)
    difference = (found.cpu().float() - expected.float()).abs()
    assert float(difference.mean()) < 2.0
    assert float(difference.max()) < 40.0
