"""Real workers: how jobs finish, fail, are cancelled, killed and resumed."""

import errno
import itertools
import json
import os
import resource
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy
import pyarrow.parquet as parquet
import pytest
from jobs_for_tests import work_list

from engine.errors import EngineError
from engine.jobs.folder import JobFolder
from engine.jobs.parts import Part
from engine.jobs.runner import cancel, find_job, list_jobs, resume, submit
from engine.jobs.summary import summarise
from engine.workspace import Workspace
from tests.jobs.waiting import identities, other_process, pid_of, wait_for, wait_for_parts, wait_until


def squares_of(job: JobFolder) -> list[int]:
    """The results of all parts, in the order of the work list."""
    return [value for part in job.parts() for value in parquet.read_table(part.path)["square"].to_pylist()]


def test_a_job_finishes_and_tells_its_story(workspace: Workspace) -> None:
    job = submit(
        workspace.root, "squares", {"warn_at": 7}, work_list(25), shard_rows=10, title="first", reviewer="anna"
    )
    assert job.id == "0001-squares"
    assert job.state() in ("queued", "running", "finished")  # there is no moment in which it seems to be dead
    assert wait_for(job) == "finished"
    assert squares_of(job) == [number**2 for number in range(25)]
    kinds = [event.kind for event in job.events()]
    assert kinds[:2] == ["queued", "started"]
    assert kinds[-1] == "finished"
    assert kinds.count("part") == 3
    assert [(event.message, event.subject) for event in job.events() if event.kind == "warned"] == [
        ("The number looks odd.", "7")
    ]
    outcome = job.outcome()
    assert outcome is not None
    assert (outcome.state, outcome.done, outcome.warnings, outcome.error) == ("finished", 25, 1, None)
    summary = summarise(job)
    assert (summary.done, summary.total, summary.unit, summary.warnings) == (25, 25, "numbers", 1)
    assert (summary.title, summary.detail, summary.rate) == ("first", {"batch": 5}, None)
    assert job.parts()[2].metadata == {"shard": "2"}
    assert not list(job.path.glob(".*"))


def test_progress_is_told_at_most_five_times_a_second(workspace: Workspace) -> None:
    job = submit(workspace.root, "steps", {"pause": 0.05})
    assert wait_for(job) == "finished"
    events = [event for event in job.events() if event.kind == "progress"]
    assert len(events) >= 3  # 20 steps of 0.05 s take at least a second
    gaps = [(after.at - before.at).total_seconds() for before, after in itertools.pairwise(events)]
    assert min(gaps) > 0.19
    assert events[-1].total == 20
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.result == {"steps": 20}
    assert outcome.done == 20


def test_a_work_list_of_batches_makes_each_a_shard(workspace: Workspace) -> None:
    table = work_list(12)
    batches = [table.slice(0, 2).to_batches()[0], table.slice(2, 0).to_batches(), table.slice(2, 10).to_batches()[0]]
    job = submit(workspace.root, "squares", {}, [batches[0], batches[2]])
    empty = submit(workspace.root, "squares", {}, work_list(0))
    assert wait_for(job) == "finished"
    assert [part.rows for part in job.parts()] == [2, 10]
    assert wait_for(empty) == "finished"
    assert empty.parts() == []
    assert summarise(empty).total == 0


def test_further_files_and_a_shared_output_folder(workspace: Workspace) -> None:
    jobs = [submit(workspace.root, "arrays", {}, work_list(6), shard_rows=3, output="embeddings/tiny") for _ in "ab"]
    assert [wait_for(job) for job in jobs] == ["finished", "finished"]
    names = sorted(entry.name for entry in (workspace.embeddings / "tiny").iterdir())
    assert names == [
        f"part-000{job}-0000{shard}{suffix}" for job in (1, 2) for shard in (0, 1) for suffix in (".npy", ".parquet")
    ]
    part: Part = jobs[1].parts()[1]
    array = part.files[".npy"]
    assert array.path == workspace.embeddings / "tiny" / "part-0002-00001.npy"
    assert (
        subprocess.run(["sha256sum", array.path], capture_output=True, text=True, check=True).stdout[:64]
        == array.sha256
    )
    assert numpy.load(array.path).shape == (3, 2)


