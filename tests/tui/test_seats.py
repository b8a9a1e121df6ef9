"""Two real programs on one workspace, each in a terminal of its own: who decides what, and what a kill loses."""

import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ

import pytest

from engine.review.host import take_in_left
from engine.review.seats import Seats
from engine.workspace import Workspace
from store.connection import open_store
from store.review.log import fetch_log

PATIENCE = 60.0


class Program:
    """A sood-tui in a terminal of 80x24."""

    def __init__(self, workspace: Path, reviewer: str) -> None:
        master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, pack("HHHH", 24, 80, 0, 0))
        command = [sys.executable, "-m", "sood_tui", "-w", str(workspace), "--graphics", "half", "--as", reviewer]
        environment = {**os.environ, "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self._master = master
        self.seen = b""
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def press(self, key: str) -> None:
        """Press one key."""
        os.write(self._master, key.encode())

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """End it if it is still there."""
        if self.process.poll() is None:
            self.kill()
        self._reader.join(PATIENCE)  # before the number of the terminal is another one's
        os.close(self._master)

    def _drain(self) -> None:
        try:
            while text := os.read(self._master, 65536):
                self.seen += text
        except OSError:
            return


def awaited(what: str, holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


@pytest.fixture
def root(workspace: Workspace) -> Path:
    """A workspace that no process has open, with Review in front."""
    workspace.opened().close()
    place = {"screen": "review", "superclass": "dog", "order": "tree"}
    (workspace.root / ".place.json").write_text(json.dumps(place), encoding="utf-8")
    return workspace.root


@contextmanager
def running(root: Path, reviewer: str) -> Iterator[Program]:
    program = Program(root, reviewer)
    try:
        yield program
    finally:
        program.close()


@contextmanager
def both(root: Path) -> Iterator[tuple[Program, Program]]:
    """An owner and its guest, each with its queue on the screen."""
    with running(root, "anna") as owner:
        awaited("the owner never came", lambda: Seats(root / "seats").owner() is not None)
        with running(root, "ben") as guest:
            awaited("the guest never sat down", lambda: b"candidate 1 of" in guest.seen)
            awaited("the owner shows no queue", lambda: b"candidate 1 of" in owner.seen)
            yield owner, guest


def lines(path: Path) -> list[dict[str, object]]:
    """The events of a journal or a log that were written to their end."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def journal(root: Path) -> Path:
    (path,) = (root / "seats").glob("*-ben/journal.jsonl")
    return path


def press_and_wait(program: Program, root: Path, keys: str, pattern: str, reviewer: str) -> None:
    """Press keys, each until a decision is acknowledged: it stands in a file.

    A key means what was on the screen when it was pressed: one that comes before the next candidate is painted decides
    again on the one before, which changes nothing, and is pressed again.
    """

    def count() -> int:
        found = [line for path in (root / "seats").glob(pattern) for line in lines(path)]
        return sum(line["reviewer"] == reviewer for line in found)

    for key in keys:
        before, ends = count(), time.monotonic() + PATIENCE
        while count() == before:
            assert time.monotonic() < ends, f"{reviewer}'s {key} was not recorded"
            program.press(key)
            pressed = time.monotonic()
            while count() == before and time.monotonic() < pressed + 3:
                time.sleep(0.05)


def acknowledged(root: Path) -> set[tuple[str, str, str]]:
    """Every decision that stands in a journal or in the published log: id, who, what."""
    paths = [*(root / "seats").glob("*/journal.jsonl"), *(root / "seats").glob("log-*.jsonl")]
    return {(str(line["event_id"]), str(line["reviewer"]), str(line["kind"])) for path in paths for line in lines(path)}


def decisions(root: Path) -> list[tuple[str, str, str]]:
    """What the next owner finds in the catalogue, oldest first: id, who, what."""
    store = open_store(root / "catalogue.duckdb")
    workspace = replace(Workspace(root), store=store)
    try:
        take_in_left(workspace)
        with store.reading() as cursor:
            return [(str(entry.event_id), entry.reviewer, str(entry.kind)) for entry in fetch_log(cursor)][::-1]
    finally:
        store.close()


def test_two_people_review_at_once_and_a_kill_of_both_loses_nothing(root: Path) -> None:
    with both(root) as (owner, guest):
        press_and_wait(guest, root, "aar", "*-ben/journal.jsonl", "ben")
        press_and_wait(owner, root, "r", "log-*.jsonl", "anna")
        awaited("the owner tells nothing", lambda: b"ben: " in owner.seen)
        press_and_wait(guest, root, "u", "*-ben/journal.jsonl", "ben")  # his own last one, not anna's
        told = acknowledged(root)
        guest.kill()
        owner.kill()
    assert {(who, what) for _, who, what in told} == {
        ("ben", "accept"), ("ben", "reject"), ("anna", "reject"), ("ben", "undo"),
    }  # fmt: skip
    assert told <= set(decisions(root))
    assert list(Seats(root / "seats").seats()) == []


def test_a_guest_outlives_its_owner_and_the_next_one_takes_it_in(root: Path) -> None:
    with both(root) as (owner, guest):
        press_and_wait(guest, root, "a", "*-ben/journal.jsonl", "ben")
        owner.kill()
        awaited("the guest does not say that the owner is gone", lambda: b"has ended" in guest.seen)
        press_and_wait(guest, root, "r", "*-ben/journal.jsonl", "ben")
        with running(root, "cleo") as later:
            awaited("no new owner", lambda: Seats(root / "seats").published() is not None)
            press_and_wait(guest, root, "s", "*-ben/journal.jsonl", "ben")
            awaited("the new owner tells nothing", lambda: b"ben: " in later.seen)
            told = acknowledged(root)
            assert {what for _, _, what in told} >= {"reject", "unsure"}
            guest.press("q")
            guest.process.wait(PATIENCE)
            awaited("the seat is not cleared", lambda: not list(Seats(root / "seats").seats()))
            later.press("q")
            assert later.process.wait(PATIENCE) == 0
    assert [what for _, who, what in decisions(root) if who == "ben"][:1] == ["accept"]
    assert told <= set(decisions(root))


def test_a_guest_is_told_what_it_cannot_do_and_sees_where_it_sits(root: Path) -> None:
    with both(root) as (_, guest):
        assert b" guest" in guest.seen
        guest.press("\x1b[17~")  # F6
        awaited("Splits does not come", lambda: b"Hard" in guest.seen)
        guest.press("[")
        awaited("it says nothing", lambda: b"cannot change a split" in guest.seen)


def test_a_workspace_that_a_command_has_open_takes_no_guest(root: Path) -> None:
    held = "import sys, time\nfrom pathlib import Path\nfrom store.connection import open_store\n"
    held += "store = open_store(Path(sys.argv[1]))\nprint('open', flush=True)\ntime.sleep(90)"
    program = [sys.executable, "-c", held, str(root / "catalogue.duckdb")]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        told = subprocess.run(
            [sys.executable, "-m", "sood_tui", "-w", str(root)], capture_output=True, text=True, check=False, timeout=60
        )
        holder.kill()
    assert told.returncode == 2
    assert f"process {holder.pid}" in told.stderr.replace("\n", " ")


def test_kills_at_random_moments_lose_nothing_that_was_acknowledged(root: Path, tmp_path: Path) -> None:
    chance = random.Random(5)
    said = [tmp_path / f"said-{number}" for number in range(12)]
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for number, path in enumerate(said):
            role = "owner" if number % 2 == 0 else "guest"
            if role in processes:
                processes[role].kill()
                processes[role].wait()
            with path.open("wb") as out:
                command = [sys.executable, "-m", "tests.tui.seat_process", role, str(root)]
                processes[role] = subprocess.Popen(command, stdout=out)
            if number > 0:
                awaited(f"{role} {number} decides nothing", lambda: path.stat().st_size > 0)  # noqa: B023 (called at once)
            time.sleep(chance.random() * 0.4)
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    # A line that is whole was printed after the decision was on disk; a step of four is in a line.
    steps = [line.split() for path in said for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
             if line.endswith("\n")]  # fmt: skip
    assert len(steps) > 20
    found = decisions(root)
    ids = [event_id for event_id, _, _ in found]
    assert len(set(ids)) == len(ids)
    assert {event_id for step in steps for event_id in step} <= set(ids)
    assert len(ids) % 4 == 0  # no step came in halves
    assert {who for _, who, _ in found} == {"anna", "ben"}


def test_commands_decide_as_guests_of_open_screens(root: Path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "sood_tui", "-w", str(root), "--as", "dora", *arguments]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)

    with running(root, "anna") as owner:
        awaited("the owner never came", lambda: Seats(root / "seats").owner() is not None)
        done = command("review", "accept", "dog", "beagle", "papillon")
        assert done.returncode == 0, done.stderr
        assert f"open in process {owner.process.pid}" in done.stderr
        listed = json.loads(command("review", "list", "dog", "--only", "by:dora", "--json").stdout)
        assert {item["state"] for item in listed} == {"accept"}
        assert len(listed) == 2
        assert command("review", "undo", "--of", "dora").returncode == 0
        assert json.loads(command("review", "list", "dog", "--only", "by:dora", "--json").stdout) == []
        refused = command("candidates", "remove", "dog")
        assert refused.returncode == 2
        assert f"open in process {owner.process.pid}" in refused.stderr
        assert list(Seats(root / "seats").seats()) == []
    assert [what for _, who, what in decisions(root) if who == "dora"] == ["accept", "accept", "undo"]
