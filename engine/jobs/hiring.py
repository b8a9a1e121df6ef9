"""How many processes a job gets on a cluster, and what each of them asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from engine.jobs.devices import check_device


@dataclass(frozen=True, slots=True)
class Hiring:
    """The processes of a job on a cluster.

    Attributes:
        processes: how many.
        num_cpus: that each reserves.
        num_gpus: that each reserves.
        cores: that each uses.
        device: that torch is told in each; Ray lets a process see its own GPU only.
    """

    processes: int
    num_cpus: int
    num_gpus: int
    cores: int
    device: str


def hiring_for(device: str | None, nodes: Sequence[Mapping[str, Any]]) -> Hiring:
    """A process for each GPU of the cluster, or for each machine.

    Args:
        device: auto, cpu, cpu:N or cuda.
        nodes: as ``ray.nodes()`` gives them.

    Raises:
        EngineError: the cluster has no such device, or the device names single GPUs, which are Ray's to give.
    """
    text = check_device(device or "cpu").replace(" ", "")
    alive = [node["Resources"] for node in nodes if node.get("Alive", True)]
    if text.startswith("cuda:"):
        raise EngineError(
            f"On a cluster Ray chooses the GPUs, not --device {text}.", "--device cuda means all of them."
        )
    with_gpus = [node for node in alive if node.get("GPU", 0) >= 1]
    if text == "cuda" and not with_gpus:
        raise EngineError("The cluster has no GPU.", "--device cpu; `ray status` lists what it has.")
    if with_gpus and text in ("auto", "cuda"):
        gpus = sum(int(node["GPU"]) for node in with_gpus)
        # The cores of a machine are shared out among its GPUs: decoding feeds them.
        cores = max(1, min(int(node.get("CPU", 1) // node["GPU"]) for node in with_gpus))
        return Hiring(gpus, cores, 1, cores, "cuda:0")
    able = [int(node["CPU"]) for node in alive if node.get("CPU", 0) >= 1]
    if not able:
        raise EngineError("The cluster has no processor to give.", "`ray status` lists what it has.")
    if text.startswith("cpu:"):
        processes = int(text.removeprefix("cpu:"))
        cores = max(1, sum(able) // processes)
        cores = min(cores, min(able))
        return Hiring(processes, cores, 0, cores, "cpu")
    return Hiring(len(able), min(able), 0, min(able), "cpu")
