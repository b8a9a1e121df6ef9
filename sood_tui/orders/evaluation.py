"""Evaluating detectors and classifiers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.jobs.execution import LOCAL, Execution
from sood_tui.orders.fields import Answers, Field, WrongField, batch_field, execution_fields, model_fields
from sood_tui.orders.labels import checkpoint_of, classifier_of
from sood_tui.orders.order import Begun, Order
from sood_tui.plain import plain, some
from sood_tui.settings import Settings

if TYPE_CHECKING:
    from engine.evaluation.request import EvaluationRequest, SetArgument, Submitted
    from engine.workspace import Workspace

FAR_SYNSETS = 20
KEEP = 0.15
BATCH_SIZE = 64
CORPUS = "neglabel"
METHODS = "msp maxlogit energy mcm neglabel csp"
_SPLIT = Field("split", "split", "its name", "main")
_NEGATIVES = (
    Field("negatives", "negatives", "negative labels that were mined before, by name; empty: mine"),
    Field("corpus", "corpus", "mined from: neglabel, nouns, csp, lexicographer files or file:PATH", CORPUS),
    Field("keep", "keep", "share of each part of speech that is kept", str(KEEP)),
    Field("groups", "groups", "of NegLabel and its kin; empty: as published"),
)
_METHODS = Field("methods", "methods", "detectors with spaces between them", METHODS)


def sood_request(
    workspace: "Workspace",
    split: str,
    far: Sequence[str] = (),
    far_synsets: int = FAR_SYNSETS,
    *,
    methods: Sequence[str] = (),
    corpus: str = CORPUS,
    negatives: str | None = None,
    keep: float = KEEP,
    groups: int | None = None,
    execution: Execution = LOCAL,
) -> "EvaluationRequest":
    """The evaluation of a split, without a model: train is ID, its other bands generalise, far synsets are OOD.

    Raises: EngineError when nothing is far enough, or there is no such split.
    """
    from engine.evaluation.bands import sood_sets
    from engine.evaluation.request import DEFAULT_METHODS, EvaluationRequest
    from engine.evaluation.words.corpus import CorpusSettings
    from engine.evaluation.words.sources import MiningRequest

    sets = sood_sets(workspace, split, far, far_synsets)
    return EvaluationRequest(
        sets[0],
        sets[1:],
        methods=methods or DEFAULT_METHODS,
        labels="superclass",
        settings={} if groups is None else {"groups": groups},
        mining=MiningRequest(negatives, corpus=CorpusSettings(corpus), fraction=keep),
        title=f"split {split}",
        execution=execution,
    )


def with_machine(settings: Settings, request: "EvaluationRequest", seed: int) -> "EvaluationRequest":
    """The request with what the settings say of model, machine and person."""
    wanted = settings.text("scoring.model")
    return replace(
        request,
        model=None if wanted == "none" else wanted,
        pretrained=settings.text("scoring.pretrained") or None,
        device=settings.text("scoring.device"),
        batch_size=settings.integer("scoring.batch_size"),
        reviewer=settings.reviewer,
        seed=seed,
    )


def is_model_named(settings: Settings) -> bool:
    """Whether a person named a model for this run, so that it is not that of the scoring."""
    named = [settings.sources[key] for key in ("scoring.model", "scoring.pretrained")]
    return any(source == "command line" or source.startswith("$") for source in named)


def _split_fields(settings: Settings) -> tuple[Field, ...]:
    return (
        _METHODS,
        _SPLIT,
        Field("far", "far", "synsets whose subtrees are OOD, with spaces between them; empty: some are sampled"),
        Field("far_synsets", "far synsets", "so many are sampled, where none is named", str(FAR_SYNSETS)),
        *model_fields(settings, inherited=True),
        *_NEGATIVES,
        batch_field(settings.integer("scoring.batch_size")),
        *execution_fields(settings),
    )


def _evaluate_split(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.wordnet.resolve import resolve

    execution, methods, keep = answers.execution(), _methods(answers), answers.share("keep")
    split, far, far_synsets = _split(workspace, answers), answers.words("far"), answers.whole("far_synsets", 1)
    with workspace.opened().reading() as cursor:
        for word in far:
            answers.at("far", lambda word=word: resolve(cursor, word))  # type: ignore[misc]
    corpus, groups = answers.required("corpus", f"{CORPUS} is usual."), answers.optional_whole("groups", 1)
    request = answers.at(
        "far",
        lambda: sood_request(
            workspace, split, far, far_synsets, methods=methods, corpus=corpus, keep=keep,
            negatives=answers.optional("negatives"), groups=groups, execution=execution,
        ),
    )  # fmt: skip
    return _begin(workspace, settings, answers, request)


def _sets_fields(settings: Settings) -> tuple[Field, ...]:
    source = "split:NAME/train, subtree:SYNSET, folder:DIR, list:FILE or a name of yours"
    return (
        _METHODS,
        Field("id_set", "ID set", source, "split:main/train"),
        Field("ood", "OOD sets", "NAME=SET with spaces between them, SET as for ID"),
        Field("near", "near sets", "OOD sets of the near group; NAME=SET"),
        Field("far", "far sets", "OOD sets of the far group; NAME=SET"),
        Field("bands", "bands", "generalisation sets, whose classes are valid; NAME=SET"),
        Field("labels", "labels", "superclass, subclass, class, imagenet-1k or file:PATH; empty: by the ID set"),
        *model_fields(settings, inherited=True),
        *_NEGATIVES,
        batch_field(settings.integer("scoring.batch_size")),
        *execution_fields(settings),
    )


def _evaluate_sets(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.evaluation.request import EvaluationRequest
    from engine.evaluation.words.corpus import CorpusSettings
    from engine.evaluation.words.sources import MiningRequest

    execution, methods, keep = answers.execution(), _methods(answers), answers.share("keep")
    id_set = _sets(workspace, answers, "id_set", "id", None)
    if len(id_set) != 1:
        raise WrongField("id_set", "One set is ID.", "For example split:main/train.")
    others = [
        one
        for field, role, group in (
            ("ood", "ood", None), ("near", "ood", "near"), ("far", "ood", "far"), ("bands", "generalisation", None)
        )
        for one in _sets(workspace, answers, field, role, group)
    ]  # fmt: skip
    if not others:
        raise WrongField("ood", "An evaluation needs at least one OOD set.", "For example birds=subtree:bird.")
    mining = MiningRequest(
        answers.optional("negatives"),
        corpus=CorpusSettings(answers.required("corpus", f"{CORPUS} is usual.")),
        fraction=keep,
    )
    groups = answers.optional_whole("groups", 1)
    request = EvaluationRequest(
        id_set[0], others, methods=methods, labels=answers.optional("labels"), mining=mining, execution=execution,
        settings={} if groups is None else {"groups": groups},
    )  # fmt: skip
    return _begin(workspace, settings, answers, request)


def _begin(workspace: "Workspace", settings: Settings, answers: Answers, request: "EvaluationRequest") -> Begun:
    from engine.evaluation.request import submit
    from engine.evaluation.scored_with import with_model_of_scoring
    from engine.scoring.submission import absolute_model

    answers.device()
    answers.whole("batch_size", 1)
    keys = {"device": "scoring.device", "batch_size": "scoring.batch_size"}
    if model := answers.optional("model"):
        keys |= {"model": "scoring.model", "pretrained": "scoring.pretrained"}
        answers.at("model", lambda: absolute_model(model, answers.optional("pretrained")))
    elif answers.text("pretrained"):
        raise WrongField("pretrained", "These are weights of which model?", "Name it, or leave the weights out, too.")
    settings = answers.settings(settings, keys)
    request = with_machine(settings, request, workspace.seed)
    told = ""
    if not model and not is_model_named(settings):
        request, told = with_model_of_scoring(workspace, request)
    submitted: Submitted = submit(workspace, request)
    images = sum(one.images for one in submitted.sets)
    sentence = f"{submitted.job_id} evaluates {some(images, 'picture')}. {told.partition(';')[0]}"
    return Begun(plain(sentence.strip()), submitted.job_id)


def _classifier_fields(settings: Settings) -> tuple[Field, ...]:
    return (
        Field("model", "model", "timm:NAME or torchvision:NAME"),
        Field("checkpoint", "weights", "a file; empty: the library's own"),
        Field("classes", "classes", "what its outputs are called: superclasses, imagenet-1k or a file", "superclasses"),
        _SPLIT,
        Field("holdout", "holdout", "share of train that counts", "1.0"),
        Field("name", "name", "what to call the model; empty: as above"),
        batch_field(BATCH_SIZE),
        *execution_fields(settings),
    )


def _classify(workspace: "Workspace", settings: Settings, answers: Answers) -> Begun:
    from engine.evaluation.classifiers.bands import ClassifierRequest
    from engine.evaluation.classifiers.job import ClassifyRequest, class_names_of, submit

    execution, device = answers.execution(), answers.device()
    model, checkpoint, split = classifier_of(answers), checkpoint_of(answers), _split(workspace, answers)
    title = answers.optional("name") or model
    scoring = ClassifierRequest(title, split, answers.share("holdout"), workspace.seed, settings.reviewer)
    classes = answers.required("classes", "superclasses, imagenet-1k, or a file with a name a line.")
    names = answers.at("classes", lambda: class_names_of(workspace, classes, split))
    batch_size = answers.whole("batch_size", 1)
    request = ClassifyRequest(
        model, str(checkpoint) if checkpoint else None, names, scoring, batch_size, device, execution
    )
    job_id = submit(workspace, request)
    return Begun(plain(f"{job_id} classifies the pictures of the split {split} with {model}."), job_id)


def _methods(answers: Answers) -> tuple[str, ...]:
    from engine.evaluation.methods import find_method

    named = answers.words("methods")
    return tuple(answers.at("methods", lambda name=name: find_method(name).name) for name in named) or tuple(  # type: ignore[misc]
        METHODS.split()
    )


def _split(workspace: "Workspace", answers: Answers) -> str:
    from engine.splits.prepare import prepare

    name = answers.required("split", "main is usual.")
    answers.at("split", lambda: prepare(workspace, name))
    return name


def _sets(workspace: "Workspace", answers: Answers, field: str, role: str, group: str | None) -> "list[SetArgument]":
    from engine.evaluation.request import SetArgument
    from engine.evaluation.sets.sources import named_argument, parse_source
    from store.evaluation.sets import fetch_set

    def one(pair: str) -> Any:
        name, text = named_argument(pair)
        if ":" in text:
            parse_source(text)
        else:
            with workspace.opened().reading() as cursor:
                fetch_set(cursor, text)
        return SetArgument(name, text, role, group)

    return [answers.at(field, lambda pair=pair: one(pair)) for pair in answers.words(field)]  # type: ignore[misc]


SPLIT = Order("sood", "Evaluate a split", "train, its bands, far synsets", _split_fields, _evaluate_split)
SETS = Order("evaluation", "Evaluate sets", "an ID set, OOD sets, detectors", _sets_fields, _evaluate_sets)
CLASSIFY = Order("classify", "Classify a split", "timm or torchvision, by band", _classifier_fields, _classify)
