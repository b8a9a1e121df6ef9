"""Commands of the room candidates: superclasses, and the synsets that may stand under each."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from engine.candidates import match as matching
from engine.candidates import superclasses as engine
from engine.candidates.superclasses import AddReport, RemoveReport
from engine.wordnet.resolve import resolve
from sood_tui.cli import execution
from sood_tui.cli.context import AsJson, open_workspace, settings_of, workspace_of
from sood_tui.cli.following import follow, take_in_results
from sood_tui.cli.output import emit, emit_json, say
from sood_tui.notices import EXIT_INPUT
from store.candidates.superclasses import Overlap, fetch_superclasses

app = typer.Typer(
    name="candidates",
    help="Superclasses, and the synsets that may stand under each.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_REPORT_COLUMNS = {"superclass": "superclass", "candidates": "candidates", "images": "pictures", "added": "new"}


@app.command()
def add(
    context: typer.Context,
    synset: Annotated[str, typer.Argument(metavar="SYNSET", help="A wnid, an NLTK name or an unambiguous word.")],
    name: Annotated[str | None, typer.Option(help="Name of the superclass; else the synset's first word.")] = None,
    also: Annotated[list[str] | None, typer.Option(metavar="SYNSET", help="A further root; may be repeated.")] = None,
    depth: Annotated[int | None, typer.Option(min=1, help="At most so many steps below a root; else all.")] = None,
    include_root: Annotated[bool, typer.Option("--include-root", help="Roots are candidates, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a superclass; its candidates are the synsets below that have pictures. Again: look for what is new.

    Example: sood-tui candidates add dog.n.01 --name dog --also wolf
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        with workspace.opened().reading() as cursor:
            roots = [resolve(cursor, word) for word in (synset, *(also or ()))]
        report = engine.add_superclass(workspace, roots, name, depth, include_root)
    _tell([report], as_json, single=True)


@app.command()
def seed(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML, or text with a SYNSET a line.")],
    as_json: AsJson = False,
) -> None:
    """Add all superclasses of a list, or none of them if there is anything wrong in it.

    In YAML an entry may be a mapping: {synset: dog.n.01, name: dog, also: [wolf], depth: 3, include_root: true}.

    Example: sood-tui candidates seed superclasses.yaml
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        reports = engine.seed_file(workspace, file)
    _tell(reports, as_json, single=False)


