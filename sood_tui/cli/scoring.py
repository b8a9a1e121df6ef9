"""Commands of the room scoring: run, list, runs."""

from typing import Annotated

import typer

from engine.errors import EngineError
from sood_tui.cli import execution
from sood_tui.cli.context import AsJson, open_workspace, settings_of, workspace_of
from sood_tui.cli.output import emit, emit_json, say

app = typer.Typer(
    name="scoring",
    help="How typical each picture is of its superclass.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

SUBCLASS_COLUMNS = {
    "superclass": "superclass",
    "name": "subclass",
    "wnid": "wnid",
    "state": "state",
    "images": "pictures",
    "outliers": "outliers",
    "similarity_mean": "similarity",
    "score_mean": "score",
    "score_std": "deviation",
}
RUN_COLUMNS = {
    "run_id": "run",
    "created_at": "submitted",
    "model": "model",
    "pretrained": "weights",
    "template": "template",
    "superclasses": "superclasses",
    "images": "similarities",
    "job_id": "job",
}


@app.command("run")
def run_scoring(
    context: typer.Context,
    superclasses: Annotated[
        list[str] | None, typer.Argument(metavar="[SUPERCLASS]...", help="Which superclasses; without one, all.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="open_clip's architecture, local-dir:FOLDER or hf-hub:ORG/NAME.")
    ] = None,
    pretrained: Annotated[str | None, typer.Option(help="open_clip's tag, or the path of a checkpoint.")] = None,
    template: Annotated[str | None, typer.Option(help="The prompt; {} becomes the superclass's name.")] = None,
    compat: Annotated[
        bool, typer.Option("--compat", help="The reference's prompt: the bare name with its underscores.")
    ] = False,
    device: execution.Device = None,
    executor: execution.ExecutorName = "local",
    address: execution.Address = None,
    storage: execution.Storage = None,
    priority: execution.Priority = 0,
    estimate: execution.OnlyEstimate = False,
    force: execution.Force = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the model first; pays off for millions of pictures on a GPU.")
    ] = False,
    decoder: Annotated[
        str, typer.Option("--decode", help="cpu, device (nvJPEG), or auto: device where the processor is too slow.")
    ] = "auto",
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures in a batch; halved if memory runs out.")
    ] = None,
    only_accepted: Annotated[
        bool, typer.Option("--only-accepted", help="Accepted candidates only, instead of all not rejected.")
    ] = False,
    detach: execution.Detach = False,
    as_json: AsJson = False,
) -> None:
    """Compare every picture of the candidates with the prompt of its superclass.

    A picture is encoded once for each model: another prompt or another superclass takes seconds. Pictures that cannot
    be read are left out and listed by `images issues`.

    Example: sood-tui scoring run dog bird --template "a photo of a {}"
    """
    from engine.scoring.submission import submit
    from sood_tui.orders.scoring import scoring_request

    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    if compat and template is not None:
        raise EngineError("--compat and --template contradict each other.", "--compat means the template {}.")
    root = workspace_of(context).root
    with open_workspace(context) as workspace:
        settings = settings_of(
            workspace,
            scoring__model=model,
            scoring__pretrained=pretrained,
            scoring__template=template,
            scoring__batch_size=batch_size,
            scoring__device=device,
        )
        request = scoring_request(
            settings,
            superclasses or (),
            only_accepted=only_accepted,
            compiled=compiled,
            decoder=decoder,
            execution=how,
        )
        submitted = submit(workspace, request.compatible() if compat else request)
    if submitted.without_pictures:
        say(f"Left out, no candidate has pictures: {', '.join(submitted.without_pictures)}.")
    raise typer.Exit(execution.Following(detach, as_json).until_its_end(root, submitted.job_id, how))


@app.command("list")
def list_scores(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(help="Only this superclass.")] = None,
    run: Annotated[int | None, typer.Option("--run", help="The number of a run; without it, the newest.")] = None,
    tails: Annotated[str, typer.Option(help="Which outliers are judged: both or low.")] = "both",
    only_accepted: Annotated[
        bool, typer.Option("--only-accepted", help="Accepted candidates only, instead of all not rejected.")
    ] = False,
    compat: Annotated[
        bool, typer.Option("--compat", help="As the reference: subclasses of any size have outliers.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the subclasses of a run from the least to the most typical.

    similarity is the mean cosine; score is the mean of the similarities stretched to [0, 1] over the superclass.

    Example: sood-tui scoring list dog --json
    """
    from engine.scoring.listing import list_subclasses
    from engine.scoring.statistics import ACCEPTED, NOT_REJECTED, ScoreSettings

    if tails not in ("both", "low"):
        raise EngineError(f"There are no {tails} tails.", "--tails is both or low.")
    states = ACCEPTED if only_accepted else NOT_REJECTED
    chosen = ScoreSettings(tails="low" if tails == "low" else "both", smallest=1 if compat else 4, states=states)
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        listing = list_subclasses(cursor, run, superclass, chosen)
    if as_json:
        emit_json(listing)
        return
    emit(listing.subclasses, SUBCLASS_COLUMNS, as_json=False, empty="The run has no scores of such candidates.")
    for name in listing.constant:
        say(f"All pictures of {name} have the same similarity: their scores say nothing.")
    if listing.not_scored:
        say(
            f"{listing.not_scored:,} pictures of these candidates have no score: they came after run {listing.run_id} "
            "or could not be read (`sood-tui images issues`)."
        )


@app.command("runs")
def list_runs(context: typer.Context, as_json: AsJson = False) -> None:
    """List the runs, oldest first.

    Example: sood-tui scoring runs
    """
    from store.scoring.runs import fetch_runs

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        runs = fetch_runs(cursor)
    emit(runs, RUN_COLUMNS, as_json, empty="Nothing was scored yet: `sood-tui scoring run`.")
