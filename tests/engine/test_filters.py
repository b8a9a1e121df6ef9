"""The room filters: a vision-language model in a real job, embeddings, rules, audits and calibration."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from engine.errors import EngineError
from engine.filters import rules
from engine.filters.asking import VlmRequest, check_model, prepare, submit, title_of
from engine.filters.audit import _shares, draw
from engine.filters.calibration import compare, expected_calibration_error, filter_agreement, fit, share_saved
from engine.filters.clip_share import preference
from engine.filters.disagreement import matrix, name_of, ranked
from engine.filters.intervals import wilson
from engine.filters.labelled import Judged, fetch_labels
from engine.gpu import vlm, vlm_filter
from engine.gpu.pictures import UnreadablePicture
from engine.gpu.upright import read_upright
from engine.jobs import runner
from engine.jobs.ingest import ingest_ready
from engine.jobs.timing import bottleneck_of
from engine.review.decisions import decide
from engine.workspace import Workspace
from store import filters as store
from store.candidates.superclasses import UnknownSuperclass
from store.connection import Store, memory_store
from store.images.pictures import fetch_issues
from tests.catalogues import WHEN, add_superclasses, add_synsets, add_table, wnid_of
from tests.gpu.tiny_vlm import BLUE, RED, paligemma, qwen, teach_red
from tests.jobs.here import Watcher, run_here
from tests.jobs.waiting import wait_until

PICTURES = {"scarlet": (RED, 10), "navy": (BLUE, 10), "rare": (RED, 3)}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny PaliGemma that says yes to red."""
    folder = paligemma(tmp_path_factory.mktemp("vlm") / "paligemma")
    return str(teach_red(folder, "Do all 10 pictures in this grid show a paint (what paint means)? Answer yes or no."))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """One superclass with a red, a blue and a rare candidate, whose pictures are real files."""
    catalogue = memory_store()
    made = Workspace(tmp_path / "work", catalogue)
    made.root.mkdir()
    add_synsets(catalogue, ["paint", *PICTURES])
    add_superclasses(catalogue, {"paint": list(PICTURES)})
    _add_pictures(catalogue, tmp_path / "pictures")
    yield made
    for job in runner.list_jobs(made.root):
        with suppress(EngineError):
            runner.cancel(job, patience=0.2)
    catalogue.close()


def _add_pictures(catalogue: Store, folder: Path) -> None:
    root = {"root_id": 1, "name": "p", "path": str(folder), "layout": "wnid", "added_at": WHEN, "scanned_at": WHEN}
    add_table(catalogue, "image_root", [root])
    rows, counts = [], []
    for name, (color, number) in PICTURES.items():
        (folder / wnid_of(name)).mkdir(parents=True)
        for index in range(number):
            path = f"{wnid_of(name)}/{index}.png"
            Image.new("RGB", (50, 40), color).save(folder / path)
            rows.append({"image_id": len(rows) + 1, "root_id": 1, "wnid": wnid_of(name), "path": path})
        counts.append({"wnid": wnid_of(name), "images": number, "subtree_images": number, "subtree_synsets": 1})
    (folder / rows[0]["path"]).write_bytes(b"this is no picture")  # type: ignore[operator]
    add_table(catalogue, "image", sorted(rows, key=lambda row: (row["wnid"], row["path"])))
    add_table(catalogue, "image_count", counts)


def _judge(workspace: Workspace, request: VlmRequest) -> dict[str, store.Verdict]:
    job = runner.find_job(workspace.root, submit(workspace, request))
    wait_until(lambda: job.state() not in runner.ACTIVE, 240)
    assert job.state() == "finished", job.printed()
    assert [report.error for report in ingest_ready(workspace)] == [None]
    with workspace.opened().reading() as cursor:
        return {verdict.wnid: verdict for verdict in store.fetch_verdicts(cursor)}


