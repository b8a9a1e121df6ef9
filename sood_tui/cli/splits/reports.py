"""Commands of the room splits that compare and question a split: compare, sensitivity, validity, leaks."""

from typing import Annotated

import typer

from engine.export.leaks import find_leaks
from engine.splits import compare as comparing
from engine.splits import sensitivity as moving
from engine.splits import validity as questioning
from engine.splits.after import leave_out, train_relatives
from engine.splits.prepare import prepare_with_pictures
from engine.splits.preview import Preview
from engine.splits.settings import MAIN, check_percentiles
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.output import emit_json, emit_table, say
from sood_tui.cli.splits.options import Name, defaults_of, numbers

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(metavar="SPLIT", help="A split.")],
    after: Annotated[str, typer.Argument(metavar="SPLIT", help="Another one.")],
    as_json: AsJson = False,
) -> None:
    """Compare two named splits: which subclasses moved, and how much their lists share.

    Example: sood-tui splits compare main strict
    """
    with open_workspace(context) as workspace:
        found = comparing.compare_splits(workspace, before, after, defaults_of(workspace))
    if as_json:
        emit_json(found)
        return
    emit_table(found.moved, ("superclass", "wnid", "lemma", "before", "after", "pictures", "mean_before", "mean_after"))
    for row in found.lists:
        if not row.superclass:
            say(
                f"{row.split}: {row.subclasses_before} and {row.subclasses_after} subclasses, {row.shared_subclasses} "
                f"shared, Jaccard {_share(row.jaccard_subclasses)}; pictures {row.pictures_before:,} and "
                f"{row.pictures_after:,}, Jaccard {_share(row.jaccard_pictures)}"
            )
    say(f"{len(found.moved)} subclasses moved, {found.same} stayed.")


@app.command()
def sensitivity(
    context: typer.Context,
    easy: Annotated[str, typer.Option(metavar="P,P,...", help="Percentiles to try for Easy.")] = "30,35,40,45,50",
    hard: Annotated[str, typer.Option(metavar="P,P,...", help="Percentiles to try for Hard.")] = "10,15,20,25,30",
    draws: Annotated[int, typer.Option(min=0, help="How often pictures are drawn again; 0: not at all.")] = 200,
    split: Name = MAIN,
    as_json: AsJson = False,
) -> None:
    """Tell how much the cut owes to its percentiles, prompts, model, and chance. Nothing is encoded again.

    Example: sood-tui splits sensitivity --easy 35,40,45 --hard 15,20,25
    """
    high, low = (check_percentiles(numbers(text)) for text in (easy, hard))
    with open_workspace(context) as workspace:
        found = moving.sensitivity(workspace, split, defaults_of(workspace), high, low, draws)
    if as_json:
        emit_json(found)
        return
    rows = [
        {"hard %": point.percentiles[0], "easy %": point.percentiles[1], "jaccard_train": point.jaccard_train,
         "moved": point.moved_subclasses, **point.pictures, "with empty band": point.superclasses_with_empty_band}
        for point in found.grid
    ]  # fmt: skip
    emit_table(rows, list(rows[0]) if rows else ())
    for run in found.runs:
        rho = f"Spearman {_share(run.spearman)}" + (f", least {run.least_superclass}" if run.least_superclass else "")
        say(
            f"run {run.run_id}, another {run.kind} ({run.model}, {run.template!r}): Jaccard of train "
            f"{_share(run.jaccard_train)}, {run.moved_subclasses} moved, {rho}"
        )
    if found.mean_stays is not None:
        say(
            f"Drawn {found.draws} times, a subclass stays in its list in {found.mean_stays:.1%} of the draws; "
            f"{found.shaky} stay in fewer than {moving.SHAKY:.0%}:"
        )
        for row in found.stability[:10]:
            if row.stays < moving.SHAKY:
                shares = ", ".join(f"{name} {share:.0%}" for name, share in row.shares.items() if share)
                say(f"  {row.superclass} {row.wnid} {row.lemma}: {row.split}; drawn {shares}")


