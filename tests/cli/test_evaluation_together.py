"""An evaluation whose pictures two processes embed gives the numbers of one process."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.jobs.runner import find_job
from tests.evaluation_place import common, make_command, make_place


def test_two_processes_embed_and_one_concludes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOOD_SCORING_BATCH_SIZE", "4")
    root = make_place(tmp_path)
    command = make_command(root, capsys)
    sets = ["--id", "subtree:dog.n.01", "--far", "birds=subtree:bird.n.01", "--ood", f"out=folder:{tmp_path}/outside"]
    found: dict[str, tuple[Any, dict[str, np.ndarray]]] = {}
    for device in ("cpu:2", "cpu"):
        options = [*common(root), "--device", device]
        command("run", "neglabel", "mcm", *sets, "--labels", "subclass", *options)
        run = json.loads(command("list", "--json"))[-1]
        job = find_job(root, "last")
        outcome = job.outcome()
        assert outcome is not None
        assert outcome.result["embedded"] == 45
        names = [member.name for member in job.progress().members]
        assert names == (["cpu:0", "cpu:1", "cpu:0 (the end)"] if device == "cpu:2" else ["cpu"])
        view = json.loads(command("show", str(run["run_id"]), "--json"))["run"]
        found[device] = view["rows"], embeddings_of(root)
        shutil.rmtree(root / "embeddings")
    (shared, vectors), (alone, expected) = found["cpu:2"], found["cpu"]
    assert shared == alone
    assert len(vectors) > len(expected) == 2  # more shards, the same rows
    order = [np.concatenate([rows[name] for name in sorted(rows)]) for rows in (vectors, expected)]
    assert order[0].tobytes() == order[1].tobytes()


def embeddings_of(root: Path) -> dict[str, np.ndarray]:
    """The arrays of pictures, by the place of each: first those of the catalogue, then other files."""
    return {str(path.relative_to(root)): np.load(path) for path in root.glob("embeddings/*/**/part-*.npy")}