def test_an_expected_error_fails_with_its_hint_and_keeps_parts(workspace: Workspace) -> None:
    job = submit(workspace.root, "squares", {"refuse_at": 23}, work_list(30), shard_rows=10)
    assert wait_for(job) == "failed"
    outcome = job.outcome()
    assert outcome is not None
    assert (outcome.error, outcome.message, outcome.hint) == ("EngineError", "23 is not wanted.", "Leave it out.")
    assert outcome.traceback is None
    assert [part.number for part in job.parts()] == [0, 1]
    assert job.events()[-1].message == "23 is not wanted."


def test_a_bug_fails_with_its_traceback(workspace: Workspace) -> None:
    job = submit(workspace.root, "squares", {"break_at": 3}, work_list(5))
    assert wait_for(job) == "failed"
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.message == "ZeroDivisionError: broke at 3"
    assert outcome.traceback is not None
    assert 'jobs_for_tests.py", line' in outcome.traceback
    assert "ZeroDivisionError: broke at 3" in job.printed()


def test_cancel_keeps_parts_and_resume_does_not_repeat_them(workspace: Workspace) -> None:
    job = submit(workspace.root, "squares", {"pause": 0.05}, work_list(60), shard_rows=10)
    wait_for_parts(job, 2)
    started = time.monotonic()
    cancel(job)
    assert time.monotonic() - started < 2.0
    assert job.state() == "cancelled"
    before = identities(job)
    assert 2 <= len(before) < 6
    with pytest.raises(EngineError, match="is not running"):
        cancel(job)
    resume(job)
    assert wait_for(job) == "finished"
    assert identities(job).items() >= before.items()
    assert squares_of(job) == [number**2 for number in range(60)]
    again = [event for event in job.events() if event.kind == "started"][1]
    assert again.done == 10 * len(before)
    with pytest.raises(EngineError, match="has finished"):
        resume(job)


def test_a_worker_that_does_not_listen_is_killed(workspace: Workspace) -> None:
    job = submit(workspace.root, "stubborn", {})
    wait_until(lambda: any(event.kind == "started" for event in job.events()))
    job.log().append("progress", done=7, total=9)
    cancel(job, patience=0.3)
    assert job.state() == "cancelled"
    outcome = job.outcome()
    assert outcome is not None
    assert (outcome.state, outcome.done) == ("cancelled", 7)
    assert (job.progress().done, job.progress().total) == (7, 9)


def test_cancel_in_the_first_moment(workspace: Workspace) -> None:
    for _ in range(3):
        job = submit(workspace.root, "squares", {"pause": 0.2}, work_list(100))
        cancel(job)
        assert job.state() == "cancelled"
        assert job.outcome() is not None


def test_a_killed_worker_has_died_even_when_a_helper_outlives_it(workspace: Workspace) -> None:
    job = submit(workspace.root, "forking", {})
    wait_until(lambda: any(event.kind == "started" for event in job.events()))
    wait_until(lambda: "helper started" in job.printed())
    group = pid_of(job)
    try:
        os.kill(group, signal.SIGKILL)
        assert wait_for(job) == "died"
        summary = summarise(job)
        assert "without a word" in summary.message
        assert summary.message.endswith("The last it printed: helper started")
        assert "jobs resume 0001-forking" in summary.hint
    finally:
        os.killpg(group, signal.SIGKILL)


@pytest.mark.slow
def test_killed_at_random_moments_no_part_is_lost_or_repeated(workspace: Workspace) -> None:
    random = numpy.random.default_rng(20)
    job = submit(workspace.root, "squares", {"pause": 0.01}, work_list(400), shard_rows=10)
    kills, seen = 0, identities(job)
    while kills < 10:
        time.sleep(random.uniform(0.3, 0.9))
        if job.state() not in ("queued", "running"):
            break
        os.killpg(pid_of(job), signal.SIGKILL)
        kills += wait_for(job) == "died"
        now = identities(job)
        assert now.items() >= seen.items()
        seen = now
        resume(job)
    assert wait_for(job) == "finished"
    assert identities(job).items() >= seen.items()
    assert squares_of(job) == [number**2 for number in range(400)]
    attempts = Counter((job.path / "attempts").read_text().split())
    assert kills >= 2
    assert sum(attempts.values()) <= 40 + kills  # each kill costs at most the shard in flight
    assert not list(job.path.glob(".*"))


