"""The terminal dies at random moments during 500 decisions: what was acknowledged is there, the cursor stands right."""

import os
import random
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.many_candidates import wnids_of
from tests.terminal.conftest import decided, expected
from tests.terminal.tmux import Terminal, needs_tmux, wait_for_end

pytestmark = needs_tmux

COUNT, CUTS = 500, 5
KEYS = [("a", "r", "s")[place * 5 % 3] for place in range(COUNT)]
AT = re.compile(r"candidate (\d+) of 500")


def hang_up(terminal: Terminal) -> None:
    terminal.hang_up()


def kill_terminal(terminal: Terminal) -> None:
    terminal.kill()


def kill_program(terminal: Terminal) -> None:
    os.kill(terminal.process, signal.SIGKILL)


def cut_connection(terminal: Terminal) -> None:
    os.kill(terminal.process, signal.SIGHUP)


WAYS = (hang_up, kill_terminal, kill_program, cut_connection)


def test_no_decision_is_lost_when_the_terminal_dies(five_hundred: Path, terminals: Callable[..., Terminal]) -> None:
    draw = random.Random(20)
    ways, done = draw.sample(WAYS, len(WAYS)), 0
    for cut in range(CUTS + 1):
        terminal = terminals(five_hundred)
        assert place_of(terminal) == done + 1
        about = 2 * (COUNT - done) // (CUTS + 1 - cut)
        last = COUNT if cut == CUTS else min(COUNT - 20, done + draw.randint(20, max(20, about)))
        acknowledged = type_until(terminal, done, last)
        if cut == CUTS:
            terminal.wait_for("Everything in this queue is decided")
            acknowledged = COUNT
        else:
            time.sleep(draw.uniform(0, 0.1))
        ways[cut % len(ways)](terminal)
        wait_for_end(terminal.process)
        events = decided(five_hundred)
        done = len(events)
        assert done >= acknowledged
        assert events == expected(KEYS[:done])
    assert done == COUNT
    assert {wnid for _, wnid in decided(five_hundred)} == set(wnids_of(COUNT))


def place_of(terminal: Terminal) -> int:
    """The number of the candidate on the screen."""
    found = AT.search(terminal.wait_for(" of 500"))
    assert found is not None
    return int(found[1])


def type_until(terminal: Terminal, done: int, last: int) -> int:
    """Press the keys of the candidates from one to another, ten at a time, as fast as the screen follows.

    Returns: how many decisions the screen acknowledged by the end: it stood on the candidate after them.
    """
    for start in range(done, last, 10):
        terminal.press(*KEYS[start : min(start + 10, last)])
        while place_of(terminal) < start - 30:
            time.sleep(0.02)
    return place_of(terminal) - 1
