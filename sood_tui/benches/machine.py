"""What the machine has to offer: disk, processors, devices."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 3.0  # seconds


@dataclass(frozen=True, slots=True)
class Device:
    """A graphics card, as its driver tells it; memory in bytes."""

    name: str
    memory_used: int
    memory: int


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes free and in all where the workspace lies, processors and their load, graphics cards."""

    disk_free: int
    disk: int
    processors: int
    load: float
    devices: tuple[Device, ...]


def look_at_machine(folder: Path) -> Machine:
    """Ask the system; takes as long as the graphics driver does, so it is called in a thread."""
    usage = shutil.disk_usage(folder)
    return Machine(usage.free, usage.total, os.cpu_count() or 1, os.getloadavg()[0], _devices())


def _devices() -> tuple[Device, ...]:
    # The driver's own tool: torch could tell as well, but must not be loaded into the screens' process.
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    command = [tool, "--query-gpu=name,memory.used,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        rows = [line.rsplit(",", 2) for line in told.splitlines() if line.strip()]
        return tuple(Device(name.strip(), int(used) * 2**20, int(whole) * 2**20) for name, used, whole in rows)
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()
