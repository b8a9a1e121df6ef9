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

    What jobs and guests have left since the last time is taken in first, so that every command sees it.
    """
    from sood_tui.cli.following import take_in_results

    with opened(workspace_of(context)) as workspace:
        take_in_results(workspace)
        _take_in_guests(workspace)
        yield workspace


def settings_of(workspace: Workspace, **flags: Value | None) -> Settings:
    """The settings of a workspace; flags are named like settings, with __ for the dot: scoring__model."""
    given = {key.replace("__", "."): value for key, value in flags.items()}
    return load_settings(workspace.settings_file, given)


def given_workspace(context: typer.Context) -> Path | None:
    """What -w said, wherever in the command line it stood."""
    found: Path | None = context.find_root().params.get("workspace")
    return found


def _take_in_guests(workspace: Workspace) -> None:
    """Take in what guests decided after the last owner had left."""
    if not (workspace.root / "seats").is_dir():
        return
    from engine.review.host import take_in_left
    from sood_tui.cli.output import say
    from sood_tui.plain import plain, some

    for taken in take_in_left(workspace):
        name = plain(taken.reviewer)
        if taken.error is not None:
            say(f"What {name} decided as a guest was not taken in: {taken.error.message}")
        else:
            say(f"{some(len(taken.entries), 'decision')} of the guest {name} taken in.")
