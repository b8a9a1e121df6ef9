"""Commands of the room evaluation: run, list, show, sweep, compare, export, and groups for sets and negative labels."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import EngineError
from sood_tui.cli import execution
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.evaluation import submitting
from sood_tui.cli.evaluation.multilabel import app as multilabel_app
from sood_tui.cli.evaluation.negatives import app as negatives_app
from sood_tui.cli.evaluation.results import app as results_app
from sood_tui.cli.evaluation.sets import app as sets_app
from sood_tui.cli.evaluation.split import app as split_app
from sood_tui.cli.evaluation.sweep import app as sweep_app
from sood_tui.cli.evaluation.table import RUN_COLUMNS, emit_sweep, run_rows, say_conventions, say_run, table_columns
from sood_tui.cli.output import emit, emit_json, emit_table, say

app = typer.Typer(
    name="evaluation",
    help="How well a detector tells ID from OOD pictures.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(results_app)
app.add_typer(sweep_app)
app.add_typer(split_app)
app.add_typer(multilabel_app)
app.add_typer(sets_app, name="sets")
app.add_typer(negatives_app, name="negatives")

Ids = Annotated[str | None, typer.Option("--id", metavar="SET", help="The ID set: a named set or a source.")]
Oods = Annotated[list[str] | None, typer.Option("--ood", metavar="NAME=SET", help="An OOD set; repeat for more.")]
Near = Annotated[list[str] | None, typer.Option("--near", metavar="NAME=SET", help="An OOD set of the near group.")]
Far = Annotated[list[str] | None, typer.Option("--far", metavar="NAME=SET", help="An OOD set of the far group.")]
Bands = Annotated[
    list[str] | None, typer.Option("--band", metavar="NAME=SET", help="A generalisation set: its classes are valid.")
]
LabelsOf = Annotated[
    str | None, typer.Option("--labels", help="superclass, subclass, class, imagenet-1k or file:PATH.")
]
ModelOf = Annotated[str | None, typer.Option("--model", help="open_clip's name, local-dir:FOLDER, hf-hub:X or none.")]
TagOf = Annotated[str | None, typer.Option("--pretrained", help="open_clip's tag, or the path of a checkpoint.")]
CorpusOf = Annotated[str, typer.Option("--corpus", help="neglabel, nouns, csp, lexicographer files, or file:PATH.")]
Given = Annotated[str | None, typer.Option("--negatives", help="Negative labels that were mined before.")]
Percentile = Annotated[float, typer.Option("--percentile", help="Of the distances to the ID labels, in [0, 1].")]
Keep = Annotated[float, typer.Option("--keep", help="Share of each part of speech to keep.")]
Count = Annotated[int | None, typer.Option("--count", min=1, help="So many negative labels instead of a share.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Of the groups, streams, halves and intervals.")]
Detach = Annotated[bool, typer.Option("--detach", help="Leave the job running and come back at once.")]


@app.command("run")
def run_evaluation(
    context: typer.Context,
    methods: Annotated[
        list[str] | None, typer.Argument(metavar="[METHOD]...", help="`evaluation methods` lists them.")
    ] = None,
    id_set: Ids = None,
    ood: Oods = None,
    near: Near = None,
    far: Far = None,
    band: Bands = None,
    preset: Annotated[str | None, typer.Option(help="imagenet-four, openood or negrefine, with --data.")] = None,
    data: Annotated[Path | None, typer.Option(help="The folder that holds the sets of the preset.")] = None,
    labels: LabelsOf = None,
    model: ModelOf = None,
    pretrained: TagOf = None,
    device: execution.Device = None,
    corpus: CorpusOf = "neglabel",
    negatives: Given = None,
    percentile: Percentile = 0.05,
    keep: Keep = 0.15,
    count: Count = None,
    ranking: Annotated[str, typer.Option(help="neglabel or interneg (needs labelled ID pictures).")] = "neglabel",
    hyponyms: Annotated[
        bool, typer.Option("--without-hyponyms", help="Leave words below ID synsets out of the corpus.")
    ] = False,
    proper: Annotated[bool, typer.Option("--without-proper", help="Leave proper nouns out of the corpus.")] = False,
    groups: Annotated[int | None, typer.Option(min=1, help="Groups of NegLabel and its kin.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Of the softmax; 0.01 is CLIP's own.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of a method.")
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="For ID labels and nouns, with {}.")] = None,
    adjective_prompt: Annotated[str | None, typer.Option(help="For adjectives, with {}.")] = None,
    relatives: Annotated[str, typer.Option(help="Pictures of kin of ID synsets in OOD sets: drop or report.")] = "drop",
    order: Annotated[
        str, typer.Option(help="Streams of adaptive methods, each a row: shuffled, id-first, ood-first.")
    ] = "shuffled,id-first,ood-first",
    calibration: Annotated[float, typer.Option(help="Share of ID pictures that only set the threshold.")] = 0.0,
    tpr: Annotated[float, typer.Option(help="Share of ID that the threshold keeps.")] = 0.95,
    seed: Seed = None,
    compat: Annotated[bool, typer.Option("--compat", help="NegLabel as published, with its quirks.")] = False,
    re_embed: Annotated[bool, typer.Option("--re-embed", help="Embed files anew that have changed.")] = False,
    executor: execution.ExecutorName = "local",
    address: execution.Address = None,
    storage: execution.Storage = None,
    priority: execution.Priority = 0,
    estimate: execution.OnlyEstimate = False,
    force: execution.Force = False,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Score pictures with detectors and say how well each tells ID from OOD.

    Example: sood-tui evaluation run neglabel mcm --id split:train --ood birds=subtree:bird --labels superclass
    """
    from engine.evaluation.request import DEFAULT_METHODS
    from engine.evaluation.words.corpus import CorpusSettings
    from engine.evaluation.words.sources import MiningRequest

    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    numbers = {"groups": groups, "temperature": temperature}
    given = {key: value for key, value in numbers.items() if value is not None} | _settings(setting or [])
    mining = MiningRequest(
        negatives, "", CorpusSettings(corpus, not compat, hyponyms, proper, compat), percentile, keep, count,
        ranking=ranking,
    )  # fmt: skip
    sets = submitting.asked_sets(id_set, ood, near, far, band, preset, data)
    if relatives not in ("drop", "report"):
        raise EngineError(f"--relatives {relatives} is not drop or report.")
    request = submitting.asked(
        context, sets, model, pretrained, device, seed,
        methods=methods or DEFAULT_METHODS, labels=labels or _preset_labels(preset), settings=given, mining=mining,
        label_prompt=prompt, adjective_prompt=adjective_prompt, relatives=relatives,
        orders=[one.strip() for one in order.split(",") if one.strip()],
        calibration=calibration, wanted=tpr, re_embed=re_embed, compatible=compat,
        execution=how,
    )  # fmt: skip
    submitting.submit_and_show(context, request, detach, as_json)


