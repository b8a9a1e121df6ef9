"""Finding, making and opening workspaces."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.errors import EngineError
from engine.workspace import SETTINGS_FILE, Workspace
from sood_tui.settings import load_settings, settings_template
from store.connection import open_store

VARIABLE = "SOOD_WORKSPACE"


def is_workspace(folder: Path) -> bool:
    """Whether the folder holds a workspace."""
    return (folder / SETTINGS_FILE).is_file()


def find_workspace(given: Path | None) -> Workspace | None:
    """The workspace that a command means: the given one, $SOOD_WORKSPACE, or the current folder if it is one.

    Raises: EngineError when the named folder is no workspace.
    """
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is None:
        here = Path.cwd()
        return _at(here) if is_workspace(here) else None
    folder = named.expanduser().resolve()
    if not is_workspace(folder):
        raise EngineError(f"{folder} is no workspace of sood-tui.", f"`sood-tui init {named}` makes one there.")
    return _at(folder)


def require_workspace(given: Path | None) -> Workspace:
    """The workspace that a command means.

    Raises: EngineError when there is none.
    """
    workspace = find_workspace(given)
    if workspace is None:
        raise EngineError(
            "There is no workspace here.",
            f"Name one with -w DIR or ${VARIABLE}, change into its folder, or make one: `sood-tui init DIR`.",
        )
    return workspace


def create_workspace(folder: Path) -> Workspace:
    """Make the folder of a workspace with its documented settings; an existing one is left as it is."""
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / SETTINGS_FILE
    if not file.exists():
        file.write_text(settings_template(), encoding="utf-8")
    return _at(folder)


@contextmanager
def opened(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace with its catalogue open; given back at the end."""
    store = open_store(workspace.catalogue)
    try:
        yield replace(workspace, store=store)
    finally:
        store.close()


def _at(folder: Path) -> Workspace:
    return Workspace(folder, seed=load_settings(folder / SETTINGS_FILE).integer("seed"))
