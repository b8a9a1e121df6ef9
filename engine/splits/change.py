"""Changing the settings of a split: every change is a step that can be taken back."""

import json
from collections.abc import Sequence
from dataclasses import fields
from uuid import UUID

from engine.errors import EngineError
from engine.events import new_event_id, now
from engine.labels.sources import OWN
from engine.review.decisions import NothingToUndo
from engine.splits import settings as settings_of
from engine.splits.prepare import read_settings
from engine.splits.settings import MAIN, Change, SplitSettings, check_change, fold, redoable_step, undoable_step
from engine.workspace import Workspace
from store.candidates.superclasses import fetch_superclass_names
from store.connection import Cursor
from store.labels.predictions import fetch_prediction_run
from store.labels.truth import fetch_source
from store.splits.settings import SettingEvent, Split, append_settings, fetch_settings, fetch_splits, insert_split
from store.splits.similarities import fetch_runs


def change_settings(
    workspace: Workspace,
    changes: Sequence[Change],
    reviewer: str,
    split: str = MAIN,
    note: str | None = None,
    defaults: SplitSettings | None = None,
) -> SplitSettings:
    """Change settings of a split as one step; a split that was not made yet is made on the newest scoring run.

    Args:
        workspace: open.
        changes: new values.
        reviewer: who changes them.
        split: its name.
        note: why.
        defaults: what the split starts from when it is made now.

    Returns: the settings that hold now.

    Raises: EngineError if a value or a superclass cannot be.
    """
    if not changes:
        raise EngineError("Nothing was said that could be set.")
    with workspace.opened().writing() as cursor:
        names = fetch_superclass_names(cursor)
        checked = [check_change(change, names) for change in changes]
        if split not in {one.split for one in fetch_splits(cursor)}:
            _make(cursor, split, reviewer, defaults or SplitSettings(seed=workspace.seed), workspace.seed)
        _, before = read_settings(cursor, workspace.seed, split)
        checked += _outdated(checked, before)
        _check_together(checked, before)
        _check_run(cursor, checked)
        _check_labels(cursor, checked, before)
        _append(cursor, split, checked, reviewer, note)
        return fold(fetch_settings(cursor, split), workspace.seed)


def list_splits(workspace: Workspace) -> list[str]:
    """The names of the splits, the main one first, whether or not it was made."""
    with workspace.opened().reading() as cursor:
        names = [one.split for one in fetch_splits(cursor)]
    return [MAIN, *(name for name in names if name != MAIN)]


def copy_split(
    workspace: Workspace, source: str, name: str, reviewer: str, defaults: SplitSettings | None = None
) -> SplitSettings:
    """Make a split with the settings of another one.

    Args:
        workspace: open.
        source: the split to begin from.
        name: of the new one.
        reviewer: who makes it.
        defaults: what holds in a split that was not made yet.

    Raises: EngineError if there is a split of that name already, or the name cannot be one.
    """
    with workspace.opened().reading() as cursor:
        made, settings = read_settings(cursor, workspace.seed, source, defaults)
        if name in {one.split for one in fetch_splits(cursor)} or name == MAIN:
            raise EngineError(f"There is a split {name} already.", "Give it another name.")
    plain = SplitSettings(seed=workspace.seed)
    held = [one.name for one in fields(SplitSettings) if not one.name.startswith("superclass_")]
    changes = [Change(key, getattr(settings, key)) for key in held if getattr(settings, key) != getattr(plain, key)]
    if settings.run_id is None and made is not None:
        changes.append(Change("run_id", made.run_id))
    for key in settings_of.OWN:
        own = getattr(settings, f"superclass_{key}")
        changes += [Change(key, value, superclass) for superclass, value in own.items()]
    changes = changes or [Change("percentiles", settings.percentiles)]
    return change_settings(workspace, changes, reviewer, name, f"made from {source}", plain)


def undo_setting(workspace: Workspace, reviewer: str, split: str = MAIN) -> list[SettingEvent]:
    """Take back the newest step of a split that stands. Returns: the changes that were taken back.

    Raises: NothingToUndo.
    """
    return _reverse(workspace, reviewer, split, "undo")


