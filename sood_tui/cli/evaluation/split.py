"""Commands that evaluate a split: sood, bands, classifier."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import EngineError
from sood_tui.cli import execution
from sood_tui.cli.context import AsJson, open_workspace, settings_of, workspace_of
from sood_tui.cli.evaluation import submitting
from sood_tui.cli.output import emit_json, emit_table, say

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SplitName = Annotated[str, typer.Option("--split", help="Name of the split.")]
BAND_COLUMNS = {
    "band": "band",
    "subclasses": "subclasses",
    "images": "pictures",
    "median": "median score",
    "quartiles": "5-25-75-95 %",
    "kept": "kept",
    "accuracy": "accuracy",
    "against_train": "AUROC train against it",
    "against_far": "AUROC it against far",
}


@app.command("sood")
def sood(
    context: typer.Context,
    methods: Annotated[list[str] | None, typer.Argument(metavar="[METHOD]...", help="Detectors.")] = None,
    split: SplitName = "main",
    far: Annotated[list[str] | None, typer.Option("--far", metavar="SYNSET", help="Subtrees that are far.")] = None,
    far_synsets: Annotated[int, typer.Option(min=1, help="Without --far: so many synsets, sampled.")] = 20,
    model: Annotated[str | None, typer.Option(help="As for scoring.")] = None,
    pretrained: Annotated[str | None, typer.Option(help="As for scoring.")] = None,
    device: execution.Device = None,
    executor: execution.ExecutorName = "local",
    address: execution.Address = None,
    storage: execution.Storage = None,
    priority: execution.Priority = 0,
    estimate: execution.OnlyEstimate = False,
    force: execution.Force = False,
    corpus: Annotated[str, typer.Option(help="neglabel, nouns, csp or file:PATH.")] = "neglabel",
    negatives: Annotated[str | None, typer.Option(help="Negative labels that were mined before.")] = None,
    keep: Annotated[float, typer.Option(help="Share of each part of speech to keep.")] = 0.15,
    groups: Annotated[int | None, typer.Option(min=1, help="Groups of NegLabel and its kin.")] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a split: train is ID, its other bands are generalisation sets, far synsets are OOD.

    Example: sood-tui evaluation sood neglabel mcm --far plant.n.02
    """
    from sood_tui.orders.evaluation import sood_request

    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    with open_workspace(context) as workspace:
        request = sood_request(
            workspace, split, far or (), far_synsets, methods=methods or (), corpus=corpus, negatives=negatives,
            keep=keep, groups=groups, execution=how,
        )  # fmt: skip
    request = submitting.with_model(context, request, model, pretrained, device)
    submitting.submit_and_show(context, request, False, as_json)


@app.command("bands")
def bands(
    context: typer.Context,
    run: Annotated[int, typer.Argument(help="An evaluation of the split.")],
    method: Annotated[str | None, typer.Option(help="Which method; without it, neglabel or the run's first.")] = None,
    split: SplitName = "main",
    easy: Annotated[float | None, typer.Option(help="Percentile below which a subclass is not train.")] = None,
    hard: Annotated[float | None, typer.Option(help="Percentile below which a subclass is hard.")] = None,
    as_json: AsJson = False,
) -> None:
    """Cut the bands anew from the scores of an evaluation; nothing is encoded again.

    Example: sood-tui evaluation bands 4 --easy 50 --hard 25
    """
    from engine.evaluation.bands import recut

    if (easy is None) != (hard is None):
        raise EngineError("--easy and --hard go together.")
    percentiles = None if easy is None or hard is None else (hard, easy)
    with open_workspace(context) as workspace:
        found = recut(workspace, run, method, split, percentiles)
    if as_json:
        emit_json(found)
        return
    rows = [
        {
            "band": one.band,
            "subclasses": one.subclasses,
            "images": one.images,
            "median": one.quartiles[2],
            "quartiles": " ".join(f"{value:.3f}" for place, value in enumerate(one.quartiles) if place != 2),
            "kept": f"{100 * one.kept:.1f} %",
            "accuracy": "" if one.accuracy is None else f"{100 * one.accuracy:.1f} %",
            "against_train": _with_interval(one.against_train, one.against_train_at),
            "against_far": "" if one.against_far is None else f"{100 * one.against_far:.2f}",
        }
        for one in found
    ]  # fmt: skip
    emit_table(rows, BAND_COLUMNS)
    say("kept: share at or above the threshold that keeps 95 % of train.")
    say("Only far is OOD; in the other bands the class is still valid.")


def _with_interval(value: float | None, at: Any) -> str:
    if value is None:
        return ""
    return f"{100 * value:.2f} ({100 * at.low:.1f}-{100 * at.high:.1f})" if at else f"{100 * value:.2f}"


@app.command("classifier")
def classifier(
    context: typer.Context,
    predictions: Annotated[str, typer.Argument(help="CSV or npz of predictions, timm:NAME or torchvision:NAME.")],
    split: SplitName = "main",
    classes: Annotated[
        str | None, typer.Option(help="What the model's outputs are called: a file, imagenet-1k or superclasses.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Weights for timm or torchvision.")] = None,
    holdout: Annotated[float, typer.Option(help="Share of train that counts; 1: all that is there.")] = 1.0,
    name: Annotated[str | None, typer.Option(help="What to call the model.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures in a batch.")] = 64,
    device: execution.Device = None,
    executor: execution.ExecutorName = "local",
    address: execution.Address = None,
    storage: execution.Storage = None,
    priority: execution.Priority = 0,
    estimate: execution.OnlyEstimate = False,
    force: execution.Force = False,
    as_json: AsJson = False,
) -> None:
    """Score a classifier on train-holdout and the other bands: accuracy, macro-F1, the drop, detection from its logits.

    CSV has PATH,CLASS lines; npz has paths, logits (or predicted) and class_names.

    Example: sood-tui evaluation classifier predictions.npz --holdout 0.2
    """
    from engine.evaluation.classifiers.bands import ClassifierRequest, score_predictions
    from engine.evaluation.classifiers.files import read_predictions
    from engine.evaluation.classifiers.job import ClassifyRequest, class_names_of, submit
    from engine.events import new_event_id, now
    from sood_tui.cli.following import follow

    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    target = workspace_of(context)
    settings = settings_of(target, scoring__device=device)
    scoring = ClassifierRequest(name or predictions, split, holdout, target.seed, settings.reviewer)
    if predictions.startswith(("timm:", "torchvision:")):
        with open_workspace(context) as workspace:
            names = class_names_of(workspace, classes or "superclasses", split)
            request = ClassifyRequest(
                predictions, str(checkpoint) if checkpoint else None, names, scoring, batch_size,
                settings.text("scoring.device"), how,
            )  # fmt: skip
            job_id = submit(workspace, request)
        if estimate:
            raise typer.Exit(execution.Following(False, as_json).until_its_end(target.root, job_id, how))
        code = follow(target.root, job_id)
        if code:
            raise typer.Exit(code)
        submitting.show_classifier(context, job_id, as_json)
        return
    execution.refuse_for_file(how)
    with open_workspace(context) as workspace:
        given = class_names_of(workspace, classes, split) if classes else None
        found = read_predictions(Path(predictions), given)
        key = f"classifier-{new_event_id().hex}"
        with workspace.opened().writing() as cursor:
            score_predictions(workspace, cursor, found, scoring, key, now())
    submitting.show_classifier(context, key, as_json)