@app.command()
def match(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is looked for, in words.")],
    to: Annotated[str | None, typer.Option(metavar="SUPERCLASS", help="Add what matches to this superclass.")] = None,
    above: Annotated[float | None, typer.Option(min=-1.0, max=1.0, help="Only similarities greater than this.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="At most so many; 20 are listed by default.")] = None,
    model: Annotated[str | None, typer.Option(help="open_clip's architecture, local-dir: or hf-hub:.")] = None,
    pretrained: Annotated[str | None, typer.Option(help="open_clip's tag, or a checkpoint's path.")] = None,
    device: execution.Device = None,
    executor: execution.ExecutorName = "local",
    address: execution.Address = None,
    storage: execution.Storage = None,
    priority: execution.Priority = 0,
    estimate: execution.OnlyEstimate = False,
    force: execution.Force = False,
    as_json: AsJson = False,
) -> None:
    """Find synsets by what their words and glosses mean, also those that WordNet does not put below a root.

    Without --to the best are listed and nothing is changed.

    Example: sood-tui candidates match "kitchen tools" --to kitchen_tool --above 0.85
    """
    if to is not None and above is None and top is None:
        raise typer.BadParameter("say how many: --above X (a similarity) or --top N", param_hint="--to")
    closed = workspace_of(context)
    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    settings = settings_of(closed, scoring__model=model, scoring__pretrained=pretrained, scoring__device=device)
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        job = matching.submit_match(
            workspace,
            text,
            settings.text("scoring.model"),
            settings.text("scoring.pretrained") or None,
            settings.text("scoring.device"),
            how,
        )
    if how.estimate:
        raise typer.Exit(execution.Following(False, as_json).until_its_end(closed.root, job.id, how))
    if code := follow(closed.root, job.id):
        raise typer.Exit(code)
    with open_workspace(context) as workspace:
        if to is not None:
            _tell([matching.accept_match(workspace, text, to, above, top)], as_json, single=True)
            return
        limit = top if top is not None or above is not None else 20
        with workspace.opened().reading() as cursor:
            found = matching.fetch_matches(cursor, text, above=above, limit=limit)
    columns = ("similarity", "wnid", "name", "images", "superclasses", "gloss")
    emit(found, columns, as_json, "Nothing matches so well.")


@app.command("list")
def list_command(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]", help="List its candidates.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the superclasses and where they overlap, or the candidates of one.

    Example: sood-tui candidates list dog --json
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        with workspace.opened().reading() as cursor:
            if superclass is not None:
                columns = ("wnid", "name", "route", "depth", "similarity", "images", "state", "gloss")
                emit(engine.list_candidates(cursor, superclass), columns, as_json)
                return
            found = fetch_superclasses(cursor)
            touching = {row.superclass: engine.overlaps(cursor, row.superclass) for row in found}
    rows = [{**asdict(row), "overlaps": touching[row.superclass]} for row in found]
    if not as_json:
        rows = [{**row, "overlaps": "; ".join(_in_words(item) for item in touching[row["superclass"]])} for row in rows]
    names = ("superclass", "roots", "depth_limit", "candidates", "images", "accepted", "rejected", "unsure", "pending")
    emit(rows, (*names, "overlaps"), as_json, "There is no superclass yet: `sood-tui candidates add SYNSET` makes one.")


@app.command()
def remove(
    context: typer.Context,
    superclass: Annotated[str, typer.Argument(metavar="SUPERCLASS", help="Its name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a superclass and its candidates away. Decisions stay in the log, and count again if it is added again.

    Example: sood-tui candidates remove dog --yes
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        report = engine.remove(workspace, superclass, dry_run=not yes)
    if as_json:
        emit_json(report)
    _say_removal(report)
    if not yes:
        raise typer.Exit(EXIT_INPUT)


def _tell(reports: Sequence[AddReport], as_json: bool, single: bool) -> None:
    if as_json:
        emit_json(reports[0] if single else reports)
    else:
        rows = [{**asdict(report), "added": len(report.added)} for report in reports]
        emit(rows, _REPORT_COLUMNS, as_json=False)
    for report in reports:
        if not report.is_new and not report.added:
            say(f"{report.superclass} was there already; nothing is new.")
        if report.dropped:
            say(f"{report.superclass}: {report.dropped:,} undecided candidates are gone: deeper than the new limit.")
        if report.root_images:
            say(f"{report.superclass}: its roots have {report.root_images:,} pictures; --include-root takes them, too.")
        for overlap in report.overlaps:
            say(f"{report.superclass} {_in_words(overlap)}.")


def _in_words(overlap: Overlap) -> str:
    relation = {"inside": "lies inside", "holds": "holds", "same": "has a root of", "shares": "touches"}[
        overlap.relation
    ]
    both = f", {overlap.accepted_by_both:,} accepted by both" if overlap.accepted_by_both else ""
    return f"{relation} {overlap.other} ({overlap.shared:,} in common{both})"


def _say_removal(report: RemoveReport) -> None:
    verb = "Removed" if report.removed else "Would remove"
    decided = report.accepted + report.rejected + report.unsure
    say(f"{verb} {report.superclass}: {report.candidates:,} candidates with {report.images:,} pictures.")
    if decided:
        say(
            f"Its decisions stay in the log: {report.accepted:,} accepted, {report.rejected:,} rejected, "
            f"{report.unsure:,} unsure. They count again when it is added again."
        )
    if report.score_runs:
        say(f"{report.score_runs:,} score runs keep its similarities; they are not shown without it.")
    if not report.removed:
        say(f"Nothing was changed. To do it: sood-tui candidates remove {report.superclass} --yes")