@app.command("list")
def list_runs(context: typer.Context, as_json: AsJson = False) -> None:
    """List the evaluations, oldest first.

    Example: sood-tui evaluation list
    """
    from store.evaluation.runs import fetch_evaluations

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        runs = fetch_evaluations(cursor)
    rows = [{**{key: getattr(run, key) for key in RUN_COLUMNS}} for run in runs]
    emit(rows, RUN_COLUMNS, as_json, empty="Nothing was evaluated yet: `sood-tui evaluation run`.")


@app.command("show")
def show(
    context: typer.Context,
    run: Annotated[int, typer.Argument(help="Number of the evaluation.")],
    classes: Annotated[bool, typer.Option("--classes", help="Also one row a superclass and synset.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also trapezoids and compatible FPR95.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the table of an evaluation, with its conventions named.

    Example: sood-tui evaluation show 3 --classes
    """
    from engine.evaluation.reports.reading import read_run
    from store.evaluation.runs import fetch_sweep

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        view = read_run(cursor, run)
        swept = fetch_sweep(cursor, run)
    if as_json:
        emit_json({"run": view, "sweep": swept, "warnings": view.warnings})
        return
    if view.run.kind == "classifier":
        submitting.say_classifier(view)
        return
    say_run(view)
    if swept:
        emit_sweep(swept)
        return
    for adaptive in (False, True):
        rows = [row for row in run_rows(view) if row["is_adaptive"] is adaptive]
        if rows:
            if adaptive:
                say("Stream-adaptive methods depend on the order of the pictures; they are not ranked with the others.")
            emit_table(rows, table_columns(every, adaptive))
    say_conventions(view)
    if classes:
        emit_table(view.classes, {"method": "method", "scope": "scope", "part": "set", "class_": "class",
                                  "metric": "number", "value": "value", "low": "low", "high": "high"})  # fmt: skip


@app.command("methods")
def list_methods(as_json: AsJson = False) -> None:
    """List the detectors with their papers and settings.

    Example: sood-tui evaluation methods
    """
    from engine.evaluation.methods import all_methods

    rows = [
        {"name": m.name, "title": m.title, "kind": "adaptive" if m.adaptive else "static", "paper": m.paper,
         "settings": ", ".join(f"{key}={value}" for key, value in m.defaults.items())}
        for m in all_methods().values()
    ]  # fmt: skip
    emit(rows, ["name", "title", "kind", "paper", "settings"], as_json)


def _settings(pairs: list[str]) -> dict[str, Any]:
    from engine.evaluation.methods import all_methods

    known = {key: value for method in all_methods().values() for key, value in method.defaults.items()}
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in known:
            raise EngineError(f"--set {pair!r}: there is no such setting.", f"Settings are {', '.join(sorted(known))}.")
        try:
            found[key] = type(known[key])(value)
        except ValueError as error:
            raise EngineError(f"--set {key}: {value!r} is no {type(known[key]).__name__}.") from error
    return found


def _preset_labels(preset: str | None) -> str | None:
    from engine.evaluation.sets.presets import PRESETS

    return PRESETS[preset].labels if preset in PRESETS else None
