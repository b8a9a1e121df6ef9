"""How fast a root is scanned and taken in, and how fast a page of one synset is found among all pictures.

Run it as ``python -m tests.benchmarks.images [--files 1600000] [--rows 12400000] [--pictures DIR]``. Without
``--pictures`` it makes that many empty files in a temporary folder first, which takes longer than what is measured.
"""

import argparse
import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as parquet

from engine.images.layouts import WORK_SCHEMA, wnid_of_name
from engine.images.sample import sample_images
from engine.images.scan import Findings, scan_folder, take_in
from store.connection import Cursor, Store, open_store
from store.images.roots import Root, insert_root
from tests.picture_roots import WHEN

T = TypeVar("T")
SYNSETS = 11_221
QUERIES = 200


def main() -> None:
    """Measure and print a table."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="sood-images-") as name:
        scratch = Path(name)
        pictures = arguments.pictures or _made(scratch / "train", arguments.files)
        measure_scan(pictures, scratch)
        measure_pages(scratch, arguments.rows)


def measure_scan(pictures: Path, scratch: Path) -> None:
    """Scan rate beside that of os.walk alone, which is the least any scan must do."""
    walked, number = _timed(lambda: sum(len(files) for _, _, files in os.walk(pictures)))
    work = pa.Table.from_pylist(
        [{"folder": name, "wnid": wnid_of_name(name)} for name in sorted(os.listdir(pictures))], schema=WORK_SCHEMA
    )
    scanned, found = _timed(lambda: _scan(pictures, work))
    part = scratch / "scan.parquet"
    written, _ = _timed(lambda: parquet.write_table(found.table(), part, compression="zstd"))
    store = open_store(scratch / "scan.duckdb")
    ingested, _ = _timed(lambda: _ingest(store, part, work))
    store.close()
    print(f"{'what':<42}{'seconds':>9}{'files/s':>13}{'ratio to os.walk':>18}")
    for what, seconds in (
        ("os.walk, counting", walked),
        ("scan to columns", scanned),
        ("  and written as Parquet", scanned + written),
        ("take in: sort, ids, counts over the graph", ingested),
    ):
        print(f"{what:<42}{seconds:>9.2f}{number / seconds:>13,.0f}{seconds / walked:>17.2f}x")


def measure_pages(scratch: Path, rows: int) -> None:
    """A page of 50 of one synset: pictures stored sorted as they are, and shuffled for comparison, interleaved."""
    ordered, shuffled = open_store(scratch / "sorted.duckdb"), open_store(scratch / "shuffled.duckdb")
    _fill(ordered, rows, shuffle=False)
    _fill(shuffled, rows, shuffle=True)
    chance = random.Random(0)
    wnids = [_wnid(chance.randrange(SYNSETS)) for _ in range(QUERIES)]
    per_synset = rows // SYNSETS
    kinds: dict[str, Callable[[Cursor, str], object]] = {
        "page of 50": lambda cursor, wnid: _page(cursor, wnid, chance.randrange(max(1, per_synset - 50))),
        "seeded sample of 16": lambda cursor, wnid: sample_images(cursor, wnid, 16, seed=7),
    }
    print(f"\n{f'one synset of {rows:,} pictures':<42}{'median ms':>11}{'p95 ms':>9}{'p95 to shuffled':>18}")
    for what, ask in kinds.items():
        times: dict[str, list[float]] = {"sorted": [], "shuffled": []}
        with ordered.reading() as one, shuffled.reading() as other:
            for wnid, (name, cursor) in itertools.product(wnids, (("sorted", one), ("shuffled", other))):
                times[name].append(1000 * _timed(partial(ask, cursor, wnid))[0])
        base = _p95(times["shuffled"])
        for name, found in times.items():
            label, p95 = f"{what}, {name}", _p95(found)
            print(f"{label:<42}{statistics.median(found):>11.2f}{p95:>9.2f}{p95 / base:>17.2f}x")
    ordered.close()
    shuffled.close()


def _page(cursor: Cursor, wnid: str, offset: int) -> object:
    return cursor.execute(
        """
        SELECT image_id, root_id, wnid, path
        FROM image
        WHERE wnid = $wnid
        ORDER BY root_id, path
        LIMIT 50 OFFSET $offset
        """,
        {"wnid": wnid, "offset": offset},
    ).fetchall()


def _scan(pictures: Path, work: pa.Table) -> Findings:
    found = Findings()
    for row in work.to_pylist():
        scan_folder(pictures, row, by_wnid=True, found=found)
    return found


def _ingest(store: Store, part: Path, work: pa.Table) -> None:
    wnids = [wnid for wnid in work.column("wnid").to_pylist() if wnid]
    with store.writing() as cursor:
        cursor.register("given", pa.table({"wnid": wnids}))
        cursor.execute(
            "INSERT INTO synset SELECT wnid, 'n', wnid || '.n.01', '', 'noun.animal', 0, 1 FROM given ORDER BY wnid"
        )
        cursor.execute("INSERT INTO hyponym_closure SELECT 'n00001740', wnid, 1 FROM given")
    root = Root(1, "train", "/train", "wnid", None, None, WHEN, None)
    with store.writing() as cursor:
        insert_root(cursor, root)
        take_in(cursor, root, [str(part)], "0001-scan", WHEN)


def _fill(store: Store, rows: int, shuffle: bool) -> None:
    order = "hash(number)" if shuffle else "wnid, path"
    with store.writing() as cursor:
        insert_root(cursor, Root(1, "train", "/train", "wnid", None, None, WHEN, None))
        cursor.execute(
            f"""
            INSERT INTO image (image_id, root_id, wnid, path)
            SELECT row_number() OVER (ORDER BY wnid, path), 1, wnid, path
            FROM (
                SELECT number, wnid, format('{{}}/{{}}_{{}}.JPEG', wnid, wnid, number) AS path
                FROM (SELECT range AS number, format('n{{:08d}}', (range % {SYNSETS}) * 7) AS wnid FROM range({rows}))
            )
            ORDER BY {order}
            """
        )


def _made(root: Path, files: int) -> Path:
    started = time.perf_counter()
    per_folder = -(-files // SYNSETS)
    for folder in range(SYNSETS):
        wnid = _wnid(folder)
        (root / wnid).mkdir(parents=True)
        handle = os.open(root / wnid, os.O_RDONLY)
        for number in range(min(per_folder, files - folder * per_folder)):
            os.close(os.open(f"{wnid}_{number}.JPEG", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
        os.close(handle)
    print(f"made {files:,} empty files in {time.perf_counter() - started:.0f} s\n")
    return root


def _wnid(number: int) -> str:
    return f"n{number * 7:08d}"


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_600_000)
    parser.add_argument("--rows", type=int, default=12_400_000)
    parser.add_argument("--pictures", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
