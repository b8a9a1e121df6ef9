"""Commands for named evaluation sets: add, list, show, remove, presets."""

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EngineError
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.output import emit, emit_json, say

app = typer.Typer(help="Named sets of pictures.", no_args_is_help=True, rich_markup_mode=None, add_completion=False)

COLUMNS = {"name": "name", "source": "source", "near_or_far": "group", "note": "note", "added_at": "added"}


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to call it.")],
    source: Annotated[
        str, typer.Argument(help="split:BAND, subtree:SYNSET, synsets:A,B, folder:DIR, list:FILE or npz:FILE.")
    ],
    group: Annotated[str | None, typer.Option(help="near or far.")] = None,
    note: Annotated[str | None, typer.Option(help="Known contamination and the like.")] = None,
    as_json: AsJson = False,
) -> None:
    """Name a set; its pictures are looked up anew each time it is used.

    Example: sood-tui evaluation sets add birds subtree:bird --group far
    """
    from engine.evaluation.sets.naming import name_set

    with open_workspace(context) as workspace:
        named, pictures = name_set(workspace, name, source, group, note)
    say(f"{named.name}: {pictures:,} pictures from {named.source}.")
    if as_json:
        emit_json(named)


@app.command("list")
def list_sets(context: typer.Context, as_json: AsJson = False) -> None:
    """List the named sets.

    Example: sood-tui evaluation sets list
    """
    from store.evaluation.sets import fetch_sets

    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        sets = fetch_sets(cursor)
    emit(sets, COLUMNS, as_json, empty="No set was named yet: `sood-tui evaluation sets add NAME SOURCE`.")


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A named set or a source.")],
    as_json: AsJson = False,
) -> None:
    """Count the pictures of a set by synset or class.

    Example: sood-tui evaluation sets show subtree:bird
    """
    from engine.evaluation.sets.naming import describe_set

    with open_workspace(context) as workspace:
        found = describe_set(workspace, name)
    if as_json:
        emit_json(found)
        return
    say(f"{found.name}: {found.pictures:,} pictures from {found.source}, sha256 {found.sha256[:12]}.")
    emit(found.classes, ["class_name", "pictures"], as_json=False)


@app.command("remove")
def remove(context: typer.Context, name: Annotated[str, typer.Argument(help="A named set.")]) -> None:
    """Forget a set; evaluations that used it keep their record of it.

    Example: sood-tui evaluation sets remove birds
    """
    from store.evaluation.sets import delete_set, fetch_set

    with open_workspace(context) as workspace, workspace.opened().writing() as cursor:
        delete_set(cursor, fetch_set(cursor, name).name)
    say(f"{name} is forgotten.")


@app.command("presets")
def presets(
    data: Annotated[Path | None, typer.Option(help="The folder that holds the sets.")] = None, as_json: AsJson = False
) -> None:
    """List the benchmarks of the field, which folders they need, and what is missing.

    Example: sood-tui evaluation sets presets --data ~/ood
    """
    from engine.evaluation.sets.presets import PRESETS, find_preset

    if data is not None and not data.is_dir():
        raise EngineError(f"The folder {data} is not there.")
    rows = [
        {
            "preset": preset.name,
            "set": one.preset.name,
            "role": one.role,
            "group": one.preset.near_or_far,
            "published_images": one.preset.images or None,
            "folder": str(one.folder) if one.folder else f"missing: {' or '.join(one.preset.folders)}",
            "note": one.preset.note,
        }
        for preset in PRESETS.values()
        for one in find_preset(preset, data or Path("."))
    ]
    emit(rows, ["preset", "set", "role", "group", "published_images", "folder", "note"], as_json)
