"""What the Evaluate screen shows, read in one go by a thread."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.numbers.metrics import RankedScores, roc_points
from engine.evaluation.reports.mistakes import Mistake, worst_mistakes
from engine.evaluation.reports.reading import Number, find_part, read_scores, table_rows
from engine.workspace import Workspace
from sood_tui.widgets.sheet.thumbnails import Picture
from store.evaluation import runs as store
from store.evaluation.runs import SweepRow
from store.paths import path_of_text

Floats = NDArray[np.float64]
ORDERS = ("run", "AUROC", "FPR95 ID-positive", "FPR95 OOD-positive")
SHOWN_MISTAKES = 16


@dataclass(frozen=True, slots=True)
class RunLine:
    """One line of the table: a method of a run against one OOD set, or a sweep."""

    run_id: int
    kind: str
    title: str
    method: str
    part: str
    role: str
    is_adaptive: bool
    n_id: int
    n_ood: int
    auroc: Number
    fpr95_id_positive: Number
    fpr95_ood_positive: Number
    order: str = ""

    @property
    def label(self) -> str:
        """The method; of an adaptive one with the order of its stream."""
        return f"{self.method}, {self.order}" if self.order else self.method


@dataclass(frozen=True)
class Detail:
    """What stands beside the table for one line."""

    of_id: Floats
    of_ood: Floats
    threshold: float
    names: tuple[str, str]
    accepted: Floats
    kept: Floats
    mistakes: tuple[Mistake, ...]
    pictures: tuple[Picture, ...]


def read_lines(workspace: Workspace) -> list[RunLine]:
    """Every line of every run, newest run first."""
    found: list[RunLine] = []
    with workspace.opened().reading() as cursor:
        for run in reversed(store.fetch_evaluations(cursor)):
            if run.kind == "sweep":
                found += _sweep_lines(run.run_id, run.title, store.fetch_sweep(cursor, run.run_id))
                continue
            parts = store.fetch_parts(cursor, run.run_id)
            for row in table_rows(store.fetch_metrics(cursor, run.run_id), parts):
                if row.scope == "set":
                    found.append(
                        RunLine(
                            run.run_id, run.kind, run.title, row.method, row.part, row.role, row.is_adaptive, row.n_id,
                            row.n_ood, row.auroc, row.fpr95_id_positive, row.fpr95_ood_positive,
                            row.stream_order,
                        )
                    )  # fmt: skip
    return found


def _sweep_lines(run_id: int, title: str, rows: Sequence[SweepRow]) -> list[RunLine]:
    return [
        RunLine(
            run_id, "sweep", title, f"best: {row.negatives:,} words, {row.groups} groups, t {row.temperature:g}",
            row.part, "ood", False, row.n_id, row.n_ood,
            Number(row.auroc, row.auroc_low, row.auroc_high),
            Number(row.fpr95_id_positive, row.fpr95_id_positive_low, row.fpr95_id_positive_high),
            Number(row.fpr95_ood_positive, row.fpr95_ood_positive_low, row.fpr95_ood_positive_high),
        )
        for row in rows
        if row.is_chosen
    ]  # fmt: skip


def ordered(lines: Sequence[RunLine], order: str) -> list[RunLine]:
    """The lines in an order of the screen; adaptive methods stay behind static ones where numbers rank."""
    keys = {
        "AUROC": lambda line: -line.auroc.value,
        "FPR95 ID-positive": lambda line: line.fpr95_id_positive.value,
        "FPR95 OOD-positive": lambda line: line.fpr95_ood_positive.value,
    }
    if order not in keys:
        return list(lines)
    return sorted(lines, key=lambda line: (line.is_adaptive, line.role != "ood", keys[order](line)))


def read_detail(workspace: Workspace, line: RunLine, of: str = "ood") -> Detail:
    """Scores, ROC and the worst mistakes of a line.

    Args:
        workspace: open.
        line: of a run with scores.
        of: ood or id: whose mistakes.

    Raises: EngineError for a line without scores, such as a sweep's or a classifier's.
    """
    if line.kind != "run":
        raise EngineError(f"A {line.kind} keeps no score of each picture.", "Choose a line of a run.")
    with workspace.opened().reading() as cursor:
        part = find_part(store.fetch_parts(cursor, line.run_id), line.part)
        scores = read_scores(cursor, line.run_id, line.method)
        id_name = store.fetch_parts(cursor, line.run_id)[0].name
    of_id, of_ood = scores.against(part.position, part.name, line.order)
    accepted, kept = roc_points(of_id, of_ood)
    found = worst_mistakes(workspace, line.run_id, line.method, line.part, SHOWN_MISTAKES, of, line.order)
    return Detail(
        of_id,
        of_ood,
        RankedScores(of_id).fpr_id_positive(of_ood).threshold,
        (id_name, line.part),
        accepted,
        kept,
        tuple(found),
        tuple(picture_of(one.path, one.image_id) for one in found if not one.path.startswith("row ")),
    )


def picture_of(path: str, image_id: int | None) -> Picture:
    """A picture of an evaluation, by its path as text."""
    # Pictures outside the catalogue have no id; a number of their path's own keeps their thumbnails apart.
    digest = hashlib.sha256(path.encode()).digest()
    return Picture(image_id if image_id is not None else -1 - int.from_bytes(digest[:6]), path_of_text(path))
