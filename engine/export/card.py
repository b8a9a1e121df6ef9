"""The data card: what a person should know of an export before using it, told from its record alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.export.plan import Plan, list_name
from engine.splits.show import BandCount, superclass_cuts, total_cut
from store.connection import Cursor

TERMS = (
    "The pictures are ImageNet's and are not part of this export: lists and records name them by their path below the "
    "root. Whoever uses them needs an access of their own under ImageNet's terms, which allow non-commercial research "
    "and education only, and do not allow to pass pictures on. Folders of links hold no pixels as long as they stay "
    "links; copies and tars hold them, and must not be published."
)
LICENCE = (
    "The lists of SOOD-ImageNet are published under CC BY-NC-SA 4.0; lists made its way with other choices are "
    "the work of those who made the choices."
)


def card_body(cursor: Cursor, plan: Plan) -> str:
    """The card as Markdown, without a header of YAML."""
    parts = (
        _title(plan),
        _counts(plan),
        _how(plan),
        _people(plan),
        _labels(plan),
        _limits(plan),
        _terms(plan),
        _again(),
    )
    return "\n".join(line for part in parts for line in (*part, "")).rstrip("\n") + "\n"


def table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Lines of a Markdown table; bars within cells are escaped."""
    heads = list(headings)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return lines


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _title(plan: Plan) -> list[str]:
    whole = total_cut(plan.prepared, plan.tuned)
    return [
        f"# Data card: split {plan.prepared.split}",
        "",
        f"{whole.pictures:,} pictures of {whole.subclasses:,} subclasses (WordNet 3.0 synsets) under "
        f"{len(plan.prepared.superclasses):,} superclasses, cut by how typical their subclass is of its superclass. "
        "Training pictures are of typical subclasses; the test lists are semantically shifted, but their superclass is "
        "still right: they test generalisation, they are not foreign classes.",
    ]


def _counts(plan: Plan) -> list[str]:
    counts = plan.counts
    assert counts is not None, "a card is written of rows that are laid out"
    whole = total_cut(plan.prepared, plan.tuned)
    by_band = {band.split: band for band in whole.bands}
    lists = [
        (list_name(split), counts.listed[split], by_band[split].subclasses, _percent(by_band[split].wanted_share),
         _percent(by_band[split].share))
        for split in plan.splits
    ]  # fmt: skip
    lines = ["## Lists", "", *table(("list", "pictures", "subclasses", "share wanted", "share realised"), lists), ""]
    if counts.left_out:
        lines += ["Left out:", "", *table(("reason", "pictures"), counts.left_out.items()), ""]
    cuts = superclass_cuts(plan.prepared, plan.tuned)
    headings = ["class id", "superclass", *plan.splits, "thresholds", "percentiles"]
    rows = [
        [cut.class_id, cut.superclass, *_pictures(cut.bands), _thresholds(cut.bands), _numbers(cut.percentiles)]
        for cut in cuts
    ]
    lines += ["## Superclasses", "", "Pictures in each list; thresholds from hardest to train.", ""]
    return [*lines, *table(headings, rows)]


def _how(plan: Plan) -> list[str]:
    run, settings = plan.prepared.run, plan.prepared.settings
    remark = {"both": "both tails", "low": "the low tail only", "none": "none is left out"}[settings.outlier_tails]
    told = [
        ("model", model_name(run.model)),
        ("pretrained", model_name(run.pretrained) if run.pretrained else None),
        ("SHA-256 of its weights", run.weights_sha256),
        ("prompt template", run.template),
        ("score", "cosine of picture and prompt, min-max normalised within the superclass"),
        ("outliers", f"{settings.outlier_factor:g} interquartile ranges, {remark}"),
        ("mean of a subclass", f"over {settings.mean_over} pictures"),
        ("percentiles", _numbers(settings.percentiles)),
        ("minimum of subclasses", settings.minimum_subclasses),
        ("equalised by", f"{settings.equalise_by}, factor {settings.equalise_factor:g}"),
        ("remedy for empty lists", settings.remedy),
        ("seed", settings.seed),
    ]
    removed: dict[str, int] = {}
    for one in plan.prepared.removed:
        removed[one.rule] = removed.get(one.rule, 0) + 1
    lines = ["## How it was made", "", *table(("", ""), told)]
    if removed:
        lines += ["", "Subclasses that rules took out:", "", *table(("rule", "subclasses"), sorted(removed.items()))]
    return lines


