"""A run once more: with the same sets, labels and model, with words taken out, or swept in a moment as a preview."""

import json
from dataclasses import replace

import numpy as np

from engine.errors import EngineError
from engine.evaluation.plan import SweepPlan
from engine.evaluation.reports.mistakes import open_texts
from engine.evaluation.reports.reading import negatives_of
from engine.evaluation.request import EvaluationRequest
from engine.evaluation.running import evenly_mixed
from engine.evaluation.sweeps.grid import Grid, SweepResult, check_grid, preview_rows, sweep_results, sweep_scores
from engine.workspace import Workspace
from store.connection import Cursor
from store.evaluation import runs as store
from store.evaluation.negatives import fetch_negative_sets


def request_of_run(
    workspace: Workspace, run_id: int, reviewer: str, device: str, with_bands: bool = True
) -> EvaluationRequest:
    """The request that leads to a run again: its sets, labels, prompts, words, settings, calibration and model.

    Words are mined anew, which gives the same ones where nothing has changed; of a sweep its axes are kept.

    Args:
        workspace: open.
        run_id: of a run or a sweep.
        reviewer: who asks now.
        device: as the user writes it.
        with_bands: keep generalisation sets.

    Raises: UnknownRun; EngineError for a classifier's run, or one that was kept without what was asked.
    """
    with workspace.opened().reading() as cursor:
        run = store.fetch_evaluation(cursor, run_id)
    if run.kind == "classifier":
        raise EngineError(f"Evaluation {run_id} is of a classifier, which has no negative labels.")
    asked = json.loads(run.record).get("request")
    if not asked:
        raise EngineError(
            f"Evaluation {run_id} was kept before evaluations remembered what was asked.",
            "Run it once more with its sets: `sood-tui evaluation show` names them.",
        )
    request = EvaluationRequest.of(asked, device, reviewer)
    kept = [one for one in request.ood_sets if with_bands or one.role == "ood"]
    return replace(request, ood_sets=kept)


def with_negatives(request: EvaluationRequest, name: str) -> EvaluationRequest:
    """The same with negative labels that were mined before."""
    return replace(request, mining=replace(request.mining, given=name))


def negatives_of_run(cursor: Cursor, run_id: int, recipe: str = "plain") -> str:
    """The artefact that a run used or mined.

    Raises: EngineError when it has none of that recipe.
    """
    run = store.fetch_evaluation(cursor, run_id)
    record = json.loads(run.record)
    if recipe not in record.get("negatives", {}):
        raise EngineError(f"Evaluation {run_id} has no negative labels of the recipe {recipe}.")
    found = negatives_of(cursor, run, record).get(recipe)
    if found is None:
        raise EngineError(f"The negative labels of evaluation {run_id} are gone.", "Run it again.")
    if found not in {one.name for one in fetch_negative_sets(cursor)}:
        raise EngineError(
            f"The negative labels of evaluation {run_id} are those of {found}, which is no artefact of this workspace.",
            "Change the words there, or mine some: `sood-tui evaluation negatives mine`.",
        )
    return found


def sweep_request(workspace: Workspace, run_id: int, reviewer: str, device: str) -> EvaluationRequest:
    """The request that sweeps NegLabel over the sets and the negative labels of a run, on the grid these can fill.

    Raises: UnknownRun; EngineError for a run without negative labels, or one that cannot be asked again.
    """
    request = request_of_run(workspace, run_id, reviewer, device, with_bands=False)
    with workspace.opened().reading() as cursor:
        run = store.fetch_evaluation(cursor, run_id)
        words = words_of_run(cursor, run_id)
        named = negatives_of(cursor, run, json.loads(run.record)).get("plain")
        artefacts = {found.name for found in fetch_negative_sets(cursor)}
    if not words:
        raise EngineError(f"Evaluation {run_id} has no negative labels to sweep over.", "Run it with neglabel.")
    grid = default_grid(words)
    plan = SweepPlan(grid.counts, grid.groups, grid.temperatures)
    request = replace(request, methods=("neglabel",), sweep=plan, title=f"sweep of {run_id}")
    return with_negatives(request, named) if named in artefacts else request


def words_of_run(cursor: Cursor, run_id: int) -> int:
    """How many negative labels of the plain recipe a run scored with, or a sweep had at most; 0: none.

    Raises: UnknownRun.
    """
    record = json.loads(store.fetch_evaluation(cursor, run_id).record)
    if record.get("sweep"):
        return int(max(record["sweep"]["counts"]))
    return int(record.get("texts", {}).get("plain", {}).get("negatives", 0))


def default_grid(words: int) -> Grid:
    """A grid that so many ranked words can fill: numbers of labels, groups that divide one another, temperatures."""
    groups = tuple(number for number in (1, 5, 10, 100) if number * 4 <= words) or (1,)
    least = max(groups)
    counts = sorted({max(least, round(words * share)) for share in (0.1, 0.2, 0.4, 0.7, 1.0)})
    return Grid(tuple(counts), groups, (0.005, 0.01, 0.02, 0.05, 0.1))


def preview(workspace: Workspace, run_id: int, grid: Grid | None = None) -> list[SweepResult]:
    """A sweep over a sample of a run's pictures, from what is embedded already; it takes a second or two.

    Raises: EngineError when the run has no negative labels, or the grid asks for more than it has.
    """
    with workspace.opened().reading() as cursor:
        parts = store.fetch_parts(cursor, run_id)
        pictures = store.fetch_pictures(cursor, run_id)
        texts = open_texts(workspace, cursor, run_id)
    if texts.negatives is None:
        raise EngineError(f"Evaluation {run_id} has no negative labels to sweep over.", "Run it with neglabel.")
    chosen = grid or default_grid(len(texts.negatives))
    check_grid(chosen, len(texts.negatives))
    part = pictures["part"].to_numpy()
    members = {str(one.position): np.flatnonzero(part == one.position) for one in parts}
    rows = preview_rows({name: len(found) for name, found in members.items()}, texts.plan.seed)
    order = evenly_mixed(texts.kinds)
    scores = {
        name: sweep_scores(
            texts.images(pictures.take(members[name][rows[name]]).to_pylist()),
            texts.labels,
            texts.negatives[order],
            chosen,
            texts.plan.seed,
        )
        for name in members
    }
    of_ood = {one.name: scores[str(one.position)] for one in parts if one.position}
    return list(sweep_results(chosen.points(), scores["0"], of_ood, texts.plan.seed))
