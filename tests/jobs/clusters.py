"""A real Ray cluster on this machine, one for the tests of a module."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.jobs.folder import JobFolder
from tests.jobs.s3 import access_to
from tests.jobs.waiting import PLUGIN, wait_until

NODE = {"num_cpus": 1, "object_store_memory": 80 * 1024 * 1024}
TOKEN = "0123456789abcdef" * 4
ENDS = ("finished", "cancelled", "failed", "died", "paused")
LIMIT = 240.0


@pytest.fixture(scope="module")
def _started(request: pytest.FixtureRequest) -> Iterator[Any]:
    from ray._private.authentication_test_utils import reset_auth_token_state
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_AUTH_MODE", "token")
        environment.setenv("RAY_AUTH_TOKEN", TOKEN)
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # The processes of the cluster have the environment of its start.
        environment.setenv("PYTHONPATH", os.pathsep.join([str(PLUGIN), str(Path(__file__).parents[2])]))
        if all(importlib.util.find_spec(name) for name in ("moto", "s3fs")):
            for name, value in access_to(request.getfixturevalue("_server")).items():
                environment.setenv(name, value)
        reset_auth_token_state()  # Ray reads the variables once a process
        made = Cluster(initialize_head=True, head_node_args=NODE)
        made.add_node(**NODE)
        yield made
        made.shutdown()
    reset_auth_token_state()


@pytest.fixture
def cluster(_started: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A head and a second node with one processor each; whoever connects needs the token."""
    monkeypatch.setenv("SOOD_RAY_SILENCE", "8")
    return _started


def end_of(job: JobFolder) -> str:
    """Wait for the end."""
    wait_until(lambda: job.state() in ENDS, LIMIT)
    return job.state()


def wait_for_shards(job: JobFolder, count: int) -> None:
    """Wait until so many parts are there, or the job has ended."""
    wait_until(lambda: len(job.parts()) >= count or job.state() in ENDS, LIMIT)
