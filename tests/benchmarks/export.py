"""How fast lists and rows of 1.6 million pictures are written, beside the reference's procedure.

    python -m tests.benchmarks.export [--pictures N] [--rounds N]

The baseline does what the reference does, in its order: it reads statistics.json, goes through the files of every
folder (from memory, which spares it the walk over the disk), keeps a tuple for each picture that is no outlier, takes
the percentiles of a NumPy array of objects, sorts every tuple into a list, and writes the lists line by line. Like it,
`three lists` starts from known means and outliers. `whole export` also computes those from the similarities, hashes
every file, checks every line, and waits for the disk. Rounds are interleaved; times are medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.export.formats import assignments, parquet, sood
from engine.export.plan import Plan, build_plan, lay_out
from engine.export.run import run
from engine.splits.measure import Measured
from engine.splits.prepare import prepare_with_pictures
from engine.splits.prepared import PreparedSplit
from engine.workspace import Workspace
from store.connection import Cursor
from store.export import fetch_root_names
from tests.benchmarks.made_up import ROOT, made_up_workspace

LISTS = ("train_iid.txt", "test_easy_ood.txt", "test_hard_ood.txt")


def write_statistics(cursor: Cursor, prepared: PreparedSplit, measured: Measured, file: Path) -> dict[str, list[str]]:
    """What the reference's outlier stage leaves behind. Returns: the files of each folder."""
    folders: dict[str, list[str]] = defaultdict(list)
    paths: dict[int, str] = {}
    for image_id, path in cursor.execute("SELECT image_id, path FROM image ORDER BY wnid, path").fetchall():
        folder, name = path.split("/")
        folders[folder].append(name)
        paths[image_id] = path
    pictures = measured.pictures
    outliers: dict[int, list[str]] = defaultdict(list)
    for index in np.flatnonzero(pictures.is_outlier):
        outliers[int(pictures.place[index])].append(f"/data/{paths[int(pictures.image_id[index])]}")
    means = {sub.wnid: sub.mean for sub in prepared.subclasses}
    data: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for place, pair in enumerate(measured.pairs):
        data[pair.superclass].append(
            {
                "prompt_specific": prepared.labels[pair.wnid].lemma,
                "folder_name": pair.wnid,
                "mean_normalized_logit": means[pair.wnid],
                "outliers": [{"image_path": path} for path in outliers[place]],
            }
        )
    file.write_text(json.dumps(data))
    return dict(folders)


def reference_procedure(file: Path, folders: dict[str, list[str]], out: Path) -> None:
    """The reference's split, one picture at a time."""
    data = json.loads(file.read_text())
    lists: tuple[dict[str, list[Any]], ...] = (defaultdict(list), defaultdict(list), defaultdict(list))
    for class_id, (superclass, subclasses) in enumerate(data.items()):
        found = []
        for sub in subclasses:
            dropped = {one["image_path"] for one in sub["outliers"]}
            folder = os.path.join("/data", sub["folder_name"])
            for name in folders[sub["folder_name"]]:
                path = os.path.join(folder, name)
                if path not in dropped:
                    line_path = f"{ROOT}/{os.path.relpath(path, '/data')}"
                    found.append(
                        (line_path, class_id, superclass, sub["prompt_specific"], sub["mean_normalized_logit"])
                    )
        table = np.array(found, dtype=object)
        means = table[:, 4].astype(float)
        easy, hard = np.percentile(means, 40), np.percentile(means, 20)
        for row in table:
            mean = float(row[4])
            lists[0 if mean >= easy else 1 if mean >= hard else 2][row[3]].append(row)
    for name, groups in zip(LISTS, lists, strict=True):
        with (out / name).open("w") as opened:
            for rows in groups.values():
                for path, class_id, superclass, subclass, _ in rows:
                    opened.write(f"{path} {class_id} {superclass} {subclass}\n")


def interleaved(rounds: int, functions: dict[str, Callable[[int], object]]) -> dict[str, tuple[float, float]]:
    """Median seconds of each function, on the clock and of the processors.

    They take turns, so that a slow moment of the machine hits all of them.
    """
    times: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for number in range(rounds):
        for name, function in functions.items():
            started, worked = time.perf_counter(), time.process_time()
            function(number)
            times[name].append((time.perf_counter() - started, time.process_time() - worked))
    return {
        name: (statistics.median(wall for wall, _ in values), statistics.median(cpu for _, cpu in values))
        for name, values in times.items()
    }


def compare(workspace: Workspace, folder: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Time the ways of writing, and check that the lists are the same to the byte."""
    with workspace.opened().reading() as cursor:
        prepared, measured = prepare_with_pictures(cursor, 0)
        roots = fetch_root_names(cursor)
        statistics_file = folder / "statistics.json"
        folders = write_statistics(cursor, prepared, measured, statistics_file)
        plan: Plan = build_plan(prepared, measured, roots)

        def three_lists(_: int) -> None:
            cut = build_plan(prepared, measured, roots)
            lay_out(cursor, cut)
            sood.write(cursor, cut, folder / "lists")

        def assigned(_: int) -> None:
            assignments.write(cursor, plan, folder / "lists")

        def parquet_rows(_: int) -> None:
            lay_out(cursor, plan)
            parquet.write(cursor, plan, folder / "lists")

        def only_parquet(_: int) -> None:
            parquet.write(cursor, plan, folder / "lists")

        lay_out(cursor, plan)
        for name in ("reference", "lists", "whole"):
            (folder / name).mkdir()
        found = interleaved(
            rounds,
            {
                "reference": lambda _: reference_procedure(statistics_file, folders, folder / "reference"),
                "three lists": three_lists,
                "Parquet assignments": assigned,
                "Parquet rows, sorted and written": parquet_rows,
                "Parquet rows, written": only_parquet,
                "whole export, lists": lambda number: run(workspace, folder / "whole" / f"{number}", ["sood"]),
            },
        )
    for name in LISTS:
        mine, theirs = (folder / "lists" / name).read_bytes(), (folder / "reference" / name).read_bytes()
        print(f"{name}: {len(mine):,} bytes, {'byte for byte the same' if mine == theirs else 'DIFFERENT'}")
    return found


def peak_memory(workspace: Path, formats: str) -> float:
    """MiB that one export takes, from the program's start to its end."""
    words = ["export", "run", str(workspace / formats), "--formats", formats, "--workspace", str(workspace)]
    code = (
        "import sys; from sood_tui.cli import run; code = run(sys.argv[1:]); code and sys.exit(code);"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout.split()[-1]) / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1_600_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        workspace = made_up_workspace(folder, asked.pictures)
        found = compare(workspace, folder, asked.rounds)
        workspace.opened().close()
        peaks = {formats: peak_memory(folder, formats) for formats in ("sood", "sood,parquet", "assignments")}
    print(f"{'':34}{'seconds':>10}{'ratio':>9}{'processor':>12}{'ratio':>9}")
    wall, cpu = found["reference"]
    for name, (seconds, worked) in found.items():
        print(f"{name:34}{seconds:10.3f}{wall / seconds:8.1f}x{worked:12.3f}{cpu / worked:8.1f}x")
    for formats, peak in peaks.items():
        print(f"peak memory of an export of {formats} in a process of its own: {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
