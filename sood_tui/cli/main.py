"""The root of the command line. Each room has a file of its own beside this one, or a folder."""

import importlib
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sood_tui.settings import sign_as

# command -> module under sood_tui.cli, loaded only when it is called, so that --help is fast; and its sentence
ROOM_COMMANDS = {
    "wordnet": ("wordnet", "Look things up in WordNet."),
    "images": ("images", "Folders of pictures."),
    "candidates": ("candidates", "Superclasses, and the synsets that may stand under each."),
    "filters": ("filters.commands", "What models and rules say of candidates."),
    "review": ("review.commands", "Decisions: accept, reject, unsure, undo."),
    "scoring": ("scoring", "How typical each picture is of its superclass."),
    "splits": ("splits.commands", "Which subclasses are train, Easy and Hard."),
    "export": ("export", "Lists and manifests, and their verification."),
    "evaluation": ("evaluation.commands", "How well a detector tells ID from OOD pictures."),
    "labels": ("labels.commands", "One label or several: truth, proposals, flags."),
    "jobs": ("jobs", "Long work in processes of its own."),
}
SINGLE_COMMANDS = {
    "init": ("start", "Make a workspace with WordNet in it."),
    "demo": ("demo", "The whole walk on made-up pictures, without a download."),
    "doctor": ("doctor", "What works here, what does not, and why."),
    "status": ("status", "The funnel: how many at each room, and what to do next."),
    "import": ("importing", "Half-finished work of SOOD's scripts; decisions and splits from a CSV."),
    "sql": ("sql", "Read-only SQL over the catalogue."),
}
COMMANDS = {**ROOM_COMMANDS, **SINGLE_COMMANDS}


class RoomGroup(TyperGroup):
    """Commands in the order of the walk, each loaded when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, first to last."""
        return [*list(SINGLE_COMMANDS)[:4], *ROOM_COMMANDS, *list(SINGLE_COMMANDS)[4:]]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name in COMMANDS:
            module = importlib.import_module(f"sood_tui.cli.{COMMANDS[cmd_name][0]}")
            return typer.main.get_command(module.app)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of commands in --help, without loading one of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


app = typer.Typer(
    cls=RoomGroup,
    name="sood-tui",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"sood-tui {metadata.version('sood-tui')}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    workspace: Annotated[
        Path | None, typer.Option("-w", "--workspace", help="The workspace; else $SOOD_WORKSPACE, else this folder.")
    ] = None,
    graphics: Annotated[str | None, typer.Option(help="auto, half, sixel, kitty or off.")] = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who decides in this call; else the setting `reviewer`.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Curate semantic out-of-distribution image benchmarks in the terminal.

    Without a command it opens the screens; without a workspace, a start screen.

    Example: sood-tui -w ~/benchmarks/birds
    """
    if name is not None:
        sign_as(name)
    if context.invoked_subcommand is None:
        from sood_tui.session import run_app
        from sood_tui.workspace import find_workspace

        raise typer.Exit(run_app(find_workspace(workspace), graphics))
