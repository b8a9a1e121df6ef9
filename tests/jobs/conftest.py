"""A workspace, and the kinds of ``plugin`` for this process and for every worker."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.workspace import Workspace
from sood_tui.workspace import create_workspace
from tests.jobs.clusters import _started, cluster  # noqa: F401
from tests.jobs.s3 import _server, bucket  # noqa: F401
from tests.jobs.waiting import PLUGIN, end_jobs

sys.path.insert(0, str(PLUGIN))


@pytest.fixture(autouse=True)
def _plugin_for_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PLUGIN), str(Path(__file__).parents[2])]))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace without a catalogue yet; jobs that a test leaves behind are ended."""
    made = create_workspace(tmp_path / "workspace")
    yield made
    end_jobs(made)
