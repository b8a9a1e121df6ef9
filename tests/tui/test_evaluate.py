"""Evaluate: every key on a run that a real job has made from embeddings in files."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from engine.evaluation.again import request_of_run, with_negatives, words_of_run
from engine.evaluation.reports.mistakes import hurt_classes
from engine.evaluation.request import EvaluationRequest, SetArgument, submit
from engine.evaluation.words.labels_hash import labels_sha256
from engine.events import now
from engine.jobs.ingest import ingest_ready
from engine.jobs.runner import find_job, list_jobs
from engine.workspace import Workspace
from sood_tui.orders.evaluation_line import parsed
from sood_tui.screens.comparison import ComparisonScreen
from sood_tui.screens.dialogs import AskDialog, ChooseDialog
from sood_tui.screens.evaluate import EvaluateScreen
from sood_tui.screens.picture import PictureScreen
from sood_tui.screens.recall import RecallScreen
from sood_tui.screens.sweep import SweepScreen
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from store.evaluation.negatives import append_negative_labels, insert_negative_set
from store.evaluation.runs import fetch_evaluations
from tests.tui import birds
from tests.tui.desk_of import keys, opened, press, rest, seen, told, type_text

BIRDS = ["crane", "eagle", "parrot"]
SIZES = [27, 27, 6]  # a small class can lose its pictures while 95 % of all are kept


def write_embeddings(folder: Path, pictures: Path) -> None:
    """ID: three classes around their label; OOD: around negative labels; paths are real pictures."""
    generator = np.random.default_rng(2)
    labels, words = generator.normal(size=(3, 8)), generator.normal(size=(12, 8))
    paths = [str(path) for path in sorted(pictures.rglob("*_1*.JPEG"))]
    inside = labels[np.repeat([0, 1, 2], SIZES)] + 0.3 * generator.normal(size=(60, 8))
    inside[54:] += 4 * words[0]  # word 0 takes the mass of the last class
    outside = words[generator.integers(12, size=30)] + 0.8 * generator.normal(size=(30, 8))
    np.savez(
        folder / "id.npz",
        embeddings=inside,
        labels=np.repeat(["crane", "parrot", "eagle"], SIZES),
        paths=[paths[row % len(paths)] + ("" if row < len(paths) else f"?{row}") for row in range(60)],
        label_names=BIRDS,
        label_embeddings=labels[[0, 2, 1]],
        negative_words=[f"word {k}" for k in range(12)],
        negative_embeddings=words,
    )
    np.savez(folder / "ood.npz", embeddings=outside, paths=[paths[row % len(paths)] for row in range(30)])


@pytest.fixture(scope="module")
def evaluated_template(birds_template: Path, drawn_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The birds with one evaluation of two methods."""
    root = tmp_path_factory.mktemp("evaluated") / "birds"
    workspace = birds.copy(birds_template, root)
    write_embeddings(root, drawn_pictures)
    request = EvaluationRequest(
        SetArgument("birds", f"npz:{root}/id.npz", "id"),
        [SetArgument("far", f"npz:{root}/ood.npz", "ood", "far")],
        methods=("neglabel", "mcm", "tanl"),
        labels="class",
        model=None,
        device="cpu",
        settings={"groups": 4, "temperature": 0.2},
        title="from files",
    )
    job = find_job(root, submit(workspace, request).job_id)
    while job.state() in ("queued", "running"):
        time.sleep(0.1)
    assert job.state() == "finished", job.outcome()
    ingest_ready(workspace)
    workspace.opened().close()
    return root


