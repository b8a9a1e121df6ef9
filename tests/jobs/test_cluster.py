"""Jobs on a real Ray cluster of several nodes on this machine: nothing is lost and nothing counts twice."""

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy
import pyarrow.parquet as parquet
import pytest
from jobs_for_tests import make_tables, work_list

from engine.errors import EngineError
from engine.jobs.estimate import read_estimate
from engine.jobs.execution import Execution
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import ingest_ready
from engine.jobs.runner import cancel, pause, resume, submit
from engine.jobs.spec import JsonValue
from engine.workspace import Workspace
from sood_tui.workspace import opened
from tests.jobs.clusters import LIMIT, NODE, TOKEN, end_of, wait_for_shards
from tests.jobs.s3 import Bucket
from tests.jobs.waiting import identities

pytest.importorskip("ray", reason="Ray is not installed: pip install 'sood-tui[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KIND = "shared-squares"


def start(
    workspace: Workspace, cluster: Any, count: int = 100, storage: str | None = None, **settings: JsonValue
) -> JobFolder:
    """A job of so many numbers in shards of ten, on two processes."""
    execution = Execution("ray", cluster.address, storage)
    return submit(workspace.root, KIND, settings, work_list(count), "cpu:2", shard_rows=10, execution=execution)


def assert_each_number_once(job: JobFolder, count: int) -> None:
    """Every number of the work list is in exactly one part."""
    found = Counter(value for part in job.parts() for value in parquet.read_table(part.path)["number"].to_pylist())
    assert found == Counter(range(count))
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.done == count


def test_actors_and_a_node_killed_in_the_middle(workspace: Workspace, cluster: Any) -> None:
    doomed = cluster.add_node(**NODE)
    count = 300
    execution = Execution("ray", cluster.address)
    job = submit(
        workspace.root, KIND, {"pause": 0.3, "die_at": 45}, work_list(count), "cpu:3", shard_rows=10,
        execution=execution,
    )  # fmt: skip
    wait_for_shards(job, 3)
    assert job.state() == "running", job.printed()
    for _ in range(2):  # whoever wrote the newest part; Ray starts it again
        newest = max(job.parts(), key=lambda part: part.path.stat().st_mtime_ns)
        os.kill(int(newest.metadata["pid"]), signal.SIGKILL)
        wait_for_shards(job, len(job.parts()) + 2)
    cluster.remove_node(doomed, allow_graceful=False)
    assert end_of(job) == "finished", job.printed()
    assert_each_number_once(job, count)
    warnings = [event.message or "" for event in job.events() if event.kind == "warned"]
    assert any("died at shard 4, which is done again" in message for message in warnings), warnings
    with opened(workspace) as owner:
        make_tables(owner.opened())
        (report,) = ingest_ready(owner)
        assert (report.parts, report.rows, report.state) == (30, count, "finished")


def test_cancel_pause_resume_and_progress_go_through_the_same_events(workspace: Workspace, cluster: Any) -> None:
    job = start(workspace, cluster, 120, pause=0.3)
    wait_for_shards(job, 2)
    cancel(job, patience=30)
    assert job.state() == "cancelled", job.printed()
    before = identities(job)
    resume(job)
    wait_for_shards(job, len(before) + 2)
    pause(job)
    assert end_of(job) == "paused", job.printed()
    resume(job)
    assert end_of(job) == "finished", job.printed()
    assert identities(job).items() >= before.items()
    assert_each_number_once(job, 120)
    progress = [event for event in job.events() if event.kind == "progress" and event.members]
    names = {member["name"] for event in progress for member in event.members}
    assert any(name.startswith("cpu-0 on ") for name in names), names
    assert any(member["spent"].get("encode", 0) > 0 for event in progress for member in event.members)


@pytest.mark.parametrize("place", ["file", "s3"])
def test_parts_go_through_shared_storage(
    workspace: Workspace, bucket: Bucket, cluster: Any, tmp_path: Path, place: str
) -> None:
    url = f"file://{tmp_path}/shared" if place == "file" else bucket.folder("cluster")
    marks = tmp_path / "marks"
    marks.mkdir()
    job = start(workspace, cluster, 60, url, arrays=True, die_at=25, marks=str(marks), pause=0.05)
    assert end_of(job) == "finished", job.printed()
    assert (marks / "died-25").exists()
    assert_each_number_once(job, 60)
    for part in job.parts():
        assert (numpy.load(part.files[".npy"].path) == part.number).all()
    from engine.jobs.storage import Storage

    assert Storage(url, job.id).names() == []  # what was fetched is not left behind


@pytest.mark.parametrize("place", ["workspace", "file"])
def test_an_estimate_is_made_on_the_cluster(workspace: Workspace, cluster: Any, tmp_path: Path, place: str) -> None:
    storage = f"file://{tmp_path}/shared" if place == "file" else None
    execution = Execution("ray", cluster.address, storage, estimate=True)
    settings = {"pause": 0.1, "batch_size": 5}
    job = submit(workspace.root, KIND, settings, work_list(10_000), "cpu", execution=execution)
    assert end_of(job) == "finished", job.printed()
    found = read_estimate(job)
    # A process for each of the two machines, each of which does five numbers in a tenth of a second.
    assert (found.job_kind, found.units, found.tried, found.processes) == (KIND, 10_000, 20, 2)
    assert found.rate is not None
    assert 20 < found.rate <= 100
    assert found.needed_bytes is not None
    assert found.fits
    assert "with 2 processes" in found.sentences()[0]
    (started,) = [event for event in job.events() if event.kind == "part"]
    assert started.rows == 0  # the results are thrown away


def test_errors_of_the_kind_and_of_the_cluster_say_what_to_do(workspace: Workspace, cluster: Any) -> None:
    refused = start(workspace, cluster, 40, refuse_at=23)
    assert end_of(refused) == "failed"
    outcome = refused.outcome()
    assert outcome is not None
    assert (outcome.error, outcome.message, outcome.hint) == ("EngineError", "23 is not wanted.", "Leave it out.")
    deadly = start(workspace, cluster, 40, die_at=23, always=True)
    assert end_of(deadly) == "failed"
    outcome = deadly.outcome()
    assert outcome is not None
    assert "Shard 2 ended its process 3 times" in outcome.message
    wrong = submit(
        workspace.root, KIND, {}, work_list(10), "cuda:0", execution=Execution("ray", cluster.address)
    )  # fmt: skip
    assert end_of(wrong) == "failed"
    outcome = wrong.outcome()
    assert outcome is not None
    assert "Ray chooses the GPUs" in outcome.message


def test_without_the_token_nobody_gets_in(workspace: Workspace, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN[::-1])
    job = start(workspace, cluster, 20)
    assert end_of(job) == "failed", job.printed()
    outcome = job.outcome()
    assert outcome is not None
    assert "cannot be reached" in outcome.message
    assert "token" in outcome.hint
    assert job.parts() == []


def test_no_cluster_there(workspace: Workspace) -> None:
    job = submit(
        workspace.root, KIND, {}, work_list(10), "cpu", execution=Execution("ray", "127.0.0.1:1")
    )  # fmt: skip
    began = time.monotonic()
    assert end_of(job) == "failed", job.printed()
    outcome = job.outcome()
    assert outcome is not None
    assert "127.0.0.1:1 cannot be reached" in outcome.message
    assert "docs/cluster.md" in outcome.hint
    assert time.monotonic() - began < LIMIT


def test_what_a_cluster_is_not_for(workspace: Workspace) -> None:
    with pytest.raises(EngineError, match="has one process"):
        submit(workspace.root, "squares", {}, work_list(1), execution=Execution("ray"))
    with pytest.raises(EngineError, match="--address and --storage speak of a cluster"):
        submit(workspace.root, KIND, {}, work_list(1), execution=Execution(address="x:1"))
