"""How long the program takes to its first frame, beside a bare Textual app, and how much memory it has by then.

Run it as ``python -m tests.benchmarks.first_frame [--times 7]``. Both are started by turns on a pseudo-terminal; the
first frame is there when a word of it has been written. On a busy machine the time of the processor tells more.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.review import Terminal, make_workspace

SIZE = (120, 40)
BUDGET = 2.0  # times the bare app
MEMORY = 120  # MB
ANSWER = b"\x1b[?1;2c"  # what every terminal says when it is asked what it is
BARE = """
from textual.app import App
from textual.widgets import Static


class Bare(App):
    def compose(self):
        yield Static("first frame")


Bare().run()
"""


class Frame(NamedTuple):
    """Seconds to the first frame by the wall and by the processor, and megabytes at that moment."""

    wall: float
    processor: float
    memory: float


def main() -> None:
    """Measure by turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sood-first-") as name:
        root = Path(name) / "workspace"
        make_workspace(root, Path(name) / "drawn", drawn=True)
        ours: list[Frame] = []
        bare: list[Frame] = []
        for turn in range(arguments.times + 1):
            frame = first_frame([sys.executable, "-m", "sood_tui", "-w", str(root)], b"candidates", ANSWER)
            baseline = first_frame([sys.executable, "-c", BARE], b"first frame")
            if turn:  # the first turn fills the page cache
                ours.append(frame)
                bare.append(baseline)
    print(f"{'':<10}{'wall':>12}{'processor':>12}{'memory':>11}")
    for name, frames in (("bare app", bare), ("sood-tui", ours)):
        wall, cpu, memory = (statistics.median(column) for column in zip(*frames, strict=True))
        print(f"{name:<10}{wall * 1e3:>9.0f} ms{cpu * 1e3:>9.0f} ms{memory:>8.0f} MB")
    ratios = [
        statistics.median(one[place] / other[place] for one, other in zip(ours, bare, strict=True)) for place in (0, 1)
    ]
    print(
        f"ratio {ratios[0]:.2f} by the wall, {ratios[1]:.2f} by the processor (at most {BUDGET}); at most {MEMORY} MB"
    )


def first_frame(command: list[str], word: bytes, answer: bytes = b"") -> Frame:
    """Start a program and wait until the word is on the terminal."""
    started = time.perf_counter()
    terminal = Terminal(command, SIZE, answer)
    try:
        data = b""
        while word not in data:
            data += os.read(terminal.leader, 1 << 20)
        seconds = time.perf_counter() - started
        process = Path(f"/proc/{terminal.process.pid}")
        used = process.joinpath("stat").read_text(encoding="ascii").rpartition(")")[2].split()
        status = process.joinpath("status").read_text(encoding="ascii").splitlines()
        resident = next(line for line in status if line.startswith("VmRSS"))
        ticks = int(used[11]) + int(used[12])
        return Frame(seconds, ticks / os.sysconf("SC_CLK_TCK"), int(resident.split()[1]) / 1024)
    finally:
        terminal.close()


if __name__ == "__main__":
    main()
