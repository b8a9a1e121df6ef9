"""Pause and resume, and priorities among waiting jobs."""

import time

import pytest
from jobs_for_tests import make_tables, work_list

from engine.errors import EngineError
from engine.jobs.execution import Execution
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import ingest_ready
from engine.jobs.runner import cancel, pause, resume, set_priority, submit
from engine.jobs.summary import summarise
from engine.workspace import Workspace
from sood_tui.workspace import opened
from tests.jobs.test_crew import squares_of
from tests.jobs.waiting import identities, wait_for, wait_for_parts


def slow(workspace: Workspace, count: int = 40, device: str = "cpu", priority: int = 0) -> JobFolder:
    """A job on a device with shards of ten, a third of a second each."""
    execution = Execution(priority=priority)
    settings = {"pause": 0.15}
    return submit(
        workspace.root, "shared-squares", settings, work_list(count), device, shard_rows=10, execution=execution
    )


@pytest.mark.parametrize("device", ["cpu", pytest.param("cpu:2", marks=pytest.mark.slow)])
def test_a_paused_job_finishes_its_shard_gives_its_device_back_and_goes_on(workspace: Workspace, device: str) -> None:
    job = slow(workspace, 60, device)
    wait_for_parts(job, 1)
    pause(job)
    assert wait_for(job, "paused", "finished", "failed", "died") == "paused", job.printed()
    parts = identities(job)
    assert 1 <= len(parts) < 6
    summary = summarise(job)
    assert summary.done == 10 * len(parts)  # nothing was begun that has no part
    assert "jobs resume" in summary.hint
    next_one = slow(workspace, 10, device)  # the device is free
    assert wait_for(next_one) == "finished", next_one.printed()
    resume(job)
    assert wait_for(job) == "finished", job.printed()
    assert identities(job).items() >= parts.items()
    assert squares_of(job) == [number**2 for number in range(60)]


@pytest.mark.slow
def test_a_waiting_job_is_paused_at_once(workspace: Workspace) -> None:
    first, second = slow(workspace, 40), slow(workspace, 10)
    wait_for(first, "running")
    pause(second)
    assert wait_for(second, "paused", "failed", "finished") == "paused"
    assert [event.kind for event in second.events()] == ["queued", "paused"]
    with pytest.raises(EngineError, match="is not running: paused"):
        pause(second)
    assert wait_for(first) == "finished"
    resume(second)
    assert wait_for(second) == "finished"


def test_a_shard_that_takes_too_long_is_given_up(workspace: Workspace) -> None:
    job = submit(workspace.root, "steps", {"pause": 0.2})  # no shards: there is nothing to wait for
    wait_for(job, "running")
    started = time.monotonic()
    pause(job)
    assert wait_for(job, "paused", "failed", "finished") == "paused"
    assert time.monotonic() - started < 3.0


def test_parts_of_a_paused_job_are_taken_in_and_its_end_comes_later(workspace: Workspace) -> None:
    job = slow(workspace, 40)
    wait_for_parts(job, 1)
    pause(job)
    assert wait_for(job, "paused", "failed", "finished") == "paused"
    with opened(workspace) as owner:
        make_tables(owner.opened())
        (report,) = ingest_ready(owner)
        assert report.parts >= 1
        assert report.state is None
        assert ingest_ready(owner) == []
        resume(job)
        assert wait_for(job) == "finished", job.printed()
        (report,) = ingest_ready(owner)
        assert report.state == "finished"
        with owner.opened().reading() as cursor:
            assert cursor.execute("SELECT count(*), count(DISTINCT number) FROM squared").fetchone() == (40, 40)


@pytest.mark.slow
def test_the_urgent_one_goes_first_and_priorities_change_while_waiting(workspace: Workspace) -> None:
    running = slow(workspace, 40)
    wait_for(running, "running")
    usual, urgent, later = slow(workspace, 10), slow(workspace, 10, priority=5), slow(workspace, 10)
    set_priority(later, 9)
    assert summarise(later).priority == 9
    assert summarise(urgent).priority == 5
    jobs = (running, usual, urgent, later)
    assert [wait_for(job) for job in jobs] == ["finished"] * 4
    starts = {job.id: next(event.at for event in job.events() if event.kind == "started") for job in jobs}
    assert sorted(starts, key=lambda name: starts[name]) == [running.id, later.id, urgent.id, usual.id]
    with pytest.raises(EngineError, match="does not wait: finished"):
        set_priority(usual, 1)


def test_cancelling_a_paused_job_is_refused_and_its_parts_stay(workspace: Workspace) -> None:
    job = slow(workspace, 40)
    wait_for_parts(job, 1)
    pause(job)
    wait_for(job, "paused")
    with pytest.raises(EngineError, match="is not running: paused"):
        cancel(job)
    assert job.parts()
