"""Candidates by words: the text of every synset with pictures is compared with what a person writes."""

import pyarrow as pa

from engine.candidates.superclasses import AddReport, check_name, report_of
from engine.errors import EngineError
from engine.events import now
from engine.jobs.execution import LOCAL, Execution
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import Intake
from engine.jobs.runner import submit
from engine.workspace import Workspace
from store.candidates import proposed as rows
from store.candidates import text_match
from store.candidates.superclasses import fetch_superclass_roots, put_superclass
from store.candidates.text_match import Match
from store.connection import Cursor

_SHARD_TEXTS = 2048


def submit_match(
    workspace: Workspace,
    text: str,
    model: str,
    pretrained: str | None = None,
    device: str = "auto",
    execution: Execution = LOCAL,
) -> JobFolder:
    """Start the comparison of a text with the words and the gloss of every synset that has pictures.

    Args:
        workspace: open.
        text: what is looked for, in words.
        model: open_clip's architecture, ``local-dir:FOLDER`` or ``hf-hub:ORG/NAME``.
        pretrained: open_clip's tag or a checkpoint's path.
        device: see ``engine.jobs.devices``.
        execution: who schedules the work, and how urgent it is.

    Raises: EngineError for an empty text, or where no synset has pictures.
    """
    query = " ".join(text.split())
    if not query:
        raise EngineError(
            "There is no text to match.", 'Say in words what is looked for: candidates match "kitchen tools".'
        )
    with workspace.opened().reading() as cursor:
        work = text_match.fetch_match_texts(cursor)
    if not work.num_rows:
        raise EngineError("No synset has pictures yet.", "`sood-tui images add ROOT` comes first.")
    settings = {"query": query, "model": model, "pretrained": pretrained}
    title = f"match {query}"
    return submit(
        workspace.root,
        "text-match",
        settings,
        work,
        device,
        shard_rows=_SHARD_TEXTS,
        title=title,
        execution=execution,
    )


def ingest_match(intake: Intake) -> None:
    """Take a finished text match in, in place of an earlier one of the same text and model."""
    if intake.part is not None or intake.outcome is None or intake.outcome.state != "finished":
        return
    query, model_key = str(intake.spec.settings["query"]), str(intake.outcome.result["model_key"])
    parts = [str(part.path) for part in intake.job.parts()]
    text_match.delete_matches(intake.cursor, query, model_key)
    text_match.insert_matches(intake.cursor, query, model_key, parts, now())


def fetch_matches(
    cursor: Cursor, text: str, model_key: str | None = None, above: float | None = None, limit: int | None = None
) -> list[Match]:
    """What a match found, best first; by the model that was asked last where none is named.

    Raises: EngineError if the text was not matched.
    """
    query = " ".join(text.split())
    key = model_key or text_match.fetch_latest_match_model(cursor, query)
    if key is None:
        raise EngineError(f"{query!r} was not matched yet.", f'`sood-tui candidates match "{query}"` does it.')
    return text_match.fetch_matches(cursor, query, key, above, limit)


def accept_match(
    workspace: Workspace,
    text: str,
    superclass: str,
    above: float | None = None,
    top: int | None = None,
    model_key: str | None = None,
) -> AddReport:
    """Take what a match found as candidates of a superclass, which is made if it is not there.

    Args:
        workspace: open.
        text: as it was matched.
        superclass: its name.
        above: only similarities greater than this.
        top: at most so many of the best.
        model_key: which model's match; None for the latest.

    Raises: EngineError if neither bound is given, nothing passes them, or the text was not matched.
    """
    if above is None and top is None:
        raise EngineError("A match with every synset is no choice.", "Give --above X (a similarity) or --top N.")
    with workspace.opened().writing() as cursor:
        matches = fetch_matches(cursor, text, model_key, above, top)
        if not matches:
            raise EngineError(
                f"Nothing matches {text!r} so well.", "Give a lower --above; without --to the best are listed."
            )
        check_name(superclass)
        known = fetch_superclass_roots(cursor)
        if superclass not in known:
            put_superclass(cursor, superclass, None, now())
        table = pa.table(
            {"wnid": [match.wnid for match in matches], "similarity": [match.similarity for match in matches]}
        )
        added = rows.insert_match_candidates(cursor, superclass, table, now())
        return report_of(cursor, superclass, superclass not in known, added, 0)
