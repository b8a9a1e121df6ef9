"""Commands for negative labels: list, show, drop, restore, export."""

from pathlib import Path
from typing import Annotated

import typer

from sood_tui.cli.context import AsJson, open_workspace, settings_of, workspace_of
from sood_tui.cli.output import emit, emit_json, say

app = typer.Typer(help="Mined negative labels.", no_args_is_help=True, rich_markup_mode=None, add_completion=False)

SET_COLUMNS = {
    "name": "name", "recipe": "recipe", "model": "model", "words": "words", "dropped": "taken out", "made_at": "mined",
}  # fmt: skip
LABEL_COLUMNS = {
    "rank": "rank", "word": "word", "pos": "pos", "wnid": "wnid", "lexname": "file", "distance": "distance",
    "dropped": "taken out because",
}  # fmt: skip
Name = Annotated[str, typer.Argument(help="Name or number of the negative labels.")]
Words = Annotated[list[str], typer.Argument(help="The words, spelled as listed.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so.")]


@app.command("list")
def list_negatives(context: typer.Context, as_json: AsJson = False) -> None:
    """List what was mined.

    Example: sood-tui evaluation negatives list
    """
    from store.evaluation.negatives import fetch_negative_sets

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        found = fetch_negative_sets(cursor)
    emit(found, SET_COLUMNS, as_json, empty="No negative labels were mined yet: `sood-tui evaluation run neglabel`.")


@app.command("show")
def show(
    context: typer.Context,
    name: Name,
    text: Annotated[str | None, typer.Option("--find", help="Only words that hold this.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0: all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the words by rank, the farthest first.

    Example: sood-tui evaluation negatives show 1 --find tree
    """
    from store.evaluation.negatives import fetch_negative_labels, fetch_negative_set

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        found = fetch_negative_set(cursor, name)
        labels = fetch_negative_labels(cursor, found.negatives_id)
    chosen = [label for label in labels if text is None or text.lower() in label.word.lower()]
    shown = chosen[:limit] if limit else chosen
    if as_json:
        emit_json({"negatives": found, "labels": shown})
        return
    emit(shown, LABEL_COLUMNS, as_json=False, empty="No such word.")
    if len(shown) < len(chosen):
        say(f"{len(shown):,} of {len(chosen):,}; --limit 0 shows all.")


@app.command("drop")
def drop(
    context: typer.Context,
    name: Name,
    words: Words,
    reason: Annotated[str, typer.Option(help="Why; kept with the word.")],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take words out; later runs with these negative labels do without them.

    Example: sood-tui evaluation negatives drop 1 "lap dog" --reason "a kind of dog"
    """
    _edit(context, name, words, "drop", reason, by, as_json)


@app.command("restore")
def restore(context: typer.Context, name: Name, words: Words, by: By = None, as_json: AsJson = False) -> None:
    """Bring words back that were taken out.

    Example: sood-tui evaluation negatives restore 1 "lap dog"
    """
    _edit(context, name, words, "restore", "", by, as_json)


@app.command("export")
def export(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="Ends with .csv, .jsonl or .txt.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write the words that are left to a file.

    Example: sood-tui evaluation negatives export 1 negatives.csv
    """
    from engine.evaluation.words.negatives import export as write
    from store.evaluation.negatives import fetch_negative_labels, fetch_negative_set

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        found = fetch_negative_set(cursor, name)
        labels = fetch_negative_labels(cursor, found.negatives_id)
    count = write(found, labels, file, force)
    say(f"Wrote {count:,} words to {file}.")


def _edit(
    context: typer.Context, name: str, words: list[str], kind: str, reason: str, by: str | None, as_json: bool
) -> None:
    from engine.evaluation.words.negatives import edit

    reviewer = by or settings_of(workspace_of(context)).reviewer
    with open_workspace(context) as workspace:
        changed = edit(workspace, name, words, kind, reason, reviewer)
    say(f"{len(changed)} words {'taken out' if kind == 'drop' else 'brought back'}.")
    if as_json:
        emit_json(changed)
