"""Bring WordNet 3.0 to a machine that has none; says nothing where there is one.

The ways in turn: NLTK's downloader, `apt-get install` as root, Debian's package unpacked into the user's cache.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from engine.errors import EngineError
from engine.wordnet.sources import INSTALL_HINT, find_wordnet, unpacked_folder

PACKAGE = "wordnet-base"
DOWNLOAD_SECONDS = 90
APT_SECONDS = 300


def main() -> int:
    """Returns 0 when WordNet 3.0 is there, 2 otherwise."""
    if (problem := what_is_missing()) is None:
        return 0
    print(f"{problem} Getting it.", flush=True)
    ways: tuple[tuple[str, Callable[[], None]], ...] = (
        ("NLTK's downloader", from_nltk),
        (f"apt-get install {PACKAGE}", install_package),
        (f"apt-get download {PACKAGE}", unpack_package),
    )
    for name, way in ways:
        print(f"Trying {name} ...", flush=True)
        try:
            way()
        except (EngineError, OSError, subprocess.SubprocessError, RuntimeError) as error:
            print(f"  that did not work: {error}", flush=True)
        if (problem := what_is_missing()) is None:
            print(f"WordNet is in {find_wordnet().path}.")
            return 0
    print(f"WordNet could not be fetched. {problem} {INSTALL_HINT}", file=sys.stderr)
    return 2


def what_is_missing() -> EngineError | None:
    """Why the program finds no WordNet 3.0; None if it finds one."""
    try:
        find_wordnet().check()
    except EngineError as error:
        return error
    return None


def from_nltk() -> None:
    """NLTK's downloader in a process of its own, which is ended when it takes too long."""
    code = "from engine.wordnet.sources import download_wordnet; download_wordnet()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=DOWNLOAD_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError("NLTK's server cannot be reached, or refuses")


def install_package() -> None:
    """Debian's package, for root."""
    if os.geteuid() != 0:
        raise RuntimeError("only root may install packages")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", PACKAGE]
    if subprocess.run(install, env=environment, timeout=APT_SECONDS, check=False).returncode:
        subprocess.run(["apt-get", "update", "-q"], env=environment, timeout=APT_SECONDS, check=True)
        subprocess.run(install, env=environment, timeout=APT_SECONDS, check=True)


def unpack_package() -> None:
    """Debian's package unpacked into the user's cache; needs no rights."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["apt-get", "download", "-q", PACKAGE], cwd=place, timeout=APT_SECONDS, check=True)
        for package in Path(place).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package.name, "."], cwd=place, check=True)
        target = unpacked_folder()
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(place) / "usr/share/wordnet", target)


if __name__ == "__main__":
    sys.exit(main())
