"""The model that pictures were scored with: what an evaluation takes where nobody names a model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.errors import EngineError
from engine.evaluation.request import EvaluationRequest, SetArgument
from engine.evaluation.sets.sources import parse_source
from engine.splits.prepare import read_settings
from engine.splits.settings import MAIN
from engine.workspace import Workspace
from store.connection import Cursor
from store.evaluation import sets as sets_store
from store.scoring.runs import ScoreRun, fetch_runs


@dataclass(frozen=True, slots=True)
class ScoredWith:
    """A model and why it is meant.

    Attributes:
        model: as scoring wrote it.
        pretrained: its weights; None where the model names them.
        run_id: of the scoring run.
        split: whose run that is; None: the newest run.
    """

    model: str
    pretrained: str | None
    run_id: int
    split: str | None

    @property
    def sentence(self) -> str:
        """For a person, before the work begins."""
        weights = f", {self.pretrained}" if self.pretrained else ""
        whose = f"the split {self.split}" if self.split else "the newest scoring run"
        return f"Model: {self.model}{weights}, that of {whose} (scoring run {self.run_id}); --model takes another."


def scored_with(workspace: Workspace, sets: Sequence[SetArgument]) -> ScoredWith | None:
    """The model of the split that the ID set is a band of, else of the newest scoring run; None before any scoring.

    Args:
        workspace: open.
        sets: the ID set first; the bands of other sets are not asked.

    Raises: StoreError or EngineError for an unknown set or split.
    """
    with workspace.opened().reading() as cursor:
        runs = {run.run_id: run for run in fetch_runs(cursor)}
        if not runs:
            return None
        split = _split_of(cursor, sets[0].text)
        if split is None:
            return _of(runs[max(runs)], None)
        made, settings = read_settings(cursor, workspace.seed, split)
        number = settings.run_id or (made.run_id if made else None) or max(runs)
    if number not in runs:
        raise EngineError(f"There is no scoring run {number}.", "`sood-tui scoring runs` lists them.")
    return _of(runs[number], split)


def with_model_of_scoring(workspace: Workspace, request: EvaluationRequest) -> tuple[EvaluationRequest, str]:
    """The request with the model that its pictures were scored with, and a sentence that says so.

    Returns: the request as it is and an empty sentence where nothing was scored.
    """
    found = scored_with(workspace, [request.id_set])
    if found is None:
        return request, ""
    return replace(request, model=found.model, pretrained=found.pretrained), found.sentence


def _of(run: ScoreRun, split: str | None) -> ScoredWith:
    return ScoredWith(run.model, run.pretrained, run.run_id, split)


def _split_of(cursor: Cursor, text: str) -> str | None:
    if ":" not in text:
        text = sets_store.fetch_set(cursor, text).source
    source = parse_source(text)
    if source.kind != "split":
        return None
    return source.value.rpartition("/")[0] or MAIN
