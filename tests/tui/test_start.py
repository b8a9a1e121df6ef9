"""Start: open, new, demo, and the workspaces of last time."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.wordnet import importing
from engine.workspace import Workspace
from sood_tui.recent import recent_workspaces, remember
from sood_tui.screens.dialogs import AskDialog
from sood_tui.screens.start import StartScreen
from store.connection import Store
from tests.fixtures_wordnet import load_tiny_wordnet
from tests.tui.desk_of import keys, opened, press, rest, seen, told

HOLD = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def closed(workspace: Workspace) -> Workspace:
    workspace.opened().close()
    return replace(workspace, store=None)


@keys("start.open")
async def test_opening_a_workspace_by_its_folder(closed: Workspace) -> None:
    async with opened(None, size=(80, 24)) as (app, pilot):
        assert isinstance(app.screen, StartScreen)
        await press(pilot, "o")
        app.screen.query_one(Input).value = str(closed.root.parent)
        await press(pilot, "enter")
        assert "it is no workspace" in " ".join(seen(app).split())
        app.screen.query_one(Input).value = str(closed.root)
        await press(pilot, "enter")
        await rest(pilot, 6)
        assert app.current_mode == "home"
        assert "candidates wait for a decision" in seen(app)
        app.require_workspace().opened().close()


@keys("start.choose", "start.down", "start.up", "start.first", "start.last", "start.page_down", "start.page_up")
async def test_the_workspaces_of_last_time(closed: Workspace) -> None:
    remember(closed.root)
    async with opened(None, size=(80, 24)) as (app, pilot):
        assert "birds" in seen(app)
        await press(pilot, "home", "j", "down", "k", "up", "pagedown", "pageup", "end", "enter")
        await rest(pilot, 6)
        assert app.current_mode == "home"
        app.require_workspace().opened().close()


@keys("start.new")
async def test_making_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The whole WordNet is a matter of the import's own tests; here the tiny one stands in for its files.
    def tiny(store: Store, source: object, on_progress: object = None) -> None:
        load_tiny_wordnet(store)

    monkeypatch.setattr(importing, "choose_source", lambda explicit=None: None)
    monkeypatch.setattr(importing, "import_wordnet", tiny)
    async with opened(None, size=(80, 24)) as (app, pilot):
        await press(pilot, "n")
        app.screen.query_one(Input).value = str(tmp_path / "made")
        await press(pilot, "enter")
        await rest(pilot, 6)
        assert app.current_mode == "home"
        assert "There are no pictures yet" in seen(app)
        app.require_workspace().opened().close()
    assert recent_workspaces() == [tmp_path / "made"]


@keys("start.demo")
async def test_the_demo_asks_for_a_folder(tmp_path: Path) -> None:
    async with opened(None, size=(80, 24)) as (app, pilot):
        await press(pilot, "d")
        assert isinstance(app.screen, AskDialog)
        assert "two minutes" in seen(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, StartScreen)


async def test_a_locked_workspace_is_told_with_the_holder(workspace: Workspace) -> None:
    workspace.opened().close()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(workspace.catalogue)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        remember(workspace.root)
        async with opened(None, size=(120, 40)) as (app, pilot):
            await press(pilot, "end", "enter")
            await rest(pilot, 6)
            assert isinstance(app.screen, StartScreen)
            assert f"process {holder.pid}" in told(app)
    finally:
        holder.communicate("", timeout=10)
