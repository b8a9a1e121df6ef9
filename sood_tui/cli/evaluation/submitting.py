"""From the options of a command to an evaluation that is submitted, and what is shown of it."""

from pathlib import Path
from typing import Any

import typer

from engine.errors import EngineError
from sood_tui.cli import execution
from sood_tui.cli.context import open_workspace, settings_of, workspace_of
from sood_tui.cli.evaluation.table import emit_sweep, run_rows, say_conventions, say_run, table_columns
from sood_tui.cli.output import emit_json, emit_table, say


def preset_sets(name: str, data: Path | None) -> list[Any]:
    """The sets of a preset as arguments.

    Raises: EngineError that lists what is missing.
    """
    from engine.evaluation.request import SetArgument
    from engine.evaluation.sets.presets import PRESETS, find_preset

    if name not in PRESETS:
        raise EngineError(f"There is no preset {name!r}.", f"Presets are {', '.join(PRESETS)}.")
    if data is None:
        raise EngineError("Where are the preset's pictures?", "Give --data FOLDER.")
    found = find_preset(PRESETS[name], data.expanduser())
    missing = [one for one in found if one.folder is None]
    if missing:
        wanted = "; ".join(f"{one.preset.name}: {' or '.join(one.preset.folders)}" for one in missing)
        raise EngineError(f"{data} lacks {len(missing)} of {len(found)} sets of {name}.", f"It needs {wanted}.")
    return [
        SetArgument(one.preset.name, f"folder:{one.folder}", one.role, one.preset.near_or_far, one.preset.note)
        for one in found
    ]


def asked_sets(
    id_set: str | None,
    ood: list[str] | None,
    near: list[str] | None,
    far: list[str] | None,
    band: list[str] | None,
    preset: str | None,
    data: Path | None,
) -> list[Any]:
    """The sets of the command line as arguments, the ID set first.

    Raises: EngineError when there is no ID set, or a preset lacks folders.
    """
    from engine.evaluation.request import SetArgument
    from engine.evaluation.sets.sources import named_argument

    if preset is not None:
        return preset_sets(preset, data)
    if id_set is None:
        raise EngineError("Which pictures are ID?", "Give --id, for example --id split:train.")
    name, text = named_argument(id_set)
    found = [SetArgument(name, text, "id")]
    kinds = ((ood, "ood", None), (near, "ood", "near"), (far, "ood", "far"), (band, "generalisation", None))
    for pairs, role, group in kinds:
        found += [SetArgument(*named_argument(pair), role, group) for pair in pairs or ()]
    return found


def asked(
    context: typer.Context,
    sets: list[Any],
    model: str | None,
    pretrained: str | None,
    device: str | None,
    seed: int | None,
    **more: Any,
) -> Any:
    """The request for these sets, with the model and what the settings say.

    Raises: EngineError for an unknown scoring run.
    """
    from engine.evaluation.request import EvaluationRequest

    request = EvaluationRequest(sets[0], sets[1:], **more)
    return with_model(context, request, model, pretrained, device, seed)


def submit_and_show(context: typer.Context, request: Any, detach: bool, as_json: bool) -> None:
    """Start the job; unless it is to be left alone, wait for it and show its table."""
    from engine.evaluation.request import submit
    from sood_tui.cli.following import follow

    root = workspace_of(context).root
    with open_workspace(context) as workspace:
        submitted = submit(workspace, request)
    say_submitted(submitted, request.relatives)
    if request.execution.estimate:
        how = request.execution
        raise typer.Exit(execution.Following(detach, as_json).until_its_end(root, submitted.job_id, how))
    if detach:
        say(f"{submitted.job_id} runs: `sood-tui jobs watch {submitted.job_id}` shows how far it is.")
        if as_json:
            emit_json(submitted)
        return
    code = follow(root, submitted.job_id)
    if code:
        raise typer.Exit(code)
    show_job(context, submitted.job_id, as_json)