@app.command()
def validity(
    context: typer.Context,
    sample: Annotated[int, typer.Option(min=0, help="Pictures of each list that are looked at; 0: none.")] = 1000,
    split: Name = MAIN,
    as_json: AsJson = False,
) -> None:
    """Ask what a list could be hard for besides its meaning: distance, clutter, size, colour; and what is covered.

    Example: sood-tui splits validity --sample 500
    """
    with open_workspace(context) as workspace:
        found = questioning.validity(workspace, split, defaults_of(workspace), sample, _reading)
    if as_json:
        emit_json(found)
        return
    emit_table(found.distances, ("superclass", "subclasses", "unreached", "spearman"))
    if found.spearman is not None:
        say(f"WordNet distance and mean score: Spearman {found.spearman:+.3f} on average.")
    for look in found.looks:
        if look.sampled:
            say(
                f"{look.split}: {look.sampled:,} of {look.pictures:,} pictures, median {look.width:.0f} x "
                f"{look.height:.0f} pixels, {look.bytes:,.0f} bytes; luminance {look.luminance:.3f}, contrast "
                f"{look.contrast:.3f}, saturation {look.saturation:.3f}"
            )
    for row in found.clutter:
        if row.multi_label_share is not None:
            say(f"{row.split}: {row.multi_label_share:.1%} of {row.labelled:,} labelled pictures show several objects")
    covered = found.coverage
    say(
        f"Accepted: {covered.accepted_pictures:,} of {covered.pictures:,} pictures and {covered.accepted_synsets:,} of "
        f"{covered.synsets:,} synsets that are there; candidates: {covered.candidate_pictures:,} pictures."
    )
    for told in found.warnings:
        say(f"! {told}")


@app.command()
def leaks(
    context: typer.Context,
    near: Annotated[
        int | None, typer.Option(min=0, max=3, help="Also pictures whose hashes differ in so many of 64 bits.")
    ] = None,
    split: Name = MAIN,
    as_json: AsJson = False,
) -> None:
    """Find pictures that stand in two lists, by content, and training subclasses related to a test one.

    Every listed picture is read once and remembered; stopped, it goes on where it was.

    Example: sood-tui splits leaks --near 3
    """
    with open_workspace(context) as workspace:
        with workspace.opened().reading() as cursor:
            prepared, measured = prepare_with_pictures(cursor, workspace.seed, split, defaults_of(workspace))
            tuned = prepared.retune()
            measured = leave_out(cursor, prepared, tuned, measured)
            relatives = train_relatives(cursor, prepared, tuned)
        found = find_leaks(workspace, prepared, tuned, measured, near, _reading)
    if as_json:
        emit_json({"report": found, "relatives": relatives})
        return
    emit_table(found.leaks, ("split", "path", "other_split", "other_path", "distance"))
    excluded = " (left out)" if prepared.settings.exclude_relatives else ""
    for one in relatives:
        related = f"is {one.relation} of {one.other_lemma} in {one.other_split}"
        say(f"train {one.lemma} ({one.superclass}) {related}{excluded}")
    say(
        f"{found.compared:,} of {found.listed:,} listed pictures compared: {len(found.leaks)} pair(s) across lists, "
        f"{found.within} of the same content within one; {len(found.shared_subclasses)} subclasses in two lists."
    )
    if found.leaks:
        say("`sood-tui splits rules --near-duplicates 0 --preview` shows what leaving them out would take.")


def tell_preview(found: Preview, as_json: bool) -> None:
    """What changed settings would do."""
    if as_json:
        emit_json(found)
        return
    rows: list[dict[str, object]] = [
        {"what": "taken out", "superclass": row.superclass, "wnid": row.wnid, "why": row.reason}
        for row in found.taken_out
    ]
    rows += [
        {"what": "back", "superclass": row.superclass, "wnid": row.wnid, "why": row.reason}
        for row in found.brought_back
    ]
    rows += [
        {"what": f"{row.before} -> {row.after}", "superclass": row.superclass, "wnid": row.wnid, "why": row.lemma}
        for row in found.cut.moved
        if row.before and row.after
    ]
    emit_table(rows, ("what", "superclass", "wnid", "why"))
    for rule in found.pictures:
        say(f"{rule.rule}: leaves {rule.after:,} pictures out of {rule.split}, now {rule.before:,}")
    for name, count in found.pictures_after.items():
        say(f"{name}: {count:,} pictures, now {found.pictures_before.get(name, 0):,}")
    say("Nothing was set.")


def _reading(done: int, whole: int) -> None:
    if whole and (done % 10_000 == 0 or done == whole):
        say(f"read {done:,} of {whole:,} pictures")


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
