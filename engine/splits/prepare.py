"""Making a split ready to be cut: claims, scores and rules read from the catalogue."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from engine.errors import EngineError
from engine.splits.formulas import Ladder, build_ladder
from engine.splits.measure import Measured, measure
from engine.splits.prepared import PreparedSplit, Subclass, Unscored
from engine.splits.rules import Removed, apply_rules
from engine.splits.settings import MAIN, OUT, SplitSettings, fold
from engine.workspace import Workspace
from store.connection import Cursor
from store.review.queue import accepted
from store.splits.settings import Split, fetch_settings, fetch_splits
from store.splits.similarities import Label, Pair, fetch_labels, fetch_picture_counts, fetch_prompts, fetch_runs


def prepare(workspace: Workspace, split: str = MAIN, defaults: SplitSettings | None = None) -> PreparedSplit:
    """Read a split and the statistics of its subclasses.

    Args:
        workspace: open.
        split: its name; the main split need not have been made, it then stands on the newest scoring run.
        defaults: what holds in a split that was not made yet.

    Raises: EngineError if there is no such split, nothing was scored, or nothing was accepted.
    """
    with workspace.opened().reading() as cursor:
        return prepare_with_pictures(cursor, workspace.seed, split, defaults)[0]


def prepare_with_pictures(
    cursor: Cursor, seed: int, split: str = MAIN, defaults: SplitSettings | None = None
) -> tuple[PreparedSplit, Measured]:
    """The same with every picture's score, which an export writes and a histogram shows."""
    made, settings = read_settings(cursor, seed, split, defaults)
    return prepare_claims(cursor, split, settings, made.run_id if made else None, accepted(cursor))


def prepare_claims(
    cursor: Cursor, split: str, settings: SplitSettings, run_id: int | None, claims: Sequence[tuple[str, str]]
) -> tuple[PreparedSplit, Measured]:
    """Prepare a split of given subclasses.

    Args:
        cursor: for reading.
        split: what it is called.
        settings: its rules and percentiles; their run goes before the other one.
        run_id: the scoring run; None takes the newest.
        claims: superclass and wnid of every subclass, sorted.

    Raises: EngineError if nothing was scored, or there is no subclass.
    """
    runs = {run.run_id: run for run in fetch_runs(cursor)}
    if not runs:
        raise EngineError("Nothing was scored yet.", "`sood-tui scoring run` scores the accepted subclasses.")
    newest = max(runs)
    run_id = settings.run_id or run_id or newest
    if run_id not in runs:
        raise EngineError(f"There is no scoring run {run_id}.", "`sood-tui scoring runs` lists them.")
    if not claims:
        raise EngineError("No subclass was accepted yet.", "`sood-tui review accept` or the Review screen accepts.")
    prompts = {prompt.superclass: prompt for prompt in fetch_prompts(cursor, run_id)}
    pairs = [Pair(name, wnid, prompts[name].run_id if name in prompts else -1) for name, wnid in claims]
    measured = measure(cursor, pairs, settings)
    labels = fetch_labels(cursor, sorted({wnid for _, wnid in claims}))
    counts = fetch_picture_counts(cursor, sorted(labels))
    subclasses, unscored = _subclasses(measured, labels, counts)
    if not subclasses:
        raise EngineError(
            f"Scoring run {run_id} has no picture of an accepted subclass.",
            "`sood-tui scoring run` scores what was accepted since.",
        )
    removed, kept, ladder = _kept(subclasses, settings)
    prepared = PreparedSplit(
        split=split,
        run=runs[run_id],
        newest_run=newest,
        prompts=prompts,
        settings=settings,
        superclasses=tuple(dict.fromkeys(row.superclass for row in kept)),
        subclasses=tuple(kept),
        ladder=ladder,
        removed=tuple(removed),
        unscored=tuple(unscored),
        replicas=_replicas(claims),
        constant=measured.constant,
        unreadable=sum(broken for _, broken in counts.values()),
        labels=labels,
    )
    return prepared, measured


def read_settings(
    cursor: Cursor, seed: int, split: str, defaults: SplitSettings | None = None
) -> tuple[Split | None, SplitSettings]:
    """A split, if it was made, and its settings.

    Raises: EngineError if a split other than the main one was not made.
    """
    made = {one.split: one for one in fetch_splits(cursor)}
    if split in made:
        return made[split], fold(fetch_settings(cursor, split), seed)
    if split != MAIN:
        names = f"there is {', '.join(made)}" if made else "none was made yet"
        raise EngineError(
            f"There is no split {split}; {names}.",
            f"`sood-tui splits set --split {split} --easy 40` makes it.",
        )
    return None, defaults or SplitSettings(seed=seed)


def _subclasses(
    measured: Measured, labels: Mapping[str, Label], counts: Mapping[str, tuple[int, int]]
) -> tuple[list[Subclass], list[Unscored]]:
    scored, unscored = [], []
    for pair, found in zip(measured.pairs, measured.measures, strict=True):
        superclass, wnid, label = pair.superclass, pair.wnid, labels[pair.wnid]
        if found is None:
            unscored.append(Unscored(superclass, wnid, label.name, label.lemma, counts.get(wnid, (0, 0))[0]))
        else:
            numbers = (found.mean, found.standard_deviation, found.pictures, found.kept, found.excluded)
            scored.append(Subclass(superclass, wnid, label.name, label.lemma, *numbers))
    return scored, unscored


def _kept(subclasses: Sequence[Subclass], settings: SplitSettings) -> tuple[list[Removed], list[Subclass], Ladder]:
    """What the rules leave, sorted as a ladder: superclasses alphabetically, their subclasses from hard to typical."""
    emptied = [_emptied(row, settings) for row in subclasses if not row.kept and not _is_out(row, settings)]
    emptied += [_put_out(row) for row in subclasses if _is_out(row, settings)]
    pictures: dict[str, dict[str, int]] = {}
    for row in subclasses:
        if row.kept and not _is_out(row, settings):
            pictures.setdefault(row.superclass, {})[row.wnid] = row.kept
    removed = emptied + apply_rules(pictures, settings)
    gone = {(one.superclass, one.wnid) for one in removed}
    kept = [row for row in subclasses if (row.superclass, row.wnid) not in gone]
    kept.sort(key=lambda row: (row.superclass, row.mean, row.wnid))
    names = {name: index for index, name in enumerate(dict.fromkeys(row.superclass for row in kept))}
    ladder = build_ladder(
        np.array([names[row.superclass] for row in kept], np.int64),
        np.array([row.mean for row in kept], np.float64),
        np.array([row.kept for row in kept], np.int64),
        len(names),
    )
    return removed, kept, ladder


def _emptied(row: Subclass, settings: SplitSettings) -> Removed:
    reason = f"all {row.excluded} typical pictures of {row.lemma} have an excluded flag in {settings.label_source}"
    return Removed(row.superclass, row.wnid, "excluded_flags", reason)


def _is_out(row: Subclass, settings: SplitSettings) -> bool:
    return settings.superclass_placed.get(row.superclass, {}).get(row.wnid) == OUT


def _put_out(row: Subclass) -> Removed:
    return Removed(row.superclass, row.wnid, "placed_out", f"{row.lemma} was taken out of the split by a person")


def _replicas(claims: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    by_wnid = sorted((wnid, superclass) for superclass, wnid in claims)
    names_of = {wnid: tuple(name for _, name in group) for wnid, group in groupby(by_wnid, key=lambda pair: pair[0])}
    return {wnid: names for wnid, names in names_of.items() if len(names) > 1}
