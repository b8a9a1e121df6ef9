"""What a device means: worked out from what nvidia-smi writes, without one."""

import pytest

from engine.errors import EngineError
from engine.jobs.devices import check_device, parse_gpus, places_of, visible_among

LISTING = """\
0, GPU-aaaa1111-0000, NVIDIA H200, 143771, 143000
1, GPU-bbbb2222-0000, NVIDIA H200, 143771, 1000
2, GPU-cccc3333-0000, NVIDIA A100-SXM4-80GB, 81920, 81000
3, GPU-dddd4444-0000, NVIDIA GB10, [N/A], [N/A]
No devices were found
"""
GPUS = parse_gpus(LISTING)


def test_the_listing_of_nvidia_smi() -> None:
    assert [gpu.index for gpu in GPUS] == [0, 1, 2]
    assert GPUS[2].name == "NVIDIA A100-SXM4-80GB"
    assert GPUS[1].memory_bytes == 143771 * 1024 * 1024
    assert GPUS[1].free_bytes == 1000 * 1024 * 1024


@pytest.mark.parametrize(
    ("device", "names"),
    [
        ("auto", ["cuda:0", "cuda:1", "cuda:2"]),
        ("cuda", ["cuda:0", "cuda:1", "cuda:2"]),
        ("cuda:1", ["cuda:1"]),
        ("cuda:2,0", ["cuda:0", "cuda:2"]),
        ("cuda:2, cuda:0", ["cuda:0", "cuda:2"]),
        ("cuda:0,0", ["cuda:0"]),
        ("cpu", ["cpu"]),
        ("cpu:3", ["cpu:0", "cpu:1", "cpu:2"]),
        (None, ["cpu"]),
    ],
)
def test_a_place_for_each_process(device: str | None, names: list[str]) -> None:
    assert [place.name for place in places_of(device, GPUS)] == names


def test_a_process_sees_its_own_gpu_only_and_knows_it_by_its_uuid() -> None:
    first, second = places_of("cuda:0,2", GPUS)
    assert first.environment == {"CUDA_VISIBLE_DEVICES": "GPU-aaaa1111-0000", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert second.environment["CUDA_VISIBLE_DEVICES"] == "GPU-cccc3333-0000"
    assert (first.device, second.device) == ("cuda:0", "cuda:0")
    assert (first.queue, second.queue) == ("GPU-aaaa1111-0000", "GPU-cccc3333-0000")


def test_processes_of_the_processor_stand_in_one_queue_and_see_no_gpu() -> None:
    assert {place.queue for place in places_of("cpu:3", GPUS)} == {"cpu"}
    assert all(place.environment == {"CUDA_VISIBLE_DEVICES": ""} for place in places_of("cpu:3", GPUS))


def test_without_a_gpu_auto_is_the_processor_and_a_named_gpu_is_left_to_torch() -> None:
    assert [place.device for place in places_of("auto", [])] == ["cpu"]
    assert [(place.device, dict(place.environment)) for place in places_of("cuda", [])] == [("cuda:0", {})]
    assert [place.device for place in places_of("cuda:1,7", GPUS)] == ["cuda:0", "cuda:7"]


@pytest.mark.parametrize(
    ("visible", "indices"),
    [
        ("2,0", [2, 0]),
        ("GPU-bbbb", [1]),
        ("GPU-cccc3333-0000,1", [2, 1]),
        ("0,9,1", [0]),  # as CUDA does it: what comes after an unknown one is not seen either
        ("", []),
        ("-1", []),
        ("GPU", []),
    ],
)
def test_what_the_user_lets_through(visible: str, indices: list[int]) -> None:
    assert [gpu.index for gpu in visible_among(GPUS, visible)] == indices


def test_numbers_count_what_the_user_lets_through_and_queues_the_real_cards() -> None:
    (place,) = places_of("cuda:0", visible_among(GPUS, "2,0"))
    assert (place.name, place.queue) == ("cuda:2", "GPU-cccc3333-0000")
    assert place.environment["CUDA_VISIBLE_DEVICES"] == "GPU-cccc3333-0000"


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:0,", "cpu:0", "cuda:-1", "cpu,cuda", "auto:1", "mps"])
def test_other_words_are_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(EngineError, match="names no device") as found:
        check_device(text)
    assert "cuda:0,2" in found.value.hint
