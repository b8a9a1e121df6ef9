"""The command that tries many settings of NegLabel at once."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from engine.errors import EngineError
from sood_tui.cli import execution
from sood_tui.cli.context import AsJson, open_workspace, settings_of, workspace_of
from sood_tui.cli.evaluation import submitting
from sood_tui.cli.output import say

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("sweep")
def sweep(
    context: typer.Context,
    run: Annotated[int | None, typer.Argument(help="An evaluation whose sets, labels and words are taken.")] = None,
    id_set: Annotated[str | None, typer.Option("--id", metavar="SET", help="The ID set, without RUN.")] = None,
    ood: Annotated[list[str] | None, typer.Option("--ood", metavar="NAME=SET", help="An OOD set, without RUN.")] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="superclass, subclass, class, imagenet-1k or file:PATH.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="MODEL[,TAG]", help="Repeat it to sweep over models.")
    ] = None,
    pretrained: Annotated[str | None, typer.Option("--pretrained", help="Weights of a single --model.")] = None,
    device: execution.Device = None,
    executor: execution.ExecutorName = "local",
    address: execution.Address = None,
    storage: execution.Storage = None,
    priority: execution.Priority = 0,
    estimate: execution.OnlyEstimate = False,
    force: execution.Force = False,
    prompt: Annotated[
        list[str] | None, typer.Option("--prompt", help="For ID labels and nouns, with {}; repeat it to sweep.")
    ] = None,
    corpus: Annotated[
        list[str] | None, typer.Option("--corpus", help="neglabel, nouns, csp, file:PATH; repeat it to sweep.")
    ] = None,
    negatives: Annotated[
        str | None, typer.Option("--negatives", help="Negative labels that were mined before.")
    ] = None,
    counts: Annotated[
        str | None, typer.Option(help="Numbers of negative labels; without it, shares of what RUN has.")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(help="Numbers of groups that divide one another; without it, what the counts can fill."),
    ] = None,
    temperatures: Annotated[str, typer.Option(help="Temperatures.")] = "0.005,0.01,0.02,0.05,0.1",
    percentiles: Annotated[str, typer.Option(help="Percentiles of the ranking, each a variant.")] = "0.05",
    seed: Annotated[int | None, typer.Option("--seed", help="Of the groups, halves and intervals.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Leave the job running and come back at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try every combination of settings of NegLabel: a preview on a sample, then all pictures.

    The best setting over all axes is chosen on one half of every set and reported on the other.

    Example: sood-tui evaluation sweep 3 --counts 1000,5000 --temperatures 0.01,0.02 --prompt "the {}" --prompt "{}"
    """
    from engine.evaluation.plan import SweepPlan

    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    models = [_model(text, pretrained) for text in model or ()]
    if pretrained is not None and len(models) != 1:
        raise EngineError("--pretrained belongs to a single --model.", "With several write --model MODEL,TAG.")
    one = models[0] if models else (None, None)
    grid = _grid(context, run, counts, groups)
    plan = SweepPlan(
        *grid, _numbers(temperatures), _numbers(percentiles), tuple(prompt or ()),
        tuple(corpus or ()) if negatives is None or corpus else (), tuple(models) if len(models) > 1 else (),
    )  # fmt: skip
    if run is None:
        sets = submitting.asked_sets(id_set, ood, None, None, None, None, None)
        request = submitting.asked(context, sets, one[0], one[1], device, seed)
    elif id_set or ood:
        raise EngineError(f"Evaluation {run} has sets of its own.", "Leave --id and --ood out, or leave RUN out.")
    else:
        request = _of_run(context, run, one, device, seed)
        _say_preview(context, run, plan)
    request = replace(
        request,
        methods=("neglabel",),
        sweep=plan,
        labels=labels or request.labels,
        title=f"sweep {','.join(map(str, plan.counts))}",
        execution=how,
        mining=replace(request.mining, given=negatives or (None if corpus else request.mining.given)),
    )
    submitting.submit_and_show(context, request, detach, as_json)


def _model(text: str, pretrained: str | None) -> tuple[str, str | None]:
    name, comma, tag = text.partition(",")
    return name.strip(), tag.strip() if comma else pretrained


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise EngineError(f"{text!r} is not a list of numbers.", "Write them with commas: 1,5,100.") from error


def _whole(text: str) -> tuple[int, ...]:
    found = _numbers(text)
    if any(number != int(number) for number in found):
        raise EngineError(f"{text!r} is not a list of whole numbers.", "Write them with commas: 1,5,100.")
    return tuple(int(number) for number in found)


def _grid(
    context: typer.Context, run_id: int | None, counts: str | None, groups: str | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of labels and of groups: those given, else what the words of the run can fill, else usual ones."""
    from engine.evaluation.again import default_grid, words_of_run

    most = max(_whole(counts)) if counts and _whole(counts) else 10_000
    if run_id is not None and counts is None:
        with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
            most = words_of_run(cursor, run_id) or most
    usual = default_grid(min(_whole(counts)) if counts and _whole(counts) else most)
    return _whole(counts) if counts else usual.counts, _whole(groups) if groups else usual.groups


def _of_run(
    context: typer.Context, run_id: int, model: tuple[str | None, str | None], device: str | None, seed: int | None
) -> Any:
    """The request that would lead to a run again, without bands; with another model if one is named."""
    from engine.evaluation.again import request_of_run

    settings = settings_of(workspace_of(context), scoring__device=device)
    with open_workspace(context) as workspace:
        request = request_of_run(
            workspace, run_id, settings.reviewer, settings.text("scoring.device"), with_bands=False
        )
    if model[0] is not None:
        request = replace(request, model=None if model[0] == "none" else model[0], pretrained=model[1])
    return request if seed is None else replace(request, seed=seed)


def _say_preview(context: typer.Context, run_id: int, plan: Any) -> None:
    """Sweep over a sample from what is embedded already, while the exact sweep is still to come."""
    from engine.evaluation.again import preview
    from engine.evaluation.sweeps.grid import Grid

    try:
        with open_workspace(context) as workspace:
            found = preview(workspace, run_id, Grid(plan.counts, plan.groups, plan.temperatures))
    except EngineError as error:
        say(f"No preview: {error.message}")
        return
    best = sorted(found, key=lambda row: -row.auroc)[:3]
    say(
        f"Preview on {found[0].n_id:,} ID pictures and a sample of OOD, with the model, prompt and words of evaluation "
        f"{run_id}; the best:"
    )
    for row in best:
        interval = f"{100 * row.auroc_low:.1f}-{100 * row.auroc_high:.1f}"
        setting = f"{row.count:,} words, {row.groups} groups, temperature {row.temperature:g}"
        say(f"  AUROC {100 * row.auroc:.2f} ({interval}) on {row.ood}: {setting}")
