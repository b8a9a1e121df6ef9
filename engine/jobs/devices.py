"""Where a job runs: the device as a person writes it becomes places, one process each.

A process that works on a GPU is told its UUID in ``CUDA_VISIBLE_DEVICES`` before torch is imported, and sees only that
one: numbers may mean different cards to different programs, UUIDs do not.
"""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import EngineError

_WRITTEN = re.compile(r"auto|cpu(:[1-9]\d*)?|cuda(:\d+(,(cuda:)?\d+)*)?")
_QUERY = ("--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits")
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Gpu:
    """A CUDA device as nvidia-smi lists it.

    Attributes:
        index: its number there, in the order of the bus.
        uuid: ``GPU-...``; stays the same.
        name: the model.
        memory_bytes: in all.
        free_bytes: when it was asked.
    """

    index: int
    uuid: str
    name: str
    memory_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where one process of a job works.

    Attributes:
        name: as it is shown: cpu, cpu:1, cuda:2.
        queue: the queue that it stands in, named by the UUID of a GPU; processes of one processor share one.
        device: what torch is told inside that process.
        environment: to be set before torch is imported.
    """

    name: str
    queue: str
    device: str
    environment: Mapping[str, str] = field(default_factory=dict)


def check_device(text: str) -> str:
    """The device as it was written, if it can be understood.

    Raises:
        EngineError: it cannot.
    """
    if not _WRITTEN.fullmatch(text.replace(" ", "")):
        raise EngineError(
            f"{text!r} names no device.",
            "auto (every GPU, or the processor), cpu, cpu:N (N processes), cuda (every GPU), cuda:0 or cuda:0,2.",
        )
    return text


def places_of(device: str | None, gpus: Sequence[Gpu] | None = None) -> tuple[Place, ...]:
    """The places that a device means, at least one.

    Args:
        device: as ``check_device`` takes it; None is the processor.
        gpus: those that this process may use; None asks the machine.

    Raises:
        EngineError: the device cannot be understood.
    """
    text = check_device(device or "cpu").replace(" ", "")
    if text.startswith("cpu"):
        return _processor(int(text.partition(":")[2] or 1))
    seen = list_gpus() if gpus is None else gpus
    if text in ("auto", "cuda"):
        if not seen and text == "auto":
            return _processor(1)
        return tuple(_on(gpu) for gpu in seen) or (Place("cuda:0", "cuda:0", "cuda:0"),)
    numbers = sorted({int(name.removeprefix("cuda:")) for name in text.split(",")})
    # What is not there is left to torch, which says so in the job where the user looks for it.
    return tuple(
        _on(seen[number]) if number < len(seen) else Place(f"cuda:{number}", f"cuda:{number}", f"cuda:{number}")
        for number in numbers
    )


def list_gpus() -> list[Gpu]:
    """The CUDA devices that the user lets us use, as ``cuda:0``, ``cuda:1`` ... count them; none without a driver."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = _ask_driver()
    return found if visible is None else visible_among(found, visible)


def visible_among(gpus: Sequence[Gpu], visible: str) -> list[Gpu]:
    """The devices that a value of ``CUDA_VISIBLE_DEVICES`` lets through, in its order, up to one it does not know."""
    chosen: list[Gpu] = []
    for name in filter(None, (part.strip() for part in visible.split(","))):
        match = [gpu for gpu in gpus if name == str(gpu.index) or (len(name) > 4 and gpu.uuid.startswith(name))]
        if len(match) != 1:
            break
        chosen += match
    return chosen


def parse_gpus(text: str) -> list[Gpu]:
    """What nvidia-smi wrote; a line that is no device, or whose memory is unknown, is passed over."""
    found = []
    for line in text.splitlines():
        fields = [part.strip() for part in line.split(",")]
        if len(fields) == 5 and fields[0].isdigit() and fields[3].isdigit() and fields[4].isdigit():
            index, uuid, name, total, free = fields
            found.append(Gpu(int(index), uuid, name, int(total) * _MIB, int(free) * _MIB))
    return found


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _ask_driver() -> list[Gpu]:
    # Asked once a process: waiting workers look at their queue several times a second.
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not any(Path("/dev").glob("dxg")):
        return []
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run([program, *_QUERY], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse_gpus(done.stdout) if done.returncode == 0 else []


def _on(gpu: Gpu) -> Place:
    name = f"cuda:{gpu.index}"
    return Place(name, gpu.uuid, "cuda:0", {"CUDA_VISIBLE_DEVICES": gpu.uuid, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"})


def _processor(processes: int) -> tuple[Place, ...]:
    # Without an empty list of devices torch would load CUDA's libraries for a job that does not want them.
    hidden = {"CUDA_VISIBLE_DEVICES": ""}
    if processes == 1:
        return (Place("cpu", "cpu", "cpu", hidden),)
    return tuple(Place(f"cpu:{number}", "cpu", "cpu", hidden) for number in range(processes))
