"""What a job will take, worked out from a small part of it, and room on the disk."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_for_tests import work_list

from engine.errors import EngineError
from engine.jobs import disk
from engine.jobs.devices import usable_cores
from engine.jobs.disk import DiskWatch, Forecast, require_space, size_text
from engine.jobs.estimate import read_estimate, sample
from engine.jobs.execution import Execution
from engine.jobs.kinds import KINDS, find_kind
from engine.jobs.runner import list_jobs, resume, submit
from engine.jobs.timing import Stopwatch, added_up, bottleneck_of
from engine.workspace import Workspace
from sood_tui.cli import run
from tests.jobs.waiting import wait_for, wait_for_parts


def test_an_estimate_tries_a_small_part_and_leaves_nothing(workspace: Workspace) -> None:
    settings = {"pause": 0.1, "batch_size": 5}
    job = submit(
        workspace.root, "shared-squares", settings, work_list(10_000), "cpu:2", title="big",
        execution=Execution(estimate=True),
    )  # fmt: skip
    assert job.id == "0001-estimate"
    assert wait_for(job) == "finished", job.printed()
    found = read_estimate(job)
    assert (found.job_kind, found.units, found.tried, found.processes) == ("shared-squares", 10_000, 20, 2)
    # Five numbers in a tenth of a second, by two processes: at most 100 a second.
    assert found.rate is not None
    assert 20 < found.rate <= 100
    assert found.seconds is not None
    assert found.seconds == pytest.approx(10_000 / found.rate + found.load_seconds, rel=0.01)
    assert found.needed_bytes is not None
    assert found.needed_bytes > 10_000
    assert found.fits
    assert found.bottleneck == "encode"
    assert not (job.path / "probe").exists()
    said = " ".join(found.sentences())
    assert "10,000 numbers take about" in said
    assert "with 2 processes" in said
    assert found.detail["cores"] == max(1, usable_cores() // 2)  # each of two has half of the machine


def test_the_sample_comes_from_all_over_the_list() -> None:
    squares = find_kind("squares")
    rows = sample(work_list(1000), squares, {"batch_size": 2})
    assert rows["number"].to_pylist() == [0, 125, 250, 375, 500, 625, 750, 875]
    rows = sample(work_list(3), squares, {})
    assert rows["number"].to_pylist() == [0, 1, 2]
    assert sample(work_list(1000), squares, {}).num_rows == 256
    assert sample(work_list(10_000), replace(squares, batch_rows=1000), {}).num_rows == 4000


def test_what_cannot_be_estimated(workspace: Workspace) -> None:
    with pytest.raises(EngineError, match="has no list of work"):
        submit(workspace.root, "steps", {}, execution=Execution(estimate=True))
    failing = submit(
        workspace.root, "shared-squares", {"refuse_at": 0}, work_list(10), "cpu", execution=Execution(estimate=True)
    )
    assert wait_for(failing) == "failed"
    with pytest.raises(EngineError, match="has no estimate"):
        read_estimate(failing)


def test_results_that_do_not_fit_are_refused_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 1_000)
    require_space(tmp_path, 800, "The embeddings")  # with a fifth on top: 960
    with pytest.raises(EngineError, match="embeddings need about 900 bytes") as found:
        require_space(tmp_path, 900, "The embeddings")
    assert "Make room" in found.value.hint
    assert disk.free_bytes(tmp_path / "not" / "there") == 1_000


def test_a_job_whose_results_would_not_fit_is_not_started(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A petabyte for each of ten rows: more than any disk of these days has.
    monkeypatch.setitem(KINDS, "device-squares", replace(find_kind("device-squares"), row_bytes=10**15))
    with pytest.raises(EngineError, match="The results need about 1e\\+04 TB") as found:
        submit(workspace.root, "device-squares", {}, work_list(10), "cpu")
    assert "--force" in found.value.hint
    assert list_jobs(workspace.root) == []
    forced = submit(workspace.root, "device-squares", {}, work_list(10), "cpu", execution=Execution(force=True))
    assert wait_for(forced) == "finished", forced.printed()


def test_a_job_asks_for_room_when_it_starts_and_may_be_forced(workspace: Workspace) -> None:
    huge = submit(workspace.root, "squares", {"need": 10**18}, work_list(10))
    assert wait_for(huge) == "failed"
    outcome = huge.outcome()
    assert outcome is not None
    assert outcome.message.startswith("The squares need about 1e+06 TB in ")
    assert "`sood-tui jobs resume 0001-squares`. With --force " in outcome.hint
    resume(huge, force=True)
    assert wait_for(huge) == "finished", huge.printed()
    assert huge.spec().force


def test_a_disk_that_fills_up_is_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "FORECAST_EVERY", 0.0)
    free = [1_000_000]
    monkeypatch.setattr(disk, "free_bytes", lambda folder: free[0])
    forecast = Forecast(tmp_path, done=100)
    assert forecast.warning(100, 1_100) == ""  # nothing is done yet
    free[0] = 900_000
    assert forecast.warning(200, 1_100) == ""  # 1,000 bytes each, 900 are left
    assert forecast.warning(200, None) == ""
    free[0] = 600_000
    # 400 kB for 200, so 300 more fill the disk: 600 of 1,100; and 800 more would take 1.6 MB.
    assert forecast.warning(300, 1_100) == (
        "The disk will be full when about 55 % are done: 600 kB are free, and at this rate 1.6 MB are still to be "
        "written. Make room while the job runs."
    )
    assert forecast.warning(301, 1_100) == ""  # once is enough


def test_the_watch_ends_the_job_before_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [10_000]
    monkeypatch.setattr(disk, "free_bytes", lambda folder: free[0])
    watch = DiskWatch()
    watch.check()  # nothing is known yet
    part = tmp_path / "part"
    part.write_bytes(b"x" * 500)
    watch.wrote(part)
    watch.wrote(part)
    watch.finish()  # a shard of 1,000 bytes
    free[0] = 1_200
    watch.check()
    free[0] = 1_199
    with pytest.raises(OSError, match="No space left") as found:
        watch.check()
    assert found.value.errno == errno.ENOSPC


def test_sizes_in_words() -> None:
    assert [size_text(n) for n in (0, 999, 1_000, 3_140_000, 12e9, 5e12)] == [
        "0 bytes", "999 bytes", "1 kB", "3.14 MB", "12 GB", "5 TB",
    ]  # fmt: skip


def test_where_the_time_goes() -> None:
    watch = Stopwatch()
    watch.add("decode", 3.0)
    watch.add("encode", 1.0)
    watch.add("decode", 3.0)
    first = watch.take()
    assert first == {"decode": 6.0, "encode": 1.0}
    assert watch.take() == {}
    both = added_up([first, {"encode": 1.0}])
    found = bottleneck_of(both)
    assert found is not None
    assert (found.phase, found.share) == ("decode", 0.75)
    assert bottleneck_of({"write": 5.0}) is None
    assert bottleneck_of({}) is None


def test_pause_priority_and_resume_on_the_command_line(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    def command(*arguments: str, code: int = 0) -> str:
        assert run(["-w", str(workspace.root), "jobs", *arguments]) == code
        out, err = capfd.readouterr()
        return out if "--json" in arguments else err

    first = submit(workspace.root, "shared-squares", {"pause": 0.2}, work_list(200), "cpu", shard_rows=10)
    second = submit(workspace.root, "shared-squares", {}, work_list(10), "cpu")
    wait_for_parts(first, 1)
    assert json.loads(command("priority", "2", "7", "--json"))["priority"] == 7
    assert "pauses after the shard in hand" in command("pause", "1")
    assert wait_for(first, "paused", "failed") == "paused"
    assert "is not running: paused" in command("pause", "1", code=2)
    assert wait_for(second) == "finished"
    assert "names no device" in command("resume", "1", "--device", "tpu", code=2)
    command("resume", "1", "--device", "cpu:2", "--detach")
    assert first.spec().device == "cpu:2"
    wait_for(first, "running")
    command("cancel", "1")
    assert first.state() == "cancelled"
