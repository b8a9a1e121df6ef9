"""Decisions and splits from a CSV whose rows name superclass and wnid."""

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from engine.errors import EngineError
from engine.reference.stages import WNID
from engine.review.steps import Change as Decision
from engine.review.steps import record
from engine.splits.change import change_settings
from engine.splits.settings import MAIN, Change
from engine.workspace import Workspace
from store.candidates.superclasses import fetch_superclass_names
from store.connection import Cursor
from store.filters import fetch_decided
from store.review.queue import fetch_candidates_among

KINDS = ("accept", "reject", "unsure")
SHOWN = 20


@dataclass(frozen=True, slots=True)
class TableReport:
    """What a table held and what of it was new."""

    file: Path
    rows: int
    decisions: Mapping[str, int]
    placed: int
    split: str | None
    dry_run: bool


class BadTable(EngineError):
    """A table with rows that cannot be taken in; each is named."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        shown = "\n".join(f"  {problem}" for problem in problems[:SHOWN])
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        super().__init__(
            f"{file} has {len(problems)} row(s) that cannot be taken in:\n{shown}{more}", "Nothing was changed."
        )
        self.problems = problems


def import_table(
    workspace: Workspace, file: Path, reviewer: str, split: str | None = None, dry_run: bool = False
) -> TableReport:
    """Take in a CSV with the columns superclass, wnid, and decision or split or both.

    Args:
        workspace: open.
        file: UTF-8, with a header.
        reviewer: who decided, where the row does not say.
        split: which split is placed by the column split; None: the main one.
        dry_run: check everything, change nothing.

    Raises: BadTable; EngineError where columns are missing.
    """
    rows = _read(file)
    with workspace.opened().writing() as cursor:
        _check(file, rows, set(fetch_superclass_names(cursor)), _known(cursor, rows))
        states = fetch_decided(cursor)
        by_reviewer: dict[str, list[Decision]] = {}
        for row in rows:
            kind = row.get("decision")
            if kind and states.get((row["superclass"], row["wnid"])) != kind:
                decision = cast(
                    "Decision", (row["superclass"], row["wnid"], kind, row.get("note") or f"from {file.name}")
                )
                by_reviewer.setdefault(row.get("reviewer") or reviewer, []).append(decision)
        for name, decisions in by_reviewer.items() if not dry_run else ():
            record(cursor, decisions, name)
    placed: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.get("split"):
            placed.setdefault(row["superclass"], {})[row["wnid"]] = row["split"]
    name = split or MAIN
    if placed and not dry_run:
        changes = [Change("placed", wnids, superclass) for superclass, wnids in placed.items()]
        change_settings(workspace, changes, reviewer, name, f"from {file.name}")
    counts = Counter(str(decision[2]) for decisions in by_reviewer.values() for decision in decisions)
    count = sum(len(wnids) for wnids in placed.values())
    return TableReport(file, len(rows), dict(counts), count, name if placed else None, dry_run)


def _read(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            names = list(reader.fieldnames or [])
            rows = [{key: (value or "").strip() for key, value in row.items() if key} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EngineError(f"{file} cannot be read: {error}.", "It is a CSV in UTF-8 with a header.") from error
    missing = [name for name in ("superclass", "wnid") if name not in names]
    if missing or not {"decision", "split"} & set(names):
        raise EngineError(
            f"{file} has the columns {', '.join(names) or 'none'}.",
            "It needs superclass and wnid, and decision or split.",
        )
    return rows


def _known(cursor: Cursor, rows: list[dict[str, str]]) -> dict[str, set[str]]:
    """The candidates of each superclass among the rows."""
    wnids: dict[str, list[str]] = {}
    for row in rows:
        wnids.setdefault(row["superclass"], []).append(row["wnid"])
    return {name: fetch_candidates_among(cursor, name, asked) for name, asked in wnids.items()}


def _check(file: Path, rows: list[dict[str, str]], superclasses: set[str], candidates: Mapping[str, set[str]]) -> None:
    problems = []
    for number, row in enumerate(rows, start=2):
        superclass, wnid, kind = row["superclass"], row["wnid"], row.get("decision")
        if not WNID.fullmatch(wnid):
            problems.append(f"line {number}: {wnid!r} is no wnid of a noun")
        elif superclass not in superclasses:
            problems.append(f"line {number}: there is no superclass {superclass!r}")
        elif wnid not in candidates[superclass]:
            problems.append(f"line {number}: {wnid} is no candidate of {superclass}")
        if kind and kind not in KINDS:
            problems.append(f"line {number}: {kind!r} is none of {', '.join(KINDS)}")
    if problems:
        raise BadTable(file, problems)
