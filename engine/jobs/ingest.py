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
from store.errors import StoreError
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
        error: why the rest could not be taken in; None if nothing is left out.
    """

    job_id: str
    kind: str
    parts: int
    rows: int
    state: EndState | None
    error: EngineError | StoreError | None = None


@dataclass(slots=True)
class _Counts:
    parts: int = 0
    rows: int = 0


def ingest_ready(workspace: Workspace) -> list[TakenIn]:
    """Take in all parts and outcomes that are there and were not taken in before.

    Each part goes in with its bookkeeping row in one transaction, so that a process that is killed in the middle has
    taken it in or has not. One job that cannot be taken in does not keep the others out: its row tells the error,
    and it is tried again the next time.

    Args:
        workspace: open.

    Returns: the jobs of which something was new or could not be taken in, by number.
    """
    with workspace.opened().reading() as cursor:
        done = fetch_done(cursor)
    jobs = [job for job in list_jobs(workspace.root) if job.id not in done or done[job.id].state != "finished"]
    reports = (_take_in(workspace, job) for job in jobs)
    return [report for report in reports if report is not None]


def _take_in(workspace: Workspace, job: JobFolder) -> TakenIn | None:
    counts = _Counts()
    state: EndState | None = None
    error: EngineError | StoreError | None = None
    try:
        outcome = job.outcome()  # before the parts: whatever an outcome speaks of lies in the folder then
        spec = job.spec()
        ingest = _resolve(find_kind(spec.kind).ingest)
        if ingest is not None:
            _take_parts(workspace, job, spec, ingest, counts)
        # A paused job is not over: there is no last call for it.
        if outcome is not None and outcome.state != "paused" and _take_outcome(workspace, job, spec, ingest, outcome):
            state = outcome.state
    except (EngineError, StoreError) as problem:
        error = problem
    if not counts.parts and state is None and error is None:
        return None
    return TakenIn(job.id, job.id.partition("-")[2], counts.parts, counts.rows, state, error)


def _is_new(outcome: Outcome, done: JobDone | None) -> bool:
    return done is None or done.state != outcome.state or outcome.at > done.ingested_at


def _take_outcome(
    workspace: Workspace, job: JobFolder, spec: JobSpec, ingest: Callable[[Intake], None] | None, outcome: Outcome
) -> bool:
    """Make the last call, unless it was made for this outcome already, perhaps by another thread of this process."""
    with workspace.opened().writing() as cursor:
        if not _is_new(outcome, fetch_done(cursor).get(job.id)):
            return False
        if ingest is not None:
            ingest(Intake(workspace, cursor, job, spec, None, outcome))
        put_done(cursor, JobDone(job.id, outcome.state, now()))
    return True


def _take_parts(
    workspace: Workspace, job: JobFolder, spec: JobSpec, ingest: Callable[[Intake], None], counts: _Counts
) -> None:
    store = workspace.opened()
    with store.reading() as cursor:
        known = {part.part for part in fetch_parts(cursor, job.id)}
    for part in job.part_names(spec).finished():
        if part.name in known:
            continue
        entry = JobPart(job.id, part.name, part.sha256(), part.rows, now())
        with store.writing() as cursor:
            if has_part(cursor, job.id, part.name):  # another thread of this process was faster
                continue
            ingest(Intake(workspace, cursor, job, spec, part, None))
            insert_part(cursor, entry)
        counts.parts += 1
        counts.rows += entry.rows


def _resolve(name: str | None) -> Callable[[Intake], None] | None:
    if name is None:
        return None
    module, _, function = name.partition(":")
    found: Callable[[Intake], None] = getattr(importlib.import_module(module), function)
    return found