def _judge_here(workspace: Workspace, request: VlmRequest, watcher: Watcher | None = None) -> dict[str, store.Verdict]:
    """The same in this process; the verdicts of this run alone, by wnid."""
    settings, work = prepare(workspace, request)
    job = run_here(workspace.root, "vlm-filter", settings, work, watcher or Watcher())
    vlm_filter.run(job)
    assert [report.error for report in ingest_ready(workspace)] == [None]
    with workspace.opened().reading() as cursor:
        newest = store.fetch_run_of_job(cursor, job.folder.id)
        return {one.wnid: one for one in store.fetch_verdicts(cursor) if one.filter_run_id == newest}


def test_a_model_accepts_and_rejects_what_it_was_shown(workspace: Workspace, model: str) -> None:
    verdicts = _judge(workspace, VlmRequest(model=model, samples=9, device="cpu:2"))
    scarlet, navy, rare = (verdicts[wnid_of(name)] for name in PICTURES)
    assert scarlet.outcome == "accept"
    assert scarlet.p_yes is not None
    assert scarlet.p_yes > 0.9
    assert navy.outcome == "reject"
    assert [(one.answer or "").strip().lower() for one in (scarlet, navy)] == ["yes", "no"]
    assert (rare.outcome, rare.p_yes) == ("insufficient", None)
    assert rare.reason == "3 readable pictures, needs 8"
    assert len(scarlet.image_ids) == 9
    assert 1 not in scarlet.image_ids, "the file that is no picture was not on the sheet"
    assert scarlet.question == "Do all 9 pictures in this grid show a paint (what paint means)? Answer yes or no."
    with workspace.opened().reading() as cursor:
        (run,) = store.fetch_runs(cursor)
    assert (run.kind, run.mode, run.verdicts) == ("vlm", "sheet", 3)
    assert len(run.revision) == 64


