"""An SSH server of the test's own, on the loopback, with keys of its own; it ends with the test."""

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
TOOLS = ("ssh", "ssh-keygen", "tmux")

CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PidFile none
PrintMotd no
"""
# As root sshd wants a folder that the system makes when it starts its own: here it is one that nobody else sees.
PRIVATELY = "mount -t tmpfs none /run && mkdir /run/sshd && exec "


class SshServer:
    """A running sshd. Close it at the end."""

    def __init__(self, folder: Path) -> None:
        """Start it.

        Args:
            folder: for its keys and its log.

        Skips the test where there is no sshd, or it is not allowed to run.
        """
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        if SSHD is None or missing:
            pytest.skip(f"there is no {missing[0] if missing else 'sshd'} here")
        self._folder = folder
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        self.port = _free_port()
        (folder / "config").write_text(CONFIG.format(port=self.port, folder=folder))
        command = [SSHD, "-D", "-e", "-f", str(folder / "config")]
        if os.geteuid() == 0 and not Path("/run/sshd").is_dir():
            command = ["unshare", "--mount", "sh", "-c", PRIVATELY + shlex.join(command)]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait()

    def login(self, port: int, command: Sequence[str]) -> list[str]:
        """The command that logs in through a port and runs a command in a terminal there."""
        options = {
            "StrictHostKeyChecking": "no", "UserKnownHostsFile": str(self._folder / "known"), "IdentitiesOnly": "yes",
            "BatchMode": "yes", "LogLevel": "ERROR",
        }  # fmt: skip
        return [
            "ssh", "-tt", "-F", "/dev/null", "-i", str(self._folder / "user"), "-p", str(port),
            *(word for name, value in options.items() for word in ("-o", f"{name}={value}")),
            f"{getpass.getuser()}@127.0.0.1", shlex.join(command),
        ]  # fmt: skip

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(10)

    def _wait(self) -> None:
        """Wait until it listens and lets this user in."""
        for _ in range(100):
            if self._process.poll() is not None:
                pytest.skip(f"sshd does not run here: {(self._folder / 'log').read_text()}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.05)
        tried = subprocess.run(self.login(self.port, ["true"]), capture_output=True, text=True, timeout=30)
        if tried.returncode:
            self.close()
            pytest.skip(f"nobody can log in here: {tried.stderr} {(self._folder / 'log').read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
