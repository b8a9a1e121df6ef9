"""Asking for an evaluation: sets, labels, methods and words are put together, checked, and handed to a job."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import compute

from engine.errors import EngineError
from engine.evaluation.corpus import CorpusSettings, make_corpus
from engine.evaluation.labels import Labels, check_labels, default_labels, make_labels, related
from engine.evaluation.labels_hash import labels_sha256
from engine.evaluation.methods import Method, find_method
from engine.evaluation.passes import check_groups
from engine.evaluation.plan import (
    FOLDER,
    KIND,
    PICTURES_FILE,
    NegativesPlan,
    Plan,
    SetPlan,
    SweepPlan,
    words_file,
    write_table,
)
from engine.evaluation.prompts import Recipe, recipes
from engine.evaluation.sets import PictureSet, read_npz, resolve_set
from engine.evaluation.sweep import Grid, check_grid
from engine.events import new_event_id
from engine.jobs import runner
from engine.scoring.submission import absolute_model, catalogue_id
from engine.workspace import Workspace
from store.connection import Cursor
from store.negatives import fetch_negative_labels, fetch_negative_set

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
class MiningRequest:
    """How negative labels are found.

    Attributes:
        given: name of an artefact to use; None: mine.
        name: what to call what is mined.
        corpus: which words.
        percentile: of the distances; None: 0.05.
        fraction: share of each part of speech.
        count: number to keep instead.
        per_pos: rank parts of speech apart.
        ranking: neglabel or interneg; CSP's recipe has its own.
    """

    given: str | None = None
    name: str = ""
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    percentile: float = 0.05
    fraction: float = 0.15
    count: int | None = None
    per_pos: bool = True
    ranking: str = "neglabel"


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
    order: str = "shuffled"
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
        words, negatives = _words(cursor, request, methods, labels, sets)
    plan = _plan(workspace, request, methods, labels, sets, negatives)
    _check(plan, methods, words)
    pictures = _pictures(sets, labels)
    return _start(workspace, request, plan, pictures, words)


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


def _words(
    cursor: Cursor, request: EvaluationRequest, methods: Sequence[Method], labels: Labels, sets: Sequence[PictureSet]
) -> tuple[dict[str, pa.Table], dict[str, NegativesPlan]]:
    swept = {"plain"} if request.sweep else set()
    wanted = sorted({method.recipe for method in methods if method.negatives} or swept)
    words: dict[str, pa.Table] = {}
    negatives: dict[str, NegativesPlan] = {}
    for recipe in wanted:
        if request.mining.given:
            words[recipe] = _given_words(cursor, request.mining.given, labels)
            negatives[recipe] = NegativesPlan(given=request.mining.given)
        elif request.model is None:
            words[recipe] = _words_of_npz(sets[0])
            negatives[recipe] = NegativesPlan(given=f"{sets[0].source.value}, negative_words")
        else:
            words[recipe], negatives[recipe] = _mined_words(cursor, request, recipe, labels)
    return words, negatives


def _given_words(cursor: Cursor, name: str, labels: Labels) -> pa.Table:
    found = fetch_negative_set(cursor, name)
    if found.labels_sha256 != labels_sha256(labels.names):
        raise EngineError(
            f"The negative labels {name} were mined against other ID labels than these.",
            "Mine new ones: leave --negatives out.",
        )
    kept = [row for row in fetch_negative_labels(cursor, found.negatives_id) if row.dropped is None]
    if not kept:
        raise EngineError(f"All words of the negative labels {name} were taken out.", "Bring some back.")
    return pa.table(
        {
            "word": pa.array([row.word for row in kept], pa.string()),
            "pos": pa.array([row.pos for row in kept], pa.string()),
            "wnid": pa.array([row.wnid for row in kept], pa.string()),
            "lexname": pa.array([row.lexname for row in kept], pa.string()),
            "distance": pa.array([row.distance for row in kept], pa.float64()),
        }
    )


def _words_of_npz(id_set: PictureSet) -> pa.Table:
    arrays = read_npz(id_set.source.value) if id_set.source.kind == "npz" else {}
    if "negative_words" not in arrays:
        raise EngineError(
            "Without a model the negative labels must come with the ID set's npz: negative_words and "
            "negative_embeddings.",
            "Give --model, or methods that need none: msp, maxlogit, energy, mcm.",
        )
    words = [str(word) for word in arrays["negative_words"].tolist()]
    count = len(words)
    texts = {"word": words, "pos": ["noun"] * count, "lexname": ["noun.file"] * count}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()})
    return table.append_column("wnid", pa.nulls(count, pa.string()))


def _mined_words(
    cursor: Cursor, request: EvaluationRequest, recipe: str, labels: Labels
) -> tuple[pa.Table, NegativesPlan]:
    mining = request.mining
    chosen = mining.corpus
    if recipe == "csp" and chosen.source == "neglabel":
        chosen = CorpusSettings(
            "csp", chosen.drop_id_names, chosen.drop_hyponyms, chosen.drop_proper, chosen.compatible
        )
    corpus = make_corpus(cursor, labels, chosen, recipe, request.seed)
    plan = NegativesPlan(
        name=mining.name,
        corpus={**asdict(chosen), "words": corpus.words.num_rows},
        left_out=corpus.left_out,
        percentile=mining.percentile,
        fraction=mining.fraction,
        count=mining.count,
        per_pos=mining.per_pos,
        ranking="csp" if recipe == "csp" and mining.ranking == "neglabel" else mining.ranking,
    )
    return corpus.words, plan


def _plan(
    workspace: Workspace,
    request: EvaluationRequest,
    methods: Sequence[Method],
    labels: Labels,
    sets: Sequence[PictureSet],
    negatives: Mapping[str, NegativesPlan],
) -> Plan:
    needed = sorted({"plain", *(method.recipe for method in methods)})
    prompts = recipes(request.label_prompt, request.noun_prompt, request.adjective_prompt)
    if request.model is None:
        prompts = dict.fromkeys(prompts, Recipe(("{}",), ("{}",), ("{}",)))
    given = {"remainder": "drop_tail", **request.settings} if request.compatible else request.settings
    model, pretrained = absolute_model(request.model, request.pretrained) if request.model else (None, None)
    return Plan(
        title=request.title or " ".join(method.title for method in methods),
        model=model,
        pretrained=pretrained,
        batch_size=request.batch_size,
        methods={method.name: method.settings(given) for method in methods},
        recipes={name: {kind: list(prompts[name].of(kind)) for kind in ("label", "noun", "adj")} for name in needed},
        label_names=list(labels.names),
        label_keys=list(labels.keys),
        labels_by=labels.by,
        negatives=negatives,
        sets=[_set_plan(one) for one in sets],
        order=request.order,
        seed=request.seed,
        calibration=request.calibration,
        wanted=request.wanted,
        catalogue_id=catalogue_id(workspace.opened()),
        re_embed=request.re_embed,
        compatible=request.compatible,
        sweep=request.sweep,
    )


def _set_plan(one: PictureSet) -> SetPlan:
    npz = one.source.value if one.source.kind == "npz" else None
    return SetPlan(
        one.name, one.role, one.near_or_far, one.source.text, one.sha256, len(one), one.relatives, one.note, npz
    )


def _check(plan: Plan, methods: Sequence[Method], words: Mapping[str, pa.Table]) -> None:
    if plan.order not in ("shuffled", "id-first", "ood-first"):
        raise EngineError(f"There is no stream order {plan.order!r}.", "Orders are shuffled, id-first and ood-first.")
    if not 0 <= plan.calibration < 1:
        raise EngineError(f"{plan.calibration} of the ID pictures cannot calibrate.", "Give a share below 1, or 0.")
    for key, value in ((k, v) for settings in plan.methods.values() for k, v in settings.items()):
        if "temperature" in key and float(value) <= 0:
            raise EngineError(f"The {key.replace('_', ' ')} {value} is not above 0.")
    for recipe, source in plan.negatives.items():
        available = words[recipe].num_rows
        if not 0 <= source.percentile <= 1:
            raise EngineError(f"The percentile {source.percentile} is not in [0, 1].", "NegLabel's is 0.05.")
        if not 0 < source.fraction <= 1:
            raise EngineError(f"A share of {source.fraction} of the corpus cannot be kept.", "NegLabel's is 0.15.")
        expected = available if source.given else source.count or int(source.fraction * available)
        if plan.sweep is None:
            check_groups(expected, [(m, plan.methods[m.name]) for m in methods if m.recipe == recipe])
        else:
            grid = Grid(plan.sweep.counts, plan.sweep.groups, plan.sweep.temperatures)
            check_grid(grid, available)


def _pictures(sets: Sequence[PictureSet], labels: Labels) -> pa.Table:
    tables = []
    for part, one in enumerate(sets):
        count = len(one)
        tables.append(
            one.items.append_column("part", pa.array(np.full(count, part), pa.int32()))
            .append_column("position", pa.array(np.arange(count), pa.int64()))
            .append_column("label", labels.indices(one.items))
        )
    return pa.concat_tables(tables)


def _start(
    workspace: Workspace, request: EvaluationRequest, plan: Plan, pictures: pa.Table, words: Mapping[str, pa.Table]
) -> Submitted:
    relative = f"{FOLDER}/{new_event_id().hex}"
    folder = workspace.root / relative
    folder.mkdir(parents=True)
    try:
        write_table(folder, PICTURES_FILE, pictures)
        for recipe, table in words.items():
            write_table(folder, words_file(recipe), table)
        plan.write(folder)
        job = runner.submit(
            workspace.root,
            KIND,
            {"folder": relative},
            _work(pictures),
            request.device,
            title=f"evaluation {plan.title}",
            reviewer=request.reviewer,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    left_out = {recipe: source.left_out for recipe, source in plan.negatives.items()}
    counts = {recipe: table.num_rows for recipe, table in words.items()}
    return Submitted(job.id, relative, tuple(plan.sets), len(plan.label_names), counts, left_out)


def _work(pictures: pa.Table) -> pa.Table | None:
    """What must be embedded: each picture once, however many sets it is in."""
    files = pictures.filter(compute.is_null(pictures["row"])).select(["image_id", "path", "size", "mtime_ns"])
    if not files.num_rows:
        return None
    seen: set[str] = set()
    first = [path not in seen and not seen.add(path) for path in files["path"].to_pylist()]  # type: ignore[func-returns-value]
    return files.filter(pa.array(first))
