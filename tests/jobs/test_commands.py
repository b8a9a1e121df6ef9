"""The commands of the room jobs, with real jobs, terminals and other processes."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from jobs_for_tests import make_tables, work_list

from engine.jobs.runner import find_job, list_jobs, submit
from engine.workspace import Workspace
from sood_tui.cli import run
from sood_tui.cli.following import duration_text, follow, printable, rate_text
from sood_tui.workspace import opened
from tests.jobs.waiting import other_process, start_on_terminal, wait_for, wait_for_parts, wait_until


def command(workspace: Workspace, *arguments: str) -> int:
    """Run a command on the workspace, as a terminal would."""
    return run(["-w", str(workspace.root), *arguments])


@pytest.fixture
def with_tables(workspace: Workspace) -> Workspace:
    """The workspace, its catalogue with the tables of the tests' kinds."""
    with opened(workspace) as owner:
        make_tables(owner.opened())
    return workspace


def test_follow_shows_lines_and_takes_the_results_in(with_tables: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    job = submit(with_tables.root, "squares", {"warn_at": 3, "pause": 0.1}, work_list(20), shard_rows=10)
    assert follow(with_tables.root, job.id, as_json=True) == 0
    out, err = capfd.readouterr()
    summary = json.loads(out)
    assert (summary["job_id"], summary["state"], summary["done"], summary["total"]) == (job.id, "finished", 20, 20)
    assert re.search(r"0001-squares finished in \d s: 20 of 20 numbers \(100 %\), batch 5, 1 warning", err)
    with opened(with_tables) as owner, owner.opened().reading() as cursor:
        assert cursor.execute("SELECT count(*) FROM squared").fetchone() == (20,)


def test_a_failed_job_is_exit_code_3_with_what_to_do(with_tables: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    job = submit(with_tables.root, "squares", {"refuse_at": 3}, work_list(5))
    assert command(with_tables, "jobs", "watch", "last") == 3
    assert "3 is not wanted.\nLeave it out." in capfd.readouterr().err
    assert command(with_tables, "jobs", "log", "1") == 0
    log = capfd.readouterr().out
    assert "failed    0 of 5 3 is not wanted. Leave it out." in log
    assert "stderr.log:\nTraceback" in log
    assert command(with_tables, "jobs", "log", job.id, "--json") == 0
    assert [event["kind"] for event in json.loads(capfd.readouterr().out)["events"]] == ["queued", "started", "failed"]


def test_jobs_work_while_another_process_has_the_catalogue(
    with_tables: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    holder = other_process("hold", with_tables.root)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    job = submit(with_tables.root, "squares", {"pause": 0.1}, work_list(200), shard_rows=10)
    assert command(with_tables, "jobs", "list", "--json") == 0
    (row,) = json.loads(capfd.readouterr().out)
    assert row["job_id"] == job.id
    assert row["state"] in ("queued", "running")
    wait_for_parts(job, 1)
    assert command(with_tables, "jobs", "cancel", "1", "--json") == 0
    assert json.loads(capfd.readouterr().out)["state"] == "cancelled"
    assert command(with_tables, "jobs", "watch", "1") == 3
    assert f"is open in process {holder.pid}" in capfd.readouterr().err
    holder.communicate(timeout=20)
    assert command(with_tables, "jobs", "resume", "1", "--detach") == 0
    assert command(with_tables, "jobs", "cancel", "last") == 0
    assert command(with_tables, "jobs", "list") == 0
    assert capfd.readouterr().out.splitlines()[-1].startswith("0001-squares\tcancelled\t\t")
    assert command(with_tables, "jobs", "watch", "9") == 2
    assert "There is no job '9'" in capfd.readouterr().err


def test_ctrl_c_leaves_the_job_running_and_says_how_to_go_on(with_tables: Workspace) -> None:
    follower = other_process("follow", with_tables.root)
    assert follower.stdout is not None
    job = find_job(with_tables.root, follower.stdout.readline().strip())
    wait_for_parts(job, 1)
    follower.send_signal(signal.SIGINT)
    _, err = follower.communicate(timeout=20)
    assert follower.returncode == 130
    assert "sood-tui jobs watch 0001-squares" in err
    assert "sood-tui jobs cancel 0001-squares" in err
    assert job.state() == "running"
    assert wait_for(job) == "finished"


def test_a_closed_terminal_ends_the_follower_and_not_the_job(with_tables: Workspace) -> None:
    pid, terminal = start_on_terminal("-m", "jobs_for_tests", "follow", str(with_tables.root))
    screen = b""
    while b"numbers" not in screen:
        screen += os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGHUP
    (job,) = list_jobs(with_tables.root)
    assert wait_for(job) == "finished"
    assert len(job.parts()) == 6
    assert command(with_tables, "jobs", "watch", "last") == 0


def test_the_bar_on_a_terminal_tells_rate_and_time_left(with_tables: Workspace) -> None:
    submit(
        with_tables.root, "squares", {"pause": 0.05}, work_list(200), title="odd [bold] \x1b[31m title", shard_rows=50
    )
    ours, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "sood_tui", "-w", str(with_tables.root), "jobs", "watch", "last"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "160"}
    watcher = subprocess.Popen(arguments, stderr=theirs, stdout=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    screen = b""
    with suppress(OSError):  # the terminal ends with its last writer
        while chunk := os.read(ours, 4096):
            screen += chunk
    os.close(ours)
    text = screen.decode()
    assert watcher.wait(timeout=20) == 0
    assert "odd [bold] \\x1b[31m title" in text
    assert "of 200 numbers" in text
    assert "/s, " in text
    assert " s left" in text
    assert "0001-squares finished in 2 s: 200 of 200 numbers (100 %)" in text or "finished in" in text


def test_an_empty_list_says_so(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    assert command(workspace, "jobs", "list") == 0
    out, err = capfd.readouterr()
    assert (out, err) == ("", "No job was submitted in this workspace.\n")
    assert command(workspace, "jobs", "list", "--json") == 0
    assert json.loads(capfd.readouterr().out) == []


def test_help_has_an_example(capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("list", "watch", "log", "cancel", "resume"):
        assert run(["jobs", name, "--help"]) == 0
        assert "Example: sood-tui jobs" in capfd.readouterr().out


def test_names_of_times_and_rates() -> None:
    assert [duration_text(seconds) for seconds in (4.4, 200, 7500)] == ["4 s", "3 min 20 s", "2 h 5 min"]
    assert [rate_text(rate) for rate in (0.123, 3.21, 11830.4)] == ["0.12/s", "3.2/s", "11,830/s"]
    assert printable("a\x1b[2J\u202e\nb") == "a\\x1b[2J\\u202e\nb"


def test_only_the_newest_of_many_that_stopped_say_why(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        job = submit(workspace.root, "squares", {"refuse_at": 3}, work_list(5))
        wait_until(lambda job=job: job.outcome() is not None)  # type: ignore[misc]
    assert command(workspace, "jobs", "list") == 0
    assert capfd.readouterr().err.splitlines() == [
        "2 earlier ones stopped too: `sood-tui jobs log JOB` says why.",
        *(f"000{number}-squares: 3 is not wanted. Leave it out." for number in (3, 4, 5)),
    ]
    assert command(workspace, "jobs", "list", "--json") == 0
    last = json.loads(capfd.readouterr().out)[-1]
    assert last["ended_at"] > last["created_at"]
    assert last["seconds"] > 0


def test_the_log_tells_the_time_of_this_place(
    workspace: Workspace, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(workspace.root, "squares", {}, work_list(5))
    wait_until(lambda: job.outcome() is not None)
    first = job.events()[0].at
    with monkeypatch.context() as there:
        there.setenv("TZ", "XYZ-5")  # five hours ahead of Greenwich
        time.tzset()
        assert command(workspace, "jobs", "log", "1") == 0
    time.tzset()
    assert capfd.readouterr().out.startswith(f"{first + timedelta(hours=5):%Y-%m-%d %H:%M:%S} queued")


def test_a_job_that_was_just_submitted_is_listed(workspace: Workspace) -> None:
    job = submit(workspace.root, "squares", {}, work_list(5))
    assert [entry.id for entry in list_jobs(workspace.root)] == [job.id]
    wait_until(lambda: job.outcome() is not None)
