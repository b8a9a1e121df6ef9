"""Workspaces for the screens: each test gets a copy of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.workspace import Workspace
from tests.tui import birds


@pytest.fixture(scope="session")
def drawn_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of pictures, drawn once."""
    folder = tmp_path_factory.mktemp("drawn")
    birds.draw_pictures(folder)
    return folder


@pytest.fixture(scope="session")
def birds_template(tmp_path_factory: pytest.TempPathFactory, drawn_pictures: Path) -> Path:
    """The workspace that is copied."""
    root = tmp_path_factory.mktemp("template") / "birds"
    birds.build(root, drawn_pictures)
    return root


@pytest.fixture(autouse=True)
def _nobodys_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def workspace(birds_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Three superclasses, nothing decided, nothing scored."""
    made = birds.copy(birds_template, tmp_path / "birds")
    yield made
    made.opened().close()


@pytest.fixture
def scored(workspace: Workspace) -> Workspace:
    """The same with everything of dog and bird accepted and scored."""
    birds.score(workspace)
    return workspace
