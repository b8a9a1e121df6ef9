"""One of several processes of a job: ``python -m engine.jobs.member FOLDER ...``, started by the job's leader only.

It asks the leader for a shard, does it, and asks again. When the leader is gone it ends at once, whatever it does: the
device that it works on is not its own any more.
"""

import argparse
import ctypes
import json
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.jobs.failures import describe
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import find_kind, resolve
from engine.jobs.leaving import leave
from engine.jobs.shards import Cancellation, JobCancelled, JobPaused, ShardRun
from engine.jobs.spec import JsonValue

_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Line:
    """The line to the leader: what is told it, and the shards that it gives out."""

    channel: socket.socket
    cancellation: Cancellation
    _given: "queue.SimpleQueue[int | None]" = field(default_factory=queue.SimpleQueue)
    _sending: threading.Lock = field(default_factory=threading.Lock)

    def say(self, word: str, **fields: JsonValue) -> None:
        """Tell the leader something."""
        data = json.dumps({"say": word, **fields}).encode() + b"\n"
        try:
            with self._sending:
                self.channel.sendall(data)
        except OSError:
            os._exit(1)

    def numbers(self) -> Iterator[int]:
        """The shards that the leader gives, one by one."""
        while True:
            self.say("want")
            number = self._given.get()
            if number is None:
                return
            yield number

    def listen(self) -> None:
        """Hear what the leader says, until it is gone."""
        with self.channel.makefile("rb") as stream:
            for text in stream:
                message = json.loads(text)
                if "shard" in message:
                    self._given.put(message["shard"])
                elif "pause" in message:
                    self.cancellation.pause()
                else:
                    self.cancellation.requested |= "cancel" in message
                    self._given.put(None)
        os._exit(1)

    def advance(self, units: int, detail: Mapping[str, JsonValue], spent: Mapping[str, float]) -> None:
        """See ``ledger.Teller``."""
        self.say("advance", units=units, detail=detail, spent=spent)

    def warn(self, message: str, subject: str | None) -> None:
        """See ``ledger.Teller``."""
        self.say("warn", message=message, subject=subject)

    def part(self, number: int, name: str, rows: int) -> None:
        """See ``ledger.Teller``."""
        self.say("part", part=name, rows=rows)

    def expect(self, total: int) -> None:
        """See ``ledger.Teller``."""


def main(arguments: list[str]) -> int:
    """Do shards until the leader has no more."""
    parser = argparse.ArgumentParser(prog="python -m engine.jobs.member")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--place", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--cores", type=int, required=True)
    given = parser.parse_args(arguments)
    _die_with_leader()
    cancellation = Cancellation()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _request(cancellation))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    line = Line(socket.socket(fileno=given.channel), cancellation)
    threading.Thread(target=line.listen, name="leader", daemon=True).start()
    folder = JobFolder(given.folder)
    return work(folder, line, cancellation, given)


def work(folder: JobFolder, line: Line, cancellation: Cancellation, given: argparse.Namespace) -> int:
    """Call the kind's function; how it ends is told to the leader."""
    try:
        spec = folder.spec()
        run = ShardRun(
            folder, spec, cancellation, line, line.numbers, given.device, given.cores, given.place, concludes=False
        )  # fmt: skip
        result = resolve(find_kind(spec.kind).function)(run)
        line.say("ended", result=dict(result or {}))
    except (JobCancelled, JobPaused):
        line.say("ended", result={})
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        failure = describe(error, folder.id, folder.path, given.place)
        line.say("failed", failure=failure.values())
        return 3
    return 0


def _request(cancellation: Cancellation) -> None:
    cancellation.requested = True


def _die_with_leader() -> None:
    """Have the kernel end this process when the leader is killed, even while it computes and hears nothing."""
    with suppress(OSError, AttributeError):  # elsewhere than on Linux the closed line has to do
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
