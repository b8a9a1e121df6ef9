"""Text from outside, made fit to paint: names, glosses and paths are data and may hold anything."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len, set_cell_size

from engine.events import now


def plain(text: str) -> str:
    """The text without characters that a terminal would obey; each is shown as a replacement sign.

    Line ends and tabs become spaces. Bytes that are not UTF-8 are shown as escapes.
    """
    if text.isascii() and text.isprintable():
        return text
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(_shown(character) for character in whole)


def count(number: int) -> str:
    """A number as the top bar shows it: 842, 11,221, 1.6M."""
    if number < 100_000:
        return f"{number:,}"
    if number < 10_000_000:
        return f"{number / 1e6:.1f}M" if number >= 1_000_000 else f"{number // 1000}k"
    return f"{number / 1e6:.0f}M"


def some(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 synset, 12 synsets."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def fitting(parts: Sequence[str], width: int) -> str:
    """As many parts as find room, with commas between them; the first one always, cut where it must be."""
    ways = (", ".join(parts[:number]) for number in range(len(parts), 1, -1))
    return next((way for way in ways if cell_len(way) <= width), set_cell_size(parts[0], width).rstrip())


def duration(seconds: float) -> str:
    """A span of time in one unit: 40 s, 4 min, 2.5 h, 3 d."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size * 1.5:
            amount = seconds / size
            return f"{amount:.1f} {unit}" if amount < 10 and unit in ("h", "d") else f"{amount:.0f} {unit}"
    return f"{seconds:.0f} s"


def ago(at: datetime) -> str:
    """How long ago it was: just now, 4 min ago."""
    seconds = (now() - at).total_seconds()
    return "just now" if seconds < 10 else f"{duration(seconds)} ago"


def size(number_of_bytes: float) -> str:
    """A number of bytes: 12 kB, 3.4 GB."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number_of_bytes >= limit:
            amount = number_of_bytes / limit
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return f"{number_of_bytes:.0f} B"


def _shown(character: str) -> str:
    if character in "\n\r\t\v\f":
        return " "
    # Controls and bidirectional marks could move the cursor or turn the order of what stands beside them.
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character)[0] == "C" else character
