"""The demo's pictures on disk, laid out as ImageNet: a folder for each wnid, <wnid>_<number>.JPEG in it."""

import io
import multiprocessing
import os
import random
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from engine.demo.classes import DemoClass
from engine.demo.pictures import draw_picture

MAX_PROCESSES = 8
FEWEST, MOST = 24, 48
QUALITY = 90
# The first picture of every so many-th subclass is cut off after a few bytes, as files sometimes are.
DAMAGED_EVERY = 48
DAMAGED_BYTES = 300


def write_folders(
    classes: Sequence[DemoClass], folder: Path, seed: int, on_progress: Callable[[int, int], None] | None = None
) -> int:
    """Draw all pictures of the demo; the folder is whole or absent, and an existing one is replaced.

    Args:
        classes: what to draw.
        folder: becomes the root of the wnid folders.
        seed: the same seed gives the same bytes on the same machine.
        on_progress: called with the folders done and the folders in all.

    Returns: the number of pictures.
    """
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    processes = min(MAX_PROCESSES, os.cpu_count() or 1)
    # Spawned, because this process may have threads of DuckDB.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        damaged = {kind.wnid for kind in classes[::DAMAGED_EVERY]}
        waiting = [pool.submit(write_folder, kind, draft, seed, kind.wnid in damaged) for kind in classes]
        for done, _ in enumerate(as_completed(waiting), start=1):
            if on_progress:
                on_progress(done, len(waiting))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return sum(future.result() for future in waiting)


def write_folder(kind: DemoClass, root: Path, seed: int, damaged: bool) -> int:
    """Draw the pictures of one subclass; returns how many."""
    folder = root / kind.wnid
    folder.mkdir()
    pictures = random.Random(f"{seed}/{kind.wnid}").randint(FEWEST, MOST)
    for number in range(1, pictures + 1):
        stream = io.BytesIO()
        draw_picture(kind, seed, number).save(stream, "JPEG", quality=QUALITY)
        content = stream.getvalue()[:DAMAGED_BYTES] if damaged and number == 1 else stream.getvalue()
        (folder / f"{kind.wnid}_{number}.JPEG").write_bytes(content)
    return pictures