def redo_setting(workspace: Workspace, reviewer: str, split: str = MAIN) -> list[SettingEvent]:
    """Bring back the step that was taken back last. Returns: the changes that hold again.

    Raises: NothingToUndo.
    """
    return _reverse(workspace, reviewer, split, "redo")


def _make(cursor: Cursor, split: str, reviewer: str, defaults: SplitSettings, seed: int) -> None:
    """A new split. What its defaults differ in from the reference's is written down, so that it stays as it is."""
    runs = fetch_runs(cursor)
    if not runs:
        raise EngineError("Nothing was scored yet.", "`sood-tui scoring run` scores the accepted subclasses.")
    if not split or split != split.strip() or "/" in split:
        raise EngineError(f"{split!r} is no name for a split.")
    insert_split(cursor, Split(split, runs[-1].run_id, now()))
    plain = SplitSettings(seed=seed)
    differing = [key for key in ("percentiles", "seed") if getattr(defaults, key) != getattr(plain, key)]
    if differing:
        changes = [Change(key, getattr(defaults, key)) for key in differing]
        _append(cursor, split, changes, reviewer, "the settings it was made with")


def _outdated(changes: Sequence[Change], before: SplitSettings) -> list[Change]:
    """Own percentiles that a new number of bands leaves without meaning are taken away in the same step."""
    counts = {len(change.value) for change in changes if change.key == "percentiles" and change.superclass is None}
    named = {change.superclass for change in changes if change.key == "percentiles"}
    return [
        Change("percentiles", None, superclass)
        for superclass, own in before.superclass_percentiles.items()
        if counts and len(own) not in counts and superclass not in named
    ]


def _check_together(changes: Sequence[Change], before: SplitSettings) -> None:
    percentiles = [change for change in changes if change.key == "percentiles" and change.value is not None]
    everybody = [change.value for change in percentiles if change.superclass is None]
    count = len(everybody[-1] if everybody else before.percentiles)
    for change in percentiles:
        if len(change.value) != count:
            raise EngineError(
                f"{change.superclass} cannot have {len(change.value) + 1} bands: the split has {count + 1}.",
                "Set --bands for all superclasses first.",
            )


def _check_run(cursor: Cursor, changes: Sequence[Change]) -> None:
    asked = [change.value for change in changes if change.key == "run_id" and change.value is not None]
    if asked and asked[-1] not in {run.run_id for run in fetch_runs(cursor)}:
        raise EngineError(f"There is no scoring run {asked[-1]}.", "`sood-tui scoring runs` lists them.")


def _check_labels(cursor: Cursor, changes: Sequence[Change], before: SplitSettings) -> None:
    after = {key: getattr(before, key) for key in ("label_source", "excluded_flags", "match_labels")}
    after |= {change.key: change.value for change in changes if change.key in after}
    if after["label_source"] is None:
        used = "Excluding flags" if after["excluded_flags"] else "Matching numbers of labels"
        if after["excluded_flags"] or after["match_labels"] != "none":
            raise EngineError(f"{used} needs a source of labels.", "Name it: `sood-tui splits rules --labels SOURCE`.")
    elif after["label_source"] != OWN:
        fetch_source(cursor, after["label_source"])
    for change in changes:
        if change.key == "label_predictions" and change.value is not None:
            fetch_prediction_run(cursor, change.value)


def _append(cursor: Cursor, split: str, changes: Sequence[Change], reviewer: str, note: str | None) -> None:
    step_id, at = new_event_id(), now()
    append_settings(
        cursor,
        [
            SettingEvent(
                new_event_id(), step_id, split, one.superclass, one.key, json.dumps(one.value), reviewer, at, note
            )
            for one in changes
        ],
    )


def _reverse(workspace: Workspace, reviewer: str, split: str, key: str) -> list[SettingEvent]:
    with workspace.opened().writing() as cursor:
        read_settings(cursor, workspace.seed, split)
        events = fetch_settings(cursor, split)
        step: UUID | None = undoable_step(events) if key == "undo" else redoable_step(events)
        if step is None:
            raise NothingToUndo(f"The split {split} has no change to {'take' if key == 'undo' else 'bring'} back.")
        _append(cursor, split, [Change(key, str(step))], reviewer, None)
        return [event for event in events if event.step_id == step]
