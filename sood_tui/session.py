"""A session: the terminal is asked, the workspace opened or shared, and everything closed when the person leaves."""

import gc
from dataclasses import replace

from engine.workspace import Workspace
from sood_tui.app import SoodApp
from sood_tui.settings import load_settings
from sood_tui.terminal.graphics import NOT_ASKED, choose
from sood_tui.terminal.probe import asked
from store.connection import open_store
from store.errors import CatalogueLocked


def run_app(workspace: Workspace | None, graphics: str | None = None) -> int:
    """Open the screens and come back when the person leaves.

    Where another process has the workspace open, this one sits down as its guest.

    Args:
        workspace: not open; None begins with the start screen.
        graphics: how pictures are drawn, where the command line says so.

    Returns: the exit code.

    Raises: StoreError when the catalogue is open in a command, or is none; EngineError when no guest can sit down.
    """
    settings = load_settings(workspace.settings_file if workspace else None, {"graphics": graphics})
    wanted = settings.text("graphics")
    with asked(wanted) as question:
        opened = _place_in(workspace, settings.reviewer) if workspace else None
        terminal = question.answer() if question is not None else NOT_ASKED
    app = SoodApp(opened, settings, choose(wanted, terminal).graphics, alone=True, terminal=terminal)
    try:
        code = app.run()
    finally:
        gc.unfreeze()
        app.leave_seat()
        store = app.require_workspace().store if app.has_workspace else None
        if store is not None:
            store.close()
    return code if code is not None else app.return_code or 0


def _place_in(workspace: Workspace, reviewer: str) -> Workspace:
    try:
        return replace(workspace, store=open_store(workspace.catalogue))
    except CatalogueLocked:
        from sood_tui.cli.output import say
        from sood_tui.watch.seats import take_place

        return take_place(workspace, reviewer, say)
