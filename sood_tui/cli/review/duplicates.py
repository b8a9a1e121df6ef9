"""Commands of the room review that settle what is there twice: replicas and duplicates."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from engine.errors import EngineError
from engine.review import decisions as engine
from engine.review.comparing import begin, compare
from engine.review.decisions import Settlement
from engine.review.duplicates import LIKENESSES, Comparison, Duplicate, Rule
from engine.review.duplicates import leave_out as leave_out_of
from engine.workspace import Workspace
from sood_tui.benches.thresholds import split_defaults
from sood_tui.cli.context import AsJson, open_review, settings_of
from sood_tui.cli.following import finish_job
from sood_tui.cli.output import emit, emit_json, say
from store.connection import Cursor
from store.splits.similarities import fetch_runs

app = typer.Typer(rich_markup_mode=None)

COUNTS = ("listed", "compared", "unreadable", "embedded", "compared_by_embedding")


By = Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; else the setting `reviewer`.")]


class Keep(StrEnum):
    """Which of several pictures stays."""

    nearest = "nearest"
    score = "score"
    larger = "larger"
    first = "first"


class Across(StrEnum):
    """Which pairs count."""

    all = "all"
    splits = "splits"
    synsets = "synsets"
    within = "within"


class Policy(StrEnum):
    """How replicas are settled."""

    nearest = "nearest"
    score = "score"
    larger = "larger"
    first = "first"
    drop = "drop"


@app.command()
def replicas(
    context: typer.Context,
    settle: Annotated[
        Policy | None,
        typer.Option(
            help="Settle them: nearest root, highest mean score, superclass with more accepted pictures, first by "
            "name, or drop from all; ties are left."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --settle: tell who would keep what.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """List the synsets that two or more superclasses have accepted, or settle them by a rule as one step.

    Example: sood-tui review replicas --settle nearest --dry-run
    """
    if dry_run and settle is None:
        raise EngineError("--dry-run tells what a rule would do, and none was named.", "Add --settle nearest.")
    with open_review(context) as workspace:
        with workspace.opened().reading() as cursor:
            run_id = newest_run(cursor)
            planned = engine.settlements(cursor, settle.value, run_id) if settle is not None and dry_run else []
        if settle is not None and not dry_run:
            step = engine.settle(workspace, settle.value, by or settings_of(workspace).reviewer, run_id)
            say(f"{len(step.wnids)} settled." if step else "Nothing could be settled by this rule.")
        with workspace.opened().reading() as cursor:
            claims = [claim for group in engine.replicas(cursor, run_id).values() for claim in group]
    if dry_run:
        _tell_settlements(planned, as_json)
        return
    columns = {
        "wnid": "wnid",
        "name": "subclass",
        "superclass": "superclass",
        "depth": "depth",
        "similarity_mean": "similarity",
        "images": "pictures",
        "reviewer": "by",
    }
    emit(claims, columns, as_json, "No synset is accepted under two superclasses.")


@app.command("duplicates")
def duplicates_command(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]", help="Only its pictures.")] = None,
    near: Annotated[
        int | None, typer.Option(help="Also those whose hashes differ in at most 0 to 7 of 64 bits.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Also those whose embeddings have at least this cosine, 0.9 to 1.")
    ] = None,
    across: Annotated[
        Across, typer.Option(help="Only pairs across the lists of the split, across synsets, or within one list.")
    ] = Across.all,
    keep: Annotated[
        Keep, typer.Option(help="What stays: nearest root, highest score, larger picture, or first by path.")
    ] = Keep.larger,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Mark what goes as bad, with its reason, as one step.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --leave-out: only tell how many would go.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """List accepted pictures that are the same, or leave all but one of each out; one undo takes it back.

    Exact ones have the same file or the same decoded pixels; near ones need --near or --threshold.

    Example: sood-tui review duplicates --near 2 --threshold 0.97 --keep larger --leave-out --dry-run
    """
    rule = Rule(keep.value, near, threshold, across.value)
    rule.check()
    with open_review(context) as workspace:
        settings = settings_of(workspace)
        reviewer = by or settings.reviewer
        if workspace.guest is None:
            _read(workspace, superclass, reviewer, threshold is not None)
        compared = compare(workspace, superclass, split_defaults(settings, workspace.seed))
        settled = compared.settle(rule)
        pairs = compared.duplicates(settled)
        step = leave_out_of(workspace, pairs, keep.value, reviewer) if leave_out and not dry_run else None
    left_out = len(step.pictures) if step else 0
    if as_json:
        emit_json(
            {
                **{name: getattr(compared, name) for name in COUNTS},
                "pairs": pairs,
                "across_splits": settled.across_splits,
                "left_out": left_out,
            }
        )
    else:
        _table(pairs)
    _tell(compared, pairs, settled.across_splits, threshold is not None, is_guest=workspace.guest is not None)
    if leave_out:
        say(f"{len(pairs)} would be left out." if dry_run else f"{left_out} left out.")


def _read(workspace: Workspace, superclass: str | None, reviewer: str, with_embeddings: bool) -> None:
    for job in begin(workspace, superclass, reviewer, with_embeddings).jobs:
        finish_job(workspace, job)


def _table(pairs: list[Duplicate]) -> None:
    columns = {
        "kind": "kind",
        "distance": "bits",
        "cosine": "cosine",
        "stays_picture": "stays",
        "stays_pixels": "pixels",
        "stays_split": "list",
        "goes_picture": "goes",
        "goes_pixels": "its pixels",
        "goes_split": "its list",
        "is_across": "two synsets",
    }
    emit(pairs, columns, False, "No accepted picture is there twice.")


def _tell(compared: Comparison, pairs: list[Duplicate], across: int, by_embedding: bool, is_guest: bool) -> None:
    counts = ", ".join(f"{sum(pair.kind == kind for pair in pairs)} {kind}" for kind in LIKENESSES)
    say(f"{compared.compared:,} of {compared.listed:,} pictures compared: {counts}; {across} across two lists.")
    if compared.unreadable:
        say(f"{compared.unreadable:,} could not be read: `sood-tui images issues` says why.")
    unread = compared.listed - compared.compared
    if unread and is_guest:
        say(f"{unread:,} were not read yet, which a guest seat cannot do: the owner's Review does, with d and r.")
    if by_embedding and compared.compared_by_embedding < compared.listed:
        lacks = "were not compared" if compared.compared_by_embedding < compared.embedded else "have no embedding"
        say(f"{compared.listed - compared.compared_by_embedding:,} {lacks} by the newest scoring run.")


def _tell_settlements(planned: Sequence[Settlement], as_json: bool) -> None:
    """What a rule would do with replicas."""
    rows = [
        {
            "wnid": one.wnid,
            "name": one.name,
            "keeper": one.keeper,
            "rejected": [
                claim.superclass
                for claim in one.claims
                if one.is_dropped or (one.keeper is not None and claim.superclass != one.keeper)
            ],
        }
        for one in planned
    ]
    columns = {"wnid": "wnid", "name": "subclass", "keeper": "kept by", "rejected": "taken from"}
    emit(rows, columns, as_json, "No synset is accepted under two superclasses.")
    settled = sum(one.rejections > 0 for one in planned)
    say(f"{settled} would be settled, {len(planned) - settled} left to a person.")


def newest_run(cursor: Cursor) -> int | None:
    """The id of the newest scoring run; None before the first."""
    runs = fetch_runs(cursor)
    return runs[-1].run_id if runs else None
