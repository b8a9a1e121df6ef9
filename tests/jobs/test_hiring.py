"""How many processes a job gets on a cluster: worked out for clusters that are not there."""

import pytest

from engine.errors import EngineError
from engine.jobs.hiring import Hiring, hiring_for

HEAD = {"Alive": True, "Resources": {"CPU": 4.0}}
BOX = {"Alive": True, "Resources": {"CPU": 64.0, "GPU": 8.0}}
SMALL = {"Alive": True, "Resources": {"CPU": 16.0, "GPU": 4.0}}
GONE = {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}


@pytest.mark.parametrize(
    ("device", "nodes", "hired"),
    [
        ("auto", [HEAD, BOX, SMALL, GONE], Hiring(12, 4, 1, 4, "cuda:0")),  # 64/8 and 16/4 cores a GPU: the lesser
        ("cuda", [BOX], Hiring(8, 8, 1, 8, "cuda:0")),
        ("auto", [HEAD, HEAD], Hiring(2, 4, 0, 4, "cpu")),
        ("cpu", [HEAD, BOX], Hiring(2, 4, 0, 4, "cpu")),
        ("cpu:5", [HEAD, HEAD], Hiring(5, 1, 0, 1, "cpu")),
        ("cpu:2", [HEAD, BOX], Hiring(2, 4, 0, 4, "cpu")),
        (None, [HEAD, {"Resources": {"object_store_memory": 5.0}}], Hiring(1, 4, 0, 4, "cpu")),
    ],
)
def test_processes_and_what_each_asks_for(device: str | None, nodes: list[dict[str, object]], hired: Hiring) -> None:
    assert hiring_for(device, nodes) == hired


@pytest.mark.parametrize(
    ("device", "nodes", "words"),
    [
        ("cuda:0", [BOX], "Ray chooses the GPUs"),
        ("cuda", [HEAD, GONE], "no GPU"),
        ("auto", [GONE], "no processor"),
    ],
)
def test_what_a_cluster_cannot_give(device: str, nodes: list[dict[str, object]], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        hiring_for(device, nodes)
