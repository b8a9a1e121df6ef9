"""The queue of proposed labels: propose, queue, show, confirm, reject, undo, redo, log, agreement."""

from typing import Annotated, Any

import typer

from sood_tui.cli import execution
from sood_tui.cli.context import AsJson, open_workspace, settings_of, workspace_of
from sood_tui.cli.output import emit, emit_json, emit_table, say

app = typer.Typer(rich_markup_mode=None, add_completion=False)

By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides; else the setting `reviewer`.")]
Picture = Annotated[str, typer.Argument(metavar="PICTURE", help="Its number, or the end of its path.")]
Synsets = Annotated[
    list[str] | None, typer.Argument(metavar="[SYNSET ...]", help="Labels of the picture; none: all that are proposed.")
]


@app.command()
def propose(
    context: typer.Context,
    superclasses: Annotated[
        list[str] | None, typer.Argument(metavar="[SUPERCLASS ...]", help="All encoded pictures if none.")
    ] = None,
    classes: Annotated[
        str, typer.Option(help="pictures (synsets with pictures), accepted or imagenet_1k.")
    ] = "pictures",
    model: Annotated[str | None, typer.Option(help="Whose embeddings; else those that were made last.")] = None,
    template: Annotated[str, typer.Option(help="Prompt template with {}.")] = "a photo of a {}",
    with_truth: Annotated[bool, typer.Option("--with-truth", help="Also pictures with imported labels.")] = False,
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
    """Propose labels from cached embeddings: every class with at least half the best score.

    Example: sood-tui labels propose dog --model local-dir:clip
    """
    from engine.labels.proposals import submit
    from sood_tui.orders.labels import proposal_request

    how = execution.execution_of(executor, address, storage, priority, estimate, force)
    workspace = workspace_of(context)
    settings = settings_of(workspace, scoring__device=device)
    request = proposal_request(
        settings,
        superclasses or (),
        class_list=classes,
        model=model,
        template=template,
        with_truth=with_truth,
        execution=how,
    )
    with open_workspace(context) as opened:
        job_id = submit(opened, request)
    return execution.Following(detach, as_json).until_its_end(workspace.root, job_id, how)


@app.command()
def queue(
    context: typer.Context,
    source: Annotated[str | None, typer.Option(help="Judge what this source says instead of proposals.")] = None,
    flag: Annotated[list[str] | None, typer.Option(help="Only pictures that the source flags so; may repeat.")] = None,
    order: Annotated[str, typer.Option(help="doubt or path.")] = "doubt",
    everything: Annotated[bool, typer.Option("--all", help="Also what is judged, and what nobody doubts.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many pictures.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List pictures whose proposed labels wait for a person, the most doubtful first.

    Example: sood-tui labels queue --source real --flag clutter --limit 20
    """
    from engine.errors import EngineError
    from engine.labels import queue as engine
    from engine.labels.flags import FLAGS, flagged
    from engine.labels.sources import labelled_images

    if order not in engine.ORDERS:
        raise EngineError(f"{order!r} is no order.", f"Orders are {', '.join(engine.ORDERS)}.")
    if unknown := [name for name in flag or () if name not in FLAGS]:
        raise EngineError(f"{unknown[0]!r} is no flag.", f"Flags are {', '.join(FLAGS)}.")
    if flag and source is None:
        raise EngineError("A flag is raised by a source.", "Name it with --source.")
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        if source is None:
            rows = engine.proposal_queue(cursor, "path" if order == "path" else "doubt", everything)
        else:
            wanted = flagged(cursor, source, flag) if flag else labelled_images(cursor, source)
            rows = engine.flagged_queue(cursor, source, sorted({image.image_id for image in wanted}))
            rows = rows if everything else [row for row in rows if row.pending]
        found = engine.items(cursor, rows[:limit])
    if as_json:
        emit_json(found)
        return
    emit_table([_line(item) for item in found], ["picture", "path", "pending", "labels"], "Nothing waits.")
    if len(rows) > limit:
        say(f"{len(rows):,} pictures wait; --limit shows more.")


@app.command()
def show(context: typer.Context, picture: Picture, as_json: AsJson = False) -> None:
    """Show all labels of a picture: who says so, how sure, and what people decided.

    Example: sood-tui labels show n02085620/n02085620_2650.JPEG
    """
    from engine.labels.deciding import claims_of, find_image

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        claims = claims_of(cursor, find_image(cursor, picture))
    columns = ["wnid", "lemma", "is_original", "sources", "models", "share", "state", "reviewer"]
    emit(claims, columns, as_json)


@app.command()
def confirm(
    context: typer.Context, picture: Picture, synsets: Synsets = None, by: By = None, as_json: AsJson = False
) -> None:
    """Confirm labels of a picture, proposed or not; undo takes it back.

    Example: sood-tui labels confirm n02085620_2650.JPEG chihuahua.n.03
    """
    _decide(context, picture, synsets, "confirm", by, as_json)


@app.command()
def reject(
    context: typer.Context, picture: Picture, synsets: Synsets = None, by: By = None, as_json: AsJson = False
) -> None:
    """Reject labels of a picture, its own among them; undo takes it back.

    Example: sood-tui labels reject n02085620_2650.JPEG n02086079 --by anna
    """
    _decide(context, picture, synsets, "reject", by, as_json)


@app.command()
def undo(context: typer.Context, by: By = None, as_json: AsJson = False) -> None:
    """Take back the newest decision on labels.

    Example: sood-tui labels undo
    """
    from engine.labels import deciding

    with open_workspace(context) as workspace:
        step = deciding.undo(workspace, by or settings_of(workspace).reviewer)
    _tell("Taken back", step, as_json)


@app.command()
def redo(context: typer.Context, by: By = None, as_json: AsJson = False) -> None:
    """Bring back the decision that was taken back last, if nothing was decided since.

    Example: sood-tui labels redo
    """
    from engine.labels import deciding

    with open_workspace(context) as workspace:
        step = deciding.redo(workspace, by or settings_of(workspace).reviewer)
    _tell("Brought back", step, as_json)


@app.command()
def log(
    context: typer.Context,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many events.")] = None,
    as_json: AsJson = False,
) -> None:
    """List every decision on labels, newest first.

    Example: sood-tui labels log --limit 20
    """
    from store.labels.decisions import fetch_label_log

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        columns = ["at", "reviewer", "kind", "image_id", "wnid", "step_id", "target_step_id"]
        emit(fetch_label_log(cursor, limit), columns, as_json, "Nothing was decided yet.")


@app.command()
def agreement(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what proposals have yielded, and how far models, people and sources agree.

    Example: sood-tui labels agreement
    """
    from engine.labels.agreement import agreements, yields

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        found, pairs = yields(cursor), agreements(cursor)
    if as_json:
        emit_json({"yields": found, "agreements": pairs})
        return
    columns = [
        "model", "pictures", "proposed", "pictures_with_more", "judged", "confirmed", "precision", "precision_low",
        "precision_high", "own_rejected",
    ]  # fmt: skip
    emit_table(found, columns, "No label was proposed yet: `sood-tui labels propose`.")
    if pairs:
        emit_table(pairs, ["kind", "first", "second", "items", "same", "overlap", "precision", "recall"])


def _decide(
    context: typer.Context, picture: str, synsets: list[str] | None, kind: Any, by: str | None, as_json: bool
) -> None:
    from engine.labels import deciding
    from engine.wordnet.resolve import resolve

    with open_workspace(context) as workspace:
        with workspace.opened().reading() as cursor:
            image_id = deciding.find_image(cursor, picture)
            if synsets:
                wnids = [resolve(cursor, text) for text in synsets]
            else:
                claims = deciding.claims_of(cursor, image_id)
                wnids = [claim.wnid for claim in claims if claim.models or claim.sources or claim.is_original]
        step = deciding.decide(workspace, image_id, wnids, kind, by or settings_of(workspace).reviewer)
    _tell(f"{kind.capitalize()}ed", step, as_json)


def _tell(what: str, step: Any, as_json: bool) -> None:
    if as_json:
        emit_json(step)
    for event in step.events:
        say(f"{what}: picture {event.image_id} {event.wnid}" + ("" if what.endswith("ed") else f" {event.kind}"))


def _line(item: Any) -> dict[str, object]:
    from engine.labels.queue import to_judge

    signs = {"confirm": "+", "reject": "-", "pending": "?"}
    asked = to_judge(item)
    words = [
        f"{signs[claim.state]}{claim.lemma}{'*' if claim.is_original else ''}"
        + (f" {claim.share:.2f}" if claim.share is not None else "")
        for claim in asked
    ]
    return {
        "picture": item.image.image_id,
        "path": f"{item.image.root}/{item.image.path}",
        "pending": sum(claim.state == "pending" for claim in asked),
        "labels": ", ".join(words),
    }
