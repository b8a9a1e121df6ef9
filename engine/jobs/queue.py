"""One queue for each device, by priority and then first come, first served; kept by the waiting workers themselves.

A worker holds the lock of its device while it works. A waiting one looks a few times a second whether it is the first
in line, and only then tries for the lock. No process has to be there to manage this, and the kernel gives the lock of
a killed worker back.
"""

import os
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine.errors import EngineError
from engine.jobs.devices import Place, places_of
from engine.jobs.files import take_lock
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import find_kind
from engine.jobs.spec import JobSpec

PAUSE = 0.2
JOB_FOLDER = re.compile(r"\d{4,}-[a-z0-9-]+")


def list_folders(jobs: Path) -> list[JobFolder]:
    """The jobs of a workspace by number, oldest first; those with a damaged specification too."""
    if not jobs.is_dir():
        return []
    found = [entry for entry in jobs.iterdir() if JOB_FOLDER.fullmatch(entry.name) and entry.is_dir()]
    return [JobFolder(entry) for entry in sorted(found, key=lambda entry: int(entry.name.partition("-")[0]))]


def queues_of(spec: JobSpec) -> tuple[str, ...]:
    """Names of the queues that a job stands in, sorted; none for a kind that needs no device.

    Raises:
        EngineError: its device cannot be understood.
    """
    kind = find_kind(spec.kind)
    if not kind.on_device:
        return ()
    if spec.executor == "ray":
        return (f"ray:{spec.address or ''}",)
    return tuple(sorted({place.queue for place in places_for(spec)}))


def places_for(spec: JobSpec) -> tuple[Place, ...]:
    """Where the processes of a local job work; one place for a kind whose shards are not shared.

    Raises:
        EngineError: its device cannot be understood.
    """
    places = places_of(spec.device)
    return places if find_kind(spec.kind).parallel else places[:1]


def wait_for_turn(folder: JobFolder, spec: JobSpec, check: Callable[[], None]) -> list[int]:
    """Wait until the devices of a job are free and it is the first in line.

    Args:
        folder: the waiting job; this process holds its ``alive.lock``.
        spec: its specification.
        check: called a few times a second; raises to give up.

    Returns: the descriptors that hold the devices. They are best left open until the process ends, since only then its
        memory on the device is free.
    """
    queues = queues_of(spec)
    held: list[int] | None = [] if not queues else None
    while held is None:
        check()
        if _is_first(folder, queues):
            held = _take_all(folder.path.parent, queues)
        if held is None:
            time.sleep(PAUSE)
    return held


def _is_first(folder: JobFolder, queues: tuple[str, ...]) -> bool:
    mine = (-folder.priority(), folder.queued_at(), folder.id)
    return not any(_waits_before(other, mine, queues) for other in list_folders(folder.path.parent))


def _waits_before(other: JobFolder, mine: tuple[int, datetime | None, str], queues: tuple[str, ...]) -> bool:
    if other.id == mine[2] or other.outcome_file.exists() or not other.is_alive():
        return False
    since = other.queued_at()
    if since is None or mine[1] is None:
        return False
    try:
        if (-other.priority(), since, other.id) > mine:
            return False
        return not set(queues).isdisjoint(queues_of(other.spec()))
    except EngineError:  # a damaged specification: that worker is about to end
        return False


def _take_all(jobs: Path, queues: tuple[str, ...]) -> list[int] | None:
    """The locks of all queues, or none of them: whoever keeps one while waiting for another could wait for ever."""
    held: list[int] = []
    for queue in queues:
        handle = take_lock(jobs / f".device-{re.sub(r'[^a-z0-9]+', '-', queue.lower())}.lock", attempts=1)
        if handle is None:
            for other in held:
                os.close(other)
            return None
        held.append(handle)
    return held
