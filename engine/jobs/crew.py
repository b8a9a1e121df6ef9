"""The local executor for several devices: a process each, which pull their shards one by one from the leader.

Whoever is faster does more, and the shard of a process that dies goes to the next one that asks.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.jobs.assignment import MOST_DEATHS, Assignment
from engine.jobs.devices import Place, usable_cores
from engine.jobs.failures import Failure, MemberFailed
from engine.jobs.ledger import MemberState
from engine.jobs.shards import JobCancelled, JobPaused
from engine.jobs.spec import JsonValue

PAUSE = 0.2
LEAVING = 30.0


@dataclass(slots=True)
class _Member:
    """A process of the crew, as the leader sees it."""

    number: int
    place: Place
    process: "subprocess.Popen[bytes]"
    channel: socket.socket
    received: bytes = b""
    shard: int | None = None
    waiting: bool = False
    ended: bool = False

    def send(self, message: Mapping[str, JsonValue]) -> None:
        """Tell it something; one that is gone is noticed when it is read from."""
        try:
            self.channel.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return


@dataclass(slots=True)
class Crew:
    """The processes of one start of a job, one for each place."""

    work: Assignment
    places: Sequence[Place]
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _members: dict[int, _Member] = field(default_factory=dict)
    _deaths: Counter[str] = field(default_factory=Counter)
    _results: list[Mapping[str, JsonValue]] = field(default_factory=list)
    _failure: Failure | None = None
    _told_to_end: bool = False

    def run(self) -> Mapping[str, JsonValue]:
        """Get all shards done.

        Returns: what the kind's function returned, over all processes.

        Raises:
            MemberFailed: a process failed and the others cannot go on without it.
            JobCancelled, JobPaused: the user wished it.
        """
        try:
            for number in range(len(self.places)):
                self._start(number)
            while self._members:
                self._pass_wishes_on()
                for key, _ in self._selector.select(PAUSE):
                    self._read(key.data)
                self.work.ledger.report(at_once=False)
        finally:
            self._close()
        if self._failure is not None:
            raise MemberFailed(self._failure)
        if self.work.cancellation.requested:
            raise JobCancelled
        if self.work.todo:
            raise JobPaused
        return self.work.merged(self._results)

    def _start(self, number: int) -> None:
        place = self.places[number]
        cores = max(1, usable_cores() // len(self.places))
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "engine.jobs.member", str(self.work.folder.path)]
        command += ["--channel", str(theirs.fileno()), "--place", place.name, "--device", place.device]
        environment = {**os.environ, **place.environment, "OMP_NUM_THREADS": str(cores)}
        with theirs:
            process = subprocess.Popen(
                [*command, "--cores", str(cores)],
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=(theirs.fileno(),),
            )
        self._members[number] = _Member(number, place, process, ours)
        self._selector.register(ours, selectors.EVENT_READ, self._members[number])
        self._mark(number, "starting")

    def _read(self, member: _Member) -> None:
        try:
            data = member.channel.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            self._left(member)
            return
        *lines, member.received = (member.received + data).split(b"\n")
        for line in lines:
            self._hear(member, json.loads(line))

    def _hear(self, member: _Member, message: dict[str, JsonValue]) -> None:
        ledger = self.work.ledger
        match message["say"]:
            case "want":
                member.waiting = True
                self._hand_out()
            case "advance":
                ledger.advance(member.number, message["units"], message["detail"], message["spent"])
            case "warn":
                ledger.warn(message["message"], message["subject"])
            case "part":
                self._deaths.pop(member.place.name, None)
                member.shard = None
                ledger.part(member.number, message["part"], message["rows"])
            case "ended":
                member.ended = True
                self._results.append(message["result"])
            case "failed":
                member.ended = True
                self._failed(member, Failure.of(message["failure"]))

    def _hand_out(self) -> None:
        """Give shards to those who wait; when none are left and none can come back, let them go."""
        over = self._told_to_end or self.work.stopping()
        for member in [one for one in self._members.values() if one.waiting]:
            if over or not self.work.todo:
                break
            member.waiting, member.shard = False, self.work.todo.pop(0)
            member.send({"shard": member.shard})
        busy = any(member.shard is not None for member in self._members.values())
        if over or not (busy or self.work.todo):
            for member in self._members.values():
                if member.waiting:
                    member.waiting = False
                    member.send({"end": True})

    def _failed(self, member: _Member, failure: Failure) -> None:
        self._return_shard(member)
        others = [one for one in self._members.values() if one is not member and not one.ended]
        if failure.lost_device and others:
            self._mark(member.number, "lost")
            self.work.ledger.warn(f"{failure.message} The other devices go on. {failure.hint}", member.place.name)
            self._hand_out()
            return
        if self._failure is None:
            self._failure = failure
        self._end_all()

    def _left(self, member: _Member) -> None:
        """A process is gone: it has said why, or it died."""
        self._selector.unregister(member.channel)
        member.channel.close()
        del self._members[member.number]
        try:
            code = member.process.wait(LEAVING)
        except subprocess.TimeoutExpired:
            member.process.kill()
            code = member.process.wait()
        if member.ended or self._told_to_end or self.work.cancellation.requested:
            self._return_shard(member)
            if self.work.ledger.members[member.number].state != "lost":
                self._mark(member.number, "ended")
        else:
            self._died(member, f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}")
        self._hand_out()

    def _died(self, member: _Member, how: str) -> None:
        blame = "its start" if member.shard is None else f"shard {member.shard}"
        key = member.place.name if member.shard is None else blame
        self._return_shard(member)
        self._deaths[key] += 1
        if self._deaths[key] < MOST_DEATHS:
            again = "" if self.work.stopping() else "; it is started again"
            self.work.ledger.warn(f"The process of {member.place.name} died ({how}) at {blame}{again}.")
            if again:
                self._start(member.number)
            return
        hint = f"`sood-tui jobs log {self.work.folder.id}` shows what it printed; finished parts are kept."
        message = f"The process of {member.place.name} died {MOST_DEATHS} times at {blame} ({how})."
        if key == member.place.name and any(not one.ended for one in self._members.values()):
            self._mark(member.number, "lost")
            self.work.ledger.warn(f"{message} The others go on without it.", member.place.name)
            return
        self._failure = self._failure or Failure("ProcessDied", message, hint)
        self._end_all()

    def _return_shard(self, member: _Member) -> None:
        self.work.ledger.take_back(member.number)
        if member.shard is not None:
            self.work.todo.insert(0, member.shard)
            member.shard = None

    def _pass_wishes_on(self) -> None:
        if self.work.cancellation.requested and not self._told_to_end:
            self._end_all()
        elif self.work.pausing():
            for member in self._members.values():
                member.send({"pause": True})
            self._hand_out()

    def _end_all(self) -> None:
        self._told_to_end = True
        for member in self._members.values():
            member.send({"cancel": True})

    def _mark(self, number: int, state: MemberState) -> None:
        self.work.ledger.members[number].state = state

    def _close(self) -> None:
        for member in self._members.values():
            member.process.kill()
            member.process.wait()
            member.channel.close()
        self._selector.close()
