"""Sweeps over every axis from the command line, and runs that are asked for again, with real jobs and small CLIPs."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.evaluation.again import request_of_run
from engine.evaluation.request import EvaluationRequest, submit
from engine.evaluation.sweeps.job import arriving
from engine.jobs.runner import find_job
from sood_tui.cli import run
from sood_tui.workspace import Workspace, opened
from tests.evaluation_place import Command, common, last, make_command, make_place
from tests.tiny_clip import make_tiny_clip

NUMBERS = ("auroc", "fpr95_id_positive", "fpr95_ood_positive")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sweeps")
    found = make_place(place)
    make_tiny_clip(place / "second", seed=3)
    (place / "short.txt").write_text("tree\nmountain\nbridge\nbread\nriver\nrusty,adj\nwet,adj\nangry,adj\n")
    (place / "labels.csv").write_text("n02085620,small dog\nn02086079,flat dog\nn02088364,hunting dog\n")
    return found


@pytest.fixture
def command(root: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(root, capsys)


@pytest.fixture(scope="module")
def first(root: Path) -> int:
    """A run with labels from a file, prompts and settings of its own, and a calibration part."""
    options = [
        "--id", "subtree:dog.n.01", "--ood", "birds=subtree:bird.n.01", "--ood", f"out=folder:{root.parent}/outside",
        "--labels", f"file:{root.parent}/labels.csv", "--prompt", "a drawing of the {}",
        "--adjective-prompt", "something {}", "--calibration", "0.25", "--tpr", "0.9", "--seed", "5",
        "--order", "ood-first", "--set", "queue=7", "--relatives", "report", "--temperature", "0.02", *common(root),
    ]  # fmt: skip
    assert run(["-w", str(root), "evaluation", "run", "neglabel", "mcm", "tanl", *options]) == 0
    return 1


def request_again(root: Path, run_id: int) -> EvaluationRequest:
    with opened(Workspace(root)) as workspace:
        return request_of_run(workspace, run_id, "anna", "cpu")


def test_a_run_is_asked_for_again_as_it_was(command: Command, root: Path, first: int) -> None:
    request = request_again(root, first)
    assert (request.label_prompt, request.adjective_prompt) == ("a drawing of the {}", "something {}")
    assert request.labels == f"file:{root.parent}/labels.csv"
    assert (request.calibration, request.wanted, request.seed) == (0.25, 0.9, 5)
    assert (list(request.orders), request.relatives) == (["ood-first"], "report")
    assert request.settings == {"groups": 3, "temperature": 0.02, "queue": 7}
    assert request.mining.corpus.source == f"file:{root.parent}/words.txt"
    assert request.mining.fraction == 1.0
    assert [one.text for one in request.ood_sets] == ["subtree:bird.n.01", f"folder:{root.parent}/outside"]
    assert (request.reviewer, request.device) == ("anna", "cpu")
    with opened(Workspace(root)) as workspace:
        job_id = submit(workspace, request).job_id
    assert run(["-w", str(root), "jobs", "watch", job_id]) == 0
    views = [json.loads(command("show", str(number), "--json"))["run"] for number in (first, last(command))]
    assert views[0]["rows"] == views[1]["rows"]
    calibrated = [[{**row, "run_id": 0} for row in view["calibration"]] for view in views]
    assert calibrated[0] == calibrated[1]
    assert {row["stream_order"] for row in views[0]["rows"] if row["is_adaptive"]} == {"ood-first"}


def test_a_sweep_takes_every_axis_and_chooses_over_all_of_them(command: Command, root: Path, first: int) -> None:
    place = root.parent
    tiny, second = f"local-dir:{place / 'tiny'}", f"local-dir:{place / 'second'}"
    words, short = f"file:{place / 'words.txt'}", f"file:{place / 'short.txt'}"
    small = ["--counts", "6", "--groups", "1,3", "--temperatures", "0.01,0.1", "--json"]
    axes = ["--prompt", "the nice {}", "--prompt", "{}", "--corpus", words, "--corpus", short]
    found = json.loads(
        command("sweep", str(first), "--model", tiny, "--model", second, *axes, "--percentiles", "0.05,0.5", *small)
    )
    rows = [row for row in found["sweep"] if not row["is_chosen"]]
    # 2 models, 2 prompts, 2 corpora, 2 percentiles; 1 count, 2 groups, 2 temperatures; 2 OOD sets
    assert len(rows) == 2 * 2 * 2 * 2 * (1 * 2 * 2) * 2
    assert {row["model"] for row in rows} == {tiny, second}
    assert {row["prompt"] for row in rows} == {"the nice {}", "{}"}
    assert {row["corpus"] for row in rows} == {words, short}
    assert {row["percentile"] for row in rows} == {0.05, 0.5}
    record = found["run"]["record"]
    assert len({model["weights_sha256"] for model in record["models"]}) == 2
    assert record["request"]["labels"] == f"file:{place}/labels.csv"
    chosen = [row for row in found["sweep"] if row["is_chosen"]]
    assert {row["part"] for row in chosen} == {"birds", "out"}
    assert {row["n_id"] for row in chosen} == {10}  # of 20: the half that did not choose

    # One variant alone has the same numbers, and another model gives others.
    alone = json.loads(command("sweep", str(first), "--model", second, "--prompt", "{}", "--corpus", short, *small))
    (part,) = {row["model"] for row in alone["sweep"]}
    assert part == second
    mine = [
        row for row in rows
        if (row["model"], row["prompt"], row["corpus"], row["percentile"]) == (second, "{}", short, 0.05)
    ]  # fmt: skip
    other = [row for row in alone["sweep"] if not row["is_chosen"]]
    assert [[row[name] for name in NUMBERS] for row in mine] == [[row[name] for name in NUMBERS] for row in other]
    values = {row["model"]: np.mean([r["auroc"] for r in rows if r["model"] == row["model"]]) for row in rows}
    assert values[tiny] != values[second]

    with opened(Workspace(root)) as workspace:
        job = found["run"]["run"]["job_id"]
        there = arriving(workspace, job)
    assert there.expected == len(rows) == len(there.preview)
    assert len(there.exact) == len(rows) + len(chosen)
    events = [json.dumps(event.detail) for event in find_job(root, job).events() if event.detail]
    assert any("preview" in text or "exact" in text or "chosen" in text for text in events)


def test_a_sweep_of_a_run_keeps_what_it_does_not_sweep(command: Command, root: Path, first: int) -> None:
    small = ["--counts", "6,12", "--groups", "1,3", "--temperatures", "0.01,0.1"]
    found = json.loads(command("sweep", str(first), *small, "--json"))
    assert len([row for row in found["sweep"] if not row["is_chosen"]]) == 2 * 2 * 2 * 2
    assert {row["prompt"] for row in found["sweep"]} == {"a drawing of the {}"}
    assert {row["corpus"] for row in found["sweep"]} == {f"file:{root.parent}/words.txt"}
    assert found["run"]["record"]["seed"] == 5


def test_sweeps_that_cannot_be_are_refused(command: Command, root: Path, first: int) -> None:
    runs = command("list", "--json")
    folders = sorted((root / "evaluations").iterdir())
    small = ["--counts", "6", "--groups", "1", "--temperatures", "0.01"]
    cases = {
        "template 'a drawing' has no {}": ["--prompt", "a drawing"],
        "'1.5,2' is not a list of whole numbers": ["--counts", "1.5,2"],
        "'x' is not a list of numbers": ["--temperatures", "x"],
        "asks for 99 negative labels, and 12 are ranked": ["--counts", "99"],
        "percentile 7.0 is not in [0, 1]": ["--percentiles", "7"],
        "--pretrained belongs to a single --model": ["--model", "a", "--model", "b", "--pretrained", "x"],
        "has sets of its own": ["--ood", "x=subtree:bird.n.01"],
        "The model folder /nowhere does not exist": ["--model", "local-dir:/nowhere"],
        "the prompt '{}' twice": ["--prompt", "{}", "--prompt", "{}"],
        "There are no negative labels 'none'": ["--negatives", "none"],
    }
    for message, arguments in cases.items():
        told = command("sweep", str(first), *small, *arguments, code=2)
        assert message in told, told
    assert command("list", "--json") == runs
    assert sorted((root / "evaluations").iterdir()) == folders


def test_a_sweep_of_a_run_needs_no_numbers_and_is_exported(
    command: Command, root: Path, first: int, tmp_path: Path
) -> None:
    found = json.loads(command("sweep", str(first), "--temperatures", "0.01,0.02", "--json"))
    rows = found["sweep"]
    assert {row["negatives"] for row in rows} == {1, 2, 5, 8, 12}  # shares of its twelve words
    assert {row["groups"] for row in rows} == {1}
    number = str(found["run"]["run"]["run_id"])
    again = json.loads(command("sweep", number, "--temperatures", "0.01,0.02", "--json"))["sweep"]
    assert [{**row, "run_id": 0} for row in again] == [{**row, "run_id": 0} for row in rows]
    assert "is a sweep, which keeps no score" in command("compare", number, str(first), code=2)
    command("export", number, str(tmp_path / "out"))
    lines = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert lines[0] == (
        "| | temperature | negatives | set | n ID | n OOD | AUROC | FPR95 ID-positive | FPR95 OOD-positive |"
    )
    assert lines[2].startswith("| chosen on the other halves |")
    assert len((tmp_path / "out" / "sweep.csv").read_text().splitlines()) == len(rows) + 1
    assert {path.name for path in (tmp_path / "out" / "plots").iterdir()} == {
        f"{name}.{kind}" for name in ("negatives", "temperature") for kind in ("svg", "png")
    }
