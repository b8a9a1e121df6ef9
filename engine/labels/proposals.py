"""Labels that models propose for pictures without truth: submitting the comparison, and taking it in."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.candidates.superclasses import require
from engine.errors import EngineError
from engine.events import now
from engine.jobs import runner
from engine.jobs.execution import LOCAL, Execution
from engine.jobs.ingest import Intake
from engine.labels.classes import class_names
from engine.labels.formulas import LEAST_SHARE, TEMPERATURE
from engine.labels.ranking import RankingSettings, find_set, prompts_of, without, work_list
from engine.workspace import Workspace
from store.candidates.proposed import fetch_candidates
from store.connection import Cursor
from store.labels import proposals as store
from store.labels.proposals import LabelRun
from store.labels.truth import fetch_labelled_ids
from store.scoring.embeddings import fetch_set

KIND = "label-proposals"


@dataclass(frozen=True, slots=True)
class ProposalRequest:
    """What a person asks for.

    Attributes:
        superclasses: only pictures of their candidates; empty for all pictures that have an embedding.
        class_list: which classes are compared, see `classes.CLASS_LISTS`.
        model: key or name of the embeddings' model; None for those that were made last.
        template: prompt template with {}.
        with_truth: pictures that a source speaks of, too.
        device: auto, cpu, cuda or cuda:N.
        reviewer: who asks.
        execution: who schedules the work, and how urgent it is.
    """

    superclasses: Sequence[str] = ()
    class_list: str = "pictures"
    model: str | None = None
    template: str = "a photo of a {}"
    with_truth: bool = False
    device: str = "auto"
    reviewer: str = ""
    execution: Execution = LOCAL


def submit(workspace: Workspace, request: ProposalRequest) -> str:
    """Start the comparison of cached embeddings with the names of classes.

    Returns: the id of the job.
    Raises: EngineError when there are no embeddings, or no picture is left; UnknownSuperclass.
    """
    with workspace.opened().reading() as cursor:
        embedded = find_set(cursor, request.model)
        classes = class_names(cursor, request.class_list)
        work = work_list(workspace, cursor, embedded, classes, _wnids(cursor, request.superclasses))
        if not work.num_rows:
            raise EngineError(
                f"No such picture has an embedding of {embedded.model_key}.", "`sood-tui scoring run` encodes them."
            )
        if not request.with_truth:
            work = without(work, fetch_labelled_ids(cursor))
        if not work.num_rows:
            raise EngineError(
                "Every picture that has an embedding has imported labels already.",
                "--with-truth proposes all the same.",
            )
    settings = RankingSettings(
        model=embedded.model,
        pretrained=embedded.pretrained,
        model_key=embedded.model_key,
        class_list=request.class_list,
        wnids=classes.wnids,
        prompts=prompts_of(classes, request.template),
        template=request.template,
        temperature=TEMPERATURE,
        least_share=LEAST_SHARE,
    )
    title = f"labels {embedded.model_key.partition('--')[0]}"
    job = runner.submit(
        workspace.root, KIND, settings.values(), work, request.device, title=title, reviewer=request.reviewer,
        execution=request.execution,
    )  # fmt: skip
    return job.id


def ingest(intake: Intake) -> None:
    """Take finished proposals in, in place of earlier ones of the same model for the same pictures."""
    if intake.part is not None or intake.outcome is None or intake.outcome.state != "finished":
        return
    if store.has_label_run(intake.cursor, intake.job.id):
        return
    settings = RankingSettings.of(intake.spec.settings)
    embedded = fetch_set(intake.cursor, settings.model_key)
    if embedded is None:
        raise EngineError(f"The embeddings of {settings.model_key} are not in the catalogue.")
    parts = [str(part.path) for part in intake.job.parts()]
    store.delete_proposals(intake.cursor, embedded.set_id, parts)
    store.insert_proposals(intake.cursor, embedded.set_id, parts)
    store.insert_label_run(
        intake.cursor,
        LabelRun(
            label_run_id=0,
            set_id=embedded.set_id,
            model_key=settings.model_key,
            job_id=intake.job.id,
            class_list=settings.class_list,
            classes=len(settings.wnids),
            template=settings.template,
            temperature=settings.temperature,
            least_share=settings.least_share,
            pictures=intake.spec.total or 0,
            proposed=0,
            created_at=now(),
        ),
    )


def _wnids(cursor: Cursor, superclasses: Sequence[str]) -> list[str] | None:
    if not superclasses:
        return None
    wnids = set()
    for name in superclasses:
        require(cursor, name)
        wnids |= {candidate.wnid for candidate in fetch_candidates(cursor, name) if candidate.state != "reject"}
    return sorted(wnids)
