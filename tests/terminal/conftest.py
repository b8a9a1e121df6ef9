"""Workspaces for the real program in a real terminal."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from store.connection import open_store
from store.review.log import fetch_events
from tests import many_candidates
from tests.terminal.tmux import Terminal, environment, program

KINDS = {"a": "accept", "r": "reject", "s": "unsure"}
HUNDRED = [("a", "r", "a", "s")[place * 7 % 4] for place in range(100)]
"""Keys for a hundred candidates."""


@pytest.fixture(scope="session")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Makes the folder of a workspace with so many candidates, once for each number."""
    made: dict[int, Path] = {}

    def make(count: int) -> Path:
        if count not in made:
            made[count] = tmp_path_factory.mktemp("many") / "many"
            many_candidates.build(made[count], count, pictures=1 if count > 100 else 4).opened().close()
        return made[count]

    return make


@pytest.fixture
def hundred(candidates: Callable[[int], Path], tmp_path: Path) -> Path:
    """A hundred candidates with four pictures each, nothing decided."""
    return Path(shutil.copytree(candidates(100), tmp_path / "work"))


@pytest.fixture
def five_hundred(candidates: Callable[[int], Path], tmp_path: Path) -> Path:
    """Five hundred candidates with a picture each, nothing decided."""
    return Path(shutil.copytree(candidates(500), tmp_path / "work"))


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals, and closes them at the end: with the program on a workspace, or with a command."""
    opened: list[Terminal] = []

    def open_one(
        workspace: Path | None = None, command: Sequence[str] = (), size: tuple[int, int] = (80, 24)
    ) -> Terminal:
        terminal = Terminal(command or program(workspace or tmp_path), environment(tmp_path), size)
        opened.append(terminal)
        return terminal

    yield open_one
    for terminal in opened:
        terminal.close()


def expected(keys: Sequence[str]) -> list[tuple[str, str]]:
    """What the catalogue says after these keys, pressed from the first candidate on."""
    return [(KINDS[key], wnid) for key, wnid in zip(keys, many_candidates.wnids_of(len(keys)), strict=True)]


def decided(workspace: Path) -> list[tuple[str, str]]:
    """What stands in the catalogue of a workspace that nobody has open: kind and wnid of every decision, in order."""
    store = open_store(workspace / "catalogue.duckdb")
    try:
        with store.reading() as cursor:
            return [(event.kind, event.wnid) for event in fetch_events(cursor)]
    finally:
        store.close()
