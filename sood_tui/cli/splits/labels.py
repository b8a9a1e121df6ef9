"""The command of the room splits that looks at labels: is Hard harder, or only more crowded?"""

from typing import Annotated, Any

import typer

from engine.splits.settings import MAIN
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.output import emit_json, emit_table, say

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def labels(
    context: typer.Context,
    source: Annotated[str | None, typer.Option(help="Whose labels; else the split's own source.")] = None,
    predictions: Annotated[str | None, typer.Option(help="Whose accuracy; else the split's own.")] = None,
    superclass: Annotated[str | None, typer.Option(metavar="NAME", help="Only this superclass.")] = None,
    split: Annotated[str, typer.Option("--split", metavar="NAME", help="Which split; else the main one.")] = MAIN,
    as_json: AsJson = False,
) -> None:
    """Show how crowded each band is, accuracy at equal numbers of labels, and what matching would leave.

    Example: sood-tui splits labels --source real --predictions resnet50
    """
    from engine.errors import EngineError
    from engine.splits.crowding import check
    from engine.splits.prepare import prepare_with_pictures
    from sood_tui.cli.splits.options import defaults_of

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        prepared, measured = prepare_with_pictures(cursor, workspace.seed, split, defaults_of(workspace))
        found = check(cursor, prepared, measured, source, predictions)
    if superclass is not None and superclass not in prepared.superclasses:
        raise EngineError(f"{superclass} is not in the split {split}.")
    if as_json:
        emit_json(found)
        return
    bands = [row for row in found.bands if superclass is None or row.superclass == superclass]
    emit_table([_label_row(row) for row in bands], list(_label_row(bands[0])))
    matched = [row for row in found.matching if superclass is None or row.superclass == superclass]
    say("What matching leaves, superclass by superclass:")
    columns = ("superclass", "split", "pictures", "pictures_matched", "mean_labels", "mean_labels_matched")
    emit_table(matched, columns)
    if found.drop is not None:
        say(found.drop.sentence(str(found.drop_from), found.bands[0].split))
    for warning in found.warnings:
        say(warning)


def _label_row(row: Any) -> dict[str, object]:
    return {
        "superclass": row.superclass or "all together", "split": row.split, "pictures": row.pictures,
        "labelled": row.labelled, "multi": row.multi_label_share, "mean k": row.mean_labels, "top1": row.top1,
        "ReaL": row.accuracy, "ReaL at equal k": row.accuracy_at_equal_labels, **row.flags,
    }  # fmt: skip
