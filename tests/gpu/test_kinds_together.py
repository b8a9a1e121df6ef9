"""Kinds whose shards several processes share leave what one process leaves."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import timm
import torch

from engine.jobs import runner
from engine.jobs.assignment import Assignment
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import KINDS, resolve
from engine.jobs.ledger import OwnTeller
from engine.jobs.shards import Cancellation, ShardRun
from engine.labels import classifiers, proposals
from engine.labels.proposals import ProposalRequest
from engine.workspace import Workspace
from tests.gpu.test_label_jobs import classes_file, encode, finish, models, readable, weights_of, workspace
from tests.jobs.waiting import wait_until

__all__ = ["models", "workspace"]


def rows_of(job: JobFolder) -> pa.Table:
    """The parts one behind the other."""
    return pa.concat_tables([parquet.read_table(part.path).replace_schema_metadata(None) for part in job.parts()])


def shared(job: JobFolder) -> JobFolder:
    """The job, whose shards two processes have done."""
    told = next(event.members for event in reversed(job.events()) if event.members)
    assert [member["name"] for member in told][:2] == ["cpu:0", "cpu:1"]
    assert all(member["spent"].get("encode", 0) > 0 for member in told[:2] if member["done"])
    assert len(job.parts()) > 2
    return job


def alone(job: JobFolder, place: Path) -> JobFolder:
    """The same work, done by this process in a folder of its own."""
    root = job.workspace_root
    shutil.copytree(root / "embeddings", place / "embeddings", dirs_exist_ok=True)
    folder = JobFolder(place / "jobs" / job.id)
    folder.path.mkdir(parents=True)
    parquet.write_table(parquet.read_table(job.work_file), folder.work_file)
    spec = replace(job.spec(), device="cpu", shards=1)
    spec.write(folder.spec_file)
    work = Assignment.begin(folder, spec, Cancellation(), ["cpu"])
    run = ShardRun(folder, spec, work.cancellation, OwnTeller(work.ledger), work.numbers, "cpu", place="cpu")
    resolve(work.kind.function)(run)
    return folder


def test_proposals(
    workspace: Workspace, models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        KINDS, proposals.KIND, replace(KINDS[proposals.KIND], batch_rows=2)
    )  # several shards of fifteen
    encode(workspace, models["one"])
    job = finish(workspace, proposals.submit(workspace, ProposalRequest(template="a {}", device="cpu:2")))
    many, one = rows_of(shared(job)), rows_of(alone(job, tmp_path / "alone"))
    for name in ("image_id", "wnid", "rank"):
        assert one[name].equals(many[name])
    np.testing.assert_allclose(one["share"], many["share"], rtol=1e-4)  # fewer rows are added up in another order
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.result["pictures"] == 15


def test_classifiers(workspace: Workspace, tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = weights_of(timm.create_model("test_resnet", num_classes=4), tmp_path / "weights.pth")
    (workspace.root / "embeddings").mkdir()
    job_id = classifiers.submit_model(
        workspace, "net", "timm:test_resnet", weights, str(classes_file(tmp_path)), batch_size=2, device="cpu:2"
    )
    job = finish(workspace, job_id)
    assert rows_of(shared(job)).equals(rows_of(alone(job, tmp_path / "ranked")))
    outcome = job.outcome()
    assert outcome is not None
    assert (outcome.result["unreadable"], outcome.result["size"]) == (1, [160, 160])
    settings = {"model": "timm:test_resnet", "checkpoint": str(weights), "classes": 4, "batch_size": 2}
    work = pa.table({"path": sorted(readable(workspace).values())})
    job = runner.submit(workspace.root, "classify", settings, work, "cpu:2")
    wait_until(lambda: job.state() not in runner.ACTIVE, 120)
    assert job.state() == "finished", job.printed()
    one = alone(job, tmp_path / "logits")
    assert rows_of(shared(job))["path"].equals(rows_of(one)["path"])
    np.testing.assert_allclose(arrays_of(job), arrays_of(one), rtol=1e-4, atol=1e-5)


def arrays_of(job: JobFolder) -> np.ndarray:
    """The logits of all parts."""
    return np.concatenate([np.load(part.files[".npy"].path) for part in job.parts()])
