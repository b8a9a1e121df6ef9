"""Memory: how much is in use where a job works, and whether a batch fits before the work begins."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch

from engine.errors import EngineError
from engine.jobs.devices import usable_cores
from engine.jobs.disk import size_text

TRIED = 8
"""Pictures that are tried on the processor at most at once."""
CLEAR = 64 << 20
"""Bytes a picture that cannot be taken for something else."""
SHARE = 0.9
"""Of the free memory may be used."""
_STATUS, _FREE = Path("/proc/self/status"), Path("/proc/meminfo")
_RESET = Path("/proc/self/clear_refs")
_GROUPS, _GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def memory_text(device: torch.device) -> str:
    """The most that was in use on a device, of what there is; empty where nobody can tell."""
    if device.type == "cuda":
        used, whole = torch.cuda.max_memory_reserved(device), torch.cuda.get_device_properties(device).total_memory
        return f"{used / 1e9:.1f} of {whole / 1e9:.0f} GB"
    used, whole = _line(_STATUS, "VmHWM"), _line(_FREE, "MemTotal")
    return f"{used / 1e9:.1f} of {whole / 1e9:.0f} GB" if used and whole else ""


class Batched(Protocol):
    """Whatever works in batches.

    Attributes:
        batch_size: pictures at once; halved by itself when memory runs out.
    """

    batch_size: int


def try_batch(
    worker: Batched,
    device: torch.device,
    left: int,
    cores: int,
    attempt: Callable[[int], object],
    tell: Callable[[str], None],
) -> None:
    """See whether the batch fits before the work begins, and make it smaller where it does not.

    A GPU is given the whole batch: it says at once when it has no room. Work no larger than the try is not tried.

    Args:
        worker: whose batch it is.
        device: where it works.
        left: pictures that are to be done.
        cores: that this process may use.
        attempt: has the worker do so many blank pictures.
        tell: gets a sentence where fewer fit.

    Raises: EngineError when not even one picture fits.
    """
    if left <= TRIED:
        return
    wanted = min(worker.batch_size, left)
    if device.type == "cuda":
        attempt(wanted)
    elif (found := fitting_batch(wanted, attempt, tell, cores)) < wanted:
        worker.batch_size = found


def fitting_batch(wanted: int, attempt: Callable[[int], object], tell: Callable[[str], None], cores: int) -> int:
    """How many pictures fit into main memory at once, judged by a few of them: nothing else says so in time.

    The kernel gives memory that it does not have, and kills whoever uses it. Two pictures against one show what each
    takes, where that is much; else some more are tried. Less than a few megabytes is not seen, and does no harm.

    Args:
        wanted: pictures in a batch, at least one.
        attempt: works on so many blank pictures and forgets the results.
        tell: gets a sentence where fewer fit.
        cores: that this process may use; others of the same job share the memory with it.

    Returns: wanted, or less.
    Raises: EngineError when not even one picture fits.
    """
    each = _bytes_each(wanted, attempt)
    free = SHARE * free_memory() / max(1, usable_cores() // cores)
    if each * wanted <= free:
        return wanted
    if each > free:
        raise EngineError(
            f"A single picture does not fit into memory: it takes {size_text(each)}, and {size_text(free)} are free.",
            "Free memory, or use a smaller model or another --device; then resume the job.",
        )
    batch = wanted
    while batch > 1 and each * batch > free:
        batch //= 2
    tell(
        f"{wanted} pictures at once would take {size_text(each * wanted)} of memory, and {size_text(free)} are free: "
        f"batches have {batch}."
    )
    return batch


def _bytes_each(wanted: int, attempt: Callable[[int], object]) -> float:
    """What each picture of a batch takes beside what the first one does; 0 where the kernel does not tell."""
    # What is made once for all batches stays, and is in every peak.
    first = _peak(attempt, 1)
    for few in sorted({min(count, wanted) for count in (2, TRIED)}):
        peak = _peak(attempt, few) if first and few > 1 else 0
        if not peak:
            return 0.0
        each = max(0, peak - first) / (few - 1)
        if each > CLEAR:
            break
    return each


def free_memory() -> int:
    """Bytes of main memory that this process may still have: the machine's, or its group's where that is less."""
    found = [_line(_FREE, "MemAvailable")]
    try:
        for line in _GROUP.read_text().splitlines():
            folder = _GROUPS / line.rpartition(":")[2].lstrip("/")
            if line.startswith("0:") and (folder / "memory.max").read_text().strip() != "max":
                files = _line(folder / "memory.stat", "inactive_file", unit=1)
                used = int((folder / "memory.current").read_text())
                found.append(int((folder / "memory.max").read_text()) - used + files)
    except (OSError, ValueError):  # no such groups here
        pass
    known = [count for count in found if count > 0]
    return min(known) if known else 1 << 62


def _peak(attempt: Callable[[int], object], count: int) -> int:
    """The most memory that this process had during an attempt, in bytes; 0 where the kernel does not tell."""
    try:
        _RESET.write_text("5")
    except OSError:
        return 0
    attempt(count)
    return _line(_STATUS, "VmHWM")


def _line(path: Path, name: str, unit: int = 1024) -> int:
    """The number behind a name in one of the kernel's files, in bytes; 0 where there is none."""
    try:
        for line in path.read_text().splitlines():
            if line.startswith(name) and line[len(name)] in ": ":
                return int(line[len(name) + 1 :].split()[0]) * unit
    except (OSError, ValueError, IndexError):
        return 0
    return 0
