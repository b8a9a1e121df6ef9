"""Kinds whose shards several processes share leave what one process leaves, however the work is cut."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import timm
import torch

from engine.jobs.folder import JobFolder
from engine.jobs.kinds import KINDS, resolve
from engine.jobs.spec import JsonValue
from engine.labels import classifiers, proposals
from engine.labels.proposals import ProposalRequest
from engine.workspace import Workspace
from tests.gpu.test_label_jobs import classes_file, encode, finish, models, readable, weights_of, workspace
from tests.jobs.here import Watcher, run_here

__all__ = ["models", "workspace"]


def rows_of(job: JobFolder) -> pa.Table:
    """The parts one behind the other."""
    return pa.concat_tables([parquet.read_table(part.path).replace_schema_metadata(None) for part in job.parts()])


def cut(workspace: Workspace, kind: str, settings: dict[str, JsonValue], work: pa.Table, shards: int) -> JobFolder:
    """The same work in this process, in so many shards; the kind must allow that others do some of them."""
    assert KINDS[kind].parallel
    run = run_here(workspace.root, kind, settings, work, Watcher(), shards)
    resolve(KINDS[kind].function)(run)
    assert len(run.folder.parts()) == shards
    return run.folder


def test_proposals_and_zero_shot_predictions(workspace: Workspace, models: dict[str, str]) -> None:
    encode(workspace, models["one"])
    proposed = finish(workspace, proposals.submit(workspace, ProposalRequest(template="a {}", device="cpu")))
    zero_shot = finish(workspace, classifiers.submit_zero_shot(workspace, "zs", template="a {}", device="cpu"))
    work = parquet.read_table(proposed.work_file)
    whole = rows_of(proposed)
    many = rows_of(cut(workspace, proposals.KIND, dict(proposed.spec().settings), work, 5))
    for name in ("image_id", "wnid", "rank"):
        assert whole[name].equals(many[name])
    # Products with fewer rows are added up in another order.
    np.testing.assert_allclose(whole["share"], many["share"], rtol=1e-4)
    many = rows_of(cut(workspace, classifiers.ZERO_SHOT, dict(zero_shot.spec().settings), work, 5))
    assert rows_of(zero_shot).equals(many)


def test_two_processes_rank_the_classes_of_pictures(workspace: Workspace, tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = weights_of(timm.create_model("test_resnet", num_classes=4), tmp_path / "weights.pth")
    job_id = classifiers.submit_model(
        workspace, "net", "timm:test_resnet", weights, str(classes_file(tmp_path)), batch_size=2, device="cpu:2"
    )
    job = finish(workspace, job_id)
    told = next(event.members for event in reversed(job.events()) if event.members)
    assert [member["name"] for member in told] == ["cpu:0", "cpu:1"]
    assert len(job.parts()) == 8
    alone = cut(workspace, classifiers.PREDICT, dict(job.spec().settings), parquet.read_table(job.work_file), 1)
    assert rows_of(job).equals(rows_of(alone))
    outcome = job.outcome()
    assert outcome is not None
    assert (outcome.result["unreadable"], outcome.result["size"]) == (1, [160, 160])


def test_logits_of_a_classifier(workspace: Workspace, tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = weights_of(timm.create_model("test_resnet", num_classes=4), tmp_path / "weights.pth")
    settings = {"model": "timm:test_resnet", "checkpoint": str(weights), "classes": 4, "batch_size": 2}
    work = pa.table({"path": sorted(readable(workspace).values())})
    whole, many = (cut(workspace, "classify", settings, work, shards) for shards in (1, 8))
    assert rows_of(whole)["path"].equals(rows_of(many)["path"])
    one, other = (np.concatenate([np.load(part.files[".npy"].path) for part in job.parts()]) for job in (whole, many))
    assert one.shape == other.shape == (15, 4)
    assert one.tobytes() == other.tobytes()
