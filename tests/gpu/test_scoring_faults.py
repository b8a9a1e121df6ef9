"""A scoring job meets odd pictures, a folder that vanishes while it works, and a GPU that is lost."""

import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from engine.errors import EngineError
from engine.gpu import scoring
from engine.jobs.failures import describe
from engine.jobs.shards import ShardRun
from engine.scoring.job import ScoringSettings
from engine.scoring.parts import READ, read_part
from tests.jobs.here import Watcher, run_here
from tests.tiny_clip import make_tiny_clip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local-dir:{make_tiny_clip(tmp_path_factory.mktemp('models') / 'tiny')}"


def run_on(root: Path, model: str, pictures: Path, watcher: Watcher, batch: int = 4) -> ShardRun:
    """A job over all files of a folder, ready to be run in this process."""
    files = sorted(path for path in pictures.iterdir())
    ids = pa.array(range(len(files)), pa.int64())
    work = pa.table({"image_id": ids, "path": [str(file) for file in files]})
    settings = ScoringSettings(model, None, "{}", False, batch, "mine", {"dog": []}, [str(pictures)]).values()
    return run_here(root, "scoring", settings, work, watcher)


def bomb() -> bytes:
    """A PNG of 400 bytes that says it has 30,000 x 30,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


def test_every_odd_picture_has_its_outcome(tmp_path: Path, model: str) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    picture = Image.fromarray(np.random.default_rng(3).integers(0, 256, (80, 70, 3), dtype=np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    picture.quantize(32).save(folder / "palette.png")
    picture.save(folder / "animated.gif", save_all=True, append_images=[Image.new("RGB", (70, 80))])
    picture.save(folder / "rotated.jpg", exif=turned)
    Image.fromarray(np.full((60, 60), 40_000, dtype=np.uint16)).save(folder / "sixteen.png")
    picture.save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "zero.jpg").touch()
    (folder / "bomb.png").write_bytes(bomb())
    (folder / "text.jpg").write_text("404: not found")
    watcher = Watcher()
    result = scoring.run(run_on(tmp_path / "work", model, folder, watcher))
    names = [path.name for path in sorted(folder.iterdir())]
    (part,) = (tmp_path / "work" / "embeddings").rglob("part-*.parquet")
    found = {names[row["image_id"]]: row for row in read_part(part).to_pylist()}
    left_out = {name: row["reason"] for name, row in found.items() if row["status"] != READ}
    assert set(left_out) == {"truncated.jpg", "zero.jpg", "bomb.png", "text.jpg"}
    assert {row["status"] for row in found.values()} == {READ, "undecodable"}
    assert "truncated" in left_out["truncated.jpg"]
    assert left_out["zero.jpg"] == "the file is empty"
    assert "900000000 pixels" in left_out["bomb.png"]
    assert "no picture of a known format" in left_out["text.jpg"]
    assert (result["encoded"], result["unreadable"]) == (6, 4)
    vectors = np.load(part.with_suffix(".npy"))
    assert vectors.shape == (6, 24)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1, atol=1e-2)
    assert sorted(Path(subject or "").name for _, subject in watcher.warnings) == sorted(left_out)


def test_a_folder_that_vanishes_while_it_is_read_ends_the_job_and_marks_no_picture(tmp_path: Path, model: str) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (40, 40), (number, 0, 0)).save(folder / f"{number:02}.png")
    watcher = Watcher(lambda: shutil.move(folder, tmp_path / "elsewhere"))
    with pytest.raises(EngineError, match="is not there or may not be read") as found:
        scoring.run(run_on(tmp_path / "work", model, folder, watcher, batch=2))
    assert "resume the job" in found.value.hint
    assert watcher.warnings == []
    assert not list((tmp_path / "work" / "embeddings").rglob("part-*"))


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported",
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: uncorrectable ECC error encountered",
        "NVML_SUCCESS == DriverAPI::get()->nvmlInit_v2_() INTERNAL ASSERT FAILED",
    ],
)
def test_a_lost_gpu_ends_the_job_with_what_to_do(words: str) -> None:
    failure = describe(RuntimeError(words), "0007-scoring", Path("/"), "cuda:1")
    assert failure.lost_device
    assert failure.message == f"cuda:1 was lost: {words.splitlines()[0]}"
    assert "nvidia-smi" in failure.hint
    assert "jobs resume 0007-scoring" in failure.hint
    assert failure.traceback is None


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: device-side assert triggered"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        ValueError("CUDA error: unknown"),
        RuntimeError("The size of tensor a (3) must match"),
    ],
)
def test_other_errors_do_not_blame_the_gpu(error: Exception) -> None:
    assert not describe(error, "0007-scoring", Path("/"), "cuda:1").lost_device
