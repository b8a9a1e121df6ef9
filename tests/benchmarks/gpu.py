"""How fast pictures become embeddings, beside what arithmetic allows.

For each model and batch: encoding alone, against the bound of the device's peak and the model's operations; decoding
alone, by one core and by all; the whole way from files; and how it scales over processes. Without a GPU the processor
is measured, and the bound of the GPU is left out.

    python -m tests.benchmarks.gpu                         (a quick table on whatever is here)
    python -m tests.benchmarks.gpu --models ViT-B-32 ViT-B-16 ViT-L-14 --batches 64 256 1024 --processes 1 2 4

Weights are random and pictures are made up unless --folder names some: neither changes how long it takes.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from engine.gpu.clip import ClipModel, load_model
from engine.gpu.device_jpeg import decode_batch, read_or_prepare, works_on
from engine.gpu.encoding import Encoder, Flight
from engine.gpu.pictures import prepare, prepare_all
from engine.jobs.devices import list_gpus, usable_cores
from engine.jobs.runner import submit
from engine.jobs.summary import summarise
from engine.jobs.waiting import wait_for
from engine.scoring.job import KIND, ScoringSettings
from tests.benchmarks.scoring import save_model

PEAK_TFLOPS = {"H200": 990.0, "H100": 990.0, "A100": 312.0, "L40S": 362.0, "RTX 4090": 165.0}
"""Dense bfloat16, from the vendor's data sheets, by a word of the device's name."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what, how fast, and what it is held against."""

    what: str
    rate: float
    bound: float | None = None
    words: str = ""

    def text(self) -> str:
        """The line."""
        share = "" if self.bound is None else f"{self.rate / self.bound:6.1%} of {self.bound:,.0f}"
        return f"| {self.what:<44} | {self.rate:>12,.1f} | {share:<22} | {self.words} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["ViT-B-32"])
    parser.add_argument("--batches", nargs="+", type=int, default=[8, 64])
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--pictures", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    gpus = list_gpus() if torch.cuda.is_available() else []
    names = ", ".join(sorted({gpu.name for gpu in gpus})) or platform.processor() or platform.machine()
    print(f"{len(gpus)} GPUs, {usable_cores()} cores, {names}")
    print(f"torch {version('torch')}, open_clip {version('open_clip_torch')}, Python {platform.python_version()}\n")
    print(f"| {'what':<44} | {'pictures/s':>12} | {'against':<22} | |\n|---|---:|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        files = list(given.folder.rglob("*.jp*g")) if given.folder else draw(Path(scratch) / "drawn", given.pictures)
        for architecture in given.models:
            model, weights = save_model(architecture, Path(scratch))
            for row in rows_of(load_model(model, weights), files, given, (model, weights), Path(scratch)):
                print(row.text(), flush=True)


def rows_of(
    clip: ClipModel, files: list[Path], given: argparse.Namespace, model: tuple[str, str], scratch: Path
) -> Iterator[Row]:
    """The lines of one model."""
    operations = count_operations(clip)
    peak = peak_of(clip.device)
    bound = None if peak is None else peak * 1e12 / operations
    for batch in given.batches:
        rate = encoding_rate(clip, batch, given.rounds)
        words = f"{operations / 1e9:.1f} GFLOP a picture, {rate * operations / 1e12:.2f} TFLOP/s"
        yield Row(f"{clip.model} encode, batch {batch}", rate, bound, words)
    paths = [str(file) for file in files]
    torch.set_num_threads(1)
    single = rate_of(lambda: [prepare(path, clip.pictures) for path in paths], len(paths), given.rounds)
    threaded = rate_of(lambda: decode_all(clip, paths), len(paths), given.rounds)
    torch.set_num_threads(usable_cores())
    yield Row(f"{clip.model} decode, one core", single)
    yield Row(f"{clip.model} decode, {usable_cores()} cores", threaded, single * usable_cores())
    if clip.device.type == "cuda" and works_on(clip.device):
        rate = rate_of(lambda: decode_there(clip, paths), len(paths), given.rounds)
        yield Row(f"{clip.model} decode, nvJPEG", rate, threaded, "against all cores")
    alone: float | None = None
    for processes in given.processes:
        if clip.device.type == "cuda" and processes > len(list_gpus()):
            continue
        rate, words = job_rate(clip, paths, model, processes, max(given.batches), scratch)
        yield Row(f"{clip.model} whole job, {processes} processes", rate, alone and alone * processes, words)
        alone = alone or rate


def count_operations(clip: ClipModel) -> float:
    """Floating point operations of one picture, counted by torch."""
    pixels = torch.zeros((1, 3, *clip.pictures.size), device=clip.device)
    torch.backends.mha.set_fastpath_enabled(False)  # its fused kernels are not counted
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        clip.network.encode_image(pixels)  # type: ignore[operator]
    torch.backends.mha.set_fastpath_enabled(True)
    return float(counter.get_total_flops())


def peak_of(device: torch.device) -> float | None:
    """What the device does at most, in TFLOP/s; None where it is not known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for word, peak in PEAK_TFLOPS.items() if word in name), None)


def encoding_rate(clip: ClipModel, batch: int, rounds: int) -> float:
    """Pictures a second, from pixels in memory to embeddings in memory; a GPU has the next batch while it is at one."""
    pixels = [torch.randint(0, 256, (3, *clip.pictures.size), dtype=torch.uint8) for _ in range(batch)]
    encoder = Encoder(clip, batch, print)
    batches = 8 if clip.device.type == "cuda" else 1

    def encode_all() -> None:
        under_way: list[Flight] = []
        for _ in range(batches):
            begun = encoder.begin(pixels)
            encoder.finish(under_way)
            under_way = begun
        encoder.finish(under_way)

    return rate_of(encode_all, batch * batches, rounds)


def decode_all(clip: ClipModel, paths: list[str]) -> None:
    """Prepare pictures with all cores."""
    for picture in prepare_all(((path, path) for path in paths), clip.pictures):
        assert picture.pixels is not None


def decode_there(clip: ClipModel, paths: list[str]) -> None:
    """Prepare pictures on the device."""
    decode_batch([read_or_prepare(path, clip.pictures) for path in paths], clip.pictures, clip.device)
    torch.cuda.synchronize(clip.device)


def job_rate(
    clip: ClipModel, paths: list[str], model: tuple[str, str], processes: int, batch: int, scratch: Path
) -> tuple[float, str]:
    """Pictures a second of a real scoring job after loading, and where its time went."""
    root = scratch / f"{clip.model}-{processes}"
    root.mkdir()
    many = paths * max(1, 4 * batch * processes // len(paths))
    ids = pyarrow.array(range(len(many)), pyarrow.int64())
    work = pyarrow.table({"image_id": ids, "path": many})
    settings = ScoringSettings(*model, "{}", False, batch, "benchmark", {"dog": []}, [], decoder="auto")
    device = ",".join(f"cuda:{n}" for n in range(processes)) if clip.device.type == "cuda" else f"cpu:{processes}"
    job = submit(root, KIND, settings.values(), work, device)
    wait_for(job)
    events = [event for event in job.events() if event.kind in ("progress", "part") and event.done]
    seconds = (events[-1].at - events[0].at).total_seconds()
    done = (events[-1].done or 0) - (events[0].done or 0)
    bottleneck = summarise(job).bottleneck
    words = "" if bottleneck is None else f"{bottleneck.share:.0%} {bottleneck.phase}"
    return (done / seconds if seconds > 0 else float("nan")), words


def rate_of(work: Callable[[], object], count: int, rounds: int) -> float:
    """Units a second: the median of several rounds, after one that warms up."""
    work()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return count / median(taken)


def draw(folder: Path, count: int) -> list[Path]:
    """Pictures of ImageNet's usual size, with enough in them to be about as large as its files."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    files = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (47, 63, 3), dtype=np.uint8)).resize((500, 375))
        files.append(folder / f"{number}.jpg")
        coarse.save(files[-1], quality=92)
    return files


if __name__ == "__main__":
    main()
