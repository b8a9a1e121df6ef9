"""Read-only SQL over the catalogue."""

import csv
import sys
from enum import StrEnum
from typing import Annotated

import typer

from engine.errors import EngineError
from sood_tui.cli.context import workspace_of
from sood_tui.cli.output import emit_json, emit_table
from store.sql import run_read_only

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    json = "json"


@app.command()
def sql(
    context: typer.Context,
    statement: Annotated[str, typer.Argument(metavar="SELECT", help="One statement that only reads.")],
    output: Annotated[Format, typer.Option("--format", help="How to write the rows.")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Run one SELECT over the catalogue.

    It cannot write, open files, attach other databases or change settings.

    Example: sood-tui sql "SELECT state, count(*) AS n FROM candidate_state GROUP BY state"
    """
    result = run_read_only(workspace_of(context).catalogue, statement)
    if as_json or output is Format.json:
        if len(set(result.columns)) < len(result.columns):
            raise EngineError("Two columns have the same name, which JSON cannot hold.", "Rename one with AS.")
        emit_json([dict(zip(result.columns, row, strict=True)) for row in result.rows])
    elif output is Format.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows(result.rows)
    else:
        keys = {str(index): name for index, name in enumerate(result.columns)}
        emit_table([{str(i): value for i, value in enumerate(row)} for row in result.rows], keys, "No rows.")
