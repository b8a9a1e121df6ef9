"""One queue for each device, kept by the workers themselves."""

import os
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from jobs_for_tests import work_list

from engine.errors import EngineError
from engine.events import now
from engine.jobs import runner, turns
from engine.jobs.folder import JobFolder
from engine.jobs.queue import queues_of
from engine.jobs.runner import cancel, find_job, resume, set_priority, submit
from engine.jobs.spec import JobSpec
from engine.jobs.staging import staged
from engine.jobs.summary import summarise
from engine.workspace import Workspace
from sood_tui.cli.following import progress_text
from sood_tui.widgets.job_strip import job_numbers
from sood_tui.workspace import create_workspace
from tests.jobs.waiting import end_jobs, pid_of, wait_for, wait_until


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


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Workspace]:
    """Another workspace of the same user."""
    made = create_workspace(tmp_path / "neighbour")
    yield made
    end_jobs(made)


def test_jobs_of_two_workspaces_wait_for_each_other_by_priority(workspace: Workspace, neighbour: Workspace) -> None:
    first = slow_job(workspace, count=100)
    wait_for(first, "running")
    late, urgent = slow_job(neighbour, count=2), slow_job(neighbour, count=2)
    set_priority(urgent, 3)
    own = slow_job(workspace, count=2)
    assert summarise(late).waits_for == (f"{first.id} of {workspace.root}", urgent.id)
    assert job_numbers(summarise(late)) == f"waits for {first.id} of {workspace.root.name} and 1 more"
    assert summarise(urgent).waits_for == (f"{first.id} of {workspace.root}",)
    waits = f"waits for cpu, after {first.id} and 2 more"
    wait_until(lambda: progress_text(summarise(own)) == waits)
    assert summarise(own).waits_for == (first.id, f"{urgent.id} of {neighbour.root}", f"{late.id} of {neighbour.root}")
    cancel(first)
    assert [wait_for(job) for job in (urgent, late, own)] == ["finished"] * 3
    assert moment_of(first, "cancelled") < moment_of(urgent, "started")
    assert moment_of(urgent, "finished") < moment_of(late, "started")
    assert moment_of(late, "finished") < moment_of(own, "started")


def test_a_job_is_the_same_by_whatever_path(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(workspace.root, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    first = slow_job(Workspace(Path("link")), count=100)
    wait_for(first, "running")
    second = slow_job(workspace, count=1)
    assert first.path == workspace.jobs / first.id
    assert summarise(find_job(Path("link"), second.id)).waits_for == (first.id,)
    assert [ticket.job for ticket in turns.waiting()] == [second]


def test_a_killed_waiting_job_stands_in_nobodys_way(workspace: Workspace, neighbour: Workspace) -> None:
    first = slow_job(workspace, count=100)
    wait_for(first, "running")
    dead = slow_job(neighbour)
    wait_until(lambda: len(turns.waiting()) == 1)
    os.kill(pid_of(dead), signal.SIGKILL)
    assert wait_for(dead) == "died"
    last = slow_job(workspace, count=1)
    assert summarise(last).waits_for == (first.id,)
    os.kill(pid_of(first), signal.SIGKILL)  # and the lock of the one that worked is free, too
    assert wait_for(last) == "finished"
    assert turns.waiting() == []


def test_a_meeting_folder_that_cannot_be_says_what_to_do(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SOOD_DEVICES", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="cannot meet in") as caught:
        slow_job(workspace)
    assert "SOOD_DEVICES" in caught.value.hint
    assert runner.list_jobs(workspace.root) == []


def test_what_a_killed_start_left_is_cleared_away_and_a_start_at_work_is_not(workspace: Workspace) -> None:
    jobs = workspace.root / "jobs"
    jobs.mkdir()
    left = jobs / ".new-0123"
    left.mkdir()
    (left / "work.parquet").write_bytes(b"PAR1")
    (left / "alive.lock").touch()
    with staged(jobs) as growing:  # clears away what was left, and is not cleared away by the next one
        assert not left.exists()
        slow_job(workspace, count=1)
        assert growing.folder.path.exists()
    assert [entry.name for entry in jobs.glob(".new-*")] == [growing.folder.path.name]
    slow_job(workspace, count=1)
    assert list(jobs.glob(".new-*")) == []


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
    spec = JobSpec(f"0001-{kind}", kind, now(), kind, "", device, {}, None, 100, 1, "things")
    assert queues_of(spec) == queues


def test_auto_means_the_processor_where_no_gpu_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    spec = JobSpec("0001-scoring", "scoring", now(), "scoring", "", "auto", {}, None, None, 1, "pictures")
    assert queues_of(spec) == ("cpu",)
