"""Several processes of one job: they share its shards, and none is lost or done twice when one of them dies."""

import os
import signal
from collections import Counter
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from jobs_for_tests import work_list

from engine.errors import EngineError
from engine.jobs.folder import JobFolder
from engine.jobs.runner import cancel, resume, submit
from engine.jobs.spec import JsonValue
from engine.jobs.summary import summarise
from engine.workspace import Workspace
from tests.jobs.waiting import identities, pid_of, wait_for, wait_for_parts, wait_until

KIND = "shared-squares"


def start(workspace: Workspace, count: int = 60, device: str = "cpu:2", **settings: JsonValue) -> JobFolder:
    """A job of so many numbers in shards of ten."""
    return submit(workspace.root, KIND, settings, work_list(count), device, shard_rows=10)


def squares_of(job: JobFolder) -> list[int]:
    """The results of all parts, in the order of the work list."""
    return [value for part in job.parts() for value in parquet.read_table(part.path)["square"].to_pylist()]


def places_of_parts(job: JobFolder) -> Counter[str]:
    """How many shards each place has done."""
    return Counter(part.metadata["place"] for part in job.parts())


def members_of(job: JobFolder) -> list[int]:
    """The processes that the leader has started and that still live."""
    leader = pid_of(job)
    children = (Path("/proc") / str(leader) / "task" / str(leader) / "children").read_text()
    return [int(pid) for pid in children.split()]


def test_two_processes_share_the_shards_and_their_results_are_added_up(workspace: Workspace) -> None:
    job = start(workspace, pause=0.05)
    assert wait_for(job) == "finished", job.printed()
    assert squares_of(job) == [number**2 for number in range(60)]
    assert set(places_of_parts(job)) == {"cpu:0", "cpu:1"}
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.done == 60
    assert outcome.result["numbers"] == 60
    assert outcome.result["cores"] == max(1, len(os.sched_getaffinity(0)) // 2)
    assert outcome.result["threads"] == str(outcome.result["cores"])
    summary = summarise(job)
    assert [member.name for member in summary.members] == ["cpu:0", "cpu:1"]
    assert sum(member.done for member in summary.members) == 60
    assert {member.state for member in summary.members} == {"ended"}
    assert "processes" not in summary.detail  # none works any more
    assert summary.bottleneck is not None
    assert summary.bottleneck.phase == "encode"
    assert summary.bottleneck.share > 0.5
    assert [event.kind for event in job.events()].count("part") == 6


@pytest.mark.slow
def test_a_slow_place_strands_nothing(workspace: Workspace) -> None:
    job = start(workspace, 200, pauses={"cpu:0": 0.5, "cpu:1": 0.0})
    assert wait_for(job) == "finished", job.printed()
    done = places_of_parts(job)
    assert done["cpu:0"] + done["cpu:1"] == 20
    assert done["cpu:1"] >= 3 * done["cpu:0"]  # each shard of the slow one takes a second


def test_a_process_that_dies_is_started_again_and_its_shard_is_done_once(workspace: Workspace) -> None:
    job = start(workspace, die_at=23, pause=0.02)
    assert wait_for(job) == "finished", job.printed()
    assert squares_of(job) == [number**2 for number in range(60)]
    (warning,) = [event.message for event in job.events() if event.kind == "warned"]
    assert warning is not None
    assert "died (signal SIGKILL) at shard 2; it is started again" in warning
    assert job.progress().done == 60  # what the dead one had counted of its shard was taken back


@pytest.mark.slow
def test_killed_from_outside_again_and_again(workspace: Workspace) -> None:
    job = start(workspace, 200, pause=0.05)
    wait_for_parts(job, 1)
    for round_ in range(4):
        wait_until(lambda: len(members_of(job)) == 2)
        victim = members_of(job)[round_ % 2]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda gone=victim: gone not in members_of(job))  # type: ignore[misc]
        wait_for_parts(job, min(20, len(job.parts()) + 1))
    assert wait_for(job) == "finished", job.printed()
    assert squares_of(job) == [number**2 for number in range(200)]


def test_a_shard_that_kills_whoever_takes_it_ends_the_job_and_says_so(workspace: Workspace) -> None:
    job = start(workspace, die_at=23, always=True)
    assert wait_for(job) == "failed"
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.error == "ProcessDied"
    assert "died 3 times at shard 2 (signal SIGKILL)" in outcome.message
    assert "finished parts are kept" in outcome.hint
    assert 2 not in [part.number for part in job.parts()]


