"""How much of a work list is a shard."""

import pytest
from jobs_for_tests import work_list

from engine.jobs import devices
from engine.jobs.execution import Execution
from engine.jobs.worklist import rows_of_a_shard

GPUS = "0, GPU-aaaa1111-0000, A, 81559, 81000\n1, GPU-bbbb2222-0000, A, 81559, 81000\n"


@pytest.mark.parametrize(
    ("rows", "device", "batch", "expected"),
    [
        (100_000, "cpu", 256, 4096),
        (100_000, "cpu", 300, 4200),  # whole batches
        (1_000, "cpu:2", 10, 130),  # an eighth, in whole batches
        (10, "cpu:2", 256, 256),
        (100_000, "cpu:2", 256, 4096),
        (1_000_000, "cuda:0", 256, 16_384),
        (1_000_000, "auto", 256, 16_384),
        (80_000, "cuda:0,1", 256, 10_240),  # an eighth, rounded up
    ],
)
def test_shards_are_whole_batches_and_several_for_each_process(
    monkeypatch: pytest.MonkeyPatch, rows: int, device: str, batch: int, expected: int
) -> None:
    found = devices.parse_gpus(GPUS)
    monkeypatch.setattr(devices, "list_gpus", lambda: found)
    settings = {"batch_size": batch}
    assert rows_of_a_shard("scoring", settings, work_list(rows), device, Execution()) == expected


def test_a_kind_of_one_process_and_a_cluster() -> None:
    assert rows_of_a_shard("train-demo-clip", {}, work_list(9), "cpu:4", Execution()) == 4096
    assert rows_of_a_shard("scoring", {"batch_size": 8}, work_list(640), "cpu", Execution("ray")) == 16
    assert rows_of_a_shard("vlm-filter", {"batch_size": 8}, work_list(640), "cpu", Execution(), 32) == 32
