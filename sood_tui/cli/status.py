"""The command status: where the workspace stands."""

import typer

from engine.status import read_status
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.following import printable, progress_text, take_in_results
from sood_tui.cli.output import emit_json, emit_table, say

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the funnel: how much there is at each room, what runs, and what to do next.

    Example: sood-tui status --json
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        found = read_status(workspace)
    if as_json:
        emit_json(found)
        return
    emit_table(found.rooms, ("room", "count", "unit", "detail"))
    for job in found.jobs:
        say(printable(f"{job.job_id} {job.state}: {progress_text(job)}"))
    say(f"Next: {found.next_step.command}    {found.next_step.reason}")
