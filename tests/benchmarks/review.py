"""How long it takes from a key in Review to the last byte of the next contact sheet, with warm thumbnails.

Run it as ``python -m tests.benchmarks.review [--pictures DIR] [--sheets 40]``. The app runs in a process of its own on
a pseudo-terminal; half blocks and the spaces between them are counted in what it writes, so that a blank screen is not
taken for a fast one. The baseline beside it is a bare Textual app whose only widget paints as many cells by segments.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

SIZES = ((80, 24), (120, 40), (200, 60))
BUDGET = {(80, 24): 0.050, (120, 40): 0.050, (200, 60): 0.100}
QUIET = 0.12  # seconds without a byte after which a sheet counts as painted
START = 20.0
CELL = re.compile("[▀▄]")

BASELINE = """
import sys
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.strip import Strip
from textual.widget import Widget


class Noise(Widget):
    turn = 0

    def render_line(self, y):
        colours = [(x * 7 + y * 13 + self.turn * 31) % 256 for x in range(self.size.width)]
        style = [Style.parse(f"rgb({c},{255 - c},{c // 2}) on rgb({255 - c},{c // 3},{c})") for c in colours]
        return Strip([Segment("\\u2580", one) for one in style], self.size.width)


class Bare(App):
    CSS = "Noise { width: 1fr; height: 1fr; }"

    def compose(self):
        yield Noise()

    def key_n(self):
        noise = self.query_one(Noise)
        noise.turn += 1
        noise.refresh()


Bare().run()
"""


@dataclass(frozen=True, slots=True)
class Painted:
    """One key: seconds to the last byte, bytes, and half blocks among them."""

    seconds: float
    bytes: int
    half_blocks: int


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, command: list[str], size: tuple[int, int], answer: bytes = b"") -> None:
        """Start it.

        Args:
            command: the program and its arguments.
            size: columns and rows.
            answer: what the terminal says to questions of the program about itself.
        """
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = subprocess.Popen(
            command, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True
        )
        os.close(follower)
        self.leader = leader
        os.write(leader, answer)

    def read(self, quiet: float, limit: float) -> tuple[bytes, float]:
        """What it writes until it is quiet, and when the last byte came."""
        data, last, end = b"", time.perf_counter(), time.perf_counter() + limit
        while time.perf_counter() < end:
            ready, _, _ = select.select([self.leader], [], [], quiet)
            if not ready and (data or quiet > QUIET):
                break
            if not ready:
                continue  # on a busy machine the first byte may take longer than the pauses between bytes
            data += os.read(self.leader, 1 << 20)
            last = time.perf_counter()
        return data, last

    def wait_for_pictures(self) -> None:
        """Until the first sheet is there."""
        end, painted = time.perf_counter() + START, 0
        while not painted and time.perf_counter() < end:
            data, _ = self.read(0.5, START)
            painted = len(CELL.findall(data.decode(errors="replace")))
        self.read(1.0, START)

    def press(self, key: str) -> Painted:
        """Press a key and wait for what it paints."""
        started = time.perf_counter()
        os.write(self.leader, key.encode())
        data, last = self.read(QUIET, 5.0)
        return Painted(last - started, len(data), len(CELL.findall(data.decode(errors="replace"))))

    def close(self) -> None:
        """End it."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        os.close(self.leader)


def main() -> None:
    """Measure at three sizes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="a folder with a folder for each wnid; else some are drawn")
    parser.add_argument("--sheets", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sood-review-") as name:
        root = Path(name) / "workspace"
        wnids = make_workspace(root, arguments.pictures or Path(name) / "drawn", arguments.pictures is None)
        print(f"{wnids} candidates; {arguments.sheets} sheets at each size, thumbnails warm\n")
        print(f"{'size':<9}{'median':>9}{'p95':>9}{'budget':>9}{'kB':>7}{'cells':>8}{'baseline':>10}{'ratio':>7}")
        for size in SIZES:
            report(size, measure(root, size, arguments.sheets), measure_baseline(size, arguments.sheets))


def measure(root: Path, size: tuple[int, int], sheets: int) -> list[Painted]:
    """Go through the queue once so that every thumbnail is made, then measure on the way back and forth."""
    (root / ".place.json").write_text('{"screen": "review", "order": "name"}', encoding="utf-8")
    terminal = Terminal([sys.executable, "-m", "sood_tui", "-w", str(root), "--graphics", "half"], size)
    try:
        terminal.wait_for_pictures()
        for _ in range(sheets):
            terminal.press("n")
        for _ in range(sheets):
            terminal.press("p")
        return [terminal.press("n") for _ in range(sheets)]
    finally:
        terminal.close()


def measure_baseline(size: tuple[int, int], sheets: int) -> list[Painted]:
    """The same number of repaints of a bare app."""
    terminal = Terminal([sys.executable, "-c", BASELINE], size)
    try:
        terminal.read(1.0, START)
        terminal.press("n")
        return [terminal.press("n") for _ in range(sheets)]
    finally:
        terminal.close()


def report(size: tuple[int, int], painted: list[Painted], baseline: list[Painted]) -> None:
    """One line of the table; a sheet without pictures is an error, not a fast sheet."""
    least = min(one.half_blocks for one in painted)
    if least < size[0] * size[1] // 12:
        raise SystemExit(f"at {size[0]}x{size[1]} a sheet painted only {least} half blocks")
    seconds = sorted(one.seconds for one in painted)
    p95 = seconds[int(0.95 * (len(seconds) - 1))]
    median, bare = statistics.median(seconds), statistics.median(one.seconds for one in baseline)
    print(
        f"{size[0]}x{size[1]:<6}{median * 1e3:>6.1f} ms{p95 * 1e3:>6.1f} ms{BUDGET[size] * 1e3:>6.0f} ms"
        f"{statistics.median(one.bytes for one in painted) / 1000:>7.0f}"
        f"{statistics.median(one.half_blocks for one in painted):>8.0f}{bare * 1e3:>7.1f} ms{median / bare:>7.2f}"
    )


def make_workspace(root: Path, pictures: Path, drawn: bool) -> int:
    """A workspace with one superclass over everything that has pictures. Returns: its candidates."""
    from engine.candidates.superclasses import add_superclass
    from engine.images.roots import add_root
    from engine.wordnet.importing import choose_source, import_wordnet
    from sood_tui.workspace import create_workspace, opened
    from tests.tui.birds import draw_pictures

    if drawn:
        draw_pictures(pictures)
    with opened(create_workspace(root)) as workspace:
        import_wordnet(workspace.opened(), choose_source())
        add_root(workspace, pictures)
        return add_superclass(workspace, ["n00001740"], "everything").candidates


if __name__ == "__main__":
    main()