def with_model(
    context: typer.Context,
    request: Any,
    model: str | None = None,
    pretrained: str | None = None,
    device: str | None = None,
    seed: int | None = None,
) -> Any:
    """The request with a model and what the settings say of the machine and the person.

    Without --model and --pretrained (or their environment variables) the model is that of the scoring; which one it is
    goes to standard error.
    """
    from engine.evaluation.scored_with import with_model_of_scoring
    from sood_tui.orders.evaluation import is_model_named, with_machine

    target = workspace_of(context)
    settings = settings_of(target, scoring__model=model, scoring__pretrained=pretrained, scoring__device=device)
    request = with_machine(settings, request, target.seed if seed is None else seed)
    if is_model_named(settings):
        return request
    with open_workspace(context) as workspace:
        request, sentence = with_model_of_scoring(workspace, request)
    say(sentence or f"Model: {request.model}, of the settings; nothing was scored yet.")
    return request


def say_submitted(submitted: Any, relatives: str) -> None:
    """What will be compared, on standard error; relatives: whether kin of ID synsets is dropped or reported."""
    what = "of them of kin of ID synsets" if relatives == "report" else "further ones of kin of ID synsets left out"
    for part in submitted.sets:
        kin = f", {part.relatives:,} {what}" if part.relatives else ""
        say(f"{part.role}: {part.name}, {part.images:,} pictures from {part.source}{kin}")
        if part.note:
            say(f"  {part.note}")
    for recipe, count in submitted.words.items():
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in submitted.left_out[recipe].items())
        say(f"words ({recipe}): {count:,}{f'; left out: {reasons}' if reasons else ''}")


def show_job(context: typer.Context, job_id: str, as_json: bool) -> None:
    """The table of the run that a job led to."""
    from engine.evaluation.reports.reading import read_run
    from store.evaluation.runs import fetch_run_of_job, fetch_sweep

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        run_id = fetch_run_of_job(cursor, job_id)
        if run_id is None:
            raise EngineError(f"{job_id} is not taken in yet.", "The process that has the catalogue open takes it in.")
        view = read_run(cursor, run_id)
        swept = fetch_sweep(cursor, run_id)
    if as_json:
        emit_json({"run": view, "sweep": swept, "warnings": view.warnings})
        return
    say_run(view)
    if swept:
        emit_sweep(swept)
        return
    for adaptive in (False, True):
        rows = [row for row in run_rows(view) if row["is_adaptive"] is adaptive]
        if rows:
            emit_table(rows, table_columns(False, adaptive))
    say_conventions(view)


def show_classifier(context: typer.Context, key: str, as_json: bool) -> None:
    """The table of a classifier's run: accuracy and macro-F1 per band and superclass, then detection."""
    from engine.evaluation.reports.reading import read_run
    from store.evaluation.runs import fetch_run_of_job

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        run_id = fetch_run_of_job(cursor, key)
        if run_id is None:
            raise EngineError(f"{key} is not taken in yet.", "The process that has the catalogue open takes it in.")
        view = read_run(cursor, run_id)
    if as_json:
        emit_json({"run": view})
        return
    say_classifier(view)


def say_classifier(view: Any) -> None:
    """The tables of a classifier's run."""
    from engine.evaluation.reports.tables import accuracy_rows

    run = view.run
    say(f"Evaluation {run.run_id}: classifier {run.title}")
    for part in view.parts:
        missing = f", {part.unreadable:,} without a prediction" if part.unreadable else ""
        say(f"  {part.name}: {part.images:,} pictures{missing}")
    shown = {part.name: part.name for part in view.parts}
    emit_table(accuracy_rows(view), {"class": "superclass", "metric": "number", **shown})
    detection = [row for row in run_rows(view) if row["part"]]
    if detection:
        emit_table(detection, table_columns(False, False))
    say("Numbers in percent, with 95 % intervals and the number of pictures.")
    say("The bands are generalisation sets: their classes are still valid.")
