"""Labels from models: proposals, zero-shot predictions, classifiers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.jobs.execution import LOCAL, Execution
from sood_tui.orders.fields import NO_YES, SUPERCLASSES, Answers, Field, WrongField, batch_field, execution_fields
from sood_tui.orders.order import Begun, Order, chosen_superclasses
from sood_tui.plain import plain
from sood_tui.settings import Settings

if TYPE_CHECKING:
    from engine.labels.proposals import ProposalRequest
    from engine.workspace import Workspace

BATCH_SIZE = 128
TEMPLATE = "a photo of a {}"
CLASSES = ("pictures", "accepted", "imagenet_1k")
_CLASSES = Field("classes", "classes", "with pictures here, accepted, or of ImageNet-1k", CLASSES[0], CLASSES)
_NAME = Field("name", "name", "what the predictions are called from now on")
_EMBEDDINGS = Field("embeddings", "embeddings", "of which model, by key or name; empty: those made last")
_TEMPLATE = Field("template", "prompt", "{} becomes the class's name", TEMPLATE)


def proposal_request(
    settings: Settings,
    superclasses: Sequence[str] = (),
    *,
    class_list: str = CLASSES[0],
    model: str | None = None,
    template: str = TEMPLATE,
    with_truth: bool = False,
    execution: Execution = LOCAL,
) -> "ProposalRequest":
    """What the settings say about proposals, for these superclasses."""
    from engine.labels.proposals import ProposalRequest

    return ProposalRequest(
        superclasses=superclasses,
        class_list=class_list,
        model=model,
        template=template,
        with_truth=with_truth,
        device=settings.text("scoring.device"),
        reviewer=settings.reviewer,
        execution=execution,
    )


def _proposal_fields(settings: Settings) -> tuple[Field, ...]:
    return (
        SUPERCLASSES,
        _CLASSES,
        _EMBEDDINGS,
        _TEMPLATE,
        Field("with_truth", "with truth", "also pictures that have imported labels", "no", NO_YES),
        *execution_fields(settings),
    )


def _propose(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.labels.proposals import submit

    execution, _ = answers.execution(), answers.device()
    request = proposal_request(
        answers.settings(settings, {"device": "scoring.device"}),
        chosen_superclasses(workspace, answers),
        class_list=answers.text("classes"),
        model=_embeddings(workspace, answers),
        template=_template(answers),
        with_truth=answers.yes("with_truth"),
        execution=execution,
    )
    job_id = submit(workspace, request)
    return Begun(f"{job_id} proposes labels; Labels shows what waits.", job_id)


def _zero_shot_fields(settings: Settings) -> tuple[Field, ...]:
    return (_NAME, _CLASSES, _EMBEDDINGS, _TEMPLATE, *execution_fields(settings))


def _predict_zero_shot(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.labels.classifiers import submit_zero_shot

    execution, device = answers.execution(), answers.device()
    name = _free_name(workspace, answers)
    model, template = _embeddings(workspace, answers), _template(answers)
    job_id = submit_zero_shot(
        workspace, name, answers.text("classes"), model, template, device, settings.reviewer, execution
    )
    return Begun(plain(f"{job_id} predicts {name}."), job_id)


def _classifier_fields(settings: Settings) -> tuple[Field, ...]:
    return (
        _NAME,
        Field("model", "model", "timm:NAME or torchvision:NAME"),
        Field("checkpoint", "weights", "a file; empty: the library's own"),
        Field("classes", "classes", "imagenet_1k, pictures, accepted, or a file with a wnid a line", "imagenet_1k"),
        Field("root", "pictures of", "name of an image root; empty: all pictures"),
        batch_field(BATCH_SIZE),
        *execution_fields(settings),
    )


def _predict(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.labels.classifiers import submit_model

    execution, device = answers.execution(), answers.device()
    name, model, root = _free_name(workspace, answers), classifier_of(answers), _root(workspace, answers)
    job_id = submit_model(
        workspace, name, model, checkpoint_of(answers), answers.required("classes", "For example imagenet_1k."), root,
        answers.whole("batch_size", 1), device, settings.reviewer, execution,
    )  # fmt: skip
    return Begun(plain(f"{job_id} predicts {name} with {model}."), job_id)


def classifier_of(answers: Answers) -> str:
    """The classifier in the field model.

    Raises: WrongField where it names none.
    """
    model = answers.required("model", "Write timm:NAME or torchvision:NAME.")
    library, _, architecture = model.partition(":")
    if library not in ("timm", "torchvision") or not architecture:
        raise WrongField("model", f"{model!r} names no classifier.", "Write timm:NAME or torchvision:NAME.")
    return model


def checkpoint_of(answers: Answers) -> Path | None:
    """The file in the field checkpoint.

    Raises: WrongField where it is not there.
    """
    text = answers.optional("checkpoint")
    if text is not None and not Path(text).expanduser().is_file():
        raise WrongField("checkpoint", f"{text} is not there.", "Name a file with weights, or leave it empty.")
    return Path(text) if text else None


def _free_name(workspace: "Workspace", answers: Answers) -> str:
    from store.labels.predictions import fetch_prediction_runs

    name = answers.required("name", "For example the model's.")
    with workspace.opened().reading() as cursor:
        taken = {run.predictions for run in fetch_prediction_runs(cursor)}
    if name in taken:
        raise WrongField("name", f"There are predictions {name} already.", "Name others.")
    return name


def _embeddings(workspace: "Workspace", answers: Answers) -> str | None:
    from engine.labels.ranking import find_set

    model = answers.optional("embeddings")
    with workspace.opened().reading() as cursor:
        answers.at("embeddings", lambda: find_set(cursor, model))
    return model


def _root(workspace: "Workspace", answers: Answers) -> str | None:
    from store.images.roots import fetch_root

    name = answers.optional("root")
    if name is not None:
        with workspace.opened().reading() as cursor:
            answers.at("root", lambda: fetch_root(cursor, name))
    return name


def _template(answers: Answers) -> str:
    from engine.scoring.prompts import check_template

    return answers.at("template", lambda: check_template(answers.text("template")))


PROPOSE = Order("propose", "Propose labels", "from the embeddings", _proposal_fields, _propose)
ZERO_SHOT = Order(
    "zero_shot", "Predict zero-shot", "from the embeddings", _zero_shot_fields,
    _predict_zero_shot,
)  # fmt: skip
PREDICT = Order("predict", "Predict with a classifier", "of timm or torchvision", _classifier_fields, _predict)
