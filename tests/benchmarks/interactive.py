"""Whether a workspace of ImageNet-21K's size stays interactive: what the screens read, on 12.4 million pictures.

    python -m tests.benchmarks.interactive [--pictures N] [--rounds N]

The catalogue is made up: 56 superclasses, 1,400 accepted subclasses, every picture scored. The baseline of each read is
the frame in which it should be done: what a key waits for within 100 ms, what comes a moment later within a second.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.review import decisions
from engine.review.queue import queue
from engine.splits.settings import SplitSettings
from engine.status import read_status
from engine.workspace import Workspace
from sood_tui.benches.folio import read_folio
from sood_tui.benches.thresholds import read_bench
from tests.benchmarks.made_up import made_up_workspace

SHEET = 16


def reads_of(workspace: Workspace) -> dict[str, tuple[Callable[[int], object], float]]:
    """What the screens read: a function of the round's number, and the milliseconds it may take."""
    with workspace.opened().reading() as cursor:
        items = queue(cursor, "class_07")
    bench = read_bench(workspace, SplitSettings(), "class_07")

    def read_queue(number: int) -> object:
        with workspace.opened().reading() as cursor:
            return queue(cursor, f"class_{number % 56:02d}")

    def decide(number: int) -> object:
        item = items[number % len(items)]
        kind: decisions.DecisionKind = "reject" if number % 2 else "accept"
        return decisions.decide(workspace, item.superclass, [item.wnid], kind, "benchmark")

    def retune(number: int) -> object:
        bench.move(0, 10.0 + number % 20)
        return bench.subclasses()

    return {
        "Review: next candidate with its sheet": (
            lambda number: read_folio(workspace, items[number % len(items)].wnid, SHEET), 100),
        "Review: the queue of a superclass": (read_queue, 1000),
        "Review: a decision, on disk": (decide, 100),
        "Splits: a threshold moves": (retune, 16),
        "Home: counts of every room": (lambda _: read_status(workspace), 1000),
        "Splits: opened (once)": (lambda _: read_bench(workspace, SplitSettings(), "class_07"), 30_000),
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=12_400_000)
    parser.add_argument("--rounds", type=int, default=40)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        started = time.perf_counter()
        workspace = made_up_workspace(Path(temporary), asked.pictures)
        print(f"made {asked.pictures:,} pictures in {time.perf_counter() - started:.0f} s")
        print(f"{'':40}{'median ms':>12}{'p95 ms':>10}{'wanted':>10}")
        for name, (read, wanted) in reads_of(workspace).items():
            rounds = asked.rounds if "once" not in name else 3
            times = []
            for number in range(rounds):
                begun = time.perf_counter()
                read(number)
                times.append((time.perf_counter() - begun) * 1000)
            p95 = sorted(times)[min(int(0.95 * rounds), rounds - 1)]
            print(f"{name:40}{statistics.median(times):12.1f}{p95:10.1f}{wanted:10,.0f}")
        workspace.opened().close()


if __name__ == "__main__":
    main()
