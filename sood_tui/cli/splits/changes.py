"""Changes of a split: as options say them, written down, and told."""

from engine.errors import EngineError
from engine.splits import change as engine
from engine.splits.prepare import read_settings
from engine.splits.settings import MAIN, Change
from engine.workspace import Workspace
from sood_tui.cli.context import settings_of
from sood_tui.cli.following import take_in_results
from sood_tui.cli.output import emit_json, say
from sood_tui.cli.splits.options import defaults_of, numbers
from store.splits.settings import SettingEvent, fetch_splits


def percentile_changes(
    workspace: Workspace,
    split: str,
    easy: float | None,
    hard: float | None,
    bands: str | None,
    superclass: str | None,
    default: bool,
) -> list[Change]:
    """What `set` says of percentiles; with --default the superclass gives up its own.

    Raises: EngineError when options do not go together.
    """
    if default:
        if superclass is None or easy is not None or hard is not None or bands is not None:
            raise EngineError("--default takes one --superclass, and no percentiles.")
        return [Change("percentiles", None, superclass), Change("remedy", None, superclass)]
    if bands is not None:
        if easy is not None or hard is not None:
            raise EngineError("--bands says all percentiles; leave --easy and --hard out.")
        return [Change("percentiles", numbers(bands), superclass)]
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


def without_none(change: Change) -> Change:
    """The change, with the word none as no source, no predictions and no flag, and -1 as no distance."""
    if change.key == "near_duplicates" and change.value < 0:
        return Change(change.key, None)
    if change.key in ("label_source", "label_predictions") and change.value == "none":
        return Change(change.key, None)
    if change.key == "excluded_flags":
        return Change(change.key, tuple(flag for flag in change.value if flag != "none"))
    return change


def apply(
    workspace: Workspace, changes: list[Change], split: str, by: str | None, note: str | None, as_json: bool
) -> None:
    """Write changes down, and say what holds now.

    Raises: EngineError when there is none.
    """
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


def tell_events(what: str, events: list[SettingEvent], as_json: bool) -> None:
    """Say what was taken back or brought back."""
    if as_json:
        emit_json(events)
    for event in events:
        say(f"{what}: {event.key}{f' of {event.superclass}' if event.superclass else ''} {event.value}")
