"""The command doctor: what works here, what does not, and why."""

import os
import shutil
import sys
from collections.abc import Iterator

import typer

from engine.doctor import Finding, examine_machine, examine_workspace
from engine.errors import EngineError
from sood_tui.cli.context import AsJson, given_workspace, settings_of
from sood_tui.cli.output import emit, say
from sood_tui.settings import Settings, load_settings
from sood_tui.workspace import find_workspace

app = typer.Typer(rich_markup_mode=None, add_completion=False)

MIN_COLUMNS, MIN_LINES = 80, 24


@app.command()
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Look at the terminal, the devices, WordNet, the model caches, the disk and the workspace.

    Works without a workspace, and while another process has the catalogue open.

    Example: sood-tui doctor --json
    """
    try:
        workspace = find_workspace(given_workspace(context))
        settings = settings_of(workspace) if workspace else load_settings(None)
    except EngineError as error:
        emit([Finding("workspace", "missing", error.message, error.hint)], _COLUMNS, as_json)
        raise typer.Exit(2) from error
    findings = [*examine_terminal(settings), *examine_machine()]
    if workspace:
        findings += examine_workspace(workspace)
    else:
        findings.append(Finding("workspace", "note", "none is named and none is here", "sood-tui init DIR"))
    emit(findings, _COLUMNS, as_json)
    if not as_json:
        missing = sum(finding.state == "missing" for finding in findings)
        say("Everything that is needed is there." if not missing else f"{missing} things are missing.")


_COLUMNS = ("area", "state", "found", "hint")


def examine_terminal(settings: Settings) -> Iterator[Finding]:
    """What the terminal can show, as far as the environment tells, and how pictures are drawn on it."""
    if not sys.stdout.isatty():
        yield Finding("terminal", "note", "standard output is no terminal", "The screens need one; commands do not.")
    size = shutil.get_terminal_size()
    words = [f"TERM={os.environ.get('TERM', '')}", f"{size.columns}x{size.lines}", sys.stdout.encoding or "no encoding"]
    words += ["in tmux"] if os.environ.get("TMUX") else []
    words += ["over SSH"] if os.environ.get("SSH_TTY") else []
    words += ["NO_COLOR"] if os.environ.get("NO_COLOR") else []
    small = size.columns < MIN_COLUMNS or size.lines < MIN_LINES
    hint = f"The screens want at least {MIN_COLUMNS}x{MIN_LINES}." if small else ""
    yield Finding("terminal", "note" if small else "fine", ", ".join(words), hint)
    yield examine_colours()
    yield examine_graphics(settings)


def examine_colours() -> Finding:
    """Whether pictures get all their colours."""
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Finding("terminal", "fine", "24-bit colour")
    hint = "If your terminal has 24-bit colour, export COLORTERM=truecolor (in tmux: terminal-features RGB)."
    return Finding("terminal", "note", "COLORTERM does not promise 24-bit colour", hint)


def examine_graphics(settings: Settings) -> Finding:
    """How pictures are drawn, and who said so."""
    wanted, source = settings.text("graphics"), settings.sources["graphics"]
    if wanted == "off":
        return Finding("terminal", "note", f"pictures: off ({source})", "--graphics half shows them.")
    if wanted in ("auto", "half"):
        return Finding("terminal", "fine", f"pictures: half blocks, which every terminal shows ({wanted}, {source})")
    return Finding(
        "terminal", "note", f"pictures: half blocks instead of {wanted}", "This version draws half blocks only."
    )
