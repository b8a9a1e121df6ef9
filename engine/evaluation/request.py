"""Asking for an evaluation: sets, labels, methods and words are put together, checked, and handed to a job."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import compute

from engine.errors import EngineError
from engine.evaluation.checking import ORDERS, check_apart, check_given, check_plan
from engine.evaluation.labels import Labels, check_labels, default_labels, make_labels, related
from engine.evaluation.methods import Method, find_method
from engine.evaluation.plan import (
    FOLDER,
    KIND,
    PICTURES_FILE,
    Plan,
    SetPlan,
    SweepPlan,
    sweep_of,
    words_file,
    write_table,
)
from engine.evaluation.sets.pictures import PictureSet, resolve_set
from engine.evaluation.sets.roots import roots_of
from engine.evaluation.words.corpus import CorpusSettings
from engine.evaluation.words.prompts import Recipe, recipes
from engine.evaluation.words.sources import MiningRequest, Words, absolute, words_of, words_of_sweep
from engine.evaluation.work import pictures_table, work_table
from engine.events import new_event_id
from engine.jobs import runner
from engine.jobs.execution import LOCAL, Execution
from engine.scoring.prompts import check_template
from engine.scoring.submission import absolute_model, catalogue_id
from engine.workspace import Workspace
from store.connection import Cursor

Relatives = Literal["drop", "report"]
DEFAULT_METHODS = ("msp", "maxlogit", "energy", "mcm", "neglabel", "csp")


@dataclass(frozen=True, slots=True)
class SetArgument:
    """A set as a person names it: what to call it, its name or source, and its role."""

    name: str
    text: str
    role: str = "ood"
    near_or_far: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What a person asks for; the field names are those of the command line."""

    id_set: SetArgument
    ood_sets: Sequence[SetArgument]
    methods: Sequence[str] = DEFAULT_METHODS
    labels: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    mining: MiningRequest = field(default_factory=MiningRequest)
    model: str | None = "ViT-B-32"
    pretrained: str | None = "openai"
    label_prompt: str | None = None
    noun_prompt: str | None = None
    adjective_prompt: str | None = None
    relatives: Relatives = "drop"
    orders: Sequence[str] = ORDERS
    seed: int = 0
    calibration: float = 0.0
    wanted: float = 0.95
    batch_size: int = 256
    device: str = "auto"
    reviewer: str = ""
    title: str = ""
    re_embed: bool = False
    compatible: bool = False
    sweep: SweepPlan | None = None
    execution: Execution = LOCAL

    def values(self) -> dict[str, Any]:
        """As JSON values, without device and execution, which are the machine's."""
        return {key: value for key, value in asdict(self).items() if key not in ("device", "execution")}

    @classmethod
    def of(cls, values: Mapping[str, Any], device: str, reviewer: str) -> "EvaluationRequest":
        """From JSON values, for whoever asks now."""
        sweep, mining = values["sweep"], values["mining"]
        return cls(
            **{
                **values,
                "id_set": SetArgument(**values["id_set"]),
                "ood_sets": [SetArgument(**one) for one in values["ood_sets"]],
                "mining": MiningRequest(**{**mining, "corpus": CorpusSettings(**mining["corpus"])}),
                "sweep": None if sweep is None else sweep_of(sweep),
                "device": device,
                "reviewer": reviewer,
            }
        )


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submitted evaluation: its job, its sets with their pictures, and what was left out."""

    job_id: str
    folder: str
    sets: tuple[SetPlan, ...]
    labels: int
    words: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, int]]


def submit(workspace: Workspace, request: EvaluationRequest) -> Submitted:
    """Check everything that can be checked without a model, then start the job.

    Raises: EngineError or StoreError that names what does not fit; then there is no job and no folder.
    """
    methods = [find_method(name) for name in dict.fromkeys(request.methods)]
    with workspace.opened().reading() as cursor:
        sets = _resolve_sets(workspace, cursor, request)
        labels = make_labels(cursor, sets[0], request.labels or default_labels(sets[0]))
        check_labels(labels, sets[0])
        sets = [sets[0], *(_without_relatives(cursor, one, labels, request.relatives) for one in sets[1:])]
        check_given(sets, labels, request.model)
        for one in sets[1:] if request.relatives == "drop" else ():
            check_apart(sets[0], one)
        words, corpora = _words(cursor, request, methods, labels, sets[0])
    plan = _plan(workspace, request, methods, labels, sets, words, corpora)
    check_plan(plan, words, corpora)
    files = {words_file(recipe): one for recipe, one in words.items()}
    files |= {words_file(f"corpus-{number}"): one for number, one in enumerate(corpora)}
    return _start(workspace, request, plan, pictures_table(sets, labels), files)


def _words(
    cursor: Cursor, request: EvaluationRequest, methods: Sequence[Method], labels: Labels, id_set: PictureSet
) -> tuple[dict[str, Words], list[Words]]:
    """The words of each recipe of a run, or those of each corpus of a sweep."""
    if request.sweep is not None:
        has_model, axis = request.model is not None, request.sweep.corpora
        return {}, words_of_sweep(cursor, request.mining, axis, labels, id_set, has_model, request.seed)
    recipes_used = sorted({method.recipe for method in methods if method.negatives})
    has_model = request.model is not None
    found = {
        recipe: words_of(cursor, request.mining, recipe, labels, id_set, has_model, request.seed)
        for recipe in recipes_used
    }
    return found, []


def _resolve_sets(workspace: Workspace, cursor: Cursor, request: EvaluationRequest) -> list[PictureSet]:
    if not request.ood_sets:
        raise EngineError("An evaluation needs at least one OOD set.", "Give --ood NAME=SET.")
    arguments = [request.id_set, *request.ood_sets]
    names = [argument.name for argument in arguments]
    for name in names:
        if names.count(name) > 1:
            raise EngineError(f"Two sets are called {name}.", "Give them names: --ood NAME=SET.")
    found = []
    for position, argument in enumerate(arguments):
        role = "id" if position == 0 else argument.role
        one = resolve_set(workspace, cursor, argument.name, argument.text, role)
        group, note = argument.near_or_far or one.near_or_far, argument.note or one.note
        found.append(PictureSet(one.name, one.role, one.source, one.items, group, one.relatives, note))
    return found


def _without_relatives(cursor: Cursor, one: PictureSet, labels: Labels, relatives: Relatives) -> PictureSet:
    """The set without pictures of ancestors and descendants of ID synsets, or with their number."""
    if one.role != "ood" or not labels.wnids:
        return one
    kin = related(cursor, labels.wnids)
    is_kin = np.array([wnid in kin for wnid in one.items["wnid"].to_pylist()], dtype=bool)
    count = int(is_kin.sum())
    if not count or relatives == "report":
        return PictureSet(one.name, one.role, one.source, one.items, one.near_or_far, count, one.note)
    kept = one.items.filter(pa.array(~is_kin))
    if not kept.num_rows:
        raise EngineError(
            f"All {count} pictures of {one.name} are of ancestors or descendants of ID synsets.",
            "It is no OOD set of these ID classes; --relatives report keeps them all the same.",
        )
    return PictureSet(one.name, one.role, one.source, kept, one.near_or_far, count, one.note)


def _plan(
    workspace: Workspace,
    request: EvaluationRequest,
    methods: Sequence[Method],
    labels: Labels,
    sets: Sequence[PictureSet],
    words: Mapping[str, Words],
    corpora: Sequence[Words],
) -> Plan:
    needed = sorted({"plain", *(method.recipe for method in methods)})
    prompts = recipes(request.label_prompt, request.noun_prompt, request.adjective_prompt)
    if request.model is None:
        prompts = dict.fromkeys(prompts, Recipe(("{}",), ("{}",), ("{}",)))
    asked = _to_ask_again(request, sets)
    model, sweep = asked.model, asked.sweep
    if sweep is not None and sweep.models:
        model, pretrained = sweep.models[0]
    else:
        pretrained = asked.pretrained
    given = {"remainder": "drop_tail", **request.settings} if request.compatible else request.settings
    return Plan(
        title=request.title or " ".join(method.title for method in methods),
        model=model,
        pretrained=pretrained if model else None,
        batch_size=request.batch_size,
        methods={method.name: method.settings(given) for method in methods},
        recipes={name: {kind: list(prompts[name].of(kind)) for kind in ("label", "noun", "adj")} for name in needed},
        label_names=list(labels.names),
        label_keys=list(labels.keys),
        labels_by=labels.by,
        negatives={recipe: one.source for recipe, one in words.items()},
        sets=[_set_plan(one) for one in sets],
        orders=tuple(dict.fromkeys(request.orders)),
        seed=request.seed,
        calibration=request.calibration,
        wanted=request.wanted,
        catalogue_id=catalogue_id(workspace.opened()),
        re_embed=request.re_embed,
        compatible=request.compatible,
        sweep=sweep,
        corpora=tuple(one.source for one in corpora),
        request=asked.values(),
    )


def _to_ask_again(request: EvaluationRequest, sets: Sequence[PictureSet]) -> EvaluationRequest:
    """The request with absolute paths, with named sets as what they stood for, and with prompts that can be filled."""
    arguments = [SetArgument(one.name, one.source.text, one.role, one.near_or_far, one.note) for one in sets]
    labels = absolute(request.labels) if request.labels else None
    corpus = replace(request.mining.corpus, source=absolute(request.mining.corpus.source))
    model, pretrained = absolute_model(request.model, request.pretrained) if request.model else (None, None)
    sweep = request.sweep
    if sweep is not None:
        for prompt in sweep.prompts:
            check_template(prompt)
        if request.model is None and (sweep.prompts or sweep.models):
            raise EngineError("A sweep over prompts or models embeds texts, and there is no model.", "Give --model.")
        if sweep.models and any(one.source.kind == "npz" for one in sets):
            raise EngineError("A sweep over models embeds its pictures, and npz sets have embeddings already.")
        models = tuple(absolute_model(*one) for one in sweep.models)
        sweep = replace(sweep, models=models, corpora=tuple(absolute(one) for one in sweep.corpora))
    return replace(
        request, id_set=arguments[0], ood_sets=arguments[1:], labels=labels, model=model, pretrained=pretrained,
        mining=replace(request.mining, corpus=corpus), sweep=sweep,
    )  # fmt: skip


def _set_plan(one: PictureSet) -> SetPlan:
    npz = one.source.value if one.source.kind == "npz" else None
    return SetPlan(
        one.name, one.role, one.near_or_far, one.source.text, one.sha256, len(one), one.relatives, one.note, npz
    )


def _start(
    workspace: Workspace, request: EvaluationRequest, plan: Plan, pictures: pa.Table, files: Mapping[str, Words]
) -> Submitted:
    relative = f"{FOLDER}/{new_event_id().hex}"
    folder = workspace.root / relative
    folder.mkdir(parents=True)
    try:
        write_table(folder, PICTURES_FILE, pictures)
        for name, words in files.items():
            write_table(folder, name, words.table)
        plan.write(folder)
        parts = [pictures.filter(compute.equal(pictures["part"], place)) for place in range(len(plan.sets))]
        with workspace.opened().reading() as cursor:
            roots = roots_of(cursor, parts)
        job = runner.submit(
            workspace.root,
            KIND,
            {"folder": relative, "batch_size": plan.batch_size, "roots": roots},
            work_table(pictures, len(plan.models)),
            request.device,
            title=f"evaluation {plan.title}",
            reviewer=request.reviewer,
            execution=request.execution,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    recipes_of = {**plan.negatives, **{str(one.corpus.get("source", one.given)): one for one in plan.corpora}}
    left_out = {recipe: source.left_out for recipe, source in recipes_of.items()}
    counts = dict(zip(recipes_of, (words.table.num_rows for words in files.values()), strict=True))
    return Submitted(job.id, relative, tuple(plan.sets), len(plan.label_names), counts, left_out)
