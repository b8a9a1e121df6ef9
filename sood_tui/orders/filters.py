"""Asking models about candidates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.jobs.execution import LOCAL, Execution
from sood_tui.orders.fields import NO_YES, SUPERCLASSES, Answers, Field, WrongField, batch_field, execution_fields
from sood_tui.orders.order import Begun, Order, chosen_superclasses
from sood_tui.plain import plain, some
from sood_tui.settings import Settings

if TYPE_CHECKING:
    from engine.filters.asking import VlmRequest
    from engine.workspace import Workspace

BATCH_SIZE = 8
_SETTINGS = {"model": "filters.model", "samples": "review.samples", "seed": "seed", "device": "scoring.device"}


def vlm_request(
    settings: Settings,
    superclasses: Sequence[str] = (),
    *,
    per_picture: int | None = None,
    compatible: bool = False,
    pending_only: bool = False,
    batch_size: int = BATCH_SIZE,
    execution: Execution = LOCAL,
) -> "VlmRequest":
    """What the settings say about asking a vision-language model, for these superclasses.

    Raises: EngineError where they name no model.
    """
    from engine.errors import EngineError
    from engine.filters.asking import VlmRequest

    if not settings.text("filters.model"):
        raise EngineError(
            "No vision-language model is named.", "Give --model, or set filters.model; --kind clip needs none."
        )
    return VlmRequest(
        model=settings.text("filters.model"),
        superclasses=superclasses,
        samples=settings.integer("review.samples"),
        per_picture=per_picture,
        seed=settings.integer("seed"),
        compatible=compatible,
        pending_only=pending_only,
        batch_size=batch_size,
        device=settings.text("scoring.device"),
        reviewer=settings.reviewer,
        execution=execution,
    )


def _vlm_fields(settings: Settings) -> tuple[Field, ...]:
    return (
        SUPERCLASSES,
        Field("model", "model", "transformers id or local folder", settings.text("filters.model")),
        Field("samples", "samples", "pictures on a sheet", str(settings.integer("review.samples"))),
        Field("per_picture", "per picture", "ask about so many single pictures; empty: about a sheet"),
        Field("pending", "only pending", "only candidates that nobody has decided", "no", NO_YES),
        Field("compat", "as the paper", "ask and read the answer as the paper's script does", "no", NO_YES),
        Field("seed", "seed", "draws the pictures", str(settings.integer("seed"))),
        batch_field(BATCH_SIZE, "sheets or pictures"),
        *execution_fields(settings),
    )


def _ask(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.filters.asking import check_model, submit

    execution, _ = answers.execution(), answers.device()
    model = answers.required("model", "A transformers id or a local folder, such as google/paligemma2-3b-mix-224.")
    if execution.executor == "local":
        answers.at("model", lambda: check_model(model))
    answers.whole("samples", 1)
    answers.whole("seed")
    request = vlm_request(
        answers.settings(settings, _SETTINGS),
        chosen_superclasses(workspace, answers),
        per_picture=answers.optional_whole("per_picture", 1),
        compatible=answers.yes("compat"),
        pending_only=answers.yes("pending"),
        batch_size=answers.whole("batch_size", 1),
        execution=execution,
    )
    if request.compatible and request.per_picture is not None:
        raise WrongField("compat", "The paper's script asks about sheets only.", "Leave per picture empty, or say no.")
    job_id = submit(workspace, request)
    return Begun(plain(f"{job_id} asks {request.model}."), job_id)


def _prefer(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.filters.clip_share import judge, left_out
    from store.filters import fetch_runs

    number = judge(workspace, chosen_superclasses(workspace, answers))
    with workspace.opened().reading() as cursor:
        done, missing = fetch_runs(cursor)[-1], left_out(cursor)
    rest = f" Left out, since they are not scored: {plain(', '.join(missing))}." if missing else ""
    return Begun(f"Filter run {number} judged {some(done.verdicts, 'candidate')} by their embeddings.{rest}")


VLM = Order("vlm", "Ask a vision-language model", "about sheets or pictures", _vlm_fields, _ask)
CLIP = Order(
    "clip", "Judge by embeddings", "at once, where all is scored", lambda settings: (SUPERCLASSES,),
    _prefer, can_estimate=False,
)  # fmt: skip
