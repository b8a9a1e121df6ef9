"""Splits compared, moved and questioned: numbers worked out by hand, and against SciPy and NumPy."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.review.decisions import decide
from engine.splits.change import change_settings
from engine.splits.compare import compare_splits, jaccard
from engine.splits.prepare import prepare
from engine.splits.preview import preview
from engine.splits.sensitivity import sensitivity, spearman
from engine.splits.settings import Change
from engine.splits.validity import validity
from engine.workspace import Workspace
from tests.catalogues import WHEN, add_table, scored_workspace, wnid_of

SCORES = {
    "dog": {f"dog{number}": [0.1 + number / 50 + k / 1000 for k in range(5)] for number in range(10)},
    "cat": {"tabby": [0.31, 0.32, 0.33], "lynx": [0.41, 0.42], "lion": [0.5, 0.52, 0.51, 0.505, 0.9]},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return scored_workspace(tmp_path / "work", SCORES)


def test_two_named_splits_compared(workspace: Workspace) -> None:
    change_settings(workspace, [Change("percentiles", (20, 40))], "anna")
    change_settings(workspace, [Change("percentiles", (20, 60)), Change("minimum_subclasses", 5)], "anna", split="wide")
    found = compare_splits(workspace, "main", "wide")
    moved = {(row.lemma, row.before, row.after) for row in found.moved}
    # dog: ten subclasses of five pictures; P40 cuts off four of them, P60 six. cat has three subclasses, fewer than 5.
    assert moved == {("dog4", "train", "easy"), ("dog5", "train", "easy")} | {
        (name, band, None) for name, band in (("tabby", "easy"), ("lynx", "train"), ("lion", "train"))
    }
    rows = {(row.superclass, row.split): row for row in found.lists}
    train = rows["dog", "train"]
    assert (train.subclasses_before, train.subclasses_after, train.shared_subclasses) == (6, 4, 4)
    assert train.jaccard_subclasses == pytest.approx(4 / 6)
    assert rows["dog", "easy"].jaccard_subclasses == pytest.approx(2 / 4)
    assert rows["dog", "hard"].jaccard_subclasses == 1
    assert rows["cat", "hard"].jaccard_subclasses is None
    assert rows["", "train"].pictures_before == 30 + 2 + 4
    assert found.same == 8
    assert [row.split for row in found.lists[:3]] == ["hard", "easy", "train"]
    assert jaccard(0, 0, 0) is None


def test_a_preview_is_what_setting_it_does(workspace: Workspace) -> None:
    changes = [Change("minimum_subclasses", 5), Change("outlier_tails", "none"), Change("percentiles", (10, 60))]
    before = prepare(workspace)
    told = preview(workspace, changes)
    assert prepare(workspace).settings == before.settings  # nothing was set
    change_settings(workspace, changes, "anna")
    after = prepare(workspace)
    cut = after.retune()
    assert told.pictures_after == dict(zip(cut.bands, cut.pictures.sum(axis=0).tolist(), strict=True))
    assert {row.wnid for row in told.taken_out} == {wnid_of(name) for name in ("tabby", "lynx", "lion")}
    assert next(row.reason for row in told.taken_out) == "cat has 3 subclasses, fewer than 5"
    back = preview(workspace, [Change("minimum_subclasses", 1)])
    assert {row.wnid for row in back.brought_back} == {wnid_of(name) for name in ("tabby", "lynx", "lion")}
    outliers = preview(workspace, [Change("outlier_tails", "both"), Change("minimum_subclasses", 1)])
    assert [(row.rule, row.split, row.before, row.after) for row in outliers.pictures] == [("outlier", "train", 0, 1)]


def test_the_grid_of_percentiles(workspace: Workspace) -> None:
    found = sensitivity(workspace, easy=(40, 60), hard=(20, 50), draws=0)
    points = {point.percentiles: point for point in found.grid}
    assert set(points) == {(20, 40), (20, 60), (50, 60)}
    assert (points[20, 40].jaccard_train, points[20, 40].moved_subclasses) == (1.0, 0)
    assert points[20, 40].pictures == found.base_pictures
    wide = points[20, 60]
    # train of dog falls from 6 subclasses to 4. cat: 9 pictures, tabby 3, lynx 2, lion 4 (without its outlier); P60 is
    # at place 4.8 of 0..8, between lynx and lion, so that lynx leaves train as well.
    assert wide.jaccard_train == pytest.approx((4 + 1) / (6 + 2))
    assert wide.moved_subclasses == 3
    assert points[20, 40].superclasses_with_empty_band == 1  # cat has no Hard


def test_other_templates_and_models_are_compared_by_rank(workspace: Workspace) -> None:
    store = workspace.opened()
    with store.writing() as cursor:
        cursor.execute("INSERT INTO embedding_set VALUES (2, 'other', 'other-clip', NULL, ?, 2, ?)", ["cd" * 32, WHEN])
        for run, set_id, template in ((2, 1, "{}"), (3, 2, "a photo of a {}")):
            cursor.execute("INSERT INTO score_run VALUES (?, ?, ?, false, 'x', ?)", [run, set_id, template, WHEN])
            cursor.execute(
                "INSERT INTO score_run_superclass "
                "SELECT ?, superclass, prompt, text_embedding FROM score_run_superclass WHERE run_id = 1",
                [run],
            )
        cursor.execute(
            "INSERT INTO similarity "
            "SELECT 2, superclass, wnid, image_id, similarity / 2 FROM similarity WHERE run_id = 1"
        )
        cursor.execute(
            "INSERT INTO similarity SELECT 3, superclass, wnid, image_id, -similarity FROM similarity WHERE run_id = 1"
        )
    change_settings(workspace, [Change("run_id", 1)], "anna")
    found = {row.run_id: row for row in sensitivity(workspace, draws=0).runs}
    assert (found[2].kind, found[2].jaccard_train, found[2].moved_subclasses) == ("template", 1.0, 0)
    assert found[2].spearman == pytest.approx(1)
    assert found[3].kind == "model"
    assert found[3].spearman == pytest.approx(-1)
    # dog turned round: train held 4..9, now 0..5 of ten equal subclasses, sharing 4 and 5.
    assert found[3].moved_subclasses >= 8
    assert found[3].least_superclass in ("cat", "dog")


def test_spearman_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(0)
    for size in (3, 10, 50):
        one, other = draw.integers(0, 6, size).astype(float), draw.normal(size=size)
        if len(set(one)) > 1:
            assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic, abs=1e-12)
    assert spearman(np.zeros(4), np.arange(4.0)) is None


def test_the_bootstrap_tells_who_is_shaky_and_is_drawn_by_the_seed(tmp_path: Path) -> None:
    wide = np.random.default_rng(2)
    close = {f"close{n}": (0.3 + n * 1e-5 + wide.normal(0, 0.05, 20)).tolist() for n in range(2)}
    far = {f"far{n}": [0.6 + n / 10 + k * 1e-5 for k in range(40)] for n in range(3)}
    workspace = scored_workspace(tmp_path / "work", {"thing": {**close, **far}})
    found = sensitivity(workspace, draws=300)
    again = sensitivity(workspace, draws=300)
    assert found.stability == again.stability
    stays = {row.lemma: row.stays for row in found.stability}
    assert all(stays[f"far{n}"] == 1.0 for n in range(3))
    for row in found.stability:
        assert sum(row.shares.values()) == pytest.approx(1)
        assert row.mean_low <= row.mean <= row.mean_high
    assert found.shaky == sum(value < 0.8 for value in stays.values())
    assert found.stability[0].stays == min(stays.values())


def test_the_mean_of_many_pictures_is_drawn_as_widely_as_drawing_them_would(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    scores = {f"s{n}": (0.2 + n / 10 + draw.normal(0, 0.03, 400)).tolist() for n in range(3)}
    workspace = scored_workspace(tmp_path / "work", {"thing": scores})
    row = next(row for row in sensitivity(workspace, draws=2000).stability if row.lemma == "s1")
    values = np.array(scores["s1"])
    least, most = min(min(v) for v in scores.values()), max(max(v) for v in scores.values())
    really = (values[draw.integers(0, 400, (2000, 400))].mean(axis=1) - least) / (most - least)
    low, high = np.percentile(really, [2.5, 97.5])
    assert row.mean_high - row.mean_low == pytest.approx(high - low, rel=0.15)


def test_validity_correlates_distance_and_tells_looks_and_coverage(tmp_path: Path) -> None:
    scores = {"dog": {f"dog{n}": [0.5 - n / 20 + k / 1000 for k in range(4)] for n in range(6)}}
    workspace = scored_workspace(tmp_path / "work", scores)
    store = workspace.opened()
    add_table(
        store, "hyponym_closure",
        [{"ancestor_wnid": wnid_of("dog"), "wnid": wnid_of(f"dog{n}"), "depth": n + 1} for n in range(5)],
    )  # fmt: skip
    counts = [{"wnid": wnid_of(f"dog{n}"), "images": 4, "subtree_images": 4, "subtree_synsets": 1} for n in range(6)]
    add_table(
        store, "image_count", [*counts, {"wnid": "n00000001", "images": 76, "subtree_images": 76, "subtree_synsets": 1}]
    )
    root = tmp_path / "pictures"
    with store.writing() as cursor:
        cursor.execute("UPDATE image_root SET path = ?", [str(root)])
        paths = [row[0] for row in cursor.execute("SELECT path FROM image ORDER BY image_id").fetchall()]
    for place, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        is_far = f"/{path.split('/')[0]}" in (f"/{wnid_of('dog5')}", f"/{wnid_of('dog4')}")
        shade = 20 + place % 7 if is_far else 200 + place % 7
        size = (40, 30) if is_far else (160 + place % 5, 120)
        Image.new("RGB", size, (shade, shade, shade)).save(root / path)
    decide(workspace, "dog", [wnid_of("dog3")], "reject", "anna")
    found = validity(workspace, sample=100)
    (row,) = found.distances
    # dog0 .. dog4 lie 1 .. 5 steps down and score lower and lower; dog5 lies below nothing.
    assert (row.subclasses, row.unreached) == (5, 1)
    assert row.spearman == pytest.approx(-1)
    assert found.spearman == pytest.approx(-1)
    looks = {look.split: look for look in found.looks}
    assert looks["hard"].sampled == looks["hard"].pictures == 4
    assert looks["hard"].luminance == pytest.approx(23 / 255, abs=0.02)
    assert (looks["hard"].width, looks["hard"].height) == (40, 30)
    effects = {(one.split, one.measure): one.effect for one in found.differences}
    assert effects["hard", "luminance"] < -0.8
    assert any("hard pictures have much lower luminance than train" in told for told in found.warnings)
    coverage = found.coverage
    assert (coverage.pictures, coverage.candidate_pictures, coverage.accepted_pictures) == (100, 24, 20)
    assert (coverage.synsets, coverage.candidate_synsets, coverage.accepted_synsets) == (7, 6, 5)
    assert validity(workspace, sample=0).looks[0].sampled == 0


def test_a_prompt_of_another_sense_is_flagged(tmp_path: Path) -> None:
    scores = {"dog": {f"dog{n}": [0.3 + n / 20 + k / 1000 for k in range(4)] for n in range(6)}}
    workspace = scored_workspace(tmp_path / "work", scores)
    add_table(
        workspace.opened(), "hyponym_closure",
        [{"ancestor_wnid": wnid_of("dog"), "wnid": wnid_of(f"dog{n}"), "depth": n + 1} for n in range(6)],
    )  # fmt: skip
    found = validity(workspace, sample=0)
    assert found.spearman == pytest.approx(1)
    assert found.warnings == (
        "1 superclasses score far subclasses higher than near ones (dog): does the prompt mean another sense?",
    )
