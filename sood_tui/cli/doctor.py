"""The command doctor: what works here, what does not, and why."""

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Literal

import typer

from engine.doctor import Finding, examine_machine, examine_workspace
from engine.errors import EngineError
from sood_tui.cli.context import AsJson, given_workspace, settings_of
from sood_tui.cli.output import emit, say
from sood_tui.settings import Settings, load_settings
from sood_tui.terminal.graphics import Graphics, Terminal, choose
from sood_tui.terminal.probe import Question
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
    yield from examine_graphics(settings)


def examine_colours() -> Finding:
    """Whether pictures get all their colours."""
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Finding("terminal", "fine", "24-bit colour")
    hint = "If your terminal has 24-bit colour, export COLORTERM=truecolor (in tmux: terminal-features RGB)."
    return Finding("terminal", "note", "COLORTERM does not promise 24-bit colour", hint)


def examine_graphics(settings: Settings) -> Iterator[Finding]:
    """How pictures are drawn, who said so, and what else this terminal could do."""
    wanted, source = settings.text("graphics"), settings.sources["graphics"]
    with Question() as question:
        terminal = question.answer()
    choice = choose(wanted, terminal)
    is_lacking = wanted in (Graphics.SIXEL, Graphics.KITTY) and choice.graphics is Graphics.HALF
    state: Literal["fine", "note"] = "note" if is_lacking or choice.graphics is Graphics.OFF else "fine"
    hint = "--graphics half shows them." if choice.graphics is Graphics.OFF else ""
    yield Finding("terminal", state, f"pictures: {_DRAWN[choice.graphics]} ({wanted}, {source}): {choice.why}", hint)
    if terminal.asked:
        yield Finding("terminal", "fine" if terminal.seconds is not None else "note", _said_by(terminal))


_DRAWN = {
    Graphics.HALF: "half blocks",
    Graphics.SIXEL: "sixels",
    Graphics.KITTY: "Kitty's protocol",
    Graphics.OFF: "none, names instead",
}


def _said_by(terminal: Terminal) -> str:
    """The terminal's answers in one line."""
    if terminal.seconds is None:
        return "asked what it draws, the terminal did not answer"
    words = [f"sixels {_YES[terminal.sixel]}", f"Kitty's pictures {_YES[terminal.kitty]}"]
    words += [f"a cell of {terminal.cell[0]}x{terminal.cell[1]} pixels"] if terminal.cell else ["cells of unknown size"]
    words += [f"{terminal.colours} colours a sixel image"] if terminal.colours else []
    words += ["sixel images up to {}x{}".format(*terminal.largest)] if terminal.largest else []
    return f"the terminal says after {terminal.seconds * 1000:.0f} ms: {', '.join(words)}"


_YES = {True: "yes", False: "no"}