def test_what_a_killed_worker_left_half_written_is_removed(workspace: Workspace) -> None:
    job = submit(workspace.root, "squares", {"pause": 0.05}, work_list(40), shard_rows=10)
    wait_for_parts(job, 1)
    os.killpg(pid_of(job), signal.SIGKILL)
    assert wait_for(job) == "died"
    for name in (job.outcome_file.name, "part-00003.parquet"):
        (job.path / f".{name}.1-2.tmp").write_bytes(b"half")
    resume(job)
    assert wait_for(job) == "finished"
    assert not list(job.path.glob(".*"))


def test_a_job_outlives_its_submitter_and_is_found_again(workspace: Workspace) -> None:
    submitter = other_process("submit", workspace.root)
    name, _ = submitter.communicate(timeout=20)
    job = find_job(workspace.root, name.strip())
    assert job.state() in ("queued", "running")
    assert os.getsid(pid_of(job)) == pid_of(job)
    assert wait_for(job) == "finished"


@pytest.mark.parametrize("kind", ["arrays", "squares"])
def test_a_file_limit_fails_with_what_to_do(workspace: Workspace, kind: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        settings = {"columns": 50_000, "batch_size": 1_000_000}
        job = submit(workspace.root, kind, settings, work_list(100 if kind == "arrays" else 40), shard_rows=100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if kind == "squares":  # small parts pass under the same limit
        assert wait_for(job) == "finished"
        return
    assert wait_for(job) == "failed"
    outcome = job.outcome()
    assert outcome is not None
    assert "no room left" in outcome.message
    assert os.strerror(errno.EFBIG) in outcome.message
    assert "Make room, then `sood-tui jobs resume 0001-arrays`" in outcome.hint
    assert job.parts() == []
    resume(job)
    assert wait_for(job) == "finished"


def test_a_full_disk_can_still_say_so(workspace: Workspace) -> None:
    workspace.jobs.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", workspace.jobs], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        job = submit(workspace.root, "arrays", {"columns": 50_000}, work_list(100), shard_rows=4)
        assert wait_for(job) == "failed"
        outcome = job.outcome()
        assert outcome is not None
        assert os.strerror(errno.ENOSPC) in outcome.message
        assert len(job.parts()) == 2  # each of 4 x 50,000 float16 numbers, 400 kB
    finally:
        subprocess.run(["umount", "-l", workspace.jobs], check=True)


def test_a_damaged_specification_hides_no_other_job(workspace: Workspace) -> None:
    broken = submit(workspace.root, "squares", {}, work_list(5))
    fine = submit(workspace.root, "squares", {}, work_list(5))
    assert wait_for(broken) == wait_for(fine) == "finished"
    broken.spec_file.write_text('{"id": "0001-squ')
    first, second = [summarise(job) for job in list_jobs(workspace.root)]
    assert "cannot be read" in first.message
    assert (second.state, second.done) == ("finished", 5)
    broken.outcome_file.unlink()
    with pytest.raises(EngineError, match="cannot be read"):
        resume(broken)
    broken.spec_file.write_text(json.dumps({"id": "0001-squares", "created_at": "2026-01-01T00:00:00+00:00"}))
    with pytest.raises(EngineError, match="not the specification of a job"):
        broken.spec()


def test_damaged_events_and_outcome_are_passed_over(workspace: Workspace) -> None:
    job = submit(workspace.root, "squares", {}, work_list(5))
    assert wait_for(job) == "finished"
    wait_until(lambda: not job.is_alive())
    count = len(job.events())
    with job.events_file.open("ab") as stream:
        stream.write(b'\xff\xfe not json\n{"kind":"progress"}\n[]\n{"kind":"warned","at":"2026-01-')
    job.log().append("warned", message="after the torn line")
    assert len(job.events()) == count + 1
    assert job.events()[-1].message == "after the torn line"
    job.outcome_file.write_text("{}")
    assert job.state() == "died"
    resume(job)
    assert wait_for(job) == "finished"


def test_numbers_are_never_given_twice(workspace: Workspace, tmp_path: Path) -> None:
    first = submit(workspace.root, "steps", {})
    assert wait_for(first) == "finished"
    first.path.rename(tmp_path / "gone")
    assert submit(workspace.root, "steps", {}).id == "0002-steps"
    assert find_job(workspace.root, "2").id == find_job(workspace.root, "last").id == "0002-steps"
    with pytest.raises(EngineError, match="no job"):
        find_job(workspace.root, "1")
    with pytest.raises(EngineError, match="no kind of job"):
        submit(workspace.root, "nonsense", {})
