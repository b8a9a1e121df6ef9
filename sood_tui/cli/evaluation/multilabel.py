"""Commands of the room evaluation on pictures with several labels: predictions, their numbers, drops, patches."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sood_tui.cli import execution
from sood_tui.cli.context import AsJson, open_workspace, settings_of, workspace_of
from sood_tui.cli.output import emit, emit_json, emit_table, say

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SetText = Annotated[
    str, typer.Argument(metavar="SET", help="SOURCE, or SOURCE@root:NAME, SOURCE@split:hard, SOURCE@subtree:SYNSET.")
]
GROUP_COLUMNS = ["labels", "images", "top1", "real_accuracy", "recall", "recall_low", "recall_high", "exact"]
NOTE = (
    "Each aggregate is named by what it averages: macro over the groups of k, weighted over pictures, multi_only macro "
    "over k >= 2. The equation of arXiv 2412.18409 was not recovered; none of them is called that paper's."
)


@app.command()
def predict(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the predictions are called from now on.")],
    origin: Annotated[
        str,
        typer.Argument(metavar="FROM", help="FILE.csv, FILE.npz, zero-shot, timm:MODEL or torchvision:MODEL."),
    ],
    classes: Annotated[
        str | None, typer.Option(help="imagenet_1k, pictures, accepted, or a file with a wnid a line.")
    ] = None,
    root: Annotated[str | None, typer.Option(help="Only pictures of this image root.")] = None,
    names: Annotated[Path | None, typer.Option(help="File names of the rows, where an npz has no `files`.")] = None,
    model: Annotated[str | None, typer.Option(help="Whose embeddings, for zero-shot.")] = None,
    template: Annotated[str, typer.Option(help="Prompt template with {}, for zero-shot.")] = "a photo of a {}",
    checkpoint: Annotated[Path | None, typer.Option(help="Weights of a timm or torchvision model.")] = None,
    batch_size: Annotated[int, typer.Option(help="Pictures in a batch; halved when memory runs out.")] = 128,
    device: execution.Device = None,
    executor: execution.ExecutorName = "local",
    address: execution.Address = None,
    storage: execution.Storage = None,
    priority: execution.Priority = 0,
    estimate: execution.OnlyEstimate = False,
    force: execution.Force = False,
    detach: execution.Detach = False,
    as_json: AsJson = False,
) -> int:
    """Take in what a classifier predicts: from a file, zero-shot from the embeddings, or by running a model.

    Example: sood-tui evaluation predict resnet50 logits.npz --root ILSVRC2012_val
    """
    from engine.labels import classifiers

    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    workspace = workspace_of(context)
    settings = settings_of(workspace, scoring__device=device)
    where, reviewer = settings.text("scoring.device"), settings.reviewer
    is_file = origin != "zero-shot" and not origin.startswith(("timm:", "torchvision:"))
    if is_file:
        execution.refuse_for_file(how)
    job_id = ""
    with open_workspace(context) as opened:
        if is_file:
            report = classifiers.import_predictions(opened, Path(origin), name, classes or "imagenet_1k", root, names)
        elif origin == "zero-shot":
            job_id = classifiers.submit_zero_shot(
                opened, name, classes or "pictures", model, template, where, reviewer, how
            )
        else:
            job_id = classifiers.submit_model(
                opened, name, origin, checkpoint, classes or "imagenet_1k", root, batch_size, where, reviewer, how
            )
    if job_id:
        return execution.Following(detach, as_json).until_its_end(workspace.root, job_id, how)
    if as_json:
        emit_json(report)
    say(f"{name}: {report.matched:,} of {report.rows:,} rows are one picture here.")
    if report.absent or report.ambiguous:
        say(f"{report.absent:,} names are no picture here, {report.ambiguous:,} are several.")
    return 0


@app.command()
def predictions(context: typer.Context, as_json: AsJson = False) -> None:
    """List the predictions that were taken in.

    Example: sood-tui evaluation predictions
    """
    from store.labels.predictions import fetch_prediction_runs

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        runs = fetch_prediction_runs(cursor)
    rows = [
        {
            "predictions": run.predictions, "kind": run.kind, "origin": run.origin, "classes": len(run.classes),
            "depth": run.depth, "rows": run.rows, "matched": run.matched, "sha256": run.sha256, "made_at": run.made_at,
        }
        for run in runs
    ]  # fmt: skip
    columns = ["predictions", "kind", "origin", "classes", "depth", "rows", "matched", "made_at"]
    emit(rows, columns, as_json, "There are none yet: `sood-tui evaluation predict`.")


@app.command()
def forget(context: typer.Context, name: Annotated[str, typer.Argument(help="Predictions.")]) -> None:
    """Forget the predictions of a classifier; files and weights stay where they are.

    Example: sood-tui evaluation forget resnet50
    """
    from store.labels import predictions as store

    with open_workspace(context) as workspace, workspace.opened().writing() as cursor:
        store.fetch_prediction_run(cursor, name)
        store.delete_predictions(cursor, name)
    say(f"{name} is forgotten.")


@app.command()
def multilabel(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PREDICTIONS", help="`evaluation predictions` lists them.")],
    sets: Annotated[
        list[str], typer.Argument(metavar="SET ...", help="SOURCE, SOURCE@root:NAME, SOURCE@split:hard ...")
    ],
    smallest: Annotated[int, typer.Option(help="Groups with fewer pictures are shown as one; display only.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show top-1, ReaL accuracy, variable top-k recall and exact match, for each number of valid labels.

    Example: sood-tui evaluation multilabel resnet50 real imagenetv2
    """
    from engine.labels.numbers import report, subgroups
    from engine.labels.sets import judged_set

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        judged = [judged_set(workspace, cursor, name, text) for text in sets]
    found = [report(one.numbers) for one in judged]
    if as_json:
        emit_json(
            {"predictions": name, "note": NOTE, "sets": [_document(o, r) for o, r in zip(judged, found, strict=True)]}
        )
        return
    emit_table(
        [_row(one, numbers) for one, numbers in zip(judged, found, strict=True)], list(_row(judged[0], found[0]))
    )
    for one in judged:
        say(f"{one.name}: by number of valid labels")
        emit_table(subgroups(one.numbers, smallest), GROUP_COLUMNS)
        _say_left_out(one)
    say(NOTE)


