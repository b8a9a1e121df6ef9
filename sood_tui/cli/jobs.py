"""Commands of the room jobs. None of them needs the catalogue, so that they work while another process has it."""

import sys
from typing import Annotated

import typer

from engine.jobs.events import JobEvent
from engine.jobs.folder import JobFolder
from engine.jobs.runner import ACTIVE, PATIENCE, cancel, find_job, list_jobs, pause, resume, set_priority
from engine.jobs.summary import summarise
from sood_tui.cli.context import AsJson, workspace_of
from sood_tui.cli.execution import Device, Force
from sood_tui.cli.following import duration_text, follow, printable, progress_text
from sood_tui.cli.output import emit, emit_json, say

app = typer.Typer(
    name="jobs",
    help="Long work in processes of its own.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Job = Annotated[str, typer.Argument(metavar="JOB", help="The id of a job, its number, or `last`.")]
TOLD = 3
"""Jobs that stopped, of which the list says why."""
COLUMNS = {"job_id": "job", "state": "state", "device": "device", "progress": "progress", "title": "title"}


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the jobs of the workspace, oldest first.

    Example: sood-tui jobs list --json
    """
    summaries = [summarise(job) for job in list_jobs(workspace_of(context).root)]
    if as_json:
        emit_json(summaries)
        return
    rows = [
        {
            "job_id": summary.job_id,
            "state": summary.state,
            "device": summary.device,
            "progress": printable(progress_text(summary)),
            "title": printable(summary.title),
        }
        for summary in summaries
    ]
    emit(rows, COLUMNS, as_json=False, empty="No job was submitted in this workspace.")
    stopped = [summary for summary in summaries if summary.message]
    if len(stopped) > TOLD:
        say(f"{len(stopped) - TOLD:,} earlier ones stopped too: `sood-tui jobs log JOB` says why.")
    for summary in stopped[-TOLD:]:
        say(printable(f"{summary.job_id}: {summary.message} {summary.hint}".rstrip()))


@app.command()
def watch(context: typer.Context, job: Job, as_json: AsJson = False) -> None:
    """Show a job until it ends, then take its results in. Ctrl-C leaves it running.

    Example: sood-tui jobs watch last
    """
    root = workspace_of(context).root
    raise typer.Exit(follow(root, find_job(root, job).id, as_json))


@app.command()
def log(
    context: typer.Context,
    job: Job,
    every: Annotated[bool, typer.Option("--all", help="Progress events too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what happened in a job, and what its process printed.

    Example: sood-tui jobs log 7
    """
    folder = find_job(workspace_of(context).root, job)
    printed = folder.printed()
    if as_json:
        emit_json({"job_id": folder.id, "events": folder.events(), "stderr": printed})
        return
    lines = [_event_line(event) for event in folder.events() if every or event.kind != "progress"]
    if printed:
        lines += ["", f"{folder.log_file.name}:", printed.rstrip("\n")]
    sys.stdout.write(printable("\n".join(lines)) + "\n")


@app.command("cancel")
def cancel_command(context: typer.Context, job: Job, as_json: AsJson = False) -> None:
    """End a job after its current batch; its finished parts are kept.

    A job that has not ended after ten seconds is killed.

    Example: sood-tui jobs cancel 7
    """
    folder = find_job(workspace_of(context).root, job)
    if folder.state() in ACTIVE:
        say(f"{folder.id} ends after its current batch, {duration_text(PATIENCE)} from now at the latest.")
    cancel(folder)
    _show(folder, as_json)


@app.command("pause")
def pause_command(context: typer.Context, job: Job, as_json: AsJson = False) -> None:
    """End a job after the shard in hand and give its device to the next one; `jobs resume` goes on.

    Example: sood-tui jobs pause 7
    """
    folder = find_job(workspace_of(context).root, job)
    pause(folder)
    say(f"{folder.id} pauses after the shard in hand; `sood-tui jobs resume {folder.id}` goes on.")
    if as_json:
        emit_json(summarise(folder))


@app.command("priority")
def priority_command(
    context: typer.Context,
    job: Job,
    priority: Annotated[int, typer.Argument(metavar="NUMBER", help="Higher goes first; 0 is usual.")],
    as_json: AsJson = False,
) -> None:
    """Let a waiting job overtake others, or be overtaken.

    Example: sood-tui jobs priority last 5
    """
    folder = find_job(workspace_of(context).root, job)
    set_priority(folder, priority)
    _show(folder, as_json)


@app.command("resume")
def resume_command(
    context: typer.Context,
    job: Job,
    device: Device = None,
    force: Force = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and come back at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a job that was paused, cancelled, failed or died. Finished parts are not repeated.

    Example: sood-tui jobs resume last --device cuda:1
    """
    folder = find_job(workspace_of(context).root, job)
    resume(folder, device, force=force)
    if detach:
        _show(folder, as_json)
        return
    raise typer.Exit(follow(folder.workspace_root, folder.id, as_json))


def _show(folder: JobFolder, as_json: bool) -> None:
    summary = summarise(folder)
    if as_json:
        emit_json(summary)
    else:
        far = progress_text(summary)
        say(printable(f"{folder.id} {summary.state}" + ("" if far == summary.state else f": {far}")))


def _event_line(event: JobEvent) -> str:
    words = [f"{event.at.astimezone():%Y-%m-%d %H:%M:%S}", f"{event.kind:<9}"]
    if event.kind == "started":
        words.append(f"process {event.pid} on {event.host}" + (f", device {event.device}" if event.device else ""))
    if event.done is not None:
        words.append(f"{event.done:,}" + ("" if event.total is None else f" of {event.total:,}"))
    if event.part is not None:
        words.append(f"{event.part} ({event.rows or 0:,} rows)")
    words += [text for text in (event.message, event.subject, event.hint) if text]
    return " ".join(words)
