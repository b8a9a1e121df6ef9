"""Asks the terminal what it can draw, before the screens start.

All questions go in one write, ended by one that every terminal answers. Once Textual reads the keyboard an answer would
arrive as keys, and some of its letters are decisions. So the answers are read here, for a bounded time, and what comes
later than that is filtered out (see `late_answers`).
"""

import fcntl
import os
import re
import select
import struct
import sys
import termios
import time
from contextlib import nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TextIO

from sood_tui.terminal.graphics import Graphics, Terminal

WAIT = 0.3  # seconds for an answer from this machine
WAIT_FAR = 1.5  # over a network
KITTY_QUESTION = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
QUESTIONS = (
    "\x1b[?1;1;0S"  # how many colours a sixel image has
    "\x1b[?2;1;0S"  # how large it may be
    "\x1b[16t"  # a cell in pixels
    "\x1b[14t"  # the window in pixels, for terminals that do not answer the one before
)
LAST_QUESTION = "\x1b[c"  # device attributes: every terminal answers, so an answer to it ends the wait

# Every answer to one of the questions, as text.
ANSWER = re.compile(
    r"\x1b_G[^\x1b]*\x1b\\"  # Kitty's
    r"|\x1b\[\?[\d;]*[cS]"  # device attributes, colours and size of sixel images
    r"|\x1b\[[46];\d+;\d+t"  # a cell or the window in pixels
)
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_KITTY = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_WINDOW = re.compile(rb"\x1b\[4;(\d+);(\d+)t")
_COLOURS = re.compile(rb"\x1b\[\?1;0;(\d+)S")
_LARGEST = re.compile(rb"\x1b\[\?2;0;(\d+);(\d+)S")
_NO_ESCAPES = ("", "dumb", "linux", "unknown")


class Question:
    """A question under way: asked on entering, so that the program can load while the answer travels.

    Between `__enter__` and `__exit__` the terminal neither echoes nor waits for whole lines.
    """

    def __init__(self, source: int | None = None, sink: int | None = None) -> None:
        """Nothing is asked yet.

        Args:
            source: the file descriptor that answers come from; None for standard input.
            sink: the one that questions go to; None for standard error, where Textual writes as well.
        """
        self._source = _number(sys.__stdin__) if source is None else source
        self._sink = _number(sys.__stderr__) if sink is None else sink
        self._silence = _silence(self._source, self._sink)
        self._before: list[Any] = []
        self._asked_at = 0.0

    def __enter__(self) -> Self:
        if not self._silence:
            try:
                self._before = termios.tcgetattr(self._source)
                quiet = [*self._before]
                quiet[3] &= ~(termios.ECHO | termios.ICANON)
                termios.tcsetattr(self._source, termios.TCSANOW, quiet)
                kitty = "" if _is_tmux() else KITTY_QUESTION
                self._asked_at = time.monotonic()
                # What a terminal prints of a question that it does not know is wiped away.
                os.write(self._sink, f"{kitty}{QUESTIONS}{LAST_QUESTION}\r\x1b[K".encode())
            except (OSError, termios.error):
                self._silence = "it cannot be asked"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before:
            termios.tcsetattr(self._source, termios.TCSANOW, self._before)

    def answer(self) -> Terminal:
        """What the terminal says; waits for it no longer than the bound."""
        if self._silence:
            return Terminal(silence=self._silence, is_tmux=_is_tmux())
        limit = self._asked_at + (WAIT_FAR if _is_far() else WAIT)
        data, seconds = b"", None
        while seconds is None:
            ready, _, _ = select.select([self._source], [], [], max(0.0, limit - time.monotonic()))
            if not ready:
                break
            got = os.read(self._source, 4096)
            if not got:
                break
            data += got
            if _ATTRIBUTES.search(data):
                seconds = time.monotonic() - self._asked_at
        typed = ANSWER.sub("", data.decode(errors="replace"))
        if seconds is None or typed:
            from sood_tui.terminal.late_answers import expect_late_answers

            expect_late_answers(typed)
        told = understood(data, os.get_terminal_size(self._sink))
        return replace(told, seconds=seconds, cell=told.cell or cell_by_kernel(self._sink), is_tmux=_is_tmux())


def asked(wanted: str) -> "Question | nullcontext[None]":
    """A question to the terminal, or None where the way to draw pictures needs no answer.

    Args:
        wanted: the setting: auto, half, sixel, kitty or off.
    """
    return nullcontext(None) if wanted in (Graphics.HALF, Graphics.OFF) else Question()


def understood(data: bytes, size: tuple[int, int]) -> Terminal:
    """What the answers say, in whatever order they came and whatever was typed between them.

    Args:
        data: everything that was read.
        size: columns and rows of the terminal.
    """
    attributes = _ATTRIBUTES.search(data)
    cell, window = _CELL.search(data), _WINDOW.search(data)
    colours, largest = _COLOURS.search(data), _LARGEST.search(data)
    return Terminal(
        asked=True,
        sixel=attributes is not None and b"4" in attributes[1].split(b";")[1:],
        kitty=_KITTY.search(data) is not None,
        cell=_cell_of(cell, (1, 1)) or _cell_of(window, size),
        colours=int(colours[1]) if colours else None,
        largest=(int(largest[1]), int(largest[2])) if largest else None,
    )


def cell_by_kernel(descriptor: int | TextIO | None) -> tuple[int, int] | None:
    """Width and height of a cell in pixels as the terminal told the kernel; most do, and SSH passes it on."""
    if descriptor is None:
        return None
    try:
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8)))
    except (OSError, ValueError):
        return None
    if not (rows and columns) or width < columns or height < rows:
        return None
    return width // columns, height // rows


def _cell_of(found: re.Match[bytes] | None, cells: tuple[int, int]) -> tuple[int, int] | None:
    """Height and width of so many columns and rows as the width and height of one cell."""
    if found is None or min(cells) < 1:
        return None
    width, height = int(found[2]) // cells[0], int(found[1]) // cells[1]
    return (width, height) if width and height else None


def _silence(source: int, sink: int) -> str:
    """Why the terminal is not asked; empty where it may be."""
    if source < 0 or sink < 0 or not (os.isatty(source) and os.isatty(sink)):
        return "there is no terminal to ask"
    if os.environ.get("TERM", "") in _NO_ESCAPES:
        return f"TERM={os.environ.get('TERM', '')} is a terminal without pictures"
    try:
        in_front = os.tcgetpgrp(source) == os.getpgrp()
    except OSError:
        in_front = True  # not the terminal that controls this program: nobody will stop it for asking
    return "" if in_front else "the program runs in the background"


def _number(stream: object) -> int:
    try:
        return int(stream.fileno())  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return -1


def _is_tmux() -> bool:
    return bool(os.environ.get("TMUX"))


def _is_far() -> bool:
    return bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))
