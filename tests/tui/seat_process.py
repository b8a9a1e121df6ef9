"""An owner or a guest without a screen, for tests that kill it: python -m tests.tui.seat_process owner|guest FOLDER."""

import itertools
import sys
import time
from pathlib import Path

from engine.errors import EngineError
from engine.review.decisions import DecisionKind, decide
from engine.review.guest import sit_down
from engine.review.host import Host
from engine.workspace import Workspace
from store.connection import open_store
from store.review.queue import fetch_queue

KINDS: tuple[DecisionKind, ...] = ("accept", "reject", "unsure")


def be_owner(root: Path) -> None:
    """Exchange decisions with guests until killed, and decide now and then."""
    workspace = Workspace(root, open_store(root / "catalogue.duckdb"))
    host = Host(workspace, "anna")
    for turn in itertools.count():
        host.look()
        if turn % 5 == 0:
            decide_next(workspace, turn, "anna")


def be_guest(root: Path) -> None:
    """Decide as fast as it goes until killed."""
    while True:
        try:
            workspace = sit_down(Workspace(root), "ben", lambda text: None)
            break
        except EngineError:
            time.sleep(0.05)  # no owner at the moment
    for turn in itertools.count():
        decide_next(workspace, turn, "ben")
        assert workspace.guest is not None
        workspace.guest.look()


def decide_next(workspace: Workspace, turn: int, reviewer: str) -> None:
    """Decide on all candidates in one step, and say so once that is on disk."""
    with workspace.opened().reading() as cursor:
        wnids = [item.wnid for item in fetch_queue(cursor, "dog", False, None)]
    step = decide(workspace, "dog", wnids, KINDS[turn % 3], reviewer)
    print(*(event.event_id for event in step.events), flush=True)


if __name__ == "__main__":
    {"owner": be_owner, "guest": be_guest}[sys.argv[1]](Path(sys.argv[2]))
