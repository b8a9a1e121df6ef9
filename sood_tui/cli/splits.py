"""Commands of the room splits: show, set, rules, place, undo, redo, log, list."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from engine.errors import EngineError
from engine.splits import change as engine
from engine.splits import preview as previewing
from engine.splits.prepare import PreparedSplit, Tuned, prepare, read_settings
from engine.splits.settings import MAIN, Change, undone_steps
from engine.splits.show import (
    BandCount,
    SuperclassCut,
    degenerate_cases,
    subclass_cuts,
    superclass_cuts,
    total_cut,
)
from engine.wordnet.resolve import resolve
from engine.workspace import Workspace
from sood_tui.cli.context import AsJson, open_workspace, settings_of
from sood_tui.cli.following import take_in_results
from sood_tui.cli.output import emit, emit_json, emit_table, say
from sood_tui.cli.splits_labels import app as labels_app
from sood_tui.cli.splits_reports import app as reports_app
from sood_tui.cli.splits_reports import defaults_of as defaults_of
from sood_tui.cli.splits_reports import tell_preview
from store.splits import SettingEvent, fetch_settings, fetch_splits

app = typer.Typer(
    name="splits", help="Which subclasses are train, Easy and Hard.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(labels_app)
app.add_typer(reports_app)

Name = Annotated[str, typer.Option("--split", metavar="NAME", help="Which split; else the main one.")]
OneSuperclass = Annotated[str | None, typer.Option(metavar="NAME", help="Only this superclass.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who changes it; else the setting `reviewer`.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept with the change.")]


class Remedy(StrEnum):
    """What to do where the percentile rule leaves a band empty."""

    keep = "keep"
    greedy = "greedy"
    unweighted = "unweighted"


class Tails(StrEnum):
    """Which outliers are left out."""

    both = "both"
    low = "low"
    none = "none"


class MeanOver(StrEnum):
    """Which pictures make the mean of a subclass."""

    all = "all"
    kept = "kept"


class EqualiseBy(StrEnum):
    """What is counted when superclasses are made comparable in size."""

    none = "none"
    subclasses = "subclasses"
    pictures = "pictures"


class MatchBands(StrEnum):
    """Which bands are to show equally many labels."""

    none = "none"
    tests = "tests"
    all = "all"


@app.command()
def show(
    context: typer.Context,
    superclass: OneSuperclass = None,
    split: Name = MAIN,
    as_json: AsJson = False,
) -> None:
    """Show counts and shares of every superclass, wanted against realised; of one superclass, its subclasses.

    Example: sood-tui splits show --superclass dog
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        prepared = prepare(workspace, split, defaults_of(workspace))
    tuned = prepared.retune()
    if superclass is not None and superclass not in prepared.superclasses:
        raise EngineError(
            f"{superclass} is not in the split {split}.", f"In it are {', '.join(prepared.superclasses) or 'none'}."
        )
    if as_json:
        emit_json(_document(prepared, tuned, superclass))
    elif superclass is not None:
        columns = ("split", "wnid", "name", "mean", "standard_deviation", "pictures", "outliers", "margin")
        emit_table(subclass_cuts(prepared, tuned, superclass), columns)
    else:
        cuts = [*superclass_cuts(prepared, tuned), total_cut(prepared, tuned)]
        emit_table([_row(cut) for cut in cuts], list(_row(cuts[-1])))
    _tell_troubles(prepared, tuned)


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
        changes = _changes(workspace, split, easy, hard, bands, superclass, default)
        changes += [Change("remedy", remedy.value, superclass)] if remedy else []
        changes += [Change("run_id", run)] if run is not None else []
        _apply(workspace, changes, split, by, note, as_json)


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
    changes = [_without(change) for change in changes]
    with open_workspace(context) as workspace:
        if changes and preview:
            tell_preview(previewing.preview(workspace, changes, split, defaults_of(workspace)), as_json)
            return
        if changes:
            _apply(workspace, changes, split, by, note, as_json)
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
        _apply(workspace, [Change("placed", placed or None, superclass)], split, by, note, as_json)


@app.command()
def undo(context: typer.Context, split: Name = MAIN, by: By = None, as_json: AsJson = False) -> None:
    """Take back the newest change of a split's settings.

    Example: sood-tui splits undo
    """
    with open_workspace(context) as workspace:
        events = engine.undo_setting(workspace, by or settings_of(workspace).reviewer, split)
    _tell_events("Taken back", events, as_json)


@app.command()
def redo(context: typer.Context, split: Name = MAIN, by: By = None, as_json: AsJson = False) -> None:
    """Bring back the change that was taken back last, if nothing was set since.

    Example: sood-tui splits redo
    """
    with open_workspace(context) as workspace:
        events = engine.redo_setting(workspace, by or settings_of(workspace).reviewer, split)
    _tell_events("Brought back", events, as_json)


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


