"""A vision-language model asks about candidates on a real Ray cluster, as it does on one machine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from engine.filters.asking import VlmRequest, submit
from engine.jobs import runner
from engine.jobs.execution import Execution
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import ingest_ready
from engine.workspace import Workspace
from store.connection import memory_store
from store.filters import fetch_runs, fetch_verdicts
from tests.catalogues import WHEN, add_superclasses, add_synsets, add_table, wnid_of
from tests.gpu.tiny_vlm import BLUE, RED, paligemma, teach_red
from tests.jobs.clusters import end_of, wait_for_shards
from tests.jobs.waiting import end_jobs

pytest.importorskip("ray", reason="Ray is not installed: pip install 'sood-tui[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = [f"paint{number:03d}" for number in range(100)]
PICTURES = 8
ACTOR = b"ray::ShardActor"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny PaliGemma that says yes to red."""
    folder = paligemma(tmp_path_factory.mktemp("vlm") / "paligemma")
    return str(teach_red(folder, "Do all 8 pictures in this grid show a paint (what paint means)? Answer yes or no."))


@pytest.fixture
def paints(tmp_path: Path) -> Iterator[Workspace]:
    """One superclass with 100 candidates: red and blue ones by turns, and each tenth has too few pictures."""
    catalogue = memory_store()
    made = Workspace(tmp_path / "work", catalogue)
    made.root.mkdir()
    add_synsets(catalogue, ["paint", *NAMES])
    add_superclasses(catalogue, {"paint": NAMES})
    folder = tmp_path / "pictures"
    root = {"root_id": 1, "name": "p", "path": str(folder), "layout": "wnid", "added_at": WHEN, "scanned_at": WHEN}
    add_table(catalogue, "image_root", [root])
    rows: list[dict[str, object]] = []
    counts = []
    for place, name in enumerate(NAMES):
        wnid, number = wnid_of(name), 3 if place % 10 == 9 else PICTURES
        (folder / wnid).mkdir(parents=True)
        Image.new("RGB", (24, 20), (RED, BLUE)[place % 2]).save(folder / wnid / "0.png")
        for index in range(1, number):
            os.link(folder / wnid / "0.png", folder / wnid / f"{index}.png")
        rows += [{"root_id": 1, "wnid": wnid, "path": f"{wnid}/{index}.png"} for index in range(number)]
        counts.append({"wnid": wnid, "images": number, "subtree_images": number, "subtree_synsets": 1})
    rows.sort(key=lambda row: (str(row["wnid"]), str(row["path"])))
    add_table(catalogue, "image", [{"image_id": number, **row} for number, row in enumerate(rows)])
    add_table(catalogue, "image_count", counts)
    yield made
    end_jobs(made)
    catalogue.close()


def ask(workspace: Workspace, model: str, execution: Execution, device: str) -> JobFolder:
    """Start the job."""
    request = VlmRequest(model=model, samples=PICTURES, device=device, execution=execution)
    return runner.find_job(workspace.root, submit(workspace, request))


def answers_of(job: JobFolder) -> pa.Table:
    """What all parts say, in the order of the work list."""
    return pa.concat_tables([parquet.read_table(part.path) for part in job.parts()])


def actors_of_this_process() -> list[int]:
    """Processes of the cluster that this test has started, and of no other."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                names[int(entry.name)] = (entry / "cmdline").read_bytes()
            except OSError:  # it has just ended
                continue
    found = [pid for pid, name in names.items() if name.startswith(ACTOR)]
    return [pid for pid in found if os.getpid() in _ancestors(pid, parents)]


def _ancestors(pid: int, parents: dict[int, int]) -> list[int]:
    found = []
    while pid in parents:
        pid = parents[pid]
        found.append(pid)
    return found


def test_each_candidate_is_asked_about_once_though_an_actor_is_killed(
    paints: Workspace,
    model: str,
    cluster: Any,
) -> None:
    spread = ask(paints, model, Execution("ray", cluster.address), "cpu:2")
    assert spread.spec().shards >= 10
    wait_for_shards(spread, 2)
    assert spread.state() == "running", spread.printed()
    victims = actors_of_this_process()
    assert victims
    os.kill(victims[0], signal.SIGKILL)
    assert end_of(spread) == "finished", spread.printed()
    assert any("died at shard" in (event.message or "") for event in spread.events() if event.kind == "warned")
    alone = ask(paints, model, Execution(), "cpu")
    assert end_of(alone) == "finished", alone.printed()

    here, there = answers_of(alone), answers_of(spread)
    assert there["wnid"].to_pylist() == [wnid_of(name) for name in NAMES]
    for column in ("wnid", "outcome", "question", "image_ids", "reason"):
        assert here[column].to_pylist() == there[column].to_pylist()
    outcomes = here["outcome"].to_pylist()
    assert (outcomes[0], outcomes[1], outcomes[9]) == ("accept", "reject", "insufficient")
    for column in ("p_yes", "mass"):
        apart = [
            abs(a - b)
            for a, b in zip(here[column].to_pylist(), there[column].to_pylist(), strict=True)
            if a is not None
        ]
        assert max(apart) < 1e-5  # other numbers of threads add in another order
    reports = ingest_ready(paints)
    assert [(report.rows, report.error) for report in reports] == [(len(NAMES), None)] * 2
    with paints.opened().reading() as cursor:
        assert [run.verdicts for run in fetch_runs(cursor)] == [len(NAMES)] * 2
        assert {verdict.wnid for verdict in fetch_verdicts(cursor)} == {wnid_of(name) for name in NAMES}
