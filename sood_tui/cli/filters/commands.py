"""Verdicts of models and rules on candidates."""

import sys
from dataclasses import replace
from typing import Annotated

import typer

from sood_tui.cli import execution
from sood_tui.cli.context import AsJson, open_workspace, settings_of, workspace_of
from sood_tui.cli.filters.results import CANDIDATE, known
from sood_tui.cli.filters.results import app as results_app
from sood_tui.cli.output import emit, emit_json, say

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="What models and rules say of candidates."
)

app.add_typer(results_app)

HASH_SHOWN = 12
VERDICT_COLUMNS = {
    **CANDIDATE, "kind": "kind", "mode": "mode", "model": "model", "seed": "seed",
    "outcome": "outcome", "p_yes": "p_yes", "mass": "mass", "reason": "reason",
}  # fmt: skip


@app.command()
def run(
    context: typer.Context,
    superclasses: Annotated[list[str] | None, typer.Argument(metavar="[SUPERCLASS ...]", help="All if none.")] = None,
    kind: Annotated[
        str, typer.Option(help="vlm (asks a vision-language model) or clip (uses the embeddings).")
    ] = "vlm",
    model: Annotated[str | None, typer.Option(help="transformers id or local folder, for vlm.")] = None,
    samples: Annotated[
        int | None, typer.Option(help="Pictures on a sheet; default: the setting review.samples.")
    ] = None,
    per_picture: Annotated[int | None, typer.Option(help="Ask about so many single pictures instead.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the pictures; default: the workspace's.")] = None,
    compat: Annotated[
        bool, typer.Option("--compat", help="Ask and read the answer as the paper's script does.")
    ] = False,
    pending: Annotated[bool, typer.Option("--pending", help="Only candidates that nobody has decided.")] = False,
    batch_size: Annotated[int, typer.Option(help="Sheets in a batch; halved when memory runs out.")] = 8,
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
    """Let a model judge candidates.

    Example: sood-tui filters run dog --kind vlm --model google/paligemma2-3b-mix-224
    """
    from engine.errors import EngineError
    from engine.filters import asking, clip_share
    from sood_tui.orders.filters import vlm_request
    from store.filters import fetch_runs

    names = list(superclasses or ())
    if kind not in ("vlm", "clip"):
        raise EngineError(f"{kind!r} is no kind of filter.", "One of: vlm, clip.")
    if kind == "clip":
        _refuse_for_clip(context)
        with open_workspace(context) as workspace:
            number = clip_share.judge(workspace, names)
            with workspace.opened().reading() as cursor:
                done, missing = fetch_runs(cursor)[-1], clip_share.left_out(cursor)
        if missing:
            say(f"Left out, since they are not scored: {', '.join(missing)}. `sood-tui scoring run` scores all.")
        if as_json:
            emit_json(done)
        else:
            say(f"Filter run {number} judged {done.verdicts:,} candidates: `sood-tui filters list`.")
        return 0
    workspace = workspace_of(context)
    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    settings = settings_of(workspace, filters__model=model, review__samples=samples, seed=seed, scoring__device=device)
    request = vlm_request(
        settings,
        names,
        per_picture=per_picture,
        compatible=compat,
        pending_only=pending,
        batch_size=batch_size,
        execution=how,
    )
    with open_workspace(context) as opened:
        job_id = asking.submit(opened, request)
    return execution.Following(detach, as_json).until_its_end(workspace.root, job_id, how)


def _refuse_for_clip(context: typer.Context) -> None:
    """Refuse options that a filter without a vision-language model takes no notice of."""
    from engine.errors import EngineError

    sources = {
        parameter.opts[0]: context.get_parameter_source(parameter.name or "") for parameter in context.command.params
    }
    given = [option for option, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    idle = [option for option in given if option not in ("superclasses", "--kind", "--json")]
    if idle:
        raise EngineError(f"--kind clip takes no notice of {', '.join(idle)}.", "Leave that out, or use --kind vlm.")


@app.command("list")
def list_verdicts(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(help="Only of this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the newest verdict of each model, and what the rules that are on would drop.

    Example: sood-tui filters list dog --json
    """
    from engine.filters import rules
    from store.filters import fetch_verdicts

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        known(cursor, superclass)
        verdicts = fetch_verdicts(cursor, superclass)
        dropped = rules.verdicts(cursor, [superclass] if superclass else [])
    if as_json:
        emit_json({"verdicts": verdicts, "rules": dropped})
        return
    emit(verdicts, VERDICT_COLUMNS, as_json=False, empty="No verdict yet: `sood-tui filters run`.")
    emit(dropped, {**CANDIDATE, "rule": "rule", "reason": "reason"}, as_json=False)


@app.command()
def runs(context: typer.Context, as_json: AsJson = False) -> None:
    """List the filter runs, first to last.

    Example: sood-tui filters runs
    """
    from store.filters import fetch_runs

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        found = fetch_runs(cursor)
    columns = ["filter_run_id", "kind", "mode", "model", "seed", "revision", "verdicts", "created_at"]
    if sys.stdout.isatty() and not as_json:  # a person needs no more to tell them apart
        found = [replace(run, revision=run.revision[:HASH_SHOWN]) for run in found]
    emit(found, columns, as_json, "No filter has run yet.")


@app.command("rules")
def rules_command(
    context: typer.Context,
    rule: Annotated[str | None, typer.Argument(help="The rule to switch; none: list all.")] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Switch it.")] = None,
    value: Annotated[float | None, typer.Option(help="Its value.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who switches it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the rules, or switch one on or off; nothing is lost either way.

    Example: sood-tui filters rules least_images --on --value 20
    """
    from engine.errors import EngineError
    from engine.filters import rules

    if rule is None and (on is not None or value is not None or by is not None):
        raise EngineError("Say which rule.", f"One of: {', '.join(rules.RULES)}.")
    with open_workspace(context) as workspace:
        if rule is not None:
            if on is None:
                raise EngineError("Say --on or --off.")
            rules.switch(workspace, rule, on, value, by or settings_of(workspace).reviewer)
        with workspace.opened().reading() as cursor:
            emit(rules.settings(cursor), ["rule", "active", "value", "sentence"], as_json)


@app.command()
def audit(
    context: typer.Context,
    size: Annotated[int, typer.Option(help="Candidates to draw.")] = 50,
    seed: Annotated[int | None, typer.Option(help="Default: the workspace's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw a stratified sample of candidates to judge, so that filters can be held against people.

    Example: sood-tui filters audit --size 100
    """
    from engine.filters.audit import draw
    from store.filters import fetch_audit

    with open_workspace(context) as workspace:
        drawn = draw(workspace, size, workspace.seed if seed is None else seed)
        with workspace.opened().reading() as cursor:
            rows = fetch_audit(cursor, drawn.audit_id)
    if as_json:
        emit_json({"audit": drawn, "candidates": rows})
        return
    emit(rows, {**CANDIDATE, "stratum": "stratum", "weight": "weight", "state": "state"}, as_json=False)
    say(f"Audit {drawn.audit_id} holds {drawn.drawn} candidates; judge them, then: sood-tui filters agreement")
