"""What filters say beside one another and beside people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from engine.candidates.superclasses import require
from engine.filters.calibration import Share, filter_agreement
from engine.filters.disagreement import SideBySide, filter_name, matrix, ranked, side_by_side
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.output import emit, emit_json
from store.connection import Cursor

app = typer.Typer(rich_markup_mode=None)

CANDIDATE = {"superclass": "superclass", "wnid": "wnid", "name": "subclass"}
"""The columns that say which candidate a row is about."""

Superclass = Annotated[str | None, typer.Argument(help="Only of this one.")]


@app.command()
def compare(context: typer.Context, superclass: Superclass = None, as_json: AsJson = False) -> None:
    """Show what every filter says of each candidate, a column each; where they disagree comes first.

    Example: sood-tui filters compare dog
    """
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        known(cursor, superclass)
        rows = side_by_side(cursor, superclass)
    if as_json:
        emit_json(rows)
        return
    filters = sorted({name for row in rows for name in row.verdicts})
    headings = dict(zip(filters, _short(filters), strict=True))
    table = [{**{key: getattr(row, key) for key in CANDIDATE}, **_said(row, filters)} for row in rows]
    columns = {**CANDIDATE, **headings}
    emit(table, columns, as_json=False, empty="No verdict yet: `sood-tui filters run`.")


@app.command()
def agreement(
    context: typer.Context,
    superclass: Superclass = None,
    at_recall: Annotated[float, typer.Option(help="Good candidates to keep, as a fraction.")] = 0.95,
    as_json: AsJson = False,
) -> None:
    """Hold each filter against people, and filters against one another.

    Shares come with their 95 % interval. What is calibrated is judged on labels that the calibration has not seen.

    Example: sood-tui filters agreement --at-recall 0.98
    """
    from engine.errors import EngineError

    if not 0 < at_recall <= 1:
        raise EngineError("--at-recall is a fraction above 0 and at most 1.")
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        known(cursor, superclass)
        people = filter_agreement(cursor, superclass, at_recall)
        pairs = matrix(cursor, superclass)
    if as_json:
        emit_json({"people": people, "filters": pairs})
        return
    rows = [
        {
            "filter": filter_name(row.kind, row.mode, row.model, row.seed), "labels": row.labels,
            "unanswered": row.unanswered, "precision": _words(row.precision), "recall": _words(row.recall),
            "accuracy": _words(row.accuracy), "kappa": row.kappa, "calibration": row.calibration,
            "ece": row.expected_calibration_error, "saved": _words(row.saved),
        }
        for row in people
    ]  # fmt: skip
    emit(rows, list(rows[0]) if rows else [], as_json=False, empty="No candidate was judged by a filter and by people.")
    emit(pairs, ["filter", "other_filter", "items", "raw", "kappa"], as_json=False)


@app.command()
def disagreements(context: typer.Context, superclass: Superclass = None, as_json: AsJson = False) -> None:
    """List the candidates on which filters disagree, the widest disagreement first.

    Example: sood-tui filters disagreements dog
    """
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        known(cursor, superclass)
        rows = ranked(cursor, superclass)
        columns = {**CANDIDATE, "spread": "spread", "accepting": "accepting", "rejecting": "rejecting"}
        emit(rows, columns, as_json, "Filters do not disagree.")


def known(cursor: Cursor, superclass: str | None) -> None:
    """Refuse the name of a superclass that is not there.

    Raises: UnknownSuperclass.
    """
    if superclass is not None:
        require(cursor, superclass)


def _said(row: SideBySide, filters: Sequence[str]) -> dict[str, str]:
    said = {}
    for name in filters:
        verdict = row.verdicts.get(name)
        chance = "" if verdict is None or verdict.p_yes is None else f" {verdict.p_yes:.2f}"
        said[name] = "" if verdict is None else f"{verdict.outcome}{chance}"
    return said


def _short(filters: Sequence[str]) -> list[str]:
    """The names with the last part of the model's path alone, where that tells them apart."""
    short = []
    for name in filters:
        kind, mode, model = name.split(" ", 2)
        short.append(f"{kind} {mode} {Path(model).name}")
    return short if len(set(short)) == len(short) else list(filters)


def _words(share: Share) -> str:
    if share.value is None:
        return ""
    interval = "" if share.low is None or share.high is None else f" ({share.low:.2f}-{share.high:.2f})"
    return f"{share.value:.2f}{interval}"
