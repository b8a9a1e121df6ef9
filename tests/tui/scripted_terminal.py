"""A terminal for tests: the other end of a real pseudo-terminal, that answers what it is asked as a script says."""

import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from fcntl import ioctl
from pathlib import Path
from signal import SIGKILL

DEVICE = b"\x1b[c"
CELL = b"\x1b[16t"
COLOURS = b"\x1b[?1;1;0S"
LARGEST = b"\x1b[?2;1;0S"
KITTY = b"a=q"
XTERM: Mapping[bytes, bytes] = {
    COLOURS: b"\x1b[?1;0;256S",
    LARGEST: b"\x1b[?2;0;400;300S",
    CELL: b"\x1b[6;20;10t",
    DEVICE: b"\x1b[?63;1;2;4;6;9;15;22c",
}
KITTY_ITSELF: Mapping[bytes, bytes] = {
    KITTY: b"\x1b_Gi=31;OK\x1b\\",
    CELL: b"\x1b[6;20;10t",
    DEVICE: b"\x1b[?62;c",
}
PLAIN: Mapping[bytes, bytes] = {DEVICE: b"\x1b[?1;2c"}
SIXEL = re.compile(rb'\x1bP0;1;0q"1;1;(\d+);(\d+)([^\x1b]*)\x1b\\')
PATIENCE = 60.0


class ScriptedTerminal:
    """One end answers; the other, `follower`, is what a program has as its terminal."""

    def __init__(self, answers: Mapping[bytes, bytes], delay: float = 0.0, size: tuple[int, int] = (80, 24)) -> None:
        """Ready to be talked to.

        Args:
            answers: what is said to each question, in the order in which they are asked.
            delay: seconds until an answer.
            size: columns and rows.
        """
        self._leader, self.follower = pty.openpty()
        self.resize(*size)
        self._waiting = dict(answers)
        self._delay = delay
        self.seen = b""
        self.process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()
        self._speech = ThreadPoolExecutor(1)  # answers come in the order of the questions
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def resize(self, columns: int, rows: int) -> None:
        """Have another size; the program in front is told."""
        ioctl(self.follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def run(self, *arguments: str, **environment: str) -> None:
        """Start a sood-tui here."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sood_tui", *arguments], stdin=self.follower, stdout=self.follower,
            stderr=self.follower, start_new_session=True, cwd=Path(__file__).parents[2],
            preexec_fn=self._take_terminal,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
        )  # fmt: skip

    def _take_terminal(self) -> None:
        ioctl(self.follower, termios.TIOCSCTTY, 0)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._leader, keys.encode())

    def wait_for(self, what: str, holds: Callable[[], object]) -> None:
        """Until something holds."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"{what} does not happen; last seen: {self.seen[-2000:]!r}"
            time.sleep(0.02)

    def rest(self, seconds: float = 0.5) -> None:
        """Until nothing has been written for a while."""
        before = -1
        while before != len(self.seen):
            before = len(self.seen)
            time.sleep(seconds)

    def sixels(self) -> list[tuple[int, int]]:
        """Width and height of every sixel image so far."""
        return [(int(width), int(height)) for width, height, _ in SIXEL.findall(self.seen)]

    def close(self) -> None:
        """End what runs here."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(SIGKILL)
            self.process.wait()
        # Whoever still reads or writes here would do so at the next terminal, which gets the same number.
        os.close(self.follower)
        self._listener.join(PATIENCE)
        self._closed.set()
        self._speech.shutdown()
        os.close(self._leader)

    def _listen(self) -> None:
        try:
            while data := os.read(self._leader, 65536):
                self.seen += data
                asked = [question for question in self._waiting if question in self.seen]
                for question in sorted(asked, key=self.seen.index):
                    self._speech.submit(self._say, time.monotonic() + self._delay, self._waiting.pop(question))
        except OSError:
            return

    def _say(self, due: float, answer: bytes) -> None:
        if not self._closed.wait(max(0.0, due - time.monotonic())):
            os.write(self._leader, answer)