def _people(plan: Plan) -> list[str]:
    review = plan.record.get("review", {})
    people = review.get("reviewers", {})
    lines = ["## Who decided", ""]
    if not people:
        return [*lines, "No person decided on a subclass."]
    lines += table(
        ("reviewer", "accepted", "rejected", "unsure"),
        ((name, said.get("accept", 0), said.get("reject", 0), said.get("unsure", 0)) for name, said in people.items()),
    )
    agreements = review.get("agreement", [])
    if agreements:
        lines += ["", "Agreement where two decided on the same subclass:", ""]
        rows = ((a["reviewer"], a["other_reviewer"], a["items"], _percent(a["raw"]), a["kappa"]) for a in agreements)
        lines += table(("reviewer", "and", "subclasses", "agree", "Cohen's kappa"), rows)
    return lines


def _labels(plan: Plan) -> list[str]:
    labels: Mapping[str, Any] | None = plan.record.get("labels")
    if not labels:
        return ["## Pictures with several objects", "", "No source of labels was used; lists may differ in clutter."]
    shares = ("multi_label_share", "top1", "accuracy", "accuracy_at_equal_labels")
    rows = [
        (band["superclass"] or "all together", band["split"], band["pictures"], band["labelled"], band["mean_labels"],
         *(None if band[name] is None else _percent(band[name]) for name in shares))
        for band in labels["bands"]
    ]  # fmt: skip
    by = f"By the source {labels['source']}"
    if labels["predictions"]:
        by += f", with accuracies of {labels['predictions']}; at equal k as if all lists showed equally many labels"
    lines = ["## Pictures with several objects", "", f"{by}.", ""]
    head = ("superclass", "list", "pictures", "labelled", "mean labels", "with several labels")
    lines += table((*head, "top-1", "ReaL", "ReaL at equal k"), rows)
    return [*lines, "", *labels["warnings"]] if labels["warnings"] else lines


def _limits(plan: Plan) -> list[str]:
    return [
        "## Limits",
        "",
        "- A subclass moves whole, so realised shares differ from the wanted ones.",
        "- What is typical is what one model says of one prompt: a homonym, or a model that has seen these pictures "
        "with their names, shifts the cut. `sood-tui splits sensitivity` tells how much.",
        "- Hard may differ from train in more than meaning: size, colour, clutter. `sood-tui splits validity` "
        "measures it.",
        "- People in the pictures did not agree to be in them; ImageNet's person subtree needs particular care.",
    ]


def _terms(plan: Plan) -> list[str]:
    return ["## Terms", "", TERMS, "", LICENCE, "", f"Roots of the paths: {', '.join(sorted(plan.roots.values()))}."]


def _again() -> list[str]:
    return [
        "## Checking and making it again",
        "",
        "`sood-tui export verify DIR` finds any changed line; `sood-tui export rebuild manifest.json DIR` makes the "
        "same bytes from the same pictures and embeddings, or says what differs.",
    ]


def model_name(text: str) -> str:
    """A model's name without the folders that it lies in on this machine."""
    scheme, colon, path = text.partition(":")
    if colon and scheme in ("local-dir", "file"):
        return f"{scheme}:{_base(path)}"
    return _base(text) if text.startswith(("/", "~", "./", "../")) else text


def _base(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]


def _pictures(bands: Iterable[BandCount]) -> list[int]:
    return [band.pictures for band in reversed(list(bands))]


def _thresholds(bands: Iterable[BandCount]) -> str:
    return _numbers(band.threshold for band in bands if band.threshold is not None)


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)


def _percent(share: float) -> str:
    return f"{share:.1%}"
