"""What finding duplicates costs: reading pictures, pairs by hash, neighbours by embedding, and a moved threshold.

    python -m tests.benchmarks.likeness [--pictures N] [--rows N]

The embeddings of the first rows are compared with all; the whole takes pictures / rows / 2 times as long, since pairs
are met once. Beside it scikit-learn's brute-force search by radius, on a part of the same rows. Times are of the
processor, all cores together, which other work disturbs less than the clock. Memory is what Python and NumPy had
allocated at the peak, measured in a run of its own.
"""

import argparse
import io
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from sklearn.neighbors import NearestNeighbors

from engine.likeness.hashes import near_pairs
from engine.likeness.neighbours import FLOOR, neighbours
from engine.likeness.prints import print_or_reason
from engine.review.comparing import compare
from engine.review.duplicates import Rule
from engine.workspace import Workspace
from store.likeness.prints import SCHEMA, PictureFile, insert_prints
from tests.benchmarks.made_up import made_up_workspace
from tests.photographs import scene

DIMENSIONS = 512
READ, BASE_ROWS, BLOCK = 300, 1024, 8192
WHOLE = 1_600_000
COPIES = 0.01

Result = TypeVar("Result")


def made_up_hashes(count: int) -> np.ndarray:
    """Random hashes; of each hundred one is near to the one before it."""
    draw = np.random.default_rng(1)
    hashes = draw.integers(0, 2**64, count, dtype=np.uint64)
    copies = draw.choice(np.arange(1, count), int(count * COPIES), replace=False)
    hashes[copies] = hashes[copies - 1] ^ (np.uint64(1) << draw.integers(0, 64, len(copies)).astype(np.uint64))
    return hashes


def made_up_vectors(file: Path, count: int) -> np.ndarray:
    """float16 [count, 512] on disk, mapped: a thousand directions with spread; each hundredth is near another one."""
    draw = np.random.default_rng(2)
    array = np.lib.format.open_memmap(file, "w+", np.float16, (count, DIMENSIONS))
    centres = draw.standard_normal((1000, DIMENSIONS)).astype(np.float32)
    for start in range(0, count, BLOCK):
        shape = (min(BLOCK, count - start), DIMENSIONS)
        some = centres[draw.integers(0, 1000, shape[0])] + draw.standard_normal(shape).astype(np.float32)
        last = len(some) // 100 * 100
        some[1:last:100] = some[0:last:100] + 0.1 * some[2:last:100]
        array[start : start + len(some)] = some / np.linalg.norm(some, axis=1, keepdims=True)
    return array


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds of the processor, and what came of it."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def peak(work: Callable[[], object]) -> float:
    """MiB that were allocated at the peak."""
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


def reading(folder: Path) -> None:
    """Reading pictures of ImageNet's usual size."""
    files = []
    for seed in range(READ):
        packed = io.BytesIO()
        scene(seed % 30, (500, 375)).save(packed, "JPEG", quality=90)
        (folder / f"{seed}.jpg").write_bytes(packed.getvalue())
        files.append(PictureFile(seed, str(folder), f"{seed}.jpg"))
    took, _ = timed(lambda: [print_or_reason(file) for file in files])
    each = took / READ
    print(f"reading a picture of 500x375: {each * 1e3:.1f} ms of a core; 1.6 M: {WHOLE * each / 3600:.1f} core hours")


def hashes(count: int) -> None:
    """Pairs by hash."""
    made = made_up_hashes(count)
    for most in (3, 7):
        took, found = timed(lambda most=most: near_pairs(made, most))  # type: ignore[misc]
        memory = peak(lambda most=most: near_pairs(made, most))  # type: ignore[misc]
        print(
            f"pairs of {count:,} hashes up to {most} bits: {took:.1f} s, {memory:.0f} MiB, {len(found.first):,} found"
        )


def embeddings(folder: Path, count: int, rows: int) -> None:
    """Neighbours by embedding."""
    array = made_up_vectors(folder / "vectors.npy", count)

    def vectors(start: int, stop: int) -> np.ndarray:
        return array[start:stop].astype(np.float32)

    took, found = timed(lambda: list(neighbours(vectors, 0, rows, count)))
    pairs = sum(len(block.first) for block in found)
    whole = took * count / rows / 2
    memory = peak(lambda: list(neighbours(vectors, 0, min(rows, 4096), count)))
    print(f"neighbours of {rows:,} among {count:,} x {DIMENSIONS}: {took:.1f} s, {memory:.0f} MiB, {pairs:,} found")
    larger = whole * (WHOLE / count) ** 2 / 3600
    print(f"  of all {count:,}: {whole / 60:.1f} core minutes; of 1.6 M: {larger:.1f} core hours")
    loaded = array[:].astype(np.float32)
    search = NearestNeighbors(metric="cosine", algorithm="brute").fit(loaded)
    base, _ = timed(lambda: search.radius_neighbors(loaded[:BASE_ROWS], radius=1 - FLOOR))
    base *= rows / BASE_ROWS
    print(f"  scikit-learn, each with each: {base:.1f} s for as many rows, {base / took:.1f} times as long")


def fill_prints(workspace: Workspace) -> None:
    """Give every picture of a made-up workspace a print."""
    with workspace.opened().reading() as cursor:
        ids = cursor.execute("SELECT image_id FROM image ORDER BY image_id").fetchnumpy()["image_id"]
    count = len(ids)
    names = [f"{number:032x}" for number in range(count)]
    columns = {
        "image_id": ids, "bytes": np.ones(count), "sha256": names, "dhash": made_up_hashes(count),
        "width": np.full(count, 500), "height": np.full(count, 375), "luminance": np.zeros(count),
        "contrast": np.zeros(count), "saturation": np.zeros(count), "pixels": names,
    }  # fmt: skip
    with workspace.opened().writing() as cursor:
        insert_prints(cursor, pa.table({name: pa.array(values) for name, values in columns.items()}).cast(SCHEMA))


def moved_thresholds(workspace: Workspace, count: int) -> None:
    """What is known brought together, and a threshold that moves."""
    fill_prints(workspace)
    took, compared = timed(lambda: compare(workspace))
    times, goes = [], 0
    for place in range(40):
        started = time.perf_counter()
        goes = len(compared.settle(Rule(near=place % 8)))
        times.append(time.perf_counter() - started)
    again, _ = timed(lambda: compare(workspace, before=compared))
    late = np.percentile(times[1:], 95) * 1e3
    print(f"bringing {count:,} together: {took:.1f} s, after a decision {again:.1f} s")
    print(f"a threshold moved, {goes:,} go: p95 by the clock {late:.1f} ms")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200_000)
    parser.add_argument("--rows", type=int, default=BLOCK)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        reading(folder)
        hashes(asked.pictures)
        moved_thresholds(made_up_workspace(folder, asked.pictures), asked.pictures)
        embeddings(folder, asked.pictures, asked.rows)


if __name__ == "__main__":
    main()
