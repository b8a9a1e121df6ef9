"""The command import: half-finished work of the reference's scripts, or decisions and splits from a CSV."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EngineError
from engine.reference.importing import ImportReport, import_folder
from engine.reference.tables import TableReport, import_table
from sood_tui.cli.context import AsJson, open_workspace, settings_of
from sood_tui.cli.output import emit_json, emit_table, say

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("import")
def import_command(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with mapping/, scoring/, lists/; or a CSV.")],
    data_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Which work, where several lie there: mapping/ID_out_dict.yaml.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the split is called; else like the work.")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who decided; else the setting `reviewer`.")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Accept what the replica filter took away by its bug.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and tell everything, take nothing over.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take over what SOOD's scripts have left, keyed by wnid, and list what is ambiguous or damaged.

    A CSV has the columns superclass and wnid, and decision (accept, reject, unsure) or split (train, easy, hard,
    band_1 ..., out), or both; reviewer and note are read where they are there.

    Example: sood-tui import ~/SOODImageNet
    """
    with open_workspace(context) as workspace:
        reviewer = by or settings_of(workspace).reviewer
        if source.is_file():
            table = import_table(workspace, source.resolve(), reviewer, split, dry_run)
            emit_json(table) if as_json else _tell_table(table)
            return
        if not source.is_dir():
            raise EngineError(f"{source} is not there.", "Name the folder that SOOD's scripts ran in, or a CSV.")
        report = import_folder(workspace, source.resolve(), reviewer, data_id, split, repair, dry_run, _Telling().tell)
    emit_json(report) if as_json else _tell(report)


def _tell(report: ImportReport) -> None:
    rows = [
        {"kind": "damage", "number": one.bug, "superclass": one.superclass, "wnid": one.wnid, "what": one.what,
         "remedy": one.remedy}
        for one in report.damage
    ]  # fmt: skip
    rows += [
        {
            "kind": "unkeyed",
            "number": "",
            "superclass": one.superclass,
            "wnid": "",
            "what": one.what,
            "remedy": one.file,
        }
        for one in report.unkeyed
    ]
    emit_table(rows, ("kind", "number", "superclass", "wnid", "what", "remedy"), "No trace of a known bug.")
    say(f"Read {', '.join(report.files)}.")
    bugs = Counter(one.bug for one in report.damage)
    if bugs:
        say("Damage by bug: " + ", ".join(f"{bug}: {count}" for bug, count in sorted(bugs.items())))
    for root in report.roots:
        meant = f"{root.wnid}, above {root.covered} of its {root.subclasses} subclasses" if root.wnid else "no synset"
        others = f"; other senses: {', '.join(root.other_senses)}" if root.other_senses else ""
        say(f"{root.superclass} was taken to mean {meant}{others}.")
    if report.dry_run:
        say(f"Nothing was taken over. There are {report.candidates} candidates.")
        return
    decided = ", ".join(f"{count} {kind}" for kind, count in report.decisions.items()) or "none that is new"
    say(f"Taken over: {report.candidates} candidates, {report.verdicts} verdicts, decisions: {decided}.")
    if report.pictures is not None:
        say(f"{report.pictures.found:,} of {report.pictures.incoming:,} scored pictures are in this workspace.")
    for one in report.lists:
        same = "byte for byte the same" if one.is_identical else f"{one.same:,} the same; {one.reason}"
        say(f"{one.file}: {one.lines:,} lines, {same}")
    if report.split:
        say(f"The split is called {report.split}: `sood-tui splits show --split {report.split}`.")
    for text in report.unread:
        say(f"not read: {text}")


def _tell_table(report: TableReport) -> None:
    decided = ", ".join(f"{count} {kind}" for kind, count in report.decisions.items()) or "none"
    say(f"{report.rows} rows; decisions: {decided}; placed in the split {report.split}: {report.placed}.")
    if report.dry_run:
        say("Nothing was taken over.")


class _Telling:
    """Says what is being read when that changes."""

    def __init__(self) -> None:
        self._what = ""

    def tell(self, what: str, done: int, whole: int) -> None:
        """One step of progress."""
        if what != self._what or (done and done % 500_000 == 0):
            say(what if not done else f"{what}: {done:,} pictures")
        self._what = what
