"""Labels and classifiers on a real Ray cluster, through shared storage: what one process says, the cluster says."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from engine.jobs.execution import Execution
from engine.jobs.folder import JobFolder
from engine.jobs.runner import submit
from engine.labels import classifiers, proposals
from engine.labels.proposals import ProposalRequest
from engine.workspace import Workspace
from tests.gpu.test_kinds_together import cut, rows_of
from tests.gpu.test_label_jobs import classes_file, encode, finish, models, readable, weights_of, workspace
from tests.jobs.clusters import end_of

pytest.importorskip("ray", reason="Ray is not installed: pip install 'sood-tui[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
__all__ = ["models", "workspace"]


def test_proposals_predictions_and_logits_of_a_cluster_are_those_of_this_machine(
    workspace: Workspace, models: dict[str, str], tmp_path: Path, cluster: Any
) -> None:
    import timm
    import torch

    encode(workspace, models["one"])
    torch.manual_seed(0)
    weights = weights_of(timm.create_model("test_resnet", num_classes=4), tmp_path / "weights.pth")
    there = Execution("ray", cluster.address, f"file://{tmp_path}/shared")

    request = ProposalRequest(template="a {}", device="cpu", execution=there)
    proposed = finish(workspace, proposals.submit(workspace, request))
    told = (workspace, "net", "timm:test_resnet", weights, str(classes_file(tmp_path)))
    predicted = finish(workspace, classifiers.submit_model(*told, batch_size=2, device="cpu:2", execution=there))
    assert [member.name.partition(" on ")[0] for member in predicted.progress().members] == ["cpu-0", "cpu-1"]
    assert rows_of(predicted).equals(rows_of(here(workspace, predicted)))
    ranked = [rows_of(job) for job in (proposed, here(workspace, proposed))]
    assert ranked[0].select(["image_id", "wnid", "rank"]).equals(ranked[1].select(["image_id", "wnid", "rank"]))

    settings = {"model": "timm:test_resnet", "checkpoint": str(weights), "classes": 4, "batch_size": 2}
    work = pa.table({"path": sorted(readable(workspace).values())})
    classified = submit(workspace.root, "classify", settings, work, "cpu", execution=there)
    assert end_of(classified) == "finished", classified.printed()
    far, near = (
        np.concatenate([np.load(part.files[".npy"].path) for part in job.parts()])
        for job in (classified, here(workspace, classified))
    )
    assert far.tobytes() == near.tobytes()
    assert list((tmp_path / "shared").rglob("part-*")) == [], "what was fetched is removed"


def here(workspace: Workspace, job: JobFolder) -> JobFolder:
    """The same work in this process."""
    return cut(workspace, job.spec().kind, dict(job.spec().settings), parquet.read_table(job.work_file), 1)
