"""Commands of the room splits that change a split: set, rules, place, undo, redo, log, list."""

from typing import Annotated, Any

import typer

from engine.splits import change as engine
from engine.splits import preview as previewing
from engine.splits.prepare import prepare, read_settings
from engine.splits.settings import MAIN, Change, undone_steps
from engine.wordnet.resolve import resolve
from sood_tui.cli.context import AsJson, open_workspace, settings_of
from sood_tui.cli.output import emit, emit_json, emit_table, say
from sood_tui.cli.splits.changes import apply, percentile_changes, tell_events, without_none
from sood_tui.cli.splits.labels import app as labels_app
from sood_tui.cli.splits.options import (
    By,
    EqualiseBy,
    MatchBands,
    MeanOver,
    Name,
    Note,
    OneSuperclass,
    Remedy,
    Tails,
    defaults_of,
)
from sood_tui.cli.splits.reports import app as reports_app
from sood_tui.cli.splits.reports import tell_preview
from sood_tui.cli.splits.show import app as show_app
from store.splits.settings import fetch_settings, fetch_splits

app = typer.Typer(
    name="splits",
    help="Which subclasses are train, Easy and Hard.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(show_app)
app.add_typer(labels_app)
app.add_typer(reports_app)


@app.command("set")
def set_command(
    context: typer.Context,
    easy: Annotated[float | None, typer.Option(help="Percentile below which a subclass leaves training.")] = None,
    hard: Annotated[float | None, typer.Option(help="Percentile below which a subclass is Hard.")] = None,
    bands: Annotated[
        str | None, typer.Option(metavar="P,P,...", help="Any ascending percentiles, for more or fewer bands.")
    ] = None,
    remedy: Annotated[Remedy | None, typer.Option(help="What to do where a band would be empty.")] = None,
    superclass: OneSuperclass = None,
    default: Annotated[bool, typer.Option("--default", help="The superclass gives up its own values.")] = False,
    run: Annotated[int | None, typer.Option(metavar="RUN", help="Stand on this scoring run.")] = None,
    split: Name = MAIN,
    by: By = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Set the thresholds, for all superclasses or for one. Undo takes it back.

    Example: sood-tui splits set --easy 45 --hard 25 --superclass dog
    """
    with open_workspace(context) as workspace:
        changes = percentile_changes(workspace, split, easy, hard, bands, superclass, default)
        changes += [Change("remedy", remedy.value, superclass)] if remedy else []
        changes += [Change("run_id", run)] if run is not None else []
        apply(workspace, changes, split, by, note, as_json)


@app.command()
def rules(
    context: typer.Context,
    outliers: Annotated[Tails | None, typer.Option(help="Which outliers are left out.")] = None,
    outlier_factor: Annotated[float | None, typer.Option(help="Interquartile ranges from quartile to fence.")] = None,
    mean_over: Annotated[MeanOver | None, typer.Option(help="all pictures (the reference), or the kept ones.")] = None,
    minimum_subclasses: Annotated[
        int | None, typer.Option(help="Leave out superclasses with fewer; the reference asks for 10.")
    ] = None,
    equalise: Annotated[EqualiseBy | None, typer.Option(help="Cut large superclasses down, drawn by the seed.")] = None,
    equalise_factor: Annotated[float | None, typer.Option(help="The cap, in sizes of the smallest superclass.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of the draw.")] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Which labels flags and numbers come from; none: no labels.")
    ] = None,
    exclude_flag: Annotated[
        list[str] | None,
        typer.Option(metavar="FLAG", help="Leave pictures with this flag out; may repeat; none: only report them."),
    ] = None,
    match_labels: Annotated[
        MatchBands | None, typer.Option(help="Draw pictures until bands show equally many labels.")
    ] = None,
    predictions: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose accuracy is reported beside; none: nobody's.")
    ] = None,
    exclude_relatives: Annotated[
        bool | None,
        typer.Option(
            "--exclude-relatives/--keep-relatives", help="Leave training subclasses above or below a test one out."
        ),
    ] = None,
    near_duplicates: Annotated[
        int | None,
        typer.Option(metavar="BITS", help="Leave near-copies out of the easier list, 0 to 3 bits apart; -1: off."),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Tell what it would do, and do nothing.")] = False,
    split: Name = MAIN,
    by: By = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Set the rules that act before and after the cut; without an option, list them with what they take out.

    Example: sood-tui splits rules --minimum-subclasses 10 --equalise subclasses --preview
    """
    given: dict[str, Any] = {
        "outlier_tails": outliers,
        "outlier_factor": outlier_factor,
        "mean_over": mean_over,
        "minimum_subclasses": minimum_subclasses,
        "equalise_by": equalise,
        "equalise_factor": equalise_factor,
        "seed": seed,
        "label_source": labels,
        "excluded_flags": exclude_flag,
        "match_labels": match_labels,
        "label_predictions": predictions,
        "exclude_relatives": exclude_relatives,
        "near_duplicates": near_duplicates,
    }
    changes = [Change(key, getattr(value, "value", value)) for key, value in given.items() if value is not None]
    changes = [without_none(change) for change in changes]
    with open_workspace(context) as workspace:
        if changes and preview:
            tell_preview(previewing.preview(workspace, changes, split, defaults_of(workspace)), as_json)
            return
        if changes:
            apply(workspace, changes, split, by, note, as_json)
            return
        prepared = prepare(workspace, split, defaults_of(workspace))
    if as_json:
        emit_json({"settings": prepared.settings, "removed": prepared.removed})
        return
    rows = [{"rule": key, "value": getattr(prepared.settings, key)} for key in given]
    emit_table(rows, ("rule", "value"))
    for one in prepared.removed:
        say(f"left out: {one.superclass} {one.wnid} {prepared.labels[one.wnid].lemma}: {one.reason}")


@app.command()
def place(
    context: typer.Context,
    superclass: Annotated[str, typer.Argument(help="Under which superclass.")],
    synset: Annotated[list[str], typer.Argument(help="Which subclasses: wnids, names or words.")],
    band: Annotated[
        str | None, typer.Option("--in", metavar="BAND", help="train, easy, hard, band_1 ..., or out of the split.")
    ] = None,
    split: Name = MAIN,
    by: By = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Put subclasses into a list whatever their mean, or out of the split; without --in, give them back to the rule.

    Example: sood-tui splits place dog n02085620 --in hard --note "two species in one folder"
    """
    with open_workspace(context) as workspace:
        with workspace.opened().reading() as cursor:
            wnids = [resolve(cursor, text) for text in synset]
            made = split in {one.split for one in fetch_splits(cursor)}
            settings = read_settings(cursor, workspace.seed, split, defaults_of(workspace))[1] if made else None
        placed = dict(settings.superclass_placed.get(superclass, {})) if settings else {}
        for wnid in wnids:
            placed.pop(wnid, None)
            if band is not None:
                placed[wnid] = band
        apply(workspace, [Change("placed", placed or None, superclass)], split, by, note, as_json)


@app.command()
def undo(context: typer.Context, split: Name = MAIN, by: By = None, as_json: AsJson = False) -> None:
    """Take back the newest change of a split's settings.

    Example: sood-tui splits undo
    """
    with open_workspace(context) as workspace:
        events = engine.undo_setting(workspace, by or settings_of(workspace).reviewer, split)
    tell_events("Taken back", events, as_json)


@app.command()
def redo(context: typer.Context, split: Name = MAIN, by: By = None, as_json: AsJson = False) -> None:
    """Bring back the change that was taken back last, if nothing was set since.

    Example: sood-tui splits redo
    """
    with open_workspace(context) as workspace:
        events = engine.redo_setting(workspace, by or settings_of(workspace).reviewer, split)
    tell_events("Brought back", events, as_json)


@app.command()
def log(context: typer.Context, split: Name = MAIN, as_json: AsJson = False) -> None:
    """List every change of a split's settings, newest first.

    Example: sood-tui splits log
    """
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        read_settings(cursor, workspace.seed, split)
        events = fetch_settings(cursor, split)
    gone = undone_steps(events)
    rows = [
        {
            "at": event.at,
            "reviewer": event.reviewer,
            "key": event.key,
            "superclass": event.superclass,
            "value": event.value,
            "undone": event.step_id in gone,
            "note": event.note,
            "step_id": event.step_id,
        }
        for event in reversed(events)
    ]
    columns = ("at", "reviewer", "key", "superclass", "value", "undone", "note")
    emit(rows, columns, as_json, "Nothing was set yet: the defaults hold.")


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the splits that were made.

    Example: sood-tui splits list
    """
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        rows = fetch_splits(cursor)
    emit(rows, ("split", "run_id", "created_at"), as_json, "No split was made yet; `sood-tui splits set` makes one.")
