"""What can be refused before a model is loaded: settings out of range, grids and groups that the words cannot fill."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from engine.errors import EngineError
from engine.evaluation.formulas import Remainder
from engine.evaluation.labels import Labels
from engine.evaluation.methods import Method, find_method
from engine.evaluation.numbers.calibration import calibration_part
from engine.evaluation.passes import check_groups
from engine.evaluation.plan import NegativesPlan, Plan
from engine.evaluation.sets.pictures import PictureSet, read_npz
from engine.evaluation.sweeps.grid import Grid, check_grid
from engine.evaluation.words.sources import Words

REMAINDERS = get_args(Remainder)
ORDERS = ("shuffled", "id-first", "ood-first")


def check_plan(plan: Plan, words: Mapping[str, Words], corpora: Sequence[Words]) -> None:
    """Refuse a plan that cannot be carried out.

    Args:
        plan: of the run or sweep.
        words: recipe to the words of a run.
        corpora: the words of a sweep.

    Raises: EngineError that names the setting.
    """
    for order in plan.orders:
        if order not in ORDERS:
            raise EngineError(f"There is no stream order {order!r}.", f"Orders are {', '.join(ORDERS)}.")
    if not 0 <= plan.calibration < 1:
        raise EngineError(f"{plan.calibration} of the ID pictures cannot calibrate.", "Give a share below 1, or 0.")
    if not 0 < plan.wanted <= 1:
        raise EngineError(f"A threshold cannot keep a share of {plan.wanted} of the ID pictures.", "Give 0.95, say.")
    for name, settings in plan.methods.items():
        for key, value in settings.items():
            _check_setting(find_method(name), key, value)
    if plan.calibration:
        calibration_part(plan.sets[0].images, plan.calibration, plan.seed)
    methods = [find_method(name) for name in plan.methods]
    _check_methods(plan, methods)
    for recipe, one in words.items():
        _check_source(one.source)
        check_groups(_expected(one), [(m, plan.methods[m.name]) for m in methods if m.recipe == recipe])
    if plan.sweep is not None:
        _check_sweep(plan, corpora)


def _check_setting(method: Method, key: str, value: Any) -> None:
    told = f"The {key.replace('_', ' ')} {value} of {method.title}"
    if "temperature" in key and not 0 < float(value) < math.inf:
        raise EngineError(f"{told} is not above 0.")
    if key == "remainder" and value not in REMAINDERS:
        raise EngineError(f"{told} is unknown.", f"It is {' or '.join(REMAINDERS)}.")
    if isinstance(method.defaults[key], int) and int(value) < 1:
        raise EngineError(f"{told} is not at least 1.")
    if isinstance(method.defaults[key], float) and not math.isfinite(float(value)):
        raise EngineError(f"{told} is no number.")


def _check_methods(plan: Plan, methods: Sequence[Method]) -> None:
    given = next((part.name for part in plan.sets if part.npz is not None), None)
    for method in methods:
        if method.local and given is not None:
            raise EngineError(
                f"{method.title} needs embeddings of patches, and those of {given} come from a file.",
                "Give the pictures of that set, or leave the method out.",
            )
        if method.compounds and plan.model is None:
            raise EngineError(
                f"{method.title} joins labels to new prompts, which needs the text encoder of a model.",
                "Give --model, or leave the method out.",
            )


def _check_source(source: NegativesPlan) -> None:
    if not 0 <= source.percentile <= 1:
        raise EngineError(f"The percentile {source.percentile} is not in [0, 1].", "NegLabel's is 0.05.")
    if not 0 < source.fraction <= 1:
        raise EngineError(f"A share of {source.fraction} of the corpus cannot be kept.", "NegLabel's is 0.15.")


def _expected(words: Words) -> int:
    source, available = words.source, int(words.table.num_rows)
    if source.given:
        return available
    if not source.count:
        return int(source.fraction * available)
    if source.count > available:
        raise EngineError(
            f"{source.count:,} negative labels are asked for, and the corpus has {available:,} words.",
            "Ask for fewer (--count), or give a larger corpus.",
        )
    return source.count


def _check_sweep(plan: Plan, corpora: Sequence[Words]) -> None:
    assert plan.sweep is not None
    swept = plan.sweep
    if not any(part.role == "ood" for part in plan.sets):
        raise EngineError("A sweep needs at least one OOD set.", "Give --ood NAME=SET.")
    for percentile in swept.percentiles:
        if not 0 <= percentile <= 1:
            raise EngineError(f"The percentile {percentile} is not in [0, 1].", "NegLabel's is 0.05.")
    if not swept.percentiles:
        raise EngineError("A sweep needs at least one value of every setting.", "Give --percentiles 0.05.")
    if len(swept.percentiles) > 1 and any(one.source.given for one in corpora):
        raise EngineError(
            "A sweep over percentiles ranks words anew, and these are given in their order.",
            "Leave --negatives out, or give one percentile.",
        )
    for name, values in (("prompt", swept.prompts), ("corpus", swept.corpora), ("model", swept.models)):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise EngineError(f"The sweep has the {name} {twice!r} twice.", "Name each value once.")
    for one in corpora:
        check_grid(Grid(swept.counts, swept.groups, swept.temperatures), int(one.table.num_rows))


def check_given(sets: Sequence[PictureSet], labels: Labels, model: str | None) -> None:
    """Refuse embeddings from files that are of another model or dimension than one another, or lack an ID label.

    Raises: EngineError that names the sets or the label.
    """
    if model is None and sets[0].source.kind == "npz":
        _check_vocabulary(sets[0], labels)
    facts = []
    for one in sets:
        if one.source.kind == "npz":
            arrays = read_npz(one.source.value)
            made_by = str(arrays["model"].tolist()) if "model" in arrays else None
            facts.append((one.name, int(arrays["embeddings"].shape[1]), made_by))
        elif model is None:
            raise EngineError(
                f"The set {one.name} has pictures, and there is no model to embed them with.",
                "Give --model, or its embeddings: npz:FILE.",
            )
    if len({width for _, width, _ in facts}) > 1:
        listed = ", ".join(f"{name} {width}" for name, width, _ in facts)
        raise EngineError(
            f"The sets' embeddings have different dimensions: {listed}.",
            "They come from different models: embed all of them with one.",
        )
    named = {made_by: name for name, _, made_by in facts if made_by}
    if model is not None:
        named.setdefault(model, "--model")
    if len(named) > 1:
        listed = ", ".join(f"{name} {made_by}" for made_by, name in named.items())
        raise EngineError(
            f"The sets' embeddings come from different models: {listed}.", "Embed all of them with one model."
        )


def _check_vocabulary(id_set: PictureSet, labels: Labels) -> None:
    known = {str(name) for name in read_npz(id_set.source.value).get("label_names", np.array([])).tolist()}
    missing = [name for name in labels.names if name not in known]
    if missing:
        raise EngineError(
            f"{len(missing)} ID labels have no embedding in {id_set.source.value}, the first is {missing[0]!r}.",
            "Put label_names and label_embeddings for all of them into that file, or give --model.",
        )


def check_apart(id_set: PictureSet, other: PictureSet) -> None:
    """Refuse an OOD set that holds pictures of the ID set.

    Raises: EngineError that names the first of them.
    """
    if id_set.source.kind == "npz" or other.role != "ood":
        return
    inside = set(id_set.items["path"].to_pylist())
    both = [path for path in other.items["path"].to_pylist() if path in inside]
    if both:
        raise EngineError(
            f"{len(both):,} pictures of the OOD set {other.name} are in the ID set {id_set.name} too, the first is "
            f"{both[0]}.",
            "Leave them out of one of the two.",
        )
