"""Scoring pictures, and comparing words with synsets: what CLIP does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.jobs.execution import LOCAL, Execution
from sood_tui.orders.fields import NO_YES, SUPERCLASSES, Answers, Field, batch_field, execution_fields, model_fields
from sood_tui.orders.order import Begun, Order, chosen_superclasses
from sood_tui.plain import plain, some
from sood_tui.settings import Settings

if TYPE_CHECKING:
    from engine.scoring.submission import ScoringRequest
    from engine.workspace import Workspace

ALL, ACCEPTED = "all not rejected", "accepted only"
_SETTINGS = {
    "model": "scoring.model",
    "pretrained": "scoring.pretrained",
    "template": "scoring.template",
    "batch_size": "scoring.batch_size",
    "device": "scoring.device",
}


def scoring_request(
    settings: Settings,
    superclasses: Sequence[str] = (),
    *,
    only_accepted: bool = False,
    compiled: bool = False,
    decoder: str = "auto",
    execution: Execution = LOCAL,
) -> "ScoringRequest":
    """What the settings say about scoring, for these superclasses."""
    from engine.scoring.submission import ScoringRequest

    return ScoringRequest(
        superclasses=superclasses,
        model=settings.text("scoring.model"),
        pretrained=settings.text("scoring.pretrained") or None,
        template=settings.text("scoring.template"),
        only_accepted=only_accepted,
        batch_size=settings.integer("scoring.batch_size"),
        device=settings.text("scoring.device"),
        reviewer=settings.reviewer,
        compiled=compiled,
        decoder=decoder,
        execution=execution,
    )


def _scoring_fields(settings: Settings) -> tuple[Field, ...]:
    return (
        SUPERCLASSES,
        *model_fields(settings),
        Field("template", "prompt", "{} becomes the superclass's name", settings.text("scoring.template")),
        Field("candidates", "candidates", "whose pictures are scored", ALL, (ALL, ACCEPTED)),
        batch_field(settings.integer("scoring.batch_size")),
        Field("decoder", "decoder", "auto: the device where the processor is slow", "auto", ("auto", "cpu", "device")),
        Field("compiled", "compile", "pays off for millions of pictures on a GPU", "no", NO_YES),
        *execution_fields(settings),
    )  # fmt: skip


def _score(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.scoring.prompts import check_template
    from engine.scoring.submission import absolute_model, submit

    execution, device = answers.execution(), answers.device()
    answers.whole("batch_size", 1)
    answers.required("model", "Settings has a usual one: scoring.model.")
    settings = answers.settings(settings, _SETTINGS)
    request = scoring_request(
        settings,
        chosen_superclasses(workspace, answers),
        only_accepted=answers.text("candidates") == ACCEPTED,
        compiled=answers.yes("compiled"),
        decoder=answers.text("decoder"),
        execution=execution,
    )
    answers.at("template", lambda: check_template(request.template))
    answers.at("model", lambda: absolute_model(request.model, request.pretrained))
    assert request.device == device
    job = submit(workspace, request)
    left = f" Left out, without pictures: {', '.join(job.without_pictures)}." if job.without_pictures else ""
    return Begun(plain(f"{job.job_id}: {some(job.pictures, 'picture')} to score.{left}"), job.job_id)


def _match_fields(settings: Settings) -> tuple[Field, ...]:
    return (
        Field("text", "text", "what is looked for, in words: kitchen tools"),
        *model_fields(settings),
        *execution_fields(settings),
    )


def _match(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.candidates.match import submit_match
    from engine.scoring.submission import absolute_model

    execution, device = answers.execution(), answers.device()
    text = answers.required("text", "Say in words what is looked for: kitchen tools.")
    model = answers.required("model", "Settings has a usual one: scoring.model.")
    answers.at("model", lambda: absolute_model(model, answers.optional("pretrained")))
    job = submit_match(workspace, text, model, answers.optional("pretrained"), device, execution)
    sentence = f'{job.id} looks for {text}; then `sood-tui candidates match "{text}" --to SUPERCLASS` takes the best.'
    return Begun(plain(sentence), job.id)


SCORE = Order("score", "Score pictures", "how typical each is, with CLIP", _scoring_fields, _score)
MATCH = Order("match", "Find synsets by words", "by meaning, with CLIP", _match_fields, _match)
