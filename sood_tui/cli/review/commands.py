"""Commands of the room review: decisions, and everything that follows from their log."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.review import decisions as engine
from engine.review.opinions import FilterOpinion, filter_opinions, probability
from engine.review.queue import queue
from engine.review.selection import parse
from sood_tui.cli.context import AsJson, open_review, settings_of
from sood_tui.cli.output import emit, emit_json, plain, say
from sood_tui.cli.review.deciding import candidate_named, decide, tell
from sood_tui.cli.review.duplicates import app as duplicates_app
from sood_tui.cli.review.duplicates import newest_run
from sood_tui.cli.review.reviewers import Blind, blind_reviewer
from sood_tui.cli.review.reviewers import app as reviewers_app
from sood_tui.cli.review.stop import app as stop_app
from sood_tui.cli.review.why import app as why_app
from store.review.log import fetch_log
from store.review.queue import QueueItem

app = typer.Typer(
    name="review",
    help="Decisions: accept, reject, unsure, undo.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Superclass = Annotated[str, typer.Argument(metavar="SUPERCLASS")]
Synsets = Annotated[list[str], typer.Argument(metavar="SYNSET...", help="wnids, NLTK names or unambiguous words.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; else the setting `reviewer`.")]
Subtree = Annotated[bool, typer.Option("--subtree", help="All below it too; a word on a single candidate goes before.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept with the decision.")]


class Order(StrEnum):
    """In which order candidates are listed."""

    name = "name"
    tree = "tree"
    pictures = "pictures"
    score = "score"
    match = "match"
    uncertain = "uncertain"
    disagreement = "disagreement"
    disputed = "disputed"
    audit = "audit"


@app.command("list")
def list_command(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]", help="Only its candidates.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Only what nobody has decided.")] = False,
    order: Annotated[
        Order,
        typer.Option(
            help="score: lowest mean similarity first; uncertain: P(yes) nearest to a half; audit: at random."
        ),
    ] = Order.name,
    only: Annotated[
        str, typer.Option(metavar="WORDS", help='What they must be: "verdict:reject by:anna pictures>100 terrier".')
    ] = "",
    blind: Blind = False,
    as_json: AsJson = False,
) -> None:
    """List candidates with the decision that stands.

    Example: sood-tui review list dog --pending --order uncertain --only "pictures>100"
    """
    terms = parse(only)
    with open_review(context) as workspace, workspace.opened().reading() as cursor:
        blind_for = blind_reviewer(workspace, blind)
        said = filter_opinions(cursor, superclass) if blind_for is None else {}
        run_id, seed = newest_run(cursor), workspace.seed
        items = queue(cursor, superclass, order.value, pending, run_id, terms, seed, said, blind_for)
        rows = [_listed(item, said.get((item.superclass, item.wnid), ())) for item in items]
    columns = {
        "superclass": "superclass",
        "state": "state",
        "wnid": "wnid",
        "name": "subclass",
        "images": "pictures",
        "similarity_mean": "similarity",
        "p_yes": "P(yes)",
        "reviewer": "by",
        "inherited_from": "inherited from",
        "note": "note",
    }
    emit(rows, columns, as_json, "No candidates are left to list." if pending else "There are no candidates.")


@app.command()
def accept(
    context: typer.Context,
    superclass: Superclass,
    synsets: Synsets,
    by: By = None,
    note: Note = None,
    subtree: Subtree = False,
    as_json: AsJson = False,
) -> None:
    """Accept candidates under a superclass, as one step.

    Example: sood-tui review accept dog n02085620 papillon
    """
    decide(context, superclass, synsets, "accept", by, note, subtree, as_json)


@app.command()
def reject(
    context: typer.Context,
    superclass: Superclass,
    synsets: Synsets,
    by: By = None,
    note: Note = None,
    subtree: Subtree = False,
    as_json: AsJson = False,
) -> None:
    """Reject candidates under a superclass, as one step.

    Example: sood-tui review reject dog hot_dog.n.01 --note "food"
    """
    decide(context, superclass, synsets, "reject", by, note, subtree, as_json)


@app.command()
def unsure(
    context: typer.Context,
    superclass: Superclass,
    synsets: Synsets,
    by: By = None,
    note: Note = None,
    subtree: Subtree = False,
    as_json: AsJson = False,
) -> None:
    """Mark candidates as unsure, as one step.

    Example: sood-tui review unsure dog n02087122 --note "wild or tame?"
    """
    decide(context, superclass, synsets, "unsure", by, note, subtree, as_json)


@app.command()
def undo(
    context: typer.Context,
    by: By = None,
    of: Annotated[str | None, typer.Option(metavar="NAME", help="Only a step of this person.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take back the newest step that stands. The log keeps both.

    Example: sood-tui review undo
    """
    with open_review(context) as workspace:
        step = engine.undo(workspace, by or settings_of(workspace).reviewer, of)
    tell("Taken back", step, as_json)


@app.command()
def redo(
    context: typer.Context,
    by: By = None,
    of: Annotated[str | None, typer.Option(metavar="NAME", help="Only a step of this person.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring back the step that was taken back last, if nothing was decided since.

    Example: sood-tui review redo
    """
    with open_review(context) as workspace:
        step = engine.redo(workspace, by or settings_of(workspace).reviewer, of)
    tell("Brought back", step, as_json)


@app.command()
def assign(
    context: typer.Context,
    synset: Annotated[str, typer.Argument(metavar="SYNSET")],
    superclass: Superclass,
    by: By = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Give a synset to one superclass and take it from all others, as one step.

    Example: sood-tui review assign lynx.n.02 wildcat
    """
    with open_review(context) as workspace:
        with workspace.opened().reading() as cursor:
            wnid = candidate_named(cursor, superclass, synset)
        step = engine.assign(workspace, wnid, superclass, by or settings_of(workspace).reviewer, note)
    tell("Recorded", step, as_json)


@app.command()
def log(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the newest so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List every decision, newest first, those that were taken back among them.

    Example: sood-tui review log dog --limit 20
    """
    with open_review(context) as workspace, workspace.opened().reading() as cursor:
        entries = fetch_log(cursor, superclass, limit)
    columns = {
        "at": "when",
        "reviewer": "by",
        "kind": "what",
        "superclass": "superclass",
        "wnid": "wnid",
        "name": "subclass",
        "undone": "taken back",
        "inherited_from": "inherited from",
        "path": "picture",
        "note": "note",
    }
    emit(entries, columns, as_json, "Nothing was decided yet.")


@app.command("export")
def export_command(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write JSON lines.")]
) -> None:
    """Write the whole log as JSON lines, for another workspace to import.

    Example: sood-tui review export anna.jsonl
    """
    with open_review(context) as workspace:
        events = engine.export_events(workspace, file)
    say(f"{events} events written to {file}.")


@app.command("import")
def import_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `review export` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Take in another workspace's log: all of it or nothing. Taking it in again changes nothing.

    Example: sood-tui review import anna.jsonl
    """
    with open_review(context) as workspace:
        report = engine.import_events(workspace, file)
    if as_json:
        emit_json(report)
    say(f"{report.added} events taken in, {report.known} were here already.")
    if report.strangers:
        say(f"{report.strangers} synsets are no candidates here; their decisions wait in the log until they are.")


def _listed(item: QueueItem, opinions: tuple[FilterOpinion, ...]) -> dict[str, object]:
    """The candidate with the chance that a person would accept it, as filters see it."""
    return {**plain(item), "at": item.at, "p_yes": probability(opinions)}


app.add_typer(why_app)
app.add_typer(reviewers_app)
app.add_typer(stop_app)
app.add_typer(duplicates_app)
