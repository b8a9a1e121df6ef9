"""One queue for each device, kept by the workers themselves."""

import os
import signal
from datetime import datetime

import pytest
from jobs_for_tests import work_list

from engine.events import now
from engine.jobs.folder import JobFolder
from engine.jobs.queue import queues_of
from engine.jobs.runner import cancel, resume, submit
from engine.jobs.spec import JobSpec
from engine.workspace import Workspace
from tests.jobs.waiting import pid_of, wait_for, wait_until


def slow_job(workspace: Workspace, device: str = "cpu", count: int = 20) -> JobFolder:
    """A job that keeps its device busy for about 0.05 s a number."""
    return submit(workspace.root, "device-squares", {"batch_size": 1, "pause": 0.05}, work_list(count), device)


def moment_of(job: JobFolder, *kinds: str) -> datetime:
    """When the job last told one of these events."""
    return [event.at for event in job.events() if event.kind in kinds][-1]


def test_jobs_of_one_device_run_one_after_the_other_in_order(workspace: Workspace) -> None:
    jobs = [slow_job(workspace, count=10) for _ in range(3)]
    elsewhere = slow_job(workspace, device="cuda:7", count=1)
    no_device = submit(workspace.root, "squares", {}, work_list(1))
    assert wait_for(elsewhere) == wait_for(no_device) == "finished"
    assert [wait_for(job) for job in jobs] == ["finished"] * 3
    for before, after in ((jobs[0], jobs[1]), (jobs[1], jobs[2])):
        assert moment_of(after, "started") > moment_of(before, "finished")
    assert moment_of(no_device, "finished") < moment_of(jobs[1], "started")
    assert moment_of(elsewhere, "finished") < moment_of(jobs[2], "started")


@pytest.mark.slow
def test_a_killed_job_gives_its_device_back_and_goes_to_the_end_when_resumed(workspace: Workspace) -> None:
    first = slow_job(workspace, count=100)
    wait_for(first, "running")
    second, third = slow_job(workspace, count=10), slow_job(workspace, count=2)
    assert second.state() == third.state() == "queued"
    os.kill(pid_of(first), signal.SIGKILL)
    assert wait_for(first) == "died"
    resume(first)
    assert wait_for(second) == wait_for(third) == "finished"
    assert moment_of(second, "finished") < moment_of(third, "started")
    wait_until(lambda: moment_of(first, "started", "queued") > moment_of(third, "finished"))


def test_a_waiting_job_is_cancelled_without_having_started(workspace: Workspace) -> None:
    first = slow_job(workspace, count=100)
    wait_for(first, "running")
    waiting = slow_job(workspace)
    cancel(waiting)
    assert waiting.state() == "cancelled"
    assert [event.kind for event in waiting.events()] == ["queued", "cancelled"]
    assert first.state() == "running"


@pytest.mark.parametrize(
    ("kind", "device", "queues"),
    [
        ("scoring", "cpu", ("cpu",)),
        ("scoring", None, ("cpu",)),
        ("scoring", "cuda", ("cuda:0",)),
        ("scoring", "cuda:2,0", ("cuda:0", "cuda:2")),
        ("scan", "cpu", ()),
    ],
)
def test_queues_of_a_device(kind: str, device: str | None, queues: tuple[str, ...]) -> None:
    spec = JobSpec(f"0001-{kind}", kind, now(), kind, "", device, {}, None, None, 1, "things")
    assert queues_of(spec) == queues


def test_auto_means_the_processor_where_no_gpu_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    spec = JobSpec("0001-scoring", "scoring", now(), "scoring", "", "auto", {}, None, None, 1, "pictures")
    assert queues_of(spec) == ("cpu",)
