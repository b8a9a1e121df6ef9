"""Driving the app in a test: open it, wait until it rests, read what stands on the screen."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.worker import WorkerCancelled, WorkerFailed

from engine.workspace import Workspace
from sood_tui.app import SoodApp
from sood_tui.screens.review import ReviewScreen
from sood_tui.settings import load_settings
from sood_tui.widgets.sheet.contact_sheet import Graphics

Screen = TypeVar("Screen")
ROUTINE = ("job_watchers", "seats", "counters", "thumbnails", "sheet_warmers", "machine")

tested: set[str] = set()
"""Ids of the bindings that some test presses."""


def keys(*ids: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say which bindings a test presses; test_keys asks that none is left out."""
    tested.update(ids)
    return lambda function: function


def app_on(workspace: Workspace | None, screen: str = "home", graphics: Graphics = Graphics.HALF) -> SoodApp:
    """The app on a workspace, beginning with a screen."""
    settings = load_settings(workspace.settings_file if workspace else None)
    return SoodApp(workspace, settings, graphics, screen)


@asynccontextmanager
async def opened(
    workspace: Workspace | None,
    screen: str = "home",
    size: tuple[int, int] = (120, 40),
    graphics: Graphics = Graphics.HALF,
) -> AsyncIterator[tuple[SoodApp, Pilot[Any]]]:
    """The running app, at rest."""
    app = app_on(workspace, screen, graphics)
    async with app.run_test(size=size) as pilot:
        await rest(pilot)
        yield app, pilot


async def rest(pilot: Pilot[Any], rounds: int = 3) -> None:
    """Wait until nothing has been read, written or painted for some rounds."""
    quiet = 0
    for _ in range(400):
        await pilot.pause(0.03)
        waited = [worker for worker in pilot.app.workers if worker.group not in ROUTINE and not worker.is_finished]
        quiet = 0 if waited or not pilot.app.ahead.is_idle or not _is_shown(pilot.app.screen) else quiet + 1
        if quiet >= rounds:
            return
        try:
            await pilot.app.workers.wait_for_complete(waited)
        except WorkerFailed:
            continue  # the app's error desk has it
        except WorkerCancelled:
            continue  # a newer sheet has taken its place
    raise AssertionError("the app does not come to rest")


def _is_shown(screen: object) -> bool:
    """Whether the candidate that Review stands on is the one that is painted."""
    if not isinstance(screen, ReviewScreen) or screen.desk.current is None:
        return True
    shown = screen._shown[0]
    return shown is not None and shown.wnid == screen.desk.current.wnid


async def press(pilot: Pilot[Any], *names: str) -> None:
    """Press keys one by one, each after the last one is done with."""
    for name in names:
        await pilot.press(name)
        await rest(pilot, 2)


async def type_text(pilot: Pilot[Any], text: str) -> None:
    """Type into what has the keyboard."""
    await pilot.press(*("space" if letter == " " else letter for letter in text))
    await rest(pilot)


def seen(app: SoodApp) -> str:
    """Everything that stands on the screen, as text."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(line.text[:width] for line in lines[:height])


def told(app: SoodApp) -> str:
    """What was said in toasts that are still there."""
    return "\n".join(str(notification.message) for notification in app._notifications)
