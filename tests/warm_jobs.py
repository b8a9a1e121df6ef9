"""Workers of jobs that start at once: forked from a process that has loaded the libraries of all models already.

They are as real as those that the program starts (a session of their own, the lock handed over, the same ``main``), and
several seconds sooner there, since importing torch and open_clip is most of what a small job takes. Tests of starting,
killing and sharing (tests/jobs) start theirs as the program does.
"""

import atexit
import faulthandler
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.jobs import launching
from engine.jobs.kinds import find_kind

ROOT = Path(__file__).parents[1]
PRELOADED = (
    "engine.gpu.class_logits", "engine.gpu.class_predictions", "engine.gpu.class_ranking", "engine.gpu.demo_clip",
    "engine.gpu.evaluation", "engine.gpu.scoring", "engine.gpu.text", "engine.gpu.vlm_filter", "engine.jobs.child",
)  # fmt: skip
COLD = launching._spawn
"""As the program starts a worker."""
_MOST = 1 << 17
_server: socket.socket | None = None


@dataclass(frozen=True, slots=True)
class Forked:
    """A worker, as far as whoever started it cares."""

    pid: int

    def wait(self) -> int:
        """Wait until it is gone."""
        while Path(f"/proc/{self.pid}").exists():
            time.sleep(0.05)
        return 0


def spawn(
    command: Sequence[str], environment: Mapping[str, str], place: Path, printed: int, lock: int
) -> "Forked | subprocess.Popen[bytes]":
    """Start a worker; the arguments are those of ``engine.jobs.launching``."""
    folder = command[command.index("engine.jobs.child") + 1]
    if _server is None and not find_kind(Path(folder).name.partition("-")[2]).on_device:
        return COLD(command, environment, place, printed, lock)  # a scan loads nothing that is worth a server
    request = json.dumps({"folder": folder, "environment": dict(environment), "place": str(place)}).encode()
    channel = _connect()
    socket.send_fds(channel, [request], [printed, lock])
    return Forked(int(channel.recv(64)))


def _connect() -> socket.socket:
    global _server
    if _server is None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
        command = [sys.executable, "-P", __file__, str(theirs.fileno())]
        with theirs:
            server = subprocess.Popen(command, pass_fds=(theirs.fileno(),), env=environment, start_new_session=True)
        _server = ours
        atexit.register(_end, server)
    return _server


def _end(server: "subprocess.Popen[bytes]") -> None:
    if _server is not None:
        _server.close()
    server.wait()


def _serve(channel: socket.socket) -> None:
    """Fork a worker for each request, until nobody asks any more."""
    for module in PRELOADED:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    while True:
        data, handles, _, _ = socket.recv_fds(channel, _MOST, 2)
        if not data:
            return
        pid = os.fork()
        if pid == 0:
            channel.close()
            _become(json.loads(data), *handles)
        for handle in handles:
            os.close(handle)
        channel.send(str(pid).encode())


def _become(request: dict[str, Any], printed: int, lock: int) -> None:
    """Be the worker, to the end."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for number in (1, 2):
            os.dup2(printed, number)
        os.close(printed)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(request["place"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.path[1:1] = [path for path in os.environ["PYTHONPATH"].split(os.pathsep) if path not in sys.path]
        faulthandler.enable()
        from engine.jobs import child

        code = child.main([request["folder"], "--lock", str(lock)])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
