"""The command of the room review that tells when to stop."""

from typing import Annotated

import typer

from engine.review.stopping import Goal, progress
from engine.workspace import Workspace
from sood_tui.cli.context import AsJson, open_review, settings_of
from sood_tui.cli.output import emit, plain, say
from sood_tui.lines.stop import BASIS_WORDS, goal_words

app = typer.Typer(rich_markup_mode=None)


@app.command("stop")
def stop_command(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]")] = None,
    precision: Annotated[
        float | None, typer.Option(help="To be reached surely; else the setting review.precision_goal.")
    ] = None,
    left: Annotated[
        float | None, typer.Option(help="Good ones that may stay undecided; else the setting review.left_goal.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell for each superclass how right what is accepted is, how many good ones are undecided, and whether to stop.

    Both come with a 95 % interval; a goal is reached when the whole interval is on its good side. Precision needs
    second looks: draw an audit (`sood-tui filters audit`), and let somebody judge what it drew.

    Example: sood-tui review stop dog --precision 0.95
    """
    with open_review(context) as workspace:
        goal = _goal(workspace, precision, left)
        with workspace.opened().reading() as cursor:
            rows = progress(cursor, goal, superclass, workspace.seed)
    listed = [{**plain(row), "is_reached": row.is_reached} for row in rows]
    columns = {
        "superclass": "superclass",
        "accepted": "accepted",
        "checked": "checked",
        "basis": "as",
        "precision": "precision",
        "undecided": "undecided",
        "left": "good ones left",
        "is_reached": "stop",
    }
    if as_json:
        emit(listed, columns, True)
        return
    shown = [
        {**row, "precision": _interval(row["precision"]), "left": _interval(row["left"]),
         "basis": BASIS_WORDS[row["basis"]]}
        for row in listed
    ]  # fmt: skip
    emit(shown, columns, False, "There are no candidates.")
    if shown:
        say(f"Goal: {goal_words(goal)}.")


def _goal(workspace: Workspace, precision: float | None, left: float | None) -> Goal:
    settings = settings_of(workspace, review__precision_goal=precision, review__left_goal=left)
    return Goal.of(settings.number("review.precision_goal"), settings.number("review.left_goal"))


def _interval(estimate: dict[str, float] | None) -> str:
    return "" if estimate is None else f"{estimate['value']:.3f} ({estimate['low']:.3f}-{estimate['high']:.3f})"
