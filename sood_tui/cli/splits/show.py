"""The command of the room splits that shows what was cut: counts, shares, subclasses, and what is wrong with them."""

import typer

from engine.errors import EngineError
from engine.splits.prepare import prepare
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.settings import MAIN
from engine.splits.show import BandCount, SuperclassCut, degenerate_cases, subclass_cuts, superclass_cuts, total_cut
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.following import take_in_results
from sood_tui.cli.output import emit_json, emit_table, say
from sood_tui.cli.splits.options import Name, OneSuperclass, defaults_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


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
    _tell_troubles(prepared, tuned, superclass)


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


def _tell_troubles(prepared: PreparedSplit, tuned: Tuned, superclass: str | None) -> None:
    """What a person should know of the split, or of one superclass of it."""
    for case in degenerate_cases(prepared, tuned):
        if superclass not in (None, case.superclass):
            continue
        offers = "; ".join(f"{one.remedy}: {'/'.join(map(str, one.pictures))}" for one in case.offers)
        helped = " A remedy is used." if case.is_remedied else ""
        say(f"{case.superclass}: {' and '.join(case.empty)} would be empty.{helped} {case.reason}")
        say(f"  pictures {'/'.join(tuned.bands)} by remedy: {offers}")
    for wnid, names in prepared.replicas.items():
        if superclass is not None and superclass not in names:
            continue
        say(f"{wnid} {prepared.labels[wnid].lemma} is accepted under {' and '.join(names)}: `sood-tui review assign`")
    unscored = [one for one in prepared.unscored if superclass in (None, one.superclass)]
    if unscored:
        some = ", ".join(f"{one.lemma} ({one.superclass})" for one in unscored[:5])
        say(f"{len(unscored)} accepted subclasses have no score: {some}; `sood-tui scoring run` scores them.")
    removed = [one for one in prepared.removed if superclass in (None, one.superclass)]
    if removed:
        say(f"{len(removed)} subclasses are left out by rules; `sood-tui splits rules` lists them.")
    for name in prepared.constant if superclass is None else {superclass} & set(prepared.constant):
        say(f"{name}: all pictures have the same score, which says nothing about them.")
    if prepared.newest_run != prepared.run.run_id:
        say(f"Scoring run {prepared.newest_run} is newer than run {prepared.run.run_id}, on which this split stands.")