def _changes(
    workspace: Workspace,
    split: str,
    easy: float | None,
    hard: float | None,
    bands: str | None,
    superclass: str | None,
    default: bool,
) -> list[Change]:
    if default:
        if superclass is None or easy is not None or hard is not None or bands is not None:
            raise EngineError("--default takes one --superclass, and no percentiles.")
        return [Change("percentiles", None, superclass), Change("remedy", None, superclass)]
    if bands is not None:
        if easy is not None or hard is not None:
            raise EngineError("--bands says all percentiles; leave --easy and --hard out.")
        return [Change("percentiles", _numbers(bands), superclass)]
    if easy is None and hard is None:
        return []
    with workspace.opened().reading() as cursor:
        made = {one.split for one in fetch_splits(cursor)}
        known = split in made or split == MAIN
        settings = read_settings(cursor, workspace.seed, split, defaults_of(workspace))[1] if known else None
    before = (settings or defaults_of(workspace)).percentiles_of(superclass or "")
    if len(before) != 2:
        raise EngineError(f"This split has {len(before) + 1} bands.", "Say all percentiles: --bands 20,40")
    return [
        Change("percentiles", (before[0] if hard is None else hard, before[1] if easy is None else easy), superclass)
    ]


def _without(change: Change) -> Change:
    """The change, with the word none as no source, no predictions and no flag, and -1 as no distance."""
    if change.key == "near_duplicates" and change.value < 0:
        return Change(change.key, None)
    if change.key in ("label_source", "label_predictions") and change.value == "none":
        return Change(change.key, None)
    if change.key == "excluded_flags":
        return Change(change.key, tuple(flag for flag in change.value if flag != "none"))
    return change


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise EngineError(f"{text!r} is no list of percentiles.", "Example: --bands 10,20,40,60") from None


def _apply(
    workspace: Workspace, changes: list[Change], split: str, by: str | None, note: str | None, as_json: bool
) -> None:
    if not changes:
        raise EngineError("Nothing was said that could be set.", "`sood-tui splits set --help` lists the options.")
    take_in_results(workspace)
    reviewer = by or settings_of(workspace).reviewer
    settings = engine.change_settings(workspace, changes, reviewer, split, note, defaults_of(workspace))
    if as_json:
        emit_json(settings)
    for change in changes:
        where = f" of {change.superclass}" if change.superclass else ""
        say(f"{change.key}{where} is now {_value(change)}.")


def _value(change: Change) -> str:
    if change.value is None:
        return "what holds for all" if change.superclass else "none"
    if not isinstance(change.value, tuple):
        return str(change.value)
    return ", ".join(one if isinstance(one, str) else f"{one:g}" for one in change.value) or "none"


def _document(prepared: PreparedSplit, tuned: Tuned, superclass: str | None) -> dict[str, object]:
    return {
        "split": prepared.split,
        "run_id": prepared.run.run_id,
        "newest_run_id": prepared.newest_run,
        "settings": prepared.settings,
        "superclasses": [cut for cut in superclass_cuts(prepared, tuned) if superclass in (None, cut.superclass)],
        "total": total_cut(prepared, tuned),
        "subclasses": subclass_cuts(prepared, tuned, superclass) if superclass else [],
        "degenerate": degenerate_cases(prepared, tuned),
        "removed": prepared.removed,
        "unscored": prepared.unscored,
        "replicas": prepared.replicas,
        "constant": prepared.constant,
        "unreadable": prepared.unreadable,
    }


def _row(cut: SuperclassCut) -> dict[str, object]:
    row: dict[str, object] = {"id": cut.class_id, "superclass": cut.superclass or "all together"}
    for band in reversed(cut.bands):
        row |= {
            band.split: band.pictures,
            f"{band.split} subclasses": band.subclasses,
            f"{band.split} %": _shares(band),
        }
    row["outliers"] = cut.outliers
    row["own"] = "remedied" if cut.is_remedied else ("yes" if cut.is_override else "")
    return row


def _shares(band: BandCount) -> str:
    return f"{band.share * 100:.1f} (of {band.wanted_share * 100:.0f})"


def _tell_troubles(prepared: PreparedSplit, tuned: Tuned) -> None:
    for case in degenerate_cases(prepared, tuned):
        offers = "; ".join(f"{one.remedy}: {'/'.join(map(str, one.pictures))}" for one in case.offers)
        helped = " A remedy is used." if case.is_remedied else ""
        say(f"{case.superclass}: {' and '.join(case.empty)} would be empty.{helped} {case.reason}")
        say(f"  pictures {'/'.join(tuned.bands)} by remedy: {offers}")
    for wnid, names in prepared.replicas.items():
        say(f"{wnid} {prepared.labels[wnid].lemma} is accepted under {' and '.join(names)}: `sood-tui review assign`")
    if prepared.unscored:
        some = ", ".join(f"{one.lemma} ({one.superclass})" for one in prepared.unscored[:5])
        say(f"{len(prepared.unscored)} accepted subclasses have no score: {some}; `sood-tui scoring run` scores them.")
    if prepared.removed:
        say(f"{len(prepared.removed)} subclasses are left out by rules; `sood-tui splits rules` lists them.")
    for name in prepared.constant:
        say(f"{name}: all pictures have the same score, which says nothing about them.")
    if prepared.newest_run != prepared.run.run_id:
        say(f"Scoring run {prepared.newest_run} is newer than run {prepared.run.run_id}, on which this split stands.")


def _tell_events(what: str, events: list[SettingEvent], as_json: bool) -> None:
    if as_json:
        emit_json(events)
    for event in events:
        say(f"{what}: {event.key}{f' of {event.superclass}' if event.superclass else ''} {event.value}")
