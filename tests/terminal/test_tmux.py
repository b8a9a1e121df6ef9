"""The real program in an 80x24 tmux: a hundred candidates with a hundred keys; resize, ctrl+z and fg on the way."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path

from tests.terminal.conftest import HUNDRED, decided, expected
from tests.terminal.tmux import Terminal, environment, needs_tmux, program, wait_for_end, with_environment

pytestmark = needs_tmux


def test_a_hundred_candidates_take_exactly_a_hundred_keys(hundred: Path, terminals: Callable[..., Terminal]) -> None:
    terminal = terminals(hundred)
    terminal.wait_for("candidate 1 of 100")
    for key in HUNDRED[:20]:
        terminal.press(key)  # as fast as a process can be started for each
    terminal.press(*HUNDRED[20:70])  # in one go, as after a stall of the link
    for place, key in enumerate(HUNDRED[70:75], 71):
        terminal.wait_for(f"candidate {place} of 100")
        terminal.press(key)
    terminal.press(*HUNDRED[75:])
    terminal.wait_for("Everything in this queue is decided")
    terminal.press("q")
    wait_for_end(terminal.process)
    assert decided(hundred) == expected(HUNDRED)


def test_keys_and_screen_outlive_another_size_and_a_visit_to_the_shell(
    hundred: Path, terminals: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = terminals(command=["sh", "-i"])
    terminal.press(shlex.join(with_environment(program(hundred), environment(tmp_path))), "Enter")
    terminal.wait_for("candidate 1 of 100")
    for size in ((120, 40), (60, 20), (200, 60), (80, 24)):
        terminal.press(*HUNDRED[:3])
        terminal.resize(*size)
    assert _is_whole(terminal.wait_for("candidate 13 of 100"))
    terminal.press("C-z")
    terminal.wait_for("Stopped", "Suspended")
    terminal.press("echo here", "Space", "I", "Space", "am", "Enter")
    terminal.wait_for("here I am\n")
    terminal.press("fg", "Enter")
    assert _is_whole(terminal.wait_for("candidate 13 of 100"))
    terminal.press("r")
    terminal.wait_for("candidate 14 of 100")
    terminal.press("q")
    terminal.wait_for("$", "#")
    time.sleep(0.1)
    terminal.press("exit", "Enter")
    wait_for_end(terminal.process)
    assert decided(hundred) == expected([*HUNDRED[:3] * 4, "r"])


def _is_whole(text: str) -> bool:
    """Whether nothing but the screens stands there: the first line is their top, the last their keys."""
    lines = text.rstrip("\n").split("\n")
    return lines[0].startswith(" sood") and "a accept" in lines[-1] and "here I am" not in text