@app.command()
def drop(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PREDICTIONS", help="`evaluation predictions` lists them.")],
    first: SetText,
    second: SetText,
    values: Annotated[str, typer.Option(help="top1, real, recall or exact.")] = "top1",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Split the drop from one set to another into composition and what remains at equal numbers of labels.

    Example: sood-tui evaluation drop resnet50 real@root:val imagenetv2@root:v2
    """
    from engine.errors import EngineError
    from engine.labels.decomposition import decompose
    from engine.labels.sets import judged_set

    if values not in ("top1", "real", "recall", "exact"):
        raise EngineError(f"{values!r} is no number.", "One of: top1, real, recall, exact.")
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        judged = [judged_set(workspace, cursor, name, text) for text in (first, second)]
    found = decompose(judged[0].numbers, judged[1].numbers, values, seed=seed)
    sentence = found.sentence(first, second)
    if as_json:
        share = found.composition_share
        emit_json({"values": values, "decomposition": found, "composition_share": share, "sentence": sentence})
        return
    emit_table(found.groups, ["labels", "weight_a", "weight_b", "mean_a", "mean_b", "composition", "within"])
    parts = [("drop", found.drop, found.drop_interval), ("composition", found.composition, found.composition_interval),
             ("within", found.within, found.within_interval)]  # fmt: skip
    rows = [{"part": part, "value": value, "low": low, "high": high} for part, value, (low, high) in parts]
    emit_table(rows, ["part", "value", "low", "high"])
    say(sentence)
    for one in judged:
        _say_left_out(one)


@app.command()
def patches(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Is made.")],
    boxes: Annotated[Path, typer.Option(help="ImageNet XML, Tiny ImageNet text files, a folder of such, or CSV.")],
    images: Annotated[int, typer.Option(help="How many pictures.")] = 1000,
    cells: Annotated[int, typer.Option(min=1, help="Cells in a row and in a column.")] = 2,
    cell_size: Annotated[int, typer.Option(help="Side of a cell in pixels.")] = 112,
    labels: Annotated[str, typer.Option(metavar="K or A-B", help="Distinct classes of a picture.")] = "1-4",
    blank: Annotated[bool, typer.Option("--blank", help="Leave further cells empty.")] = False,
    truth: Annotated[str | None, typer.Option(help="Take only pictures whose one valid label is their own.")] = None,
    add: Annotated[
        str | None, typer.Option(metavar="NAME", help="Add them as an image root and a source of labels.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything drawn; else the workspace's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make pictures with certain labels: single objects, cut out by their boxes, in the cells of a grid (our layout).

    Example: sood-tui evaluation patches patches --boxes annotations --labels 1-4 --blank --add patches
    """
    from engine.errors import EngineError
    from engine.images.roots import add_root
    from engine.labels.boxes import read_boxes
    from engine.labels.importing import import_truth
    from engine.labels.patches import LABELS, LIST, PatchSettings, find_patches, write

    least, most = _range(labels)
    with open_workspace(context) as workspace:
        settings = PatchSettings(images, cells, cell_size, least, most, blank, workspace.seed if seed is None else seed)
        with workspace.opened().reading() as cursor:
            found, left_out = find_patches(cursor, read_boxes(boxes.expanduser()), truth)
        if not found:
            reasons = ", ".join(f"{n} {reason}" for reason, n in left_out.items())
            raise EngineError(f"None of the boxes can be used: {reasons}.", "Add their pictures: `images add ROOT`.")
        place = folder.expanduser().absolute()
        report = write(place, found, left_out, settings, _progress)
        if add:
            add_root(workspace, place / LIST, name=add, layout="list")
            import_truth(workspace, place / LABELS, "csv", add, add)
    if as_json:
        emit_json(report)
        return
    say(f"{report.images:,} pictures in {report.folder}, of {report.patches:,} objects of {report.classes} classes.")
    for reason, count in report.left_out.items():
        say(f"{count:,} boxes were not used: {reason}.")
    if add:
        say(f"They are the root and the source {add}: `sood-tui evaluation multilabel PREDICTIONS {add}`.")


def _range(text: str) -> tuple[int, int]:
    from engine.errors import EngineError

    least, _, most = text.partition("-")
    if not least.isdecimal() or not (most or least).isdecimal():
        raise EngineError(f"{text!r} is no number of labels.", "Write 2, or 1-4.")
    return int(least), int(most or least)


def _progress(done: int, total: int) -> None:
    if done == total or done % 500 == 0:
        say(f"{done:,} of {total:,} pictures")


def _document(judged: Any, report: Any) -> dict[str, object]:
    left_out = {key: getattr(judged, key) for key in ("with_truth", "not_predicted", "outside", "labels_outside")}
    return {"set": judged.name, **left_out, "report": report}


def _row(judged: Any, report: Any) -> dict[str, object]:
    return {
        "set": judged.name, "images": report.images, "no label": report.images_without_label,
        "multi": report.multi_label_share, "mean k": report.mean_labels, "top1": report.top1,
        "top1 (k>=1)": report.top1_with_label, "ReaL": report.real_accuracy, **report.aggregates,
    }  # fmt: skip


def _say_left_out(judged: Any) -> None:
    if judged.not_predicted:
        say(f"{judged.name}: {judged.not_predicted:,} of {judged.with_truth:,} pictures have no prediction.")
    if judged.outside:
        say(f"{judged.name}: {judged.outside:,} pictures show only classes that the classifier does not know.")
    if judged.labels_outside:
        say(f"{judged.name}: {judged.labels_outside:,} labels are no classes of the classifier and do not count.")
