"""The command of the room review that settles pictures which are there twice."""

from enum import StrEnum
from typing import Annotated

import typer

from engine.review.duplicates import Duplicates, find_duplicates
from engine.review.duplicates import leave_out as leave_out_of
from sood_tui.cli.context import AsJson, open_workspace, settings_of
from sood_tui.cli.output import emit, emit_json, plain, say
from store.splits import fetch_runs

app = typer.Typer(rich_markup_mode=None)


class Keep(StrEnum):
    """Which of several pictures stays."""

    nearest = "nearest"
    score = "score"
    larger = "larger"
    first = "first"


@app.command("duplicates")
def duplicates_command(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]", help="Only its pictures.")] = None,
    near: Annotated[
        int | None, typer.Option(help="Also those whose hashes differ in at most 0 to 3 of 64 bits.")
    ] = None,
    keep: Annotated[
        Keep, typer.Option(help="What stays: nearest root, highest score, larger picture, or first by path.")
    ] = Keep.larger,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Mark what goes as bad, with its reason, as one step.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --leave-out: only tell how many would go.")] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; else the setting `reviewer`.")] = None,
    as_json: AsJson = False,
) -> None:
    """List accepted pictures that are the same, or leave all but one of each out; one undo takes it back.

    Exact ones have the same file or the same decoded pixels; near ones need --near.

    Example: sood-tui review duplicates --near 2 --keep larger --leave-out --dry-run
    """
    with open_workspace(context) as workspace:
        with workspace.opened().reading() as cursor:
            runs = fetch_runs(cursor)
        run_id = runs[-1].run_id if runs else None
        found = find_duplicates(workspace, keep.value, near, superclass, run_id)
        step = None
        if leave_out and not dry_run:
            reviewer = by or settings_of(workspace).reviewer
            step = leave_out_of(workspace, found.pairs, keep.value, reviewer)
    if as_json:
        emit_json({**plain(found), "left_out": 0 if step is None else len(step.pictures)})
    else:
        _table(found)
    if leave_out:
        say(f"{len(found.pairs)} would be left out." if dry_run else f"{len(step.pictures) if step else 0} left out.")


def _table(found: Duplicates) -> None:
    columns = {
        "kind": "kind",
        "distance": "bits",
        "stays_picture": "stays",
        "stays_pixels": "pixels",
        "goes_picture": "goes",
        "goes_pixels": "its pixels",
        "is_across": "two synsets",
    }
    emit(list(found.pairs), columns, False, "No accepted picture is there twice.")
    exact = sum(pair.kind == "exact" for pair in found.pairs)
    say(f"{found.compared:,} pictures compared: {exact} exact and {len(found.pairs) - exact} near; "
        f"{found.unreadable} could not be read.")  # fmt: skip
