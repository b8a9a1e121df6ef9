"""Commands of the room images: roots of pictures, and what is the matter with what lies in them."""

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from engine.images.issues import ISSUE_KINDS, explain
from engine.images.roots import StartedScan, read_report, remove_root, start_add, start_rescan
from engine.images.scan import ScanReport
from sood_tui.cli.context import AsJson, open_workspace, workspace_of
from sood_tui.cli.following import follow, printable, take_in_results
from sood_tui.cli.output import emit, emit_json, say
from sood_tui.notices import EXIT_INPUT
from store.images.pictures import fetch_issues
from store.images.roots import fetch_root, fetch_root_summaries

app = typer.Typer(
    name="images", help="Folders of pictures.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

_REPORT_COLUMNS = {
    "root": "root",
    "images": "pictures",
    "synsets": "synsets",
    "added": "added",
    "removed": "removed",
    "issues": "issues",
}


class Layout(StrEnum):
    """How a root says what its pictures show."""

    wnid = "wnid"
    class_ = "class"
    list_ = "list"


@app.command()
def add(
    context: typer.Context,
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="A folder of folders, or a list file.")],
    name: Annotated[str | None, typer.Option(help="Name of the root; by default its folder's.")] = None,
    layout: Annotated[Layout | None, typer.Option(help="Folders by wnid or by class, or a list; else guessed.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="CSV of class,wnid: what each class is.")] = None,
    base: Annotated[
        Path | None, typer.Option(help="What the paths in a list are relative to; else its folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a root of pictures and scan it. Nothing in it is opened or changed.

    Example: sood-tui images add /data/imagenet21k_resized/imagenet21k_train
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        started = start_add(workspace, root, name, layout.value if layout else None, mapping, base)
    for remark in started.remarks:
        say(remark)
    _finish(context, [started], as_json, single=True)


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the roots with their numbers of pictures, synsets and issues.

    Example: sood-tui images list --json
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        with workspace.opened().reading() as cursor:
            rows = fetch_root_summaries(cursor)
    columns = {
        "name": "root",
        "layout": "layout",
        "images": "pictures",
        "synsets": "synsets",
        "gone": "gone",
        "issues": "issues",
        "scanned_at": "scanned",
        "path": "path",
    }
    emit(rows, columns, as_json, "There is no root of pictures yet: `sood-tui images add ROOT` adds one.")


@app.command()
def rescan(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Name of a root; else all are scanned.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look for pictures that were added to a root or removed from it.

    Example: sood-tui images rescan imagenet21k_train
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        started = start_rescan(workspace, name)
    _finish(context, started, as_json, single=False)


@app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a root.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a root and its pictures. Nothing on disk is touched.

    Example: sood-tui images remove imagenet21k_val --yes
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        root = remove_root(workspace, name, dry_run=not yes)
    if as_json:
        emit_json({**asdict(root), "removed": yes})
    verb = "Removed" if yes else "Would remove"
    say(f"{verb} the root {root.name}: {root.images:,} pictures of {root.synsets:,} synsets.")
    if not yes:
        say(f"Nothing was changed. To do it: sood-tui images remove {root.name} --yes")
        raise typer.Exit(EXIT_INPUT)


@app.command()
def issues(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="List all issues of one kind.")] = None,
    root: Annotated[str | None, typer.Option(help="Only those of one root.")] = None,
    examples: Annotated[int, typer.Option(min=0, help="How many examples of each kind.")] = 3,
    as_json: AsJson = False,
) -> None:
    """What was found among the pictures and left out: kinds with counts, reasons and examples.

    Example: sood-tui images issues --kind not_a_picture
    """
    if kind is not None and kind not in ISSUE_KINDS:
        raise typer.BadParameter(f"kinds are {', '.join(ISSUE_KINDS)}", param_hint="--kind")
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        with workspace.opened().reading() as cursor:
            if root is not None:
                fetch_root(cursor, root)
            found = fetch_issues(cursor, kind, root)
    if kind is not None:
        columns = {"root": "root", "path": "path", "wnid": "wnid", "detail": "detail"}
        emit(found, columns, as_json, "There is no such issue.")
        return
    kinds = [(name, list(group)) for name, group in groupby(found, key=lambda issue: issue.kind)]
    if as_json:
        rows = [
            {"kind": name, "count": len(group), "meaning": explain(name), "examples": group[:examples]}
            for name, group in kinds
        ]
        emit_json(rows)
        return
    table = [
        {
            "kind": name,
            "count": len(group),
            "meaning": explain(name),
            "examples": "; ".join(printable(f"{issue.root}/{issue.path}") for issue in group[:examples]),
        }
        for name, group in kinds
    ]
    emit(
        table, ("kind", "count", "meaning", "examples"), as_json=False, empty="Nothing is the matter with the pictures."
    )


def _finish(context: typer.Context, started: Sequence[StartedScan], as_json: bool, single: bool) -> None:
    """Follow the scans with the catalogue closed, then tell what they changed."""
    workspace_root = workspace_of(context).root
    codes = [follow(workspace_root, scan.job.id) for scan in started]
    if any(codes):
        raise typer.Exit(next(code for code in codes if code))
    with open_workspace(context) as workspace:
        reports = [read_report(workspace, scan.job.id) for scan in started]
    if as_json:
        emit_json(reports[0] if single else reports)
    else:
        emit([_row(report) for report in reports], _REPORT_COLUMNS, as_json=False)
    for report in reports:
        if not report.images:
            say(f"No picture was found in {report.root}. `sood-tui images remove {report.root}` forgets it.")
        if report.issues:
            listed = ", ".join(f"{number:,} {kind}" for kind, number in report.issues.items())
            say(f"{report.root}: {listed}. `sood-tui images issues` explains them.")


def _row(report: ScanReport) -> dict[str, object]:
    return {
        "root": report.root,
        "images": report.images,
        "synsets": report.synsets,
        "added": report.added,
        "removed": report.removed,
        "issues": sum(report.issues.values()),
    }