@pytest.fixture
def evaluated(evaluated_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of it."""
    made = birds.copy(evaluated_template, tmp_path / "birds")
    yield made
    made.opened().close()


def screen_of(app: object) -> EvaluateScreen:
    screen = app.screen  # type: ignore[attr-defined]
    assert isinstance(screen, EvaluateScreen)
    return screen


@keys("frame.evaluate")
async def test_nothing_evaluated_says_what_to_do(workspace: Workspace) -> None:
    async with opened(workspace, "home") as (app, pilot):
        await press(pilot, "f7")
        assert "Nothing was evaluated yet." in seen(app)
        await press(pilot, "w")
        assert "n begins an evaluation" in told(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_table_shows_both_conventions_and_adaptive_methods_apart(
    evaluated: Workspace, size: tuple[int, int]
) -> None:
    async with opened(evaluated, "evaluate", size) as (app, _):
        text = seen(app)
        assert "ID+" in text
        assert "OOD+" in text
        lines = [line for line in text.splitlines() if "neglabel" in line or "tanl" in line]
        assert any("~" in line for line in lines if "tanl" in line)
        with evaluated.opened().reading() as cursor:
            from store.evaluation.runs import fetch_metrics

            value = next(m.value for m in fetch_metrics(cursor, 1) if m.method == "neglabel" and m.metric == "auroc")
        assert f"{100 * value:.2f}" in text


@keys(
    "evaluate.sort",
    "evaluate.down",
    "evaluate.up",
    "evaluate.last",
    "evaluate.first",
    "evaluate.page_down",
    "evaluate.page_up",
)
async def test_sorting_and_moving(evaluated: Workspace) -> None:
    async with opened(evaluated, "evaluate") as (app, pilot):
        screen = screen_of(app)
        before = [line.method for line in screen._lines]
        assert before == ["neglabel", "mcm", "tanl", "tanl", "tanl"]  # the stream in three orders
        await press(pilot, "t")
        values = [line.auroc.value for line in screen._lines if not line.is_adaptive]
        assert values == sorted(values, reverse=True)
        assert screen._lines[-1].method == "tanl"
        await press(pilot, "t", "t", "t")
        assert [line.method for line in screen._lines] == before
        await press(pilot, "down")
        assert screen._at().method == "mcm"
        await press(pilot, "G")
        assert screen._at().method == "tanl"
        await press(pilot, "up", "home", "pagedown")
        assert screen._at().method == "tanl"
        await press(pilot, "pageup")
        assert screen._at().method == "neglabel"


@keys("evaluate.mistakes", "evaluate.large")
async def test_mistakes_turn_around_and_are_shown_large(evaluated: Workspace) -> None:
    async with opened(evaluated, "evaluate", (140, 44)) as (app, pilot):
        screen = screen_of(app)
        assert screen._detail is not None
        assert screen._detail.mistakes[0].part == "far"
        assert len(screen.query_one(ContactSheet).pictures) > 0
        await press(pilot, "m")
        assert screen._detail.mistakes[0].part == "birds"
        assert "worst: ID taken for far" in seen(app)
        await press(pilot, "m", "enter")
        assert isinstance(app.screen, PictureScreen)


@keys("evaluate.compare")
async def test_two_lines_are_compared(evaluated: Workspace) -> None:
    async with opened(evaluated, "evaluate", (140, 44)) as (app, pilot):
        await press(pilot, "c")
        assert "Marked" in told(app)
        assert "»" in seen(app)
        await press(pilot, "down", "c")
        assert isinstance(app.screen, ComparisonScreen)
        assert "1 mcm less 1 neglabel on far" in seen(app)
        assert "pictures changed sides" in seen(app)
        assert len(app.screen.query_one(ContactSheet).pictures) > 0
        await press(pilot, "enter")
        assert isinstance(app.screen, PictureScreen)
        await press(pilot, "escape", "escape")
        assert isinstance(app.screen, EvaluateScreen)


@keys("evaluate.sweep")
async def test_a_sweep_shows_a_preview_and_asks_for_the_job(evaluated: Workspace) -> None:
    async with opened(evaluated, "evaluate", (140, 44)) as (app, pilot):
        await press(pilot, "w")
        await rest(pilot)
        assert isinstance(app.screen, SweepScreen)
        assert "preview on a sample" in seen(app)
        assert "t / words" in seen(app)
        await press(pilot, "escape")
        assert all(job.outcome() for job in list_jobs(evaluated.root))  # nothing was begun


@keys("evaluate.sweep")
async def test_an_exact_sweep_is_followed_to_its_end_and_looked_at_again(evaluated: Workspace) -> None:
    async with opened(evaluated, "evaluate", (140, 44)) as (app, pilot):
        await press(pilot, "w")
        await rest(pilot)
        await press(pilot, "enter")
        await rest(pilot)
        assert isinstance(app.screen, SweepScreen)
        for _ in range(900):
            sight = app.screen._sight
            if sight is not None and not sight.is_running and sight.chosen:
                break
            await pilot.pause(0.1)
        await rest(pilot)
        assert "all pictures" in seen(app)
        assert "Chosen on one half, reported on the other" in seen(app)
        await press(pilot, "escape")
        for _ in range(100):  # the desk takes the results in by itself
            if any(line.kind == "sweep" for line in screen_of(app)._lines):
                break
            await pilot.pause(0.1)
            screen_of(app).reload()
        assert screen_of(app)._at().kind == "sweep"
        assert "keeps no score of each picture" in seen(app)
        await press(pilot, "w")
        await rest(pilot)
        assert "Sweep #2 · far" in seen(app)


def with_artefact(workspace: Workspace) -> None:
    """The words of the file as an artefact that can be changed, and a run with it: evaluation 2."""
    words = [f"word {k}" for k in range(12)]
    with workspace.opened().writing() as cursor:
        number = insert_negative_set(cursor, "ours", "plain", "", "", "{}", labels_sha256(BIRDS), now())
        columns = {"negatives_id": [number] * 12, "rank": list(range(12)), "word": words, "pos": ["noun"] * 12}
        more = {"wnid": pa.nulls(12, pa.string()), "lexname": [""] * 12, "distance": [0.0] * 12}
        append_negative_labels(cursor, pa.table(columns | more))
    request = request_of_run(workspace, 1, "anna", "cpu")
    job_id = submit(workspace, replace(with_negatives(request, "ours"), methods=("neglabel",))).job_id
    assert finished(workspace, job_id) == "finished"
    ingest_ready(workspace)


def finished(workspace: Workspace, job_id: str) -> str:
    """How a job ended."""
    job = find_job(workspace.root, job_id)
    while job.state() in ("queued", "running"):
        time.sleep(0.1)
    return job.state()


@keys("evaluate.hurt")
async def test_words_that_hurt_are_dropped_and_the_run_is_scored_again(evaluated: Workspace) -> None:
    with_artefact(evaluated)
    hurt = hurt_classes(evaluated, 2, "neglabel", "far", with_others=True)
    assert [one.id_recall for one in hurt] == sorted(one.id_recall for one in hurt)
    assert len(hurt) == 3
    async with opened(evaluated, "evaluate", (140, 44)) as (app, pilot):
        await press(pilot, "x")
        assert isinstance(app.screen, RecallScreen)
        assert all(one.label in seen(app) for one in hurt)
        await press(pilot, "escape")
        assert hurt[0].negatives, hurt
        await press(pilot, "x", "x")
        assert f"{hurt[0].negatives[0].word} " in seen(app)
        assert "dropped" in seen(app)
        await press(pilot, "enter")
        await rest(pilot)
        assert "scores without" in told(app)
    assert finished(evaluated, list_jobs(evaluated.root)[-1].spec().id) == "finished"
    ingest_ready(evaluated)
    with evaluated.opened().reading() as cursor:
        assert words_of_run(cursor, 3) == 11


@keys("evaluate.export")
async def test_the_export_is_written_where_it_was_asked_for(evaluated: Workspace, tmp_path: Path) -> None:
    async with opened(evaluated, "evaluate") as (app, pilot):
        await press(pilot, "e")
        assert isinstance(app.screen, AskDialog)
        await press(pilot, "ctrl+u")
        await type_text(pilot, str(tmp_path / "out"))
        await press(pilot, "enter")
        await rest(pilot)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "neglabel/scores/far.npz" in manifest["files"]


@keys("evaluate.choose")
async def test_going_to_a_run(evaluated: Workspace) -> None:
    async with opened(evaluated, "evaluate") as (app, pilot):
        await press(pilot, "down", "g")
        assert isinstance(app.screen, ChooseDialog)
        await press(pilot, "enter")
        assert screen_of(app)._at().run_id == 1


@keys("evaluate.new")
async def test_a_new_run_is_checked_before_it_begins(evaluated: Workspace) -> None:
    async with opened(evaluated, "evaluate") as (app, pilot):
        await press(pilot, "n")
        assert isinstance(app.screen, AskDialog)
        await press(pilot, "ctrl+u")
        await type_text(pilot, "knn | split:train | x=subtree:bird")
        await press(pilot, "enter")
        assert "no method 'knn'" in seen(app)
        await press(pilot, "escape")
    with evaluated.opened().reading() as cursor:
        assert len(fetch_evaluations(cursor)) == 1


def test_bands_are_generalisation_sets() -> None:
    request = parsed("neglabel | split:main/train | easy=split:main/easy far=subtree:bird")
    assert [(one.name, one.role) for one in request.ood_sets] == [("easy", "generalisation"), ("far", "ood")]
    assert replace(request, seed=3).seed == 3