@pytest.mark.slow
def test_a_place_that_cannot_start_is_left_out(workspace: Workspace) -> None:
    job = start(workspace, 150, dies_at_start="cpu:1", pause=0.2)
    assert wait_for(job) == "finished", job.printed()
    warnings = [event.message or "" for event in job.events() if event.kind == "warned"]
    assert len(warnings) == 3
    assert "cpu:1 died 3 times at its start (signal SIGKILL). The others go on" in warnings[-1]
    assert set(places_of_parts(job)) == {"cpu:0"}
    alone = start(workspace, 20, device="cpu:2", dies_at_start="cpu:1", lost=["cpu:0"])
    assert wait_for(alone) == "failed"


def test_a_lost_device_leaves_its_work_to_the_others(workspace: Workspace) -> None:
    job = start(workspace, 100, lost=["cpu:0"], pause=0.02)
    assert wait_for(job) == "finished", job.printed()
    assert squares_of(job) == [number**2 for number in range(100)]
    assert set(places_of_parts(job)) == {"cpu:1"}
    (warning,) = [event for event in job.events() if event.kind == "warned"]
    assert warning.subject == "cpu:0"
    assert (warning.message or "").startswith("cpu:0 was lost: CUDA error: unspecified launch failure")
    assert [member.state for member in summarise(job).members] == ["lost", "ended"]


@pytest.mark.parametrize("device", ["cpu:2", "cpu"])
def test_when_the_last_device_is_lost_the_job_ends_with_what_to_do(workspace: Workspace, device: str) -> None:
    job = start(workspace, device=device, lost=["cpu:0", "cpu:1", "cpu"])
    assert wait_for(job) == "failed"
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.error == "DeviceLost"
    assert "was lost: CUDA error" in outcome.message
    assert "nvidia-smi" in outcome.hint
    assert f"jobs resume {job.id}" in outcome.hint


def test_an_expected_error_of_one_ends_all_with_its_words(workspace: Workspace) -> None:
    job = start(workspace, refuse_at=23, pause=0.02)
    assert wait_for(job) == "failed"
    outcome = job.outcome()
    assert outcome is not None
    assert (outcome.error, outcome.message, outcome.hint) == ("EngineError", "23 is not wanted.", "Leave it out.")


@pytest.mark.slow
def test_cancel_and_resume_with_another_number_of_processes(workspace: Workspace) -> None:
    job = start(workspace, pause=0.1)
    wait_for_parts(job, 2)
    cancel(job)
    assert job.state() == "cancelled"
    before = identities(job)
    assert 2 <= len(before) < 6
    with pytest.raises(EngineError, match="names no device"):
        resume(job, device="tpu")
    resume(job, device="cpu:3")
    assert wait_for(job) == "finished", job.printed()
    assert identities(job).items() >= before.items()
    assert squares_of(job) == [number**2 for number in range(60)]
    assert len(summarise(job).members) == 3


def test_members_end_at_once_when_their_leader_is_killed(workspace: Workspace) -> None:
    job = start(workspace, pause=0.3)
    wait_until(lambda: job.state() == "running" and len(members_of(job)) == 2)
    members = members_of(job)
    os.kill(pid_of(job), signal.SIGKILL)
    assert wait_for(job) == "died"
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in members), 5.0)
    resume(job)
    assert wait_for(job) == "finished", job.printed()
    assert squares_of(job) == [number**2 for number in range(60)]


@pytest.mark.parametrize("device", ["cpu", "cpu:2"])
def test_what_is_done_once_is_done_by_one_process_after_all_shards(workspace: Workspace, device: str) -> None:
    settings = {"die_at": -1}
    job = submit(workspace.root, "concluding", settings, work_list(40), device, shard_rows=10)
    assert wait_for(job) == "died"  # at the conclusion
    before = identities(job)
    assert len(before) == 4
    resume(job)
    assert wait_for(job) == "finished", job.printed()
    assert identities(job) == before
    assert len((job.path / "concluded").read_text().splitlines()) == 2
    outcome = job.outcome()
    assert outcome is not None
    assert (outcome.done, outcome.result) == (40, {"numbers": 0, "parts": 4})
    whole = submit(workspace.root, "concluding", {}, work_list(40), device, shard_rows=10)
    assert wait_for(whole) == "finished", whole.printed()
    outcome = whole.outcome()
    assert outcome is not None
    assert outcome.result == {"numbers": 40, "parts": 4}
