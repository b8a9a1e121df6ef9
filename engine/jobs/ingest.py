"""Taking the results of jobs into the catalogue: each part once, by the one process that has the catalogue open."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import EngineError
from engine.events import now
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import find_kind
from engine.jobs.parts import Part
from engine.jobs.runner import list_jobs
from engine.jobs.spec import EndState, JobSpec, Outcome
from engine.workspace import Workspace
from store.connection import Cursor
from store.jobs import JobDone, JobPart, fetch_done, fetch_parts, has_part, insert_part, put_done


@dataclass(frozen=True, slots=True)
class Intake:
    """What a kind's ``ingest`` is given; the contract stands in ``engine.jobs``.

    Attributes:
        workspace: open.
        cursor: inside the transaction.
        job: the folder.
        spec: what the job was asked to do.
        part: the part to take in; None in the last call.
        outcome: how the job ended, in the last call; None before.
    """

    workspace: Workspace
    cursor: Cursor
    job: JobFolder
    spec: JobSpec
    part: Part | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What was taken in of one job.

    Attributes:
        job_id: name of its folder.
        kind: its kind.
        parts: how many parts.
        rows: rows in them.
        state: the outcome, if it was taken in now.
    """

    job_id: str
    kind: str
    parts: int
    rows: int
    state: EndState | None


def ingest_ready(workspace: Workspace) -> list[TakenIn]:
    """Take in all parts and outcomes that are there and were not taken in before.

    Each part goes in with its bookkeeping row in one transaction, so that a process that is killed in the middle has
    taken it in or has not. One job that cannot be taken in does not keep the others out.

    Args:
        workspace: open.

    Returns: the jobs of which something was new.

    Raises:
        EngineError: the first that occurred, after all jobs have had their turn.
    """
    with workspace.opened().reading() as cursor:
        done = fetch_done(cursor)
    taken: list[TakenIn] = []
    errors: list[EngineError] = []
    for job in list_jobs(workspace.root):
        if job.id in done and done[job.id].state == "finished":
            continue
        try:
            report = _take_in(workspace, job, done.get(job.id))
        except EngineError as error:
            errors.append(error)
            continue
        if report is not None:
            taken.append(report)
    if errors:
        raise errors[0]
    return taken


def _take_in(workspace: Workspace, job: JobFolder, done: JobDone | None) -> TakenIn | None:
    if not job.spec_file.exists():  # there is nothing to go by, and nothing that this job could have left behind
        return None
    outcome = job.outcome()  # before the parts: whatever an outcome speaks of lies in the folder then
    spec = job.spec()
    ingest = _resolve(find_kind(spec.kind).ingest)
    parts, rows = _take_parts(workspace, job, spec, ingest)
    is_new = outcome is not None and (done is None or done.state != outcome.state or outcome.at > done.ingested_at)
    if outcome is not None and is_new:
        with workspace.opened().writing() as cursor:
            if ingest is not None:
                ingest(Intake(workspace, cursor, job, spec, None, outcome))
            put_done(cursor, JobDone(job.id, outcome.state, now()))
    if not parts and not is_new:
        return None
    return TakenIn(job.id, spec.kind, parts, rows, outcome.state if outcome is not None and is_new else None)


def _take_parts(
    workspace: Workspace, job: JobFolder, spec: JobSpec, ingest: "Callable[[Intake], None] | None"
) -> tuple[int, int]:
    """Take in the parts that are new; returns their number and their rows."""
    if ingest is None:
        return 0, 0
    store = workspace.opened()
    with store.reading() as cursor:
        known = {part.part for part in fetch_parts(cursor, job.id)}
    parts = rows = 0
    for part in job.part_names(spec).finished():
        if part.name in known:
            continue
        entry = JobPart(job.id, part.name, part.sha256(), part.rows, now())
        with store.writing() as cursor:
            if has_part(cursor, job.id, part.name):  # another thread of this process was faster
                continue
            ingest(Intake(workspace, cursor, job, spec, part, None))
            insert_part(cursor, entry)
        parts += 1
        rows += entry.rows
    return parts, rows


def _resolve(name: str | None) -> "Callable[[Intake], None] | None":
    if name is None:
        return None
    module, _, function = name.partition(":")
    found: Callable[[Intake], None] = getattr(importlib.import_module(module), function)
    return found
