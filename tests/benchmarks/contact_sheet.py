"""How long it takes from a key in Review to the last byte of the next contact sheet, and how many bytes: each way.

Run it as ``python -m tests.benchmarks.contact_sheet [--pictures DIR] [--sheets 30] [--ways half off]``. The program
runs on a pseudo-terminal that answers its questions as a terminal with that way would. Thumbnails are warm, as when the
queue has been read ahead. Half blocks are counted and the size of each image in pixels is checked, so that a blank
screen is not taken for a fast one. In pixels a sheet comes twice: half blocks at once, which the budget is for, and the
picture once the cursor has rested for 80 ms.
"""

import argparse
import os
import re
import select
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.review import BUDGET, CELL, SIZES, Terminal, make_workspace

BYTES = {(120, 40): 130 * 1024}  # of a sheet in half blocks
CELL_PIXELS = (10, 20)
TOLD = b"\x1b[?1;0;256S\x1b[?2;0;4000;4000S\x1b[6;20;10t"
ANSWERS = {
    "half": b"",
    "sixel": TOLD + b"\x1b[?63;1;2;4c",
    "kitty": b"\x1b_Gi=31;OK\x1b\\" + TOLD + b"\x1b[?62;c",
    "off": b"",
}
PICTURE = re.compile(rb'\x1bP0;1;0q"1;1;(\d+);(\d+)[^\x1b]*\x1b\\|\x1b_Ga=p,i=\d+,p=1,c=(\d+),r=(\d+)[^\x1b]*\x1b\\')
BEGINS = re.compile(rb"\x1b7\x1b\[\d+;\d+H\x1b(?:P|_Ga=p)|\x1b_Ga=t")
ENDS = b"\x1b\\\x1b8"
QUIET = 0.15
LIMIT = 6.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One key: seconds to the last byte of the text and of the picture, bytes of each, half blocks, pixels."""

    text_seconds: float
    text_bytes: int
    half_blocks: int
    picture_seconds: float
    picture_bytes: int
    pixels: int


def main() -> None:
    """Measure each way at three sizes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="a folder with a folder for each wnid; else some are drawn")
    parser.add_argument("--sheets", type=int, default=30)
    parser.add_argument("--ways", nargs="+", choices=list(ANSWERS), default=list(ANSWERS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sood-sheets-") as name:
        root = Path(name) / "workspace"
        wnids = make_workspace(root, asked.pictures or Path(name) / "drawn", asked.pictures is None)
        print(f"{wnids} candidates; {asked.sheets} sheets of each, thumbnails warm\n")
        print(f"{'':<7}{'size':<9}{'text: median':>13}{'p95':>9}{'wanted':>9}{'KiB':>7}{'cells':>8}", end="")
        print(f"{'picture: median':>17}{'p95':>9}{'KiB':>7}{'pixels':>10}")
        for way in asked.ways:
            for size in SIZES:
                report(way, size, measure(root, way, size, min(asked.sheets, wnids - 1)))


def measure(root: Path, way: str, size: tuple[int, int], sheets: int) -> list[Sheet]:
    """Go through the queue and back, so that every thumbnail is made, then measure on the way forward."""
    (root / ".place.json").write_text('{"screen": "review", "order": "name"}', encoding="utf-8")
    command = [sys.executable, "-m", "sood_tui", "-w", str(root), "--graphics", way]
    terminal = Terminal(command, size, ANSWERS[way])
    try:
        if way == "off":
            terminal.read(3.0, 20.0)
        else:
            terminal.wait_for_pictures()
        for key in "n" * sheets + "p" * sheets:
            press(terminal, key, way)
        return [press(terminal, "n", way) for _ in range(sheets)]
    finally:
        terminal.close()


def press(terminal: Terminal, key: str, way: str) -> Sheet:
    """Press a key and wait for what it paints."""
    started = time.perf_counter()
    os.write(terminal.leader, key.encode())
    data, text_at, last = b"", started, started
    begun: re.Match[bytes] | None = None
    is_drawn = way in ("half", "off")
    while time.perf_counter() < started + LIMIT:
        ready, _, _ = select.select([terminal.leader], [], [], QUIET)
        if not ready and data and is_drawn:
            break
        if not ready:
            continue
        known = max(0, len(data) - 64)
        data += os.read(terminal.leader, 1 << 20)
        last = time.perf_counter()
        begun = begun or BEGINS.search(data, known)
        is_drawn = is_drawn or (begun is not None and data.endswith(ENDS))
        text_at = text_at if begun else last
    found = PICTURE.search(data)
    pixels = 0
    if found:
        wide, high = (int(found[1]), int(found[2])) if found[1] else (int(found[3]) * 10, int(found[4]) * 20)
        pixels = wide * high
    text = data[: begun.start()] if begun else data
    half_blocks = len(CELL.findall(text.decode(errors="replace")))
    return Sheet(text_at - started, len(text), half_blocks, last - started, len(data) - len(text), pixels)


def report(way: str, size: tuple[int, int], sheets: list[Sheet]) -> None:
    """One line of the table; a sheet without pictures is an error, not a fast sheet."""
    cells = statistics.median(sheet.half_blocks for sheet in sheets)
    pixels = min(sheet.pixels for sheet in sheets)
    if way != "off" and cells < size[0] * size[1] // 12:
        raise SystemExit(f"{way} at {size[0]}x{size[1]} painted only {cells} half blocks")
    if way in ("sixel", "kitty") and pixels < size[0] * size[1] * CELL_PIXELS[0] * CELL_PIXELS[1] // 8:
        raise SystemExit(f"{way} at {size[0]}x{size[1]} drew only {pixels} pixels")
    kib = statistics.median(sheet.text_bytes for sheet in sheets) / 1024
    line = f"{way:<7}{size[0]}x{size[1]:<6}{timed([sheet.text_seconds for sheet in sheets], 13)}"
    line += f"{BUDGET[size] * 1e3:>6.0f} ms{kib:>7.0f}{cells:>8.0f}"
    if pixels:
        drawn = statistics.median(sheet.picture_bytes for sheet in sheets) / 1024
        line += f"{timed([sheet.picture_seconds for sheet in sheets], 17)}{drawn:>7.0f}{pixels:>10,}"
    print(line + (f"  (at most {BYTES[size] // 1024} KiB)" if way == "half" and size in BYTES else ""), flush=True)


def timed(seconds: list[float], width: int) -> str:
    """Median and 95th percentile."""
    p95 = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
    return f"{statistics.median(seconds) * 1e3:>{width - 3}.1f} ms{p95 * 1e3:>6.1f} ms"


if __name__ == "__main__":
    main()
