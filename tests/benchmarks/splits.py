"""How fast a split follows a key: all 56 superclasses are cut again, beside SQL over every picture.

    python -m tests.benchmarks.splits [--pictures N] [--rounds N]

Both give thresholds, counts and the split of every subclass; the result is checked to the bit against numpy.percentile
on the written-out means. Rounds are interleaved; times are medians, and the 95th percentile for the retune.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.splits.prepare import prepare_with_pictures
from engine.splits.prepared import PreparedSplit
from tests.benchmarks.made_up import made_up_workspace

FRAME = 0.016


def mismatches(prepared: PreparedSplit, hard: float, easy: float) -> int:
    """Thresholds that differ in a bit from numpy.percentile on one value a picture."""
    tuned, wrong, ladder = prepared.retune((hard, easy)), 0, prepared.ladder
    for index in range(len(prepared.superclasses)):
        rows = slice(ladder.first[index], ladder.first[index + 1])
        written_out = np.repeat(ladder.mean[rows], ladder.pictures[rows])
        expected = np.percentile(written_out, [hard, easy])
        wrong += sum(
            one.tobytes() != other.tobytes() for one, other in zip(expected, tuned.thresholds[index], strict=True)
        )
    return wrong


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1_600_000)
    parser.add_argument("--rounds", type=int, default=25)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = made_up_workspace(Path(temporary), asked.pictures)
        with workspace.opened().reading() as cursor:
            started = time.perf_counter()
            prepared, measured = prepare_with_pictures(cursor, 0)
            preparing = time.perf_counter() - started
            means = {sub.wnid: sub.mean for sub in prepared.subclasses}
            kept = ~measured.pictures.is_outlier
            place = measured.pictures.place[kept]
            rows = pa.table(
                {
                    "superclass": np.array([prepared.superclasses.index(pair.superclass) for pair in measured.pairs])[
                        place
                    ],
                    "mean": np.array([means[pair.wnid] for pair in measured.pairs])[place],
                }
            )
            cursor.register("row", rows)
            retune, scan, draw = [], [], np.random.default_rng(1)
            for _ in range(asked.rounds):
                hard, easy = sorted(draw.uniform(5, 60, 2))
                started = time.perf_counter()
                prepared.retune((hard, easy))
                retune.append(time.perf_counter() - started)
                started = time.perf_counter()
                cursor.execute(
                    "SELECT superclass, quantile_cont(mean, [$hard, $easy]) FROM row GROUP BY superclass",
                    {"hard": hard / 100, "easy": easy / 100},
                ).fetchall()
                scan.append(time.perf_counter() - started)
            wrong = sum(mismatches(prepared, *sorted(draw.uniform(1, 99, 2))) for _ in range(20))
        workspace.opened().close()
    late = sorted(retune)[int(len(retune) * 0.95)]
    print(f"prepare {asked.pictures:,} pictures once: {preparing:.2f} s")
    print(f"{'':34}{'ms':>10}{'ratio':>10}")
    slow, fast = statistics.median(scan), statistics.median(retune)
    print(f"{'SQL over every picture':34}{slow * 1e3:10.2f}{1:9.1f}x")
    print(f"{'retune':34}{fast * 1e3:10.2f}{slow / fast:9.1f}x")
    print(f"{'retune, 95th percentile':34}{late * 1e3:10.2f}  {'within' if late < FRAME else 'OVER'} a frame of 16 ms")
    print(f"thresholds that differ in a bit from NumPy's: {wrong} of {20 * 2 * len(prepared.superclasses)}")


if __name__ == "__main__":
    main()
