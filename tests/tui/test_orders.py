"""The orders of the form: each starts its job, and says at which field an answer is wrong."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.jobs.runner import find_job, list_jobs
from engine.jobs.spec import JobSpec
from engine.workspace import Workspace
from sood_tui.orders.every import ORDERS
from sood_tui.orders.fields import Answers, WrongField
from sood_tui.orders.order import Begun, Order
from sood_tui.settings import Settings, load_settings
from tests.jobs.waiting import end_jobs

BY_KEY = {order.key: order for order in ORDERS}
MODEL = {"device": "cpu"}
NEEDED: dict[str, dict[str, str]] = {
    "match": {"text": "small dogs"},
    "vlm": {"model": "somebody/vlm"},
    "zero_shot": {"name": "zs"},
    "predict": {"name": "net", "model": "timm:resnet18", "classes": "pictures"},
    "evaluation": {
        "id_set": "split:main/train",
        "ood": "cars=subtree:n02958343",
        "labels": "superclass",
        "methods": "mcm",
    },
    "sood": {"far": "n02958343", "methods": "mcm msp"},
    "classify": {"model": "torchvision:resnet18"},
}
"""What has to be said beside what is filled in already."""


@pytest.fixture
def settings(scored: Workspace) -> Iterator[Settings]:
    """Of the workspace; jobs that were started are ended."""
    yield load_settings(scored.settings_file)
    end_jobs(scored)


def answers(order: Order, settings: Settings, given: Mapping[str, str], estimate: bool = False) -> Answers:
    """What is filled in, with something else typed."""
    filled = {field.name: field.value for field in order.fields(settings)}
    assert given.keys() <= filled.keys()
    return Answers({**filled, **given}, estimate)


def start(workspace: Workspace, settings: Settings, key: str, **given: str) -> Begun:
    """Start an order with these answers."""
    order = BY_KEY[key]
    return order.start(workspace, settings, answers(order, settings, {**MODEL, **NEEDED.get(key, {}), **given}))


def spec_of(workspace: Workspace, begun: Begun) -> JobSpec:
    """What the job was told."""
    assert begun.job_id is not None
    return find_job(workspace.root, begun.job_id).spec()


def test_every_kind_of_job_is_on_the_list() -> None:
    assert list(BY_KEY) == [
        "score", "match", "vlm", "clip", "propose", "zero_shot", "predict", "sood", "evaluation", "classify",
    ]  # fmt: skip


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.key)
def test_fields_have_a_title_and_a_line_of_help(order: Order, settings: Settings) -> None:
    fields = order.fields(settings)
    assert len({field.name for field in fields}) == len(fields)
    for field in fields:
        assert field.title
        assert field.help
        assert len(field.title) < 14
        assert not field.choices or field.value in field.choices
    assert len(order.detail) <= 30


def test_a_scoring_is_told_what_was_typed(scored: Workspace, settings: Settings, tmp_path: Path) -> None:
    model = f"local-dir:{tmp_path}"
    begun = start(
        scored, settings, "score", superclasses="dog, bird", model=model, pretrained="", template="a {}",
        candidates="accepted only", batch_size="32", decoder="cpu", compiled="yes", priority="3", force="yes",
    )  # fmt: skip
    spec = spec_of(scored, begun)
    assert (spec.kind, spec.device, spec.priority, spec.force) == ("scoring", "cpu", 3, True)
    told = spec.settings
    assert sorted(told["superclasses"]) == ["bird", "dog"]
    assert (told["model"], told["pretrained"], told["template"]) == (model, None, "a {}")
    assert (told["batch_size"], told["decoder"], told["compiled"]) == (32, "cpu", True)
    assert f"{begun.job_id}: " in begun.sentence


def test_a_vision_language_model_is_told_what_was_typed(scored: Workspace, settings: Settings) -> None:
    sheets = spec_of(scored, start(scored, settings, "vlm", superclasses="dog", samples="9", pending="no", seed="5"))
    assert (sheets.kind, sheets.settings["mode"], sheets.settings["samples"], sheets.settings["seed"]) == (
        "vlm-filter", "sheet", 9, 5,
    )  # fmt: skip
    single = spec_of(scored, start(scored, settings, "vlm", per_picture="4", batch_size="2"))
    assert (single.settings["mode"], single.settings["per_picture"], single.settings["batch_size"]) == ("picture", 4, 2)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("match", "text-match"),
        ("zero_shot", "zero-shot"),
        ("predict", "predict-classes"),
        ("sood", "evaluation"),
        ("evaluation", "evaluation"),
        ("classify", "classify"),
    ],
)
def test_the_others_start_their_job(scored: Workspace, settings: Settings, key: str, kind: str) -> None:
    spec = spec_of(scored, start(scored, settings, key, priority="2"))
    assert (spec.kind, spec.priority, spec.device) == (kind, 2, "cpu")


def test_a_split_is_evaluated_with_the_model_of_its_scoring(scored: Workspace, settings: Settings) -> None:
    assert "Model: tiny-clip" in start(scored, settings, "sood").sentence
    assert "Model" not in start(scored, settings, "sood", model="ViT-B-32", pretrained="openai").sentence


def test_labels_are_proposed_where_there_are_embeddings(scored: Workspace, settings: Settings) -> None:
    with pytest.raises(EngineError, match="No such picture has an embedding of tiny"):
        start(scored, settings, "propose", superclasses="dog", with_truth="yes")


def test_judging_by_embeddings_needs_no_job(scored: Workspace, settings: Settings) -> None:
    jobs = len(list_jobs(scored.root))
    with pytest.raises(WrongField, match="There is no superclass fish"):
        BY_KEY["clip"].start(scored, settings, Answers({"superclasses": "fish"}))
    assert len(list_jobs(scored.root)) == jobs
    assert not BY_KEY["clip"].can_estimate


@pytest.mark.parametrize(
    ("key", "field", "text", "message"),
    [
        ("score", "superclasses", "dgo", "Did you mean dog"),
        ("score", "model", "", "must be said"),
        ("score", "model", "local-dir:/nowhere", "does not exist"),
        ("score", "template", "a dog", "has no {}"),
        ("score", "batch_size", "0", "too little"),
        ("score", "batch_size", "many", "no whole number"),
        ("score", "device", "tpu", "names no device"),
        ("score", "priority", "high", "no whole number"),
        ("score", "address", "ray://a:1", "speaks of a cluster"),
        ("match", "text", " ", "must be said"),
        ("match", "model", "local-dir:/nowhere", "does not exist"),
        ("vlm", "model", "", "must be said"),
        ("vlm", "model", "/nowhere", "does not exist"),
        ("vlm", "samples", "0", "too little"),
        ("vlm", "per_picture", "x", "no whole number"),
        ("vlm", "seed", "x", "no whole number"),
        ("propose", "embeddings", "other", "No embeddings go by the name other"),
        ("propose", "template", "a dog", "has no {}"),
        ("zero_shot", "name", "", "must be said"),
        ("predict", "model", "resnet18", "names no classifier"),
        ("predict", "checkpoint", "/nowhere.pt", "is not there"),
        ("predict", "root", "other", "No picture root is named other"),
        ("sood", "methods", "guess", "guess"),
        ("sood", "split", "other", "other"),
        ("sood", "far", "'crane", "quotation mark"),
        ("sood", "far", "nothing.n.99", "nothing.n.99"),
        ("sood", "far_synsets", "0", "too little"),
        ("sood", "keep", "2", "no share"),
        ("sood", "groups", "0", "too little"),
        ("sood", "pretrained", "openai", "weights of which model"),
        ("evaluation", "id_set", "", "One set is ID"),
        ("evaluation", "id_set", "nonsense:dog", "no source of pictures"),
        ("evaluation", "id_set", "mine", "mine"),
        ("evaluation", "ood", "", "at least one OOD set"),
        ("evaluation", "ood", "birds=", "is not NAME=SET"),
        ("classify", "holdout", "0", "no share"),
        ("classify", "classes", "/nowhere.txt", "cannot be read"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    scored: Workspace, settings: Settings, key: str, field: str, text: str, message: str
) -> None:
    jobs = len(list_jobs(scored.root))
    with pytest.raises(WrongField) as found:
        start(scored, settings, key, **{field: text})
    assert found.value.field == field
    assert message in f"{found.value.message} {found.value.hint}"
    assert len(list_jobs(scored.root)) == jobs
    assert not (scored.root / "evaluations").exists()


def test_the_paper_asks_about_sheets_only(scored: Workspace, settings: Settings) -> None:
    with pytest.raises(WrongField) as found:
        start(scored, settings, "vlm", compat="yes", per_picture="4")
    assert found.value.field == "compat"


def test_an_order_for_an_estimate_starts_one(scored: Workspace, settings: Settings, tmp_path: Path) -> None:
    order = BY_KEY["score"]
    given = {**MODEL, "model": f"local-dir:{tmp_path}", "pretrained": ""}
    begun = order.start(scored, settings, answers(order, settings, given, estimate=True))
    spec = spec_of(scored, begun)
    assert (spec.kind, spec.settings["kind"]) == ("estimate", "scoring")
