"""Two real programs on one workspace: both decide at once, the owner is killed, nothing of either is lost."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.terminal.conftest import KINDS
from tests.terminal.tmux import Terminal, environment, needs_tmux, program, wait_for_end

pytestmark = needs_tmux

ANNAS, BENS, LATER = "ar" * 15, "sr" * 15, "as" * 10


def test_a_guest_goes_on_where_the_owner_is_killed(
    hundred: Path, terminals: Callable[..., Terminal], tmp_path: Path
) -> None:
    owner = terminals(hundred)
    owner.wait_for("candidate 1 of 100")
    guest = terminals(command=[*program(hundred), "--as", "ben"])
    assert guest.wait_for("candidate 1 of 100").startswith(" guest")
    guest.press(*BENS)
    owner.press(*ANNAS)
    owner.wait_for("ben: ")
    guest.wait_for("anna: ")
    os.kill(owner.process, signal.SIGKILL)
    wait_for_end(owner.process)
    guest.press(*LATER)
    guest.wait_for("your journal", "in your", "has ended")
    guest.press("q")
    wait_for_end(guest.process)

    told = subprocess.run(
        [*program(hundred), "review", "log", "--json"], env=environment(tmp_path), capture_output=True, check=True,
        timeout=60,
    )  # fmt: skip
    entries = json.loads(told.stdout)[::-1]
    kinds = {name: [entry["kind"] for entry in entries if entry["reviewer"] == name] for name in ("anna", "ben")}
    assert kinds["ben"] == [KINDS[key] for key in BENS + LATER]
    assert kinds["anna"] == [KINDS[key] for key in ANNAS][: len(kinds["anna"])]
    assert kinds["anna"]
    for name in ("anna", "ben"):
        wnids = [entry["wnid"] for entry in entries if entry["reviewer"] == name]
        assert len(wnids) == len(set(wnids))
