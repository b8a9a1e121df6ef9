"""An evaluation embeds on a real Ray cluster, through shared storage, and compares at home."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.jobs.runner import find_job
from tests.evaluation_place import common, make_command, make_place

pytest.importorskip("ray", reason="Ray is not installed: pip install 'sood-tui[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_pictures_are_embedded_on_the_cluster_and_compared_at_home(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    cluster: Any,
) -> None:
    monkeypatch.setenv("SOOD_SCORING_BATCH_SIZE", "8")
    root = make_place(tmp_path)
    command = make_command(root, capsys)
    sets = ["--id", "subtree:dog.n.01", "--ood", f"out=folder:{tmp_path}/outside", "--labels", "subclass"]
    where = ["--executor", "ray", "--address", cluster.address, "--storage", f"file://{tmp_path}/shared"]
    command("run", "mcm", *sets, *common(root), "--device", "cpu:2", *where)
    job = find_job(root, "last")
    outcome = job.outcome()
    assert outcome is not None
    assert (outcome.done, outcome.result["embedded"]) == (30, 30)
    names = [member.name.partition(" on ")[0] for member in job.progress().members]
    assert names == ["cpu-0", "cpu-1", "cpu (the end)"]
    shared = rows_of(command)
    command("run", "mcm", *sets, *common(root))  # everything is embedded: the same numbers from the same files
    again = find_job(root, "last").outcome()
    assert again is not None
    assert again.result["embedded"] == 0
    assert rows_of(command) == shared


def rows_of(command: Any) -> list[dict[str, Any]]:
    """The table of the newest evaluation."""
    number = json.loads(command("list", "--json"))[-1]["run_id"]
    found: list[dict[str, Any]] = json.loads(command("show", str(number), "--json"))["run"]["rows"]
    return found
