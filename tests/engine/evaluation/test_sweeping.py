"""A sweep over prompts, corpora and percentiles: rows as they come, and the best setting over all axes."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from engine.errors import EngineError
from engine.evaluation.numbers.metrics import detection_metrics
from engine.evaluation.passes import normalised
from engine.evaluation.plan import NegativesPlan, Plan, SetPlan, SweepPlan
from engine.evaluation.sweeps.choosing import halves
from engine.evaluation.sweeps.job import PREVIEW_FILE, SWEEP_FILE, Sweep

PICTURES = {"id": 60, "near": 40, "far": 50}
WIDTH = 12


class Hashed:
    """A text's direction comes from its hash: the same text, the same vector."""

    def embeddings(self, texts: list[str]) -> np.ndarray:
        seeds = [int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) for text in texts]
        return normalised(np.stack([np.random.default_rng(seed).normal(size=WIDTH) for seed in seeds]))


class Watching:
    """Keeps what a watcher would read from the folder at each word of progress."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[tuple[int, int]] = []

    def advance(self, units: int = 1, **detail: Any) -> None:
        counts = [
            parquet.read_metadata(self.folder / name).num_rows if (self.folder / name).exists() else 0
            for name in (PREVIEW_FILE, SWEEP_FILE)
        ]
        if not self.seen or self.seen[-1] != tuple(counts):
            self.seen.append((counts[0], counts[1]))


def words(count: int, name: str) -> pa.Table:
    return pa.table({"word": [f"{name}{k}" for k in range(count)], "pos": ["noun"] * count})


def make_plan(sweep: SweepPlan) -> Plan:
    sets = [
        SetPlan(name, "id" if name == "id" else "ood", None, f"npz:{name}", "0", count, 0, None, f"{name}.npz")
        for name, count in PICTURES.items()
    ]
    corpora = [NegativesPlan(corpus={"source": source}) for source in sweep.corpora]
    return Plan(
        title="sweep", model=None, pretrained=None, batch_size=8, methods={"neglabel": {}},
        recipes={"plain": {"label": ["the {}"], "noun": ["the {}"], "adj": ["a {} photo"]}},
        label_names=["dog", "cat", "cow"], label_keys=["dog", "cat", "cow"], labels_by="class_name", negatives={},
        sets=sets, orders=("shuffled",), seed=3, calibration=0.0, wanted=0.95, catalogue_id="", sweep=sweep,
        corpora=tuple(corpora),
    )  # fmt: skip


@pytest.fixture
def images() -> list[np.ndarray]:
    """ID pictures near the labels as one of the prompts names them, so that this prompt is the better one."""
    generator = np.random.default_rng(0)
    labels = Hashed().embeddings(["see a dog", "see a cat", "see a cow"])
    found = []
    for name, count in PICTURES.items():
        noise = generator.normal(size=(count, WIDTH))
        found.append(normalised(noise + (2 * labels[generator.integers(3, size=count)] if name == "id" else 0)))
    return found


def test_the_best_over_all_axes_is_chosen_on_one_half_and_reported_on_the_other(
    images: list[np.ndarray], tmp_path: Path
) -> None:
    swept = SweepPlan((8, 20), (1, 4), (0.05, 0.2), (0.05, 0.5), ("the {}", "see a {}"), ("one", "two"))
    plan = make_plan(swept)
    watching = Watching(tmp_path)
    sweep = Sweep(tmp_path, plan, [words(40, "w"), words(30, "v")], watching)
    kept: dict[tuple[Any, ...], list[np.ndarray]] = {}
    scores_of = sweep._scores

    def remembered(ranked: Any, sets: Any, *rest: Any) -> list[np.ndarray]:
        found = scores_of(ranked, sets, *rest)
        one = ranked.variant
        kept[one.prompt, one.corpus, one.percentile] = found  # the exact scores come last and stay
        return found

    sweep._scores = remembered  # type: ignore[method-assign]
    sweep.of_model(0, images, Hashed(), [None] * 60, lambda rows: rows)
    sweep.finish()
    rows = parquet.read_table(tmp_path / SWEEP_FILE).to_pylist()
    settings, variants = 8, 8
    assert len([row for row in rows if not row["is_chosen"]]) == settings * variants * 2

    id_choose, id_report = halves(60, 3)
    near, far = halves(40, 3), halves(50, 3)
    best, where = -1.0, None
    for key, (inside, of_near, of_far) in kept.items():
        for point in range(settings):
            mean = np.mean(
                [
                    detection_metrics(inside[point, id_choose], other[point, part[0]]).auroc
                    for other, part in ((of_near, near), (of_far, far))
                ]
            )
            if mean > best + 1e-12:
                best, where = float(mean), (key, point)
    assert where is not None
    key, point = where
    assert key[0] == "see a {}"
    chosen = {row["part"]: row for row in rows if row["is_chosen"]}
    assert {(row["prompt"], row["corpus"], row["percentile"]) for row in chosen.values()} == {key}
    inside, of_near, of_far = kept[key]
    for name, other, part in (("near", of_near, near), ("far", of_far, far)):
        expected = detection_metrics(inside[point, id_report], other[point, part[1]])
        assert chosen[name]["auroc"] == pytest.approx(expected.auroc, abs=1e-12)
        assert chosen[name]["fpr95_id_positive"] == pytest.approx(expected.fpr95_id_positive, abs=1e-12)
        assert (chosen[name]["n_id"], chosen[name]["n_ood"]) == (30, len(part[1]))

    # What a watcher reads grows: previews variant by variant, then exact rows temperature by temperature.
    previews = [preview for preview, _ in watching.seen]
    exact = [count for _, count in watching.seen]
    assert previews == sorted(previews)
    assert exact == sorted(exact)
    assert set(range(16, 129, 16)) <= set(previews)
    assert set(range(8, 129, 8)) <= set(exact)
    assert watching.seen[0] == (0, 0)
    assert min(count for preview, count in watching.seen if preview < 128) == 0


def test_words_that_are_given_have_no_percentile(images: list[np.ndarray], tmp_path: Path) -> None:
    swept = SweepPlan((8,), (1,), (0.05,), (0.05,), (), ())
    plan = make_plan(swept)
    plan = type(plan)(**{**{name: getattr(plan, name) for name in plan.__slots__}, "corpora": (NegativesPlan("mine"),)})
    sweep = Sweep(tmp_path, plan, [words(12, "w")], Watching(tmp_path))
    sweep.of_model(0, images, Hashed(), [None] * 60, lambda rows: rows)
    sweep.finish()
    rows = parquet.read_table(tmp_path / SWEEP_FILE).to_pylist()
    assert {(row["corpus"], row["percentile"], row["prompt"]) for row in rows} == {("mine", None, "the {}")}


def test_a_sweep_without_rows_is_an_error(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, make_plan(SweepPlan((8,), (1,), (0.05,), corpora=("one",))), [], Watching(tmp_path))
    with pytest.raises(EngineError, match="no result"):
        sweep.finish()
    assert not (tmp_path / SWEEP_FILE).exists()
