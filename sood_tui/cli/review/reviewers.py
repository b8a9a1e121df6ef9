"""Commands of the room review for several reviewers: how far they agree, where they do not, and who settles it."""

from enum import StrEnum
from typing import Annotated

import typer

from engine.review.agreement import reviewer_agreement
from engine.review.decisions import require_superclass
from engine.review.disputes import Dispute, adjudicate, disputes
from engine.workspace import Workspace
from sood_tui.cli.context import AsJson, open_review, settings_of
from sood_tui.cli.output import emit, emit_json, say
from sood_tui.marks import MARKS

app = typer.Typer(rich_markup_mode=None)

SAID = {"accept": "accepted", "reject": "rejected", "unsure": "unsure", "clear": "taken back"}


Blind = Annotated[
    bool, typer.Option("--blind", help="Your own decisions only, no verdicts, no scores; the setting review.blind.")
]


def blind_reviewer(workspace: Workspace, blind: bool) -> str | None:
    """Who is to see their own decisions only, by the option or the setting; None where everything is shown."""
    settings = settings_of(workspace)
    return settings.reviewer if blind or settings.text("review.blind") == "on" else None


class Ruling(StrEnum):
    """How a dispute is settled."""

    accept = "accept"
    reject = "reject"
    unsure = "unsure"
    clear = "clear"


@app.command()
def agreement(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]")] = None,
    as_json: AsJson = False,
) -> None:
    """How far every two reviewers agree on what both decided: raw, and Cohen's kappa, each with a 95 % interval.

    Example: sood-tui review agreement
    """
    with open_review(context) as workspace, workspace.opened().reading() as cursor:
        if superclass is not None:
            require_superclass(cursor, superclass)
        rows = reviewer_agreement(cursor, superclass)
    columns = {
        "superclass": "superclass",
        "reviewer": "reviewer",
        "other_reviewer": "and",
        "items": "both decided",
        "raw": "agreement",
        "raw_low": "from",
        "raw_high": "to",
        "kappa": "kappa",
        "kappa_low": "from",
        "kappa_high": "to",
    }
    emit(rows, columns, as_json, "No two people have decided on the same candidate.")


@app.command("disagreements")
def disagreements_command(
    context: typer.Context,
    superclass: Annotated[str | None, typer.Argument(metavar="[SUPERCLASS]")] = None,
    as_json: AsJson = False,
) -> None:
    """List candidates that one reviewer accepts and another rejects, and that nobody has settled.

    Example: sood-tui review disagreements dog
    """
    with open_review(context) as workspace, workspace.opened().reading() as cursor:
        found = disputes(cursor, superclass)
    if as_json:
        emit_json(found)
        return
    rows = [{"superclass": row.superclass, "wnid": row.wnid, "name": row.name, "state": row.state,
             "words": words_of(row)} for row in found]  # fmt: skip
    columns = {
        "superclass": "superclass",
        "wnid": "wnid",
        "name": "subclass",
        "state": "stands as",
        "words": "who says what",
    }
    emit(rows, columns, False, "Reviewers contradict one another nowhere.")
    if found:
        say("`sood-tui review adjudicate SUPERCLASS accept|reject SYNSET` settles one.")


@app.command("adjudicate")
def adjudicate_command(
    context: typer.Context,
    superclass: Annotated[str, typer.Argument(metavar="SUPERCLASS")],
    ruling: Annotated[Ruling, typer.Argument(metavar="accept|reject|unsure|clear", help="clear takes a ruling back.")],
    synsets: Annotated[list[str], typer.Argument(metavar="SYNSET...", help="wnids, NLTK names or unambiguous words.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who settles it; else the setting `reviewer`.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept with the decision.")] = None,
    as_json: AsJson = False,
) -> None:
    """Settle candidates by the word of a named person: it stands before every other until it is taken back.

    Example: sood-tui review adjudicate dog reject hot_dog.n.01 --by carol --note "food"
    """
    from sood_tui.cli.review.deciding import candidate_named

    with open_review(context) as workspace:
        with workspace.opened().reading() as cursor:
            require_superclass(cursor, superclass)
            wnids = [candidate_named(cursor, superclass, text) for text in synsets]
        name = by or settings_of(workspace).reviewer
        step = adjudicate(workspace, superclass, wnids, ruling.value, name, note)
    if as_json:
        emit_json(step)
    for event in step.events:
        say(f"Adjudicated: {event.wnid} under {superclass} {SAID[event.kind]}, by {event.reviewer}")


def words_of(dispute: Dispute) -> str:
    """Who says what: `anna accepted, bob rejected`."""
    return ", ".join(f"{word.reviewer} {MARKS[word.kind].word}" for word in dispute.words)
