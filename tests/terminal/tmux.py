"""A terminal of its own for the real program: a tmux server with one window, whose screen can be read."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 40.0  # seconds for whatever is waited for; the machine may be busy with other tests

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")


def program(workspace: Path) -> list[str]:
    """The command that opens the screens."""
    return [sys.executable, "-m", "sood_tui", "-w", str(workspace)]


def environment(folder: Path) -> dict[str, str]:
    """What the program finds around it: nobody's settings and no display."""
    own = {
        "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(folder / "config"), "XDG_STATE_HOME": str(folder / "state"),
        "SOOD_DEVICES": str(folder / "devices"), "LANG": "C.UTF-8",
    }  # fmt: skip
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | own


def with_environment(command: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The command with variables set, for a shell that does not know them."""
    return ["env", "-u", "DISPLAY", *(f"{name}={value}" for name, value in variables.items()), *command]


class Terminal:
    """A terminal of so many columns and lines in which a command runs. Close it at the end."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], size: tuple[int, int] = (80, 24)) -> None:
        # The path of a socket must be short: a test's own folder would be too long.
        self.folder = Path(tempfile.mkdtemp(prefix="sood-tmux-"))
        (self.folder / "conf").write_text("set -g status off\nset -g escape-time 0\n")
        self._variables = dict(variables)
        width, height = size
        self._tmux(
            "new-session",
            "-d",
            "-x",
            str(width),
            "-y",
            str(height),
            "exec " + shlex.join(with_environment(command, variables)),
        )
        self.server = int(self._tmux("display-message", "-p", "#{pid}"))
        self.process = int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def press(self, *keys: str) -> None:
        """Press keys, as fast as the terminal takes them."""
        self._tmux("send-keys", *keys)

    def text(self) -> str:
        """What stands on the screen; empty when the program has ended."""
        return self._tmux("capture-pane", "-p", check=False)

    def wait_for(self, *words: str, seconds: float = PATIENCE) -> str:
        """Wait until one of the words stands on the screen, and return what does.

        Raises: AssertionError with the screen if that never happens.
        """
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            text = self.text()
            if any(word in text for word in words):
                return text
            time.sleep(0.03)
        raise AssertionError(f"{' or '.join(words)} never came to the screen:\n{self.text()}")

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def hang_up(self) -> None:
        """Close the window, as when a person closes it: the program is told by SIGHUP."""
        self._tmux("kill-server", check=False)

    def kill(self) -> None:
        """End the terminal itself without a word; its programs are told by the kernel."""
        os.kill(self.server, signal.SIGKILL)

    def close(self) -> None:
        """End everything in it."""
        self.hang_up()
        wait_for_end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tmux(self, *words: str, check: bool = True) -> str:
        command = ["tmux", "-u", "-S", str(self.folder / "s"), "-f", str(self.folder / "conf"), *words]
        done = subprocess.run(command, env=self._variables, capture_output=True, text=True, timeout=PATIENCE)
        if check and done.returncode:
            raise AssertionError(f"tmux {words[0]}: {done.stderr}")
        return done.stdout


def wait_for_end(process: int, seconds: float = PATIENCE) -> None:
    """Wait until a process is gone.

    Raises: AssertionError if it stays.
    """
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if not _lives(process):
            return
        time.sleep(0.02)
    raise AssertionError(f"process {process} outlives its terminal")


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        threads = len(os.listdir(f"/proc/{process}/task"))
    except OSError:
        return False
    # A dead one whose parent has not looked yet stays in the list; what it had open is closed with its last thread.
    return state != "Z" or threads > 1
