"""What every command shares: which workspace, and its settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from engine.workspace import Workspace
from sood_tui.settings import Settings, Value, load_settings
from sood_tui.workspace import opened, require_workspace

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document instead of a table.")]


def workspace_of(context: typer.Context) -> Workspace:
    """The workspace that the command means, its catalogue closed."""
    return require_workspace(given_workspace(context))


@contextmanager
def open_workspace(context: typer.Context) -> Iterator[Workspace]:
    """The workspace that the command means, its catalogue open for as long as the block lasts.

    What jobs have left since the last time is taken in first, so that every command sees it.
    """
    from sood_tui.cli.following import take_in_results

    with opened(workspace_of(context)) as workspace:
        take_in_results(workspace)
        yield workspace


def settings_of(workspace: Workspace, **flags: Value | None) -> Settings:
    """The settings of a workspace; flags are named like settings, with __ for the dot: scoring__model."""
    given = {key.replace("__", "."): value for key, value in flags.items()}
    return load_settings(workspace.settings_file, given)


def given_workspace(context: typer.Context) -> Path | None:
    """What -w said, wherever in the command line it stood."""
    found: Path | None = context.find_root().params.get("workspace")
    return found
