"""Commands of the room review that tell why: the story of a candidate or a picture, conflicts, and marked pictures."""

from enum import StrEnum
from typing import Annotated

import typer

from engine.errors import EngineError
from engine.review.decisions import require_superclass
from engine.review.pictures import MARK_WORDS, find_picture, mark
from engine.review.placing import PicturePlace, Placing, SubclassPlace
from engine.review.story import Story, own_story, story
from engine.review.subtrees import conflicts
from engine.wordnet.resolve import resolve
from engine.workspace import Workspace
from sood_tui.cli.context import AsJson, open_review, settings_of
from sood_tui.cli.output import emit, emit_json, say
from sood_tui.cli.review.reviewers import Blind, blind_reviewer
from sood_tui.lines.story import picture_lines, place_lines, story_lines
from store.review.pictures import fetch_marked_pictures
from store.splits.similarities import fetch_runs

app = typer.Typer(rich_markup_mode=None)


class MarkKind(StrEnum):
    """What is said of a picture."""

    bad = "bad"
    several = "several"
    clear = "clear"


@app.command()
def why(
    context: typer.Context,
    superclass: Annotated[str, typer.Argument(metavar="SUPERCLASS")],
    synset: Annotated[str, typer.Argument(metavar="SYNSET")],
    picture: Annotated[
        str | None, typer.Option(metavar="PICTURE", help="One of its pictures: ROOT/PATH, or its number.")
    ] = None,
    blind: Blind = False,
    as_json: AsJson = False,
) -> None:
    """Tell the whole story of a candidate, or of one of its pictures: verdicts, decisions, scores, threshold, rule.

    Example: sood-tui review why dog papillon
    """
    with open_review(context) as workspace:
        with workspace.opened().reading() as cursor:
            require_superclass(cursor, superclass)
            runs = fetch_runs(cursor)
            told = story(cursor, superclass, resolve(cursor, synset), runs[-1].run_id if runs else None)
            image_id = find_picture(cursor, picture).image_id if picture is not None else None
            blind_for = blind_reviewer(workspace, blind)
            told = told if blind_for is None else own_story(cursor, told, blind_for)
        place = None if blind_for is not None else _place(workspace, told, image_id)
    if as_json:
        emit_json({"story": told, "place": place})
        return
    lines = [*story_lines(told), *([("split", "hidden while you judge blind")] if blind_for is not None else [])]
    if isinstance(place, PicturePlace):
        lines += picture_lines(place)
    if isinstance(place, (PicturePlace, SubclassPlace)):
        lines += place_lines(place.subclass if isinstance(place, PicturePlace) else place)
    width = max(len(name) for name, _ in lines)
    typer.echo("\n".join(f"{name.ljust(width)}  {text}".rstrip() for name, text in lines))


@app.command("mark")
def mark_command(
    context: typer.Context,
    pictures: Annotated[
        list[str], typer.Argument(metavar="PICTURE...", help="ROOT/PATH as exports have it, or numbers.")
    ],
    kind: Annotated[MarkKind, typer.Option("--as", help="bad leaves scores and exports; clear takes the mark off.")] = (
        MarkKind.bad
    ),
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who says so; else the setting `reviewer`.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept with the mark.")] = None,
    as_json: AsJson = False,
) -> None:
    """Mark single pictures as bad or off-topic, or as showing several objects, as one step that undo takes back.

    Example: sood-tui review mark imagenet21k_train/n02086910/n02086910_12.JPEG --as bad --note "a drawing"
    """
    with open_review(context) as workspace:
        with workspace.opened().reading() as cursor:
            image_ids = [find_picture(cursor, text).image_id for text in pictures]
        step = mark(workspace, image_ids, kind.value, by or settings_of(workspace).reviewer, note)
    if as_json:
        emit_json(step)
    for event in step.pictures:
        say(f"{event.root}/{event.path}: {MARK_WORDS.get(event.kind, 'no mark')}, by {event.reviewer}")


@app.command("pictures")
def pictures_command(
    context: typer.Context,
    synset: Annotated[str | None, typer.Argument(metavar="[SYNSET]", help="Only its pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the pictures that somebody marked; bad ones take no part in scores, splits and exports.

    Example: sood-tui review pictures papillon
    """
    with open_review(context) as workspace, workspace.opened().reading() as cursor:
        rows = fetch_marked_pictures(cursor, resolve(cursor, synset) if synset else None)
    columns = {
        "mark": "mark", "root": "root", "path": "path", "name": "subclass", "reviewer": "by", "at": "when",
        "note": "note",
    }  # fmt: skip
    emit(rows, columns, as_json, "No picture is marked.")


@app.command("conflicts")
def conflicts_command(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]")] = None,
    as_json: AsJson = False,
) -> None:
    """List candidates that inherit different decisions by different ways up, and have no decision of their own.

    Example: sood-tui review conflicts dog
    """
    with open_review(context) as workspace, workspace.opened().reading() as cursor:
        if superclass is not None:
            require_superclass(cursor, superclass)
        found = [claim for conflict in conflicts(cursor, superclass) for claim in conflict.claims]
    columns = {
        "superclass": "superclass",
        "wnid": "wnid",
        "name": "subclass",
        "origin_name": "from",
        "kind": "inherits",
    }
    emit(found, columns, as_json, "No candidate inherits two different decisions.")


def _place(workspace: Workspace, told: Story, image_id: int | None) -> SubclassPlace | PicturePlace | None:
    """Where it stands in the main split; None where nothing is scored or it is not accepted, which the story tells."""
    from sood_tui.cli.splits.options import defaults_of

    item = told.candidate
    if item.state != "accept":
        return None
    try:
        placing = Placing.read(workspace, defaults=defaults_of(workspace))
    except EngineError:
        return None
    if image_id is None:
        return placing.subclass(item.superclass, item.wnid)
    return placing.picture(item.superclass, item.wnid, image_id)