@pytest.mark.parametrize("slow", ["decode", "prepare", "encode"])
def test_the_phase_that_is_slow_is_the_bottleneck(
    workspace: Workspace, model: str, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    where = {"decode": (vlm_filter, "compose"), "prepare": (vlm, "_prepared"), "encode": (vlm, "yes_no")}
    module, name = where[slow]
    real = getattr(module, name)

    def slowed(*arguments: object) -> object:
        time.sleep(0.4)
        return real(*arguments)

    monkeypatch.setattr(module, name, slowed)
    watcher = Watcher()
    start = time.perf_counter()
    verdicts = _judge_here(workspace, VlmRequest(model=model, samples=9, batch_size=1), watcher)
    assert verdicts[wnid_of("scarlet")].outcome == "accept"
    assert set(watcher.spent) == {"decode", "prepare", "copy", "encode"}
    assert sum(watcher.spent.values()) < time.perf_counter() - start
    bottleneck = bottleneck_of(watcher.spent)
    assert bottleneck is not None
    assert bottleneck.phase == slow
    assert watcher.spent[slow] >= 0.8  # two candidates are asked about
    assert str(watcher.detail["memory"]).endswith(" GB")


def test_one_process_gives_the_same_verdicts_as_two(workspace: Workspace, model: str) -> None:
    request = VlmRequest(model=model, samples=9)
    settings, work = prepare(workspace, request)
    found = []
    for shards in (1, 3):
        job = run_here(workspace.root, "vlm-filter", settings, work, Watcher(), shards)
        vlm_filter.run(job)
        found.append(pa.concat_tables([parquet.read_table(part.path) for part in job.folder.parts()]).to_pylist())
    for one, other in zip(*found, strict=True):
        assert {**one, "p_yes": None, "margin": None, "mass": None} == {
            **other, "p_yes": None, "margin": None, "mass": None
        }  # fmt: skip
        assert one["p_yes"] == pytest.approx(other["p_yes"], abs=1e-6)


def test_pictures_one_by_one_and_the_papers_way(workspace: Workspace, model: str) -> None:
    scarlet = _judge_here(workspace, VlmRequest(model=model, per_picture=8))[wnid_of("scarlet")]
    assert (scarlet.mode, scarlet.outcome) == ("picture", "accept")
    assert (scarlet.answer or "").lower() == "yes 8"
    assert scarlet.p_yes_low is not None
    assert scarlet.p_yes_high is not None
    assert scarlet.p_yes_low < (scarlet.p_yes or 0) <= scarlet.p_yes_high
    compatible = _judge_here(workspace, VlmRequest(model=model, samples=9, compatible=True))[wnid_of("scarlet")]
    assert compatible.question == "Does all the 9 images contain paint? y/n"
    assert compatible.answer is not None
    assert compatible.outcome in ("accept", "reject")
    with workspace.opened().reading() as cursor:
        assert [(run.mode, run.seed) for run in store.fetch_runs(cursor)] == [("picture", 0), ("compat", 0)]
    few = _judge_here(workspace, VlmRequest(model=model, per_picture=3, seed=5))
    assert few[wnid_of("rare")].outcome == "accept"  # three were asked for, and three there are
    with workspace.opened().reading() as cursor:
        said = [one for one in store.fetch_verdicts(cursor) if one.wnid == wnid_of("scarlet")]
        names = [name_of(one).replace(model, "MODEL") for one in said]
    assert names == ["vlm picture MODEL seed 0", "vlm compat MODEL seed 0", "vlm picture MODEL seed 5"]


def test_seeds_stand_side_by_side(workspace: Workspace, model: str) -> None:
    for seed in (1, 2):
        _judge_here(workspace, VlmRequest(model=model, samples=9, seed=seed))
    decide(workspace, "paint", [wnid_of("scarlet")], "accept", "anna")
    decide(workspace, "paint", [wnid_of("rare")], "accept", "anna")
    with workspace.opened().reading() as cursor:
        (pair,) = matrix(cursor)
        people = filter_agreement(cursor)
    assert (pair.items, pair.raw) == (2, 1.0)
    assert pair.filter.endswith("seed 1")
    assert pair.other_filter.endswith("seed 2")
    assert [(row.seed, row.labels, row.unanswered) for row in people] == [(1, 1, 1), (2, 1, 1)]


def test_pictures_that_cannot_be_read_are_listed_once(workspace: Workspace, model: str, tmp_path: Path) -> None:
    (tmp_path / "pictures" / wnid_of("navy") / "0.png").unlink()
    for _ in range(2):
        _judge_here(workspace, VlmRequest(model=model, samples=10, batch_size=2))
    with workspace.opened().reading() as cursor:
        found = {(row.wnid, row.kind): row.detail for row in fetch_issues(cursor)}
        assert len(found) == len(fetch_issues(cursor))
    assert found == {
        (wnid_of("scarlet"), "undecodable"): "the file is no picture of a known format",
        (wnid_of("navy"), "missing_file"): "the file is not there",
    }


def test_what_a_model_cannot_take_is_an_error_with_its_reason(workspace: Workspace, tmp_path: Path) -> None:
    folder = next(Path(tmp_path / "pictures").glob(wnid_of("navy")))
    for path in folder.iterdir():
        Image.new("RGB", (2500, 10), BLUE).save(path)
    found = _judge_here(workspace, VlmRequest(model=str(qwen(tmp_path / "qwen")), per_picture=8))
    navy = found[wnid_of("navy")]
    assert (navy.outcome, navy.p_yes) == ("error", None)
    assert "aspect ratio" in navy.reason
    assert found[wnid_of("scarlet")].outcome == "unparsed"  # a model with random weights answers nothing


def test_a_folder_that_vanishes_ends_the_job_and_calls_nothing_insufficient(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    settings, work = prepare(workspace, VlmRequest(model=model, batch_size=1))
    watcher = Watcher(lambda: (tmp_path / "pictures").rename(tmp_path / "gone"))
    job = run_here(workspace.root, "vlm-filter", settings, work, watcher)
    with pytest.raises(EngineError, match="is not there or may not be read") as caught:
        vlm_filter.run(job)
    assert "resume the job" in caught.value.hint
    assert job.folder.parts() == []


def test_odd_pictures_on_a_sheet(tmp_path: Path) -> None:
    picture = Image.new("RGB", (60, 40), RED)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(np.full((60, 60), 25_700, dtype=np.uint16)).save(tmp_path / "sixteen.png")
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    picture.quantize(8).save(tmp_path / "palette.png")
    picture.save(tmp_path / "animated.gif", save_all=True, append_images=[Image.new("RGB", (60, 40), BLUE)])
    picture.save(tmp_path / "rotated.jpg", exif=turned)
    assert np.asarray(read_upright(str(tmp_path / "sixteen.png"))).tolist() == np.full((60, 60, 3), 100).tolist()
    for name in ("cmyk.jpg", "palette.png", "animated.gif"):
        seen = read_upright(str(tmp_path / name))
        assert (seen.mode, seen.size) == ("RGB", (60, 40))
        np.testing.assert_allclose(np.asarray(seen).mean(axis=(0, 1)), RED, atol=12)
    assert read_upright(str(tmp_path / "rotated.jpg")).size == (40, 60)
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "rotated.jpg").read_bytes()[:200])
    (tmp_path / "empty.jpg").touch()
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name, kind, reason in (
        ("cut.jpg", "undecodable", "Truncated"),
        ("empty.jpg", "undecodable", "the file is empty"),
        ("bomb.png", "undecodable", "decompression bomb"),
        ("pipe.jpg", "undecodable", "no ordinary file"),
        ("gone.jpg", "missing_file", "not there"),
    ):
        with pytest.raises(UnreadablePicture, match=reason) as caught:
            read_upright(str(tmp_path / name))
        assert caught.value.kind == kind


