"""The real program in tmux behind a real SSH connection whose link takes 300 ms there and back."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terminal.conftest import HUNDRED, decided, expected
from tests.terminal.slow_link import SlowLink
from tests.terminal.ssh import SshServer
from tests.terminal.tmux import Terminal, environment, needs_tmux, program, wait_for_end, with_environment

pytestmark = needs_tmux

ONE_WAY = 0.15  # seconds


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    running = SshServer(folder)
    yield running
    running.close()


@pytest.fixture
def link(server: SshServer) -> Iterator[SlowLink]:
    carrying = SlowLink(server.port, ONE_WAY)
    yield carrying
    carrying.close()


@pytest.fixture
def inner_tmux() -> Iterator[list[str]]:
    """The tmux over there, in which the program goes on without a connection."""
    folder = Path(tempfile.mkdtemp(prefix="sood-tmux-"))
    command = ["tmux", "-u", "-S", str(folder / "s"), "-f", "/dev/null"]
    yield command
    subprocess.run([*command, "kill-server"], capture_output=True, timeout=30)
    shutil.rmtree(folder, ignore_errors=True)


def test_a_hundred_keys_over_a_slow_link_are_a_hundred_decisions(
    hundred: Path, server: SshServer, link: SlowLink, terminals: Callable[..., Terminal], tmp_path: Path
) -> None:
    """Nobody waits for the link: keys come ten a second, each long before the answer to the one before it is seen."""
    remote = with_environment(program(hundred), environment(tmp_path))
    terminal = terminals(command=server.login(link.port, remote))
    terminal.wait_for("candidate 1 of 100")
    pressed_at = time.monotonic()
    terminal.press(HUNDRED[0])
    terminal.wait_for("candidate 2 of 100")
    assert time.monotonic() - pressed_at > 2 * ONE_WAY  # the link is as slow as it is said to be
    before = link.carried
    for key in HUNDRED[1:]:
        terminal.press(key)
        time.sleep(0.05)
    typed_at = time.monotonic()
    terminal.wait_for("Everything in this queue is decided")
    late = time.monotonic() - typed_at
    print(f"{late:.2f} s after the last key all is decided; {(link.carried - before) / 99 / 1024:.0f} KiB a decision")
    terminal.press("q")
    wait_for_end(terminal.process)
    assert decided(hundred) == expected(HUNDRED)


def test_a_connection_that_breaks_takes_nothing_with_it(
    hundred: Path,
    server: SshServer,
    link: SlowLink,
    terminals: Callable[..., Terminal],
    tmp_path: Path,
    inner_tmux: list[str],
) -> None:
    """The link goes down twice: once the program is alone with its terminal, once it runs in a tmux over there."""
    alone = with_environment(program(hundred), environment(tmp_path))
    first = terminals(command=server.login(link.port, alone))
    first.wait_for("candidate 1 of 100")
    first.press(*HUNDRED[:30])
    first.wait_for(*(f"candidate {place} of 100" for place in range(12, 31)))
    first.kill()

    inside = [*inner_tmux, "new-session", "-A", "-s", "work", *alone]
    second = terminals(command=server.login(link.port, with_environment(inside, environment(tmp_path))))
    text = second.wait_for(" of 100")
    place = next(number for number in range(12, 32) if f"candidate {number} of 100" in text)
    second.press(*HUNDRED[place - 1 : 50])
    second.wait_for("candidate 45 of 100", *(f"candidate {place} of 100" for place in range(46, 52)))
    second.kill()

    third = terminals(command=server.login(link.port, with_environment(inside, environment(tmp_path))))
    third.wait_for("candidate 51 of 100")  # it never stopped: the keys that had arrived were heard without a terminal
    third.press(*HUNDRED[50:])
    third.wait_for("Everything in this queue is decided")
    third.press("q")
    wait_for_end(third.process)
    assert decided(hundred) == expected(HUNDRED)
