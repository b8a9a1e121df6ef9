"""Everything is killed again and again: processes of jobs, their leaders, owners in an ingest, terminals.

Nothing may be lost and nothing may be there twice.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from jobs_for_tests import make_tables, work_list

from engine.jobs.folder import JobFolder
from engine.jobs.ingest import ingest_ready
from engine.jobs.runner import ACTIVE, resume, submit
from engine.workspace import Workspace
from sood_tui.workspace import opened
from store.jobs import fetch_parts
from tests.jobs.test_crew import members_of
from tests.jobs.waiting import Owners, pid_of, start_on_terminal, wait_for, wait_until

KILLS = 36
SECONDS = 180.0
NUMBERS = 1_500
pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


class Chaos:
    """Jobs that are always running, and what can happen to them."""

    def __init__(self, workspace: Workspace, owners: Owners) -> None:
        self.workspace = workspace
        self.owners = owners
        self.jobs: list[JobFolder] = []
        self.kills: Counter[str] = Counter()
        self.random = numpy.random.default_rng(2026)

    def running(self) -> JobFolder:
        """A job with two processes that works, a new one if the last has finished."""
        if not self.jobs or self.jobs[-1].state() == "finished":
            settings = {"pause": 0.02, "ingest_pause": 0.01}
            root = self.workspace.root
            self.jobs.append(submit(root, "shared-squares", settings, work_list(NUMBERS), "cpu:2", shard_rows=10))
        job = self.jobs[-1]
        if job.state() not in ACTIVE:
            resume(job)
        wait_for(job, "running", "finished")
        return job

    def kill_leader(self) -> bool:
        """Kill -9 for the process that leads a job."""
        job = self.running()
        os.kill(pid_of(job), signal.SIGKILL)
        return wait_for(job, "died", "finished") == "died"

    def kill_member(self) -> bool:
        """Kill -9 for one of its processes; the leader goes on."""
        job = self.running()
        try:
            os.kill(int(self.random.choice(members_of(job))), signal.SIGKILL)
        except (ValueError, OSError):  # the job has just ended
            return False
        return True

    def terminate(self) -> bool:
        """SIGTERM for all of them, as a machine that shuts down sends it."""
        job = self.running()
        os.killpg(pid_of(job), signal.SIGTERM)
        return wait_for(job, "cancelled", "finished", "died") == "cancelled"

    def kill_owner(self) -> bool:
        """Kill -9 for a process that takes parts into the catalogue."""
        self.running()
        owner = self.owners.start()
        self.pause(0.3)
        return self.owners.kill(owner)

    def hang_up(self) -> bool:
        """Close the terminal of somebody who watches."""
        self.running()
        root = str(self.workspace.root)
        pid, terminal = start_on_terminal("-m", "sood_tui", "-w", root, "jobs", "watch", "last")
        os.read(terminal, 1)
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        return os.WIFSIGNALED(status)

    def pause(self, longest: float) -> None:
        """Let them work for a moment."""
        time.sleep(self.random.uniform(0.02, longest))


def test_at_least_thirty_kills_lose_and_double_nothing(workspace: Workspace) -> None:
    with opened(workspace) as owner:
        make_tables(owner.opened())
    with Owners(workspace.root) as owners:
        chaos = Chaos(workspace, owners)
        let_loose(chaos)
    last = chaos.running()
    assert wait_for_long(last) == "finished", last.printed()
    check(workspace, chaos.jobs)


def let_loose(chaos: Chaos) -> None:
    """Kill in every way, by turns, until it is enough."""
    ways: list[Callable[[], bool]] = [
        chaos.kill_leader, chaos.kill_member, chaos.kill_member, chaos.terminate, chaos.kill_owner, chaos.hang_up,
    ]  # fmt: skip
    end = time.monotonic() + SECONDS
    turn = 0
    while chaos.kills.total() < KILLS and time.monotonic() < end:
        way = ways[turn % len(ways)]
        turn += 1
        chaos.kills[way.__name__] += way()
        chaos.pause(0.4)
    print(dict(chaos.kills), f"{turn} attempts")
    assert chaos.kills.total() >= 30, chaos.kills
    assert len(chaos.kills) == len(set(ways)), chaos.kills
    assert min(chaos.kills.values()) >= 3, chaos.kills


def wait_for_long(job: JobFolder) -> str:
    """Wait for the end of a job that has much left to do."""
    wait_until(lambda: job.state() not in ACTIVE, 120.0)
    return job.state()


def check(workspace: Workspace, jobs: list[JobFolder]) -> None:
    """Each number of each job is in the catalogue once, and no half of a file is left."""
    with opened(workspace) as owner:
        ingest_ready(owner)
        assert ingest_ready(owner) == []
        with owner.opened().reading() as cursor:
            for job in jobs:
                row = cursor.execute(
                    "SELECT count(*), count(DISTINCT number), sum(square) FROM squared WHERE job_id = $job",
                    {"job": job.id},
                ).fetchone()
                assert row == (NUMBERS, NUMBERS, sum(number**2 for number in range(NUMBERS)))
                assert len(fetch_parts(cursor, job.id)) == NUMBERS // 10
    for job in jobs:
        assert job.progress().done == NUMBERS
        assert not [path for path in Path(job.path).iterdir() if path.name.endswith(".tmp")]