def test_requests_that_make_no_sense_are_refused(workspace: Workspace) -> None:
    with pytest.raises(EngineError, match="at least 1"):
        submit(workspace, VlmRequest(model="x", samples=0))
    with pytest.raises(EngineError, match="sheets only"):
        submit(workspace, VlmRequest(model="x", per_picture=3, compatible=True))
    decide(workspace, "paint", [wnid_of(name) for name in PICTURES], "accept", "anna")
    with pytest.raises(EngineError, match="people have decided them all"):
        submit(workspace, VlmRequest(model="x", pending_only=True))
    with pytest.raises(UnknownSuperclass, match="There is no superclass pain"):
        submit(workspace, VlmRequest(model="x", superclasses=["pain"]))


def test_a_folder_that_holds_no_model_is_refused_before_there_is_a_job(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder, words in (("nowhere", "does not exist"), ("file", "is a file"), ("work", "config.json is missing")):
        with pytest.raises(EngineError, match=words):
            submit(workspace, VlmRequest(model=str(tmp_path / folder)))
    assert runner.list_jobs(workspace.root) == []
    for odd in ("no model", "one/two/three", "hub:name"):
        with pytest.raises(EngineError, match="neither a folder nor a transformers id"):
            check_model(odd)
    check_model("google/paligemma2-3b-mix-224")  # an id of the hub is left to the job


def test_a_title_tells_jobs_apart() -> None:
    request = VlmRequest("/models/tiny", ["dog", "cat", "dog"], seed=3, per_picture=5)
    assert title_of(request) == "vlm-filter tiny 5 single seed 3: dog, cat"
    assert title_of(VlmRequest("google/paligemma", ["a", "b", "c"])) == "vlm-filter paligemma: 3 superclasses"
    assert title_of(VlmRequest("google/paligemma", compatible=True)) == "vlm-filter paligemma as the paper"


def test_a_superclass_asked_for_twice_is_asked_about_once(workspace: Workspace) -> None:
    _, work = prepare(workspace, VlmRequest(model="x", superclasses=["paint", "paint"], samples=1))
    assert work["question"][0].as_py() == "Does this picture show a paint (what paint means)? Answer yes or no."
    assert sorted(work["wnid"].to_pylist()) == sorted(wnid_of(name) for name in PICTURES)


def test_preference_counts_ties_half() -> None:
    similarities = np.asarray([[0.3, 0.1], [0.2, 0.2], [0.0, 0.4], [0.5, 0.1]], dtype=np.float32)
    found = preference(similarities, own=0)
    assert found.share == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert found.margin == pytest.approx((0.2 + 0.0 - 0.4 + 0.4) / 4, abs=1e-7)


def test_wilsons_interval() -> None:
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert wilson(0, 10)[0] == 0.0
    with pytest.raises(ValueError, match="at least one"):
        wilson(0, 0)


class TestRules:
    """Rules that are on say what they would drop; nothing is dropped."""

    def test_each_gives_its_reason(self, workspace: Workspace) -> None:
        rules.switch(workspace, "least_images", True, 5, "anna")
        rules.switch(workspace, "deepest", True, 0, "anna")
        with workspace.opened().reading() as cursor:
            found = {(row.wnid, row.rule): row.reason for row in rules.verdicts(cursor)}
        assert found[wnid_of("rare"), "least_images"] == "3 pictures, needs 5"
        assert found[wnid_of("navy"), "deepest"] == "1 step below the superclass, at most 0"
        assert (wnid_of("navy"), "least_images") not in found

    def test_switching_off_brings_everything_back(self, workspace: Workspace) -> None:
        rules.switch(workspace, "least_images", True, 5, "anna")
        rules.switch(workspace, "least_images", False, None, "anna")
        with workspace.opened().reading() as cursor:
            assert rules.verdicts(cursor) == []
            setting = next(row for row in rules.settings(cursor) if row.rule == "least_images")
        assert (setting.active, setting.value) == (False, 5)

    def test_overlap_and_namesakes(self, workspace: Workspace) -> None:
        add_synsets(workspace.opened(), ["other_scarlet"], {"other_scarlet": "scarlet"})
        add_superclasses(workspace.opened(), {"colour": ["scarlet", "other_scarlet"]})
        rules.switch(workspace, "overlap", True, None, "anna")
        rules.switch(workspace, "name_collision", True, None, "anna")
        with workspace.opened().reading() as cursor:
            found = {(row.superclass, row.rule): row.reason for row in rules.verdicts(cursor, ["paint"])}
        assert found["paint", "overlap"] == "also a candidate of colour"
        assert wnid_of("other_scarlet") in found["paint", "name_collision"]

    @pytest.mark.parametrize(
        ("rule", "value", "said"),
        [
            ("nonsense", None, "no rule"),
            ("overlap", 3, "no value"),
            ("deepest", -1, "from 0 on"),
            ("deepest", np.inf, "from 0 on"),
        ],
    )
    def test_bad_switches_are_refused(self, workspace: Workspace, rule: str, value: float | None, said: str) -> None:
        with pytest.raises(EngineError, match=said):
            rules.switch(workspace, rule, True, value, "anna")


def _judged(margin: list[float], accepted: list[int], weight: list[float] | None = None) -> Judged:
    margins = np.asarray(margin)
    return Judged(
        margins, np.asarray(accepted, dtype=bool), margins > 0, np.asarray(weight or [1.0] * len(margin), dtype=float)
    )


class TestCalibration:
    """Margins against people's decisions."""

    def test_numbers_worked_out_by_hand(self) -> None:
        # The model accepts the six with a positive margin; people accept four of them and one of the other four.
        judged = _judged([1, 2, 3, 4, 5, 6, -1, -2, -3, -4], [0, 0, 1, 1, 1, 1, 1, 0, 0, 0])
        found = compare(judged)
        assert found["precision"].value == pytest.approx(4 / 6)  # type: ignore[attr-defined]
        assert found["recall"].value == pytest.approx(4 / 5)  # type: ignore[attr-defined]
        assert found["accuracy"].value == pytest.approx(7 / 10)  # type: ignore[attr-defined]
        assert found["kappa"] == pytest.approx(0.4)

    def test_weights_count(self) -> None:
        judged = _judged([1, 1, -1], [1, 0, 1], [3, 1, 1])
        found = compare(judged)
        assert found["precision"].value == pytest.approx(3 / 4)  # type: ignore[attr-defined]
        assert found["recall"].value == pytest.approx(3 / 4)  # type: ignore[attr-defined]

    def test_platt_recovers_a_logistic_truth(self) -> None:
        rng = np.random.default_rng(0)
        margin = rng.normal(0, 2, 900)
        accepted = rng.random(900) < 1 / (1 + np.exp(-(0.5 + 1.5 * margin)))
        calibrator = fit(margin, accepted, np.ones(900))
        assert calibrator.method == "platt"
        probe = np.asarray([-2.0, 0.0, 2.0])
        assert calibrator.probabilities(probe) == pytest.approx(1 / (1 + np.exp(-(0.5 + 1.5 * probe))), abs=0.05)

    def test_from_a_thousand_labels_it_is_isotonic(self) -> None:
        margin = np.linspace(-3, 3, 1000)
        calibrator = fit(margin, margin > 0.5, np.ones(1000))
        assert calibrator.method == "isotonic"
        assert calibrator.probabilities(np.asarray([-1.0, 2.0])).tolist() == [0.0, 1.0]

    def test_the_unit_of_margins_does_not_matter(self) -> None:
        rng = np.random.default_rng(0)
        margin = rng.normal(0, 2, 200)
        accepted = rng.random(200) < 1 / (1 + np.exp(-1.5 * margin))
        probe = np.asarray([-3.0, 0.0, 3.0])
        odds = fit(margin, accepted, np.ones(200)).probabilities(probe)
        cosines = fit(margin / 100, accepted, np.ones(200)).probabilities(probe / 100)
        assert odds == pytest.approx(cosines, abs=1e-3)
        assert odds[0] < 0.05
        assert odds[2] > 0.95

    def test_held_out_numbers_are_of_the_method_that_is_used(self) -> None:
        rng = np.random.default_rng(1)
        margin = rng.uniform(-3, 3, 1100)
        # No logistic curve: 0.3 up to 1, and 0.7 from there on.
        accepted = rng.random(1100) < np.where(margin < 1, 0.3, 0.7)
        many = compare(Judged(margin, accepted, margin > 1, np.ones(1100)))
        some = compare(Judged(margin[:900], accepted[:900], margin[:900] > 1, np.ones(900)))
        assert (many["calibration"], some["calibration"]) == ("isotonic", "platt")
        assert many["expected_calibration_error"] < 0.5 * some["expected_calibration_error"]  # type: ignore[operator]

    def test_ten_labels_with_two_of_a_kind_are_enough_to_be_held_out(self) -> None:
        margin = np.asarray([2.0, 3.0, 1.5, 2.5, 4.0, 3.5, 1.0, 2.2, -3.0, -2.0])
        found = compare(Judged(margin, margin > 0, margin > 0, np.ones(10)))
        assert found["calibration"] == "platt"
        assert found["expected_calibration_error"] is not None
        alone = compare(Judged(margin, margin > -2.5, margin > 0, np.ones(10)))
        assert (alone["calibration"], alone["saved"].value) == ("none", None)  # type: ignore[attr-defined]

    def test_without_margins_outcomes_are_compared_all_the_same(self) -> None:
        truth = np.arange(20) < 12
        found = compare(Judged(np.full(20, np.nan), truth, np.arange(20) < 10, np.ones(20)))
        assert found["precision"].value == 1.0  # type: ignore[attr-defined]
        assert found["recall"].value == pytest.approx(10 / 12)  # type: ignore[attr-defined]
        assert (found["calibration"], found["expected_calibration_error"]) == ("none", None)

    def test_too_few_labels_are_refused(self) -> None:
        with pytest.raises(EngineError, match="too few"):
            fit(np.arange(9.0), np.arange(9) > 4, np.ones(9))
        with pytest.raises(EngineError, match="too few"):
            fit(np.arange(20.0), np.ones(20, dtype=bool), np.ones(20))

    def test_calibration_error_by_hand(self) -> None:
        probability = np.asarray([0.95, 0.95, 0.05, 0.05])
        accepted = np.asarray([True, False, False, False])
        # Two bins of equal weight: gaps 0.45 and 0.05.
        assert expected_calibration_error(probability, accepted, np.ones(4)) == pytest.approx(0.25)

    def test_what_a_filter_saves(self) -> None:
        probability = np.asarray([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
        accepted = np.asarray([0, 0, 0, 1, 0, 1, 1, 1, 1, 1], dtype=bool)
        assert share_saved(probability, accepted, np.ones(10), 1.0) == pytest.approx(0.3)
        assert share_saved(probability, accepted, np.ones(10), 5 / 6) == pytest.approx(0.5)


def _put_verdicts(workspace: Workspace, model: str, said: dict[str, tuple[str, float]]) -> None:
    with workspace.opened().writing() as cursor:
        number = store.insert_run(cursor, "vlm", "sheet", model, "{}", None, WHEN)
    rows = [
        {
            "filter_run_id": number, "superclass": "paint", "wnid": wnid_of(name), "outcome": outcome, "p_yes": p_yes,
            "margin": np.log(p_yes / (1 - p_yes)), "mass": 0.9, "reason": "said", "image_ids": [1],
        }
        for name, (outcome, p_yes) in said.items()
    ]  # fmt: skip
    add_table(workspace.opened(), "verdict", rows)


def test_filters_are_held_against_one_another_and_against_people(workspace: Workspace) -> None:
    _put_verdicts(workspace, "a", {"scarlet": ("accept", 0.9), "navy": ("reject", 0.2), "rare": ("accept", 0.6)})
    _put_verdicts(workspace, "b", {"scarlet": ("accept", 0.8), "navy": ("accept", 0.9), "rare": ("accept", 0.7)})
    decide(workspace, "paint", [wnid_of("scarlet")], "accept", "anna")
    decide(workspace, "paint", [wnid_of("navy")], "reject", "anna")
    with workspace.opened().reading() as cursor:
        (pair,) = matrix(cursor)
        assert (pair.items, pair.raw) == (3, pytest.approx(2 / 3))
        (row,) = ranked(cursor)
        assert row.wnid == wnid_of("navy")
        assert row.spread == pytest.approx(0.7)
        by_model = {row.model: row for row in filter_agreement(cursor)}
    assert by_model["a"].accuracy.value == 1.0
    assert by_model["b"].accuracy.value == 0.5
    assert by_model["b"].calibration == "none"


def test_a_newer_verdict_of_the_same_model_replaces_the_older(workspace: Workspace) -> None:
    _put_verdicts(workspace, "a", {"navy": ("reject", 0.2)})
    _put_verdicts(workspace, "a", {"navy": ("accept", 0.8)})
    with workspace.opened().reading() as cursor:
        (verdict,) = store.fetch_verdicts(cursor)
    assert verdict.outcome == "accept"


def test_an_audit_draws_from_every_stratum(workspace: Workspace) -> None:
    _put_verdicts(workspace, "a", {"scarlet": ("accept", 0.95), "navy": ("reject", 0.2)})
    audit = draw(workspace, size=2, seed=3)
    assert audit.drawn == 2
    again = draw(workspace, size=2, seed=3)
    with workspace.opened().reading() as cursor:
        first, second = (store.fetch_audit(cursor, number) for number in (audit.audit_id, again.audit_id))
    assert [row.wnid for row in first] == [row.wnid for row in second]
    assert draw(workspace, size=99, seed=3).strata == {
        "accept, P(yes) 0.9 to 1, pending": (1, 1),
        "no verdict, pending": (1, 1),
        "reject, P(yes) 0.1 to 0.5, pending": (1, 1),
    }
    with pytest.raises(EngineError, match="at least one"):
        draw(workspace, size=0, seed=0)


def test_an_audit_smaller_than_its_strata_draws_from_the_largest() -> None:
    assert _shares({"a": 1, "b": 90, "c": 40}, 2) == {"a": 0, "b": 1, "c": 1}
    assert _shares({"a": 1, "b": 90, "c": 40}, 21) == {"a": 1, "b": 10, "c": 10}


def test_labels_of_an_audit_stand_for_all_candidates_and_count_none_twice(workspace: Workspace) -> None:
    _put_verdicts(workspace, "a", dict.fromkeys(PICTURES, ("accept", 0.7)))
    drawn = [("scarlet", "accept, pending", 3.0), ("navy", "accept, pending", 3.0), ("rare", "accept, decided", 5.0)]
    with workspace.opened().writing() as cursor:
        store.insert_audit(cursor, [("paint", wnid_of(name), *rest) for name, *rest in drawn], 0, WHEN)
    decide(workspace, "paint", [wnid_of("scarlet"), wnid_of("rare")], "accept", "anna")
    with workspace.opened().reading() as cursor:
        weights = {label.verdict.wnid: label.weight for label in fetch_labels(cursor, None)}
    # The six that were undecided are told by the one of two that is judged; the other decided ones are labels too.
    assert weights == {wnid_of("scarlet"): 6.0, wnid_of("rare"): 1.0}
