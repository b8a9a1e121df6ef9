"""What every command shares: which workspace, and its settings."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from engine.workspace import Workspace
from sood_tui.settings import Settings, Value, load_settings
from sood_tui.workspace import opened, require_workspace
from store.errors import CatalogueLocked

PATIENCE = 5.0  # seconds that a command waits for the screens to take in what it decided
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


@contextmanager
def open_review(context: typer.Context) -> Iterator[Workspace]:
    """As open_workspace; where screens have the catalogue open, a guest seat beside them, for commands that decide.

    What is decided there has reached the screens when the block ends, or waits in a journal for them.
    """
    with ExitStack() as stack:
        try:
            workspace = stack.enter_context(open_workspace(context))
        except CatalogueLocked:
            workspace = _seated(workspace_of(context))
            stack.callback(_leave, workspace)
        yield workspace


def settings_of(workspace: Workspace, **flags: Value | None) -> Settings:
    """The settings of a workspace; flags are named like settings, with __ for the dot: scoring__model."""
    given = {key.replace("__", "."): value for key, value in flags.items()}
    return load_settings(workspace.settings_file, given)


def given_workspace(context: typer.Context) -> Path | None:
    """What -w said, wherever in the command line it stood."""
    found: Path | None = context.find_root().params.get("workspace")
    return found


def _seated(workspace: Workspace) -> Workspace:
    """The workspace from a guest seat.

    Raises: CatalogueLocked, which is being handled, where nobody takes guests.
    """
    from engine.review.guest import sit_down
    from engine.review.seats import Seats
    from sood_tui.cli.output import say

    owner = Seats(workspace.root / "seats").owner()
    if owner is None:
        raise
    seated = sit_down(workspace, settings_of(workspace).reviewer, lambda text: None)
    say(f"The workspace is open in process {owner[1]}: this command runs as its guest.")
    return seated


def _leave(workspace: Workspace) -> None:
    if workspace.guest is not None:
        workspace.guest.leave()
        if not workspace.guest.is_taken_in(PATIENCE):
            from sood_tui.cli.output import say

            say("What was decided waits in a journal until the screens, or the next command, take it in.")


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
