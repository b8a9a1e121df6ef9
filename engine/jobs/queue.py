"""One queue for each device, by priority and then first come, first served; kept by the waiting workers themselves.

A worker holds the lock of its device while it works. A waiting one looks a few times a second whether it is the first
in line, and only then tries for the lock. No process has to be there to manage this. All workspaces of a user share the
queues of a machine, see ``turns``.
"""

import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine.errors import EngineError
from engine.jobs import turns
from engine.jobs.devices import Place, places_of
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import find_kind
from engine.jobs.spec import JobSpec
from store.paths import text_of_path

PAUSE = 0.2
JOB_FOLDER = re.compile(r"\d{4,}-[a-z0-9-]+")


def list_folders(jobs: Path) -> list[JobFolder]:
    """The jobs of a workspace by number, oldest first; those with a damaged specification too."""
    if not jobs.is_dir():
        return []
    found = [entry for entry in jobs.resolve().iterdir() if JOB_FOLDER.fullmatch(entry.name) and entry.is_dir()]
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
    """Where the processes of a local job work; one place for a kind whose shards are not shared, or without shards.

    Raises:
        EngineError: its device cannot be understood.
    """
    places = places_of(spec.device)
    return places if find_kind(spec.kind).parallel and spec.total is not None else places[:1]


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
    if not queues:
        return []
    try:
        while True:
            check()
            if not turns.is_announced(folder):
                turns.announce(folder, queues)
            if not jobs_before(folder, queues) and (held := turns.take_all(folder, queues)) is not None:
                return held
            time.sleep(PAUSE)
    finally:
        turns.withdraw(folder)


def announce(folder: JobFolder, spec: JobSpec) -> None:
    """Put a job in its queues before its worker runs, so that a later job does not overtake it.

    Raises:
        EngineError: its device cannot be understood, or there is no folder to meet in.
    """
    if queues := queues_of(spec):
        turns.announce(folder, queues)


def jobs_before(folder: JobFolder, queues: tuple[str, ...]) -> list[JobFolder]:
    """The waiting jobs that go before this one on one of its devices, the next one first."""
    mine = _rank(folder)
    others = [
        (rank, ticket.job)
        for ticket in turns.waiting()
        if ticket.job.path != folder.path and not set(queues).isdisjoint(ticket.queues)
        if (rank := _rank(ticket.job)) is not None and (mine is None or rank < mine)
    ]
    return [job for _, job in sorted(others, key=lambda pair: pair[0])]


def waits_for(folder: JobFolder, spec: JobSpec) -> tuple[str, ...]:
    """What a queued job waits for: who has its devices, then who goes before it; ids, with the workspace of others.

    Raises:
        EngineError: its device cannot be understood, or there is no folder to meet in.
    """
    queues = queues_of(spec)
    holders = [holder for queue in queues if (holder := turns.holder_of(queue)) is not None]
    before = jobs_before(folder, queues) if queues else []
    found = dict.fromkeys(job.path for job in (*holders, *before) if job.path != folder.path)
    return tuple(_name_of(JobFolder(path), folder) for path in found)


def _name_of(other: JobFolder, folder: JobFolder) -> str:
    same = other.path.parent == folder.path.parent
    return other.id if same else f"{other.id} of {text_of_path(str(other.workspace_root))}"


def _rank(folder: JobFolder) -> tuple[int, datetime, str] | None:
    """Its place in line; None where it does not wait (any more) or its specification is damaged."""
    since = folder.queued_at()
    try:
        return None if since is None else (-folder.priority(), since, str(folder.path))
    except EngineError:
        return None
