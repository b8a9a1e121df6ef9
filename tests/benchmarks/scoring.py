"""How fast pictures are scored and prepared, each number beside a baseline that runs in turn with it.

    python -m tests.benchmarks.scoring [--rounds N] [--pictures N] [--batch N] [--architecture NAME] [--folder DIR]

Scoring: the reference's loop encodes the pictures of a batch, its prompt once for each of them, then puts both through
the whole model again and takes the diagonal of the product, a number at a time. Ours encodes each picture and the
prompt once. Both read the same files, in batches of the same size, with the same random weights.
Preparing: open_clip's own transform against ours, on one core and on all of them.
Without --folder the pictures are drawn: 500 x 375 JPEGs of about the size of ImageNet's.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file

from engine.gpu.clip import ClipModel, encode_texts, load_model
from engine.gpu.encoding import Encoder
from engine.gpu.pictures import prepare, prepare_all, usable_cores
from engine.scoring.similarities import products

PROMPT = "a photo of a dog"


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The median time of each, run one after the other in every round."""
    times = [[seconds(work) for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def draw(folder: Path, count: int) -> list[Path]:
    """Pictures that compress about as photographs do."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:375, 0:500]
    files = [folder / f"{number}.jpg" for number in range(count)]
    for file in files:
        waves = [np.sin(x / rng.uniform(3, 60)) * np.cos(y / rng.uniform(3, 60)) for _ in range(3)]
        pixels = np.stack(waves, axis=-1) * 90 + 128 + rng.normal(0, 12, (375, 500, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, quality=90)
    return files


def save_model(architecture: str, folder: Path) -> tuple[str, str]:
    """Random weights of an architecture as a checkpoint."""
    torch.manual_seed(0)
    network = open_clip.create_model(architecture)
    weights = folder / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, weights)
    return architecture, str(weights)


def reference_scores(
    clip: ClipModel, transform: Callable[[Image.Image], torch.Tensor], files: list[Path], size: int
) -> list[float]:
    """Similarities as the reference's loop works them out."""
    scores: list[float] = []
    for start in range(0, len(files), size):
        batch = files[start : start + size]
        pixels = torch.stack([transform(Image.open(file)) for file in batch]).to(clip.device)
        tokens = clip.tokenizer([PROMPT] * len(batch)).to(clip.device)
        with torch.inference_mode():
            clip.network.encode_image(pixels)  # type: ignore[operator]
            clip.network.encode_text(tokens)  # type: ignore[operator]
            images, texts, _ = clip.network(pixels, tokens)
            logits = images @ texts.T
            scores += [logits[row, row].item() for row in range(len(batch))]
    return scores


def our_scores(clip: ClipModel, files: list[Path], size: int) -> list[float]:
    """Similarities as a scoring job and its ingest work them out."""
    encoder = Encoder(clip, size, print)
    work = ((str(file), str(file)) for file in files)
    vectors, batch = [], []
    for picture in prepare_all(work, clip.pictures, ahead=2 * size):
        assert picture.pixels is not None
        batch.append(picture.pixels)
        if len(batch) == size:
            vectors.append(encoder.encode(batch))
            batch = []
    vectors.append(encoder.encode(batch))
    scores: list[float] = products(np.concatenate(vectors), encode_texts(clip, [PROMPT])[0]).tolist()
    return scores


def main() -> None:
    """Run both comparisons and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--architecture", default="ViT-B-32")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = sorted(given.folder.rglob("*.*"))[: given.pictures] if given.folder else []
        files = found or draw(Path(scratch), given.pictures)
        clip = load_model(*save_model(given.architecture, Path(scratch)))
        form = clip.pictures
        transform = open_clip.image_transform(form.size[0], False, form.mean, form.std)
        theirs, ours = reference_scores(clip, transform, files, given.batch), our_scores(clip, files, given.batch)
        error = float(np.abs(np.array(theirs) - np.array(ours)).max())
        reference, own = in_turn(
            given.rounds,
            lambda: reference_scores(clip, transform, files, given.batch),
            lambda: our_scores(clip, files, given.batch),
        )
        torch.set_num_threads(1)
        plain, single, threaded = in_turn(
            given.rounds,
            lambda: [transform(Image.open(file)) for file in files],
            lambda: [prepare(str(file), form) for file in files],
            lambda: list(prepare_all(((None, str(file)) for file in files), form)),
        )
    count = len(files)
    print(f"{count} pictures, batch {given.batch}, {given.architecture} on {clip.device}, median of {given.rounds}")
    print(f"scoring, reference loop      {count / reference:9.1f} pictures/s")
    print(
        f"scoring, encoded once        {count / own:9.1f} pictures/s  {reference / own:5.2f} x  (equal to {error:.0e})"
    )
    print(f"preparing, open_clip         {count / plain:9.1f} pictures/s")
    print(f"preparing, one core          {count / single:9.1f} pictures/s  {plain / single:5.2f} x")
    print(f"preparing, {usable_cores():3d} cores         {count / threaded:9.1f} pictures/s  {plain / threaded:5.2f} x")


if __name__ == "__main__":
    main()
