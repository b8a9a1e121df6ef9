"""Folders that vanish while an evaluation, or a classifier over a split, waits or works."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from engine.errors import EngineError
from engine.evaluation.sets.roots import roots_of
from engine.jobs import turns
from engine.jobs.folder import JobFolder
from engine.jobs.runner import find_job
from sood_tui.cli import run
from sood_tui.workspace import opened, require_workspace
from tests.evaluation_place import common, make_command, make_place
from tests.jobs.here import Watcher, run_here
from tests.jobs.waiting import wait_for


def test_an_evaluation_waits_for_its_pictures_instead_of_leaving_them_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_place(tmp_path)
    command = make_command(root, capsys)
    held = turns.take_all(JobFolder(tmp_path / "jobs" / "0001-other"), ("cpu",))
    assert held is not None
    sets = ["--id", "subtree:dog.n.01", "--ood", f"out=folder:{tmp_path}/outside", "--labels", "subclass"]
    command("run", "mcm", *sets, *common(root), "--detach")
    job = find_job(root, "last")
    assert job.spec().settings["roots"] == [str(tmp_path / "pictures"), str(tmp_path / "outside" / "places")]
    (tmp_path / "pictures").rename(tmp_path / "unmounted")
    for handle in held:
        os.close(handle)
    assert wait_for(job) == "failed"
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.message == f"The picture folder {tmp_path}/pictures is not there or may not be read."
    assert "then resume the job" in outcome.hint
    (tmp_path / "unmounted").rename(tmp_path / "pictures")
    assert run(["-w", str(root), "jobs", "resume", job.id]) == 0
    (first,) = json.loads(command("list", "--json"))
    view = json.loads(command("show", str(first["run_id"]), "--json"))["run"]
    assert [part["images"] for part in view["parts"]] == [20, 10]
    with opened(require_workspace(root)) as owner, owner.opened().reading() as cursor:
        elsewhere = pa.table({"path": ["/a/b/1.png", "/a/c/2.png", None]})
        assert roots_of(cursor, [elsewhere, elsewhere.slice(2)]) == ["/a"]


def test_a_classifier_does_not_count_an_unmounted_disk_as_unreadable_pictures(tmp_path: Path) -> None:
    import timm
    import torch

    from engine.gpu import class_logits

    weights = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_resnet", num_classes=4).state_dict(), weights)
    settings = {
        "model": "timm:test_resnet", "checkpoint": str(weights), "classes": 4, "batch_size": 2,
        "roots": [str(tmp_path / "mounted")],
    }  # fmt: skip
    work = pa.table({"path": [str(tmp_path / "mounted" / "1.png")]})
    job = run_here(tmp_path / "work", "classify", settings, work, Watcher())
    with pytest.raises(EngineError, match="mounted is not there"):
        class_logits.run(job)
    (tmp_path / "mounted").mkdir()
    again = run_here(tmp_path / "work", "classify", settings, work, Watcher())
    assert class_logits.run(again)["unreadable"] == 1
