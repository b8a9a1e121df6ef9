"""Negative labels as artefacts: taking words out with a reason, bringing them back, writing them to a file."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.events import new_event_id, now
from engine.jobs.files import write_whole
from engine.workspace import Workspace
from store.evaluation.negatives import (
    NegativeLabel,
    NegativeSet,
    append_negative_edits,
    fetch_negative_labels,
    fetch_negative_set,
)

FORMATS = ("csv", "txt", "jsonl")


def edit(
    workspace: Workspace, name: str, words: Sequence[str], kind: str, reason: str, reviewer: str
) -> list[NegativeLabel]:
    """Take words out of an artefact, or bring them back.

    Returns: what was changed.
    Raises: EngineError when a word is not among them, is out already, or the reason is missing.
    """
    if kind == "drop" and not reason.strip():
        raise EngineError("Why are these words taken out?", "Give --reason: it is kept with them.")
    with workspace.opened().reading() as cursor:
        found = fetch_negative_set(cursor, name)
        labels = {label.word: label for label in fetch_negative_labels(cursor, found.negatives_id)}
    missing = [word for word in words if word not in labels]
    if missing:
        raise EngineError(f"{missing[0]!r} is not among the negative labels {name}.", "Words are spelled as listed.")
    chosen = [labels[word] for word in dict.fromkeys(words)]
    wrong = [label.word for label in chosen if (label.dropped is None) != (kind == "drop")]
    if wrong:
        raise EngineError(f"{wrong[0]!r} is {'already out' if kind == 'drop' else 'not taken out'} of {name}.")
    with workspace.opened().writing() as cursor:
        append_negative_edits(
            cursor, [new_event_id() for _ in chosen], found.negatives_id, [label.rank for label in chosen], kind,
            reason, reviewer, now(),
        )  # fmt: skip
    return chosen


def export(found: NegativeSet, labels: Sequence[NegativeLabel], path: Path, force: bool = False) -> int:
    """Write the words that are left: CSV (rank, word, pos, wnid, lexname, distance), JSON Lines, or words alone (.txt).

    Returns: how many.
    Raises: EngineError for an unknown ending, or a file that is there and not to be overwritten.
    """
    ending = path.suffix.lstrip(".")
    if ending not in FORMATS:
        raise EngineError(f"{path.name} has no ending that says how to write it.", f"Use one of {', '.join(FORMATS)}.")
    if path.exists() and not force:
        raise EngineError(f"{path} is there already.", "Use --force to overwrite it.")
    kept = [label for label in labels if label.dropped is None]
    text = io.StringIO()
    keys = ("rank", "word", "pos", "wnid", "lexname", "distance")
    if ending == "txt":
        text.writelines(f"{label.word}\n" for label in kept)
    elif ending == "jsonl":
        rows = ({key: getattr(label, key) for key in keys} for label in kept)
        text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*keys, "recipe", "model_key"))
        writer.writerows((*(getattr(label, key) for key in keys), found.recipe, found.model_key) for label in kept)
    write_whole(path, lambda stream: stream.write(text.getvalue().encode()))
    return len(kept)
