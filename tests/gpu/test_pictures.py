"""Pictures as open_clip prepares them, and pictures that nobody can prepare."""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from engine.gpu.clip import PictureFormat
from engine.gpu.pictures import UnreadablePicture, prepare, prepare_all

NOTHING = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def wanted(size: int | tuple[int, int] = 48, mode: str = "shortest", interpolation: str = "bicubic") -> PictureFormat:
    return PictureFormat((size, size) if isinstance(size, int) else size, *NOTHING, interpolation, mode, 7)


def as_open_clip(path: Path, form: PictureFormat) -> torch.Tensor:
    """What open_clip's transform makes of a picture, as uint8."""
    size = form.size[0] if form.size[0] == form.size[1] else form.size
    transform = open_clip.image_transform(size, False, *NOTHING, form.resize_mode, form.interpolation, form.fill_color)
    pixels: torch.Tensor = transform(Image.open(path))
    return (pixels * 255).round().to(torch.uint8)


def differences(path: Path, form: PictureFormat) -> torch.Tensor:
    """Steps of 255 between open_clip's values and ours."""
    return (as_open_clip(path, form).int() - prepare(str(path), form).int()).abs()


def difference(path: Path, form: PictureFormat) -> int:
    return int(differences(path, form).max())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with smooth and with hard edges, in shapes that round badly."""
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(0)
    for height, width in ((333, 500), (500, 334), (97, 131), (48, 48), (31, 200), (20, 17)):
        y, x = np.mgrid[0:height, 0:width]
        waves = np.stack([np.sin(x / 9 + k) + np.cos(y / (5 + k)) for k in range(3)], axis=-1)
        pixels = (waves * 60 + 128).clip(0, 255).astype(np.uint8)
        pixels[height // 3 : height // 2] = rng.integers(0, 256, pixels[height // 3 : height // 2].shape)
        Image.fromarray(pixels).save(folder / f"{height}x{width}.jpg", quality=92)
        Image.fromarray(pixels).convert("L").save(folder / f"{height}x{width}-grey.jpg")
        Image.fromarray(pixels).save(folder / f"{height}x{width}.png")
    return folder


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [48, 96, (60, 32)])
def test_the_geometry_and_the_values_are_open_clips(
    drawn: Path, mode: str, interpolation: str, size: int | tuple[int, int]
) -> None:
    form = wanted(size, mode, interpolation)
    found = {path.name: difference(path, form) for path in sorted(drawn.iterdir())}
    assert max(found.values()) <= 1, found


def test_real_photographs_differ_by_one_step_and_by_two_in_single_values(photographs: Path) -> None:
    every = sorted(photographs.glob("*/*.*"))
    files = every[:: max(1, len(every) // 60)]
    assert len(files) >= 60
    for form in (wanted(48), wanted(224), wanted(48, "longest")):
        found = torch.stack([differences(path, form) for path in files])
        assert found.max() <= 2
        assert (found > 1).float().mean() < 1e-5  # one value of 400,000 was seen


@pytest.fixture
def unusual(tmp_path: Path) -> Path:
    """One picture of each kind that torchvision cannot decode as Pillow does."""
    rng = np.random.default_rng(3)
    picture = Image.fromarray(rng.integers(0, 256, (80, 70, 3), dtype=np.uint8))
    picture.quantize(32).save(tmp_path / "palette.png")
    picture.convert("RGBA").save(tmp_path / "alpha.png")
    picture.convert("LA").save(tmp_path / "grey-alpha.png")
    picture.convert("1").save(tmp_path / "bits.png")
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    picture.save(tmp_path / "plain.webp", lossless=True)
    picture.save(tmp_path / "plain.bmp")
    picture.save(tmp_path / "plain.tif")
    picture.save(tmp_path / "moving.gif", save_all=True, append_images=[Image.new("RGB", (70, 80))])
    picture.save(tmp_path / "moving.png", save_all=True, append_images=[Image.new("RGB", (70, 80))])
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=turned)
    picture.save(tmp_path / "named-wrongly.png", format="JPEG")
    return tmp_path


def test_unusual_pictures_are_what_open_clip_makes_of_them(unusual: Path) -> None:
    names = [path.name for path in sorted(unusual.iterdir())]
    assert len(names) == 12
    assert {
        name: difference(unusual / name, wanted()) for name in names if difference(unusual / name, wanted()) > 1
    } == {}


def test_the_orientation_of_exif_is_not_applied(tmp_path: Path) -> None:
    picture = Image.new("RGB", (64, 64))
    picture.paste((255, 255, 255), (0, 0, 64, 20))
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=turned)
    pixels = prepare(str(tmp_path / "turned.jpg"), wanted())
    assert int(pixels[:, 2, 40].min()) > 240
    assert int(pixels[:, 40, 2].max()) < 15


def test_sixteen_bit_greys_keep_their_brightness(tmp_path: Path) -> None:
    Image.fromarray(np.full((60, 60), 128 * 257, dtype=np.uint16)).save(tmp_path / "deep.png")
    pixels = prepare(str(tmp_path / "deep.png"), wanted())
    assert set(pixels.flatten().tolist()) == {128}


def bomb() -> bytes:
    """A PNG that says it has 30,000 x 30,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_pictures_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)).save(whole)
    data = whole.read_bytes()
    contents = {
        "empty.jpg": b"",
        "cut.jpg": data[: len(data) // 2],
        "text.jpg": b"<html>not found</html>",
        "bomb.png": bomb(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    expected = {
        "empty.jpg": ("undecodable", "the file is empty"),
        "cut.jpg": ("undecodable", "truncated"),
        "text.jpg": ("undecodable", "no picture of a known format"),
        "bomb.png": ("undecodable", "900000000 pixels"),
        "folder.jpg": ("undecodable", "no ordinary file"),
        "pipe.jpg": ("undecodable", "no ordinary file"),
        "gone.jpg": ("missing_file", "not there"),
        "nul\0.jpg": ("undecodable", "null"),
    }
    for name, (kind, words) in expected.items():
        with pytest.raises(UnreadablePicture) as found:
            prepare(f"{tmp_path}/{name}", wanted())
        assert found.value.kind == kind
        assert words in found.value.reason


def test_many_pictures_come_in_their_order_and_not_all_at_once(drawn: Path) -> None:
    asked: list[int] = []

    def work() -> Iterator[tuple[int, str]]:
        for number in range(40):
            asked.append(number)
            yield number, str(drawn / ("97x131.jpg" if number % 7 else "nothing.jpg"))

    prepared = prepare_all(work(), wanted(), threads=3, ahead=6)
    first = next(prepared)
    assert len(asked) == 6
    assert (first.key, first.pixels) == (0, None)
    assert first.problem is not None
    assert first.problem.kind == "missing_file"
    rest = list(prepared)
    assert [picture.key for picture in rest] == list(range(1, 40))
    assert [picture.key for picture in rest if picture.pixels is None] == [7, 14, 21, 28, 35]
    expected = prepare(str(drawn / "97x131.jpg"), wanted())
    assert all(torch.equal(picture.pixels, expected) for picture in rest if picture.pixels is not None)
