"""Multi-label truth: import, list, unmatched, flags, classes, remove; the queue of proposals stands beside."""

from pathlib import Path
from typing import Annotated

import typer

from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.labels.review import app as review_app
from sood_tui.cli.output import emit, emit_json, say

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="One label or several.")
app.add_typer(review_app)


@app.command("import")
def import_labels(
    context: typer.Context,
    path: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The file; ReaL comes with the program.")
    ] = None,
    kind: Annotated[str, typer.Option(help="real, imagenetv2 or csv.")] = "real",
    name: Annotated[str | None, typer.Option(help="The name of this source.")] = None,
    root: Annotated[str | None, typer.Option(help="Only pictures of this image root.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import a file of valid labels as a source of its own.

    Pictures are found by file name, synsets by the ImageNet-1k list. What does not match is kept and listed.

    Example: sood-tui labels import --kind real --root ILSVRC2012_val
    """
    from engine.labels.importing import import_truth

    with open_workspace(context) as workspace:
        report = import_truth(workspace, path, kind, name, root)
    if as_json:
        emit_json(report)
        return
    say(f"{report.source}: {report.matched:,} of {report.files:,} entries name a picture here.")
    say(f"{report.multi_label:,} pictures have two labels or more, {report.without_label:,} have none.")
    if report.absent or report.ambiguous:
        say(
            f"{report.absent:,} names are no picture here, {report.ambiguous:,} are several: "
            f"`sood-tui labels unmatched {report.source}`."
        )


@app.command("list")
def list_labels(
    context: typer.Context,
    source: Annotated[str | None, typer.Argument(help="Show how many pictures of this source have k labels.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the sources, or the number of valid labels in one of them.

    Example: sood-tui labels list real
    """
    from collections import Counter

    from engine.labels.sources import labelled_images
    from store.labels import truth as labels

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        if source is None:
            emit(
                labels.fetch_sources(cursor), ["source", "kind", "files", "matched", "path"], as_json, "No source yet."
            )
            return
        found = Counter(len(image.wnids) for image in labelled_images(cursor, source))
        counts = [{"labels": k, "images": n} for k, n in sorted(found.items())]
        emit(counts, ["labels", "images"], as_json)


@app.command()
def unmatched(context: typer.Context, source: str, as_json: AsJson = False) -> None:
    """List the entries of a source that name no picture here, with their line and the reason.

    Example: sood-tui labels unmatched real
    """
    from store.labels import truth as labels

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        labels.fetch_source(cursor, source)
        rows = [
            {"line": line, "file": file, "reason": reason}
            for line, file, reason in labels.fetch_unmatched(cursor, source)
        ]
        emit(rows, ["line", "file", "reason"], as_json, "Every entry names one picture.")


@app.command()
def flags(
    context: typer.Context,
    source: str,
    flag: Annotated[list[str] | None, typer.Option(help="no_valid_label, other_label or clutter; may repeat.")] = None,
    as_json: AsJson = False,
) -> None:
    """List pictures whose single label is in doubt: none valid, another valid, three or more valid.

    Example: sood-tui labels flags real --flag clutter
    """
    from engine.errors import EngineError
    from engine.labels.flags import FLAGS, flagged

    wanted = tuple(flag or FLAGS)
    if unknown := [name for name in wanted if name not in FLAGS]:
        raise EngineError(f"{unknown[0]!r} is no flag.", f"Flags are: {', '.join(FLAGS)}.")
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        emit(flagged(cursor, source, wanted), ["flag", "original", "wnids", "path"], as_json, "No picture is flagged.")


@app.command()
def classes(
    context: typer.Context,
    source: str,
    predictions: Annotated[str | None, typer.Option(help="Also the accuracies of these predictions.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the synsets of a source: share of pictures with several labels, mean number, and what a classifier does.

    Example: sood-tui labels classes real --predictions resnet50
    """
    from engine.labels.sets import judge_images, per_class
    from engine.labels.sources import labelled_images
    from store.evaluation.sets import fetch_lemmas

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        truth = labelled_images(cursor, source)
        judged = judge_images(cursor, predictions, truth, source) if predictions else None
        words = fetch_lemmas(cursor, sorted({image.original for image in truth}))
        rows = per_class(truth, {wnid: lemmas[0] for wnid, lemmas in words.items()}, judged)
    columns = ["wnid", "lemma", "images", "without_label", "multi_label_share", "mean_labels", "own_label_valid"]
    emit(rows, [*columns, *(["top1", "real_accuracy", "gap"] if predictions else [])], as_json, "No picture there.")


@app.command()
def remove(context: typer.Context, source: str) -> None:
    """Forget a source and its labels; the file stays where it is.

    Example: sood-tui labels remove real
    """
    from store.labels import truth as labels

    with open_workspace(context) as workspace, workspace.opened().writing() as cursor:
        labels.fetch_source(cursor, source)
        labels.delete_source(cursor, source)
    say(f"{source} is forgotten.")
