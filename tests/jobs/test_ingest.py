"""Results are taken in once: by one owner, by two threads, by an owner that is killed."""

import threading
import time

import numpy
import pytest
from jobs_for_tests import make_tables, work_list

from engine.jobs.folder import JobFolder
from engine.jobs.ingest import TakenIn, ingest_ready
from engine.jobs.runner import cancel, resume, submit
from engine.workspace import Workspace
from sood_tui.workspace import opened
from store.jobs import fetch_done, fetch_parts
from tests.jobs.waiting import Owners, wait_for, wait_for_parts


def contents(workspace: Workspace) -> tuple[int, int, int]:
    """Rows, distinct rows and the sum of the squares in an open catalogue."""
    with workspace.opened().reading() as cursor:
        row = cursor.execute("SELECT count(*), count(DISTINCT (job_id, number)), sum(square) FROM squared").fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def endings(workspace: Workspace) -> list[str]:
    """The states that the last calls were made with."""
    with workspace.opened().reading() as cursor:
        return [state for (state,) in cursor.execute("SELECT state FROM ending ORDER BY rowid").fetchall()]


def sum_of_squares(count: int) -> int:
    """0 + 1 + 4 + ... + (count - 1) squared, by the closed form."""
    return (count - 1) * count * (2 * count - 1) // 6


def test_parts_and_outcome_are_taken_in_once(workspace: Workspace) -> None:
    job = submit(workspace.root, "squares", {}, work_list(30), shard_rows=10)
    wait_for(job)
    with opened(workspace) as owner:
        make_tables(owner.opened())
        assert ingest_ready(owner) == [TakenIn("0001-squares", "squares", 3, 30, "finished")]
        assert ingest_ready(owner) == []
        assert contents(owner) == (30, 30, 8555)
        assert endings(owner) == ["finished"]
        with owner.opened().reading() as cursor:
            noted = fetch_parts(cursor, job.id)
            assert fetch_done(cursor)[job.id].state == "finished"
        assert [(row.part, row.sha256, row.rows) for row in noted] == [
            (part.name, part.sha256(), 10) for part in job.parts()
        ]


def test_what_is_there_is_taken_in_while_the_job_runs_and_after_each_end(workspace: Workspace) -> None:
    job = submit(workspace.root, "squares", {"pause": 0.05}, work_list(50), shard_rows=10)
    with opened(workspace) as owner:
        make_tables(owner.opened())
        wait_for_parts(job, 1)
        early = ingest_ready(owner)
        assert [report.state for report in early] == [None]
        cancel(job)
        (cancelled,) = ingest_ready(owner)
        assert cancelled.state == "cancelled"
        resume(job)
        wait_for(job)
        (finished,) = ingest_ready(owner)
        assert finished.state == "finished"
        assert early[0].parts + cancelled.parts + finished.parts == 5
        assert contents(owner) == (50, 50, sum_of_squares(50))
        assert endings(owner) == ["cancelled", "finished"]


@pytest.mark.slow
def test_an_owner_killed_in_the_middle_loses_and_doubles_nothing(workspace: Workspace) -> None:
    random = numpy.random.default_rng(9)
    settings = {"pause": 0.005, "ingest_pause": 0.03}
    jobs = [submit(workspace.root, "squares", settings, work_list(200), shard_rows=10) for _ in range(2)]
    kills = 0
    with Owners(workspace.root) as owners:
        while kills < 5 or any(job.state() != "finished" for job in jobs):
            owner = owners.start()
            time.sleep(random.uniform(0.05, 0.4))
            kills += owners.kill(owner)
    with opened(workspace) as last:
        ingest_ready(last)
        assert contents(last) == (400, 400, 2 * sum_of_squares(200))
        assert endings(last) == ["finished", "finished"]
        with last.opened().reading() as cursor:
            assert [len(fetch_parts(cursor, job.id)) for job in jobs] == [20, 20]


def test_two_threads_of_one_owner_take_each_part_once(workspace: Workspace) -> None:
    wait_for(submit(workspace.root, "squares", {"ingest_pause": 0.01}, work_list(100), shard_rows=10))
    with opened(workspace) as owner:
        make_tables(owner.opened())
        reports: list[TakenIn] = []
        threads = [threading.Thread(target=lambda: reports.extend(ingest_ready(owner))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert contents(owner) == (100, 100, 328350)
        assert sum(report.parts for report in reports) == 10
        assert endings(owner) == ["finished"]


def test_a_job_that_cannot_be_taken_in_keeps_no_other_out(workspace: Workspace) -> None:
    refused: JobFolder = submit(workspace.root, "squares", {"refuse_part": 1}, work_list(30), shard_rows=10)
    damaged = submit(workspace.root, "squares", {}, work_list(10))
    fine = submit(workspace.root, "squares", {}, work_list(10))
    assert wait_for(refused) == wait_for(damaged) == wait_for(fine) == "finished"
    damaged.spec_file.write_text("nonsense")
    with opened(workspace) as owner:
        make_tables(owner.opened())
        first, second, third = ingest_ready(owner)
        assert (first.parts, first.state, str(first.error)) == (1, None, "This part is not wanted.")
        assert "cannot be read" in str(second.error)
        assert (third.parts, third.state, third.error) == (1, "finished", None)
        assert contents(owner)[0] == 20
        assert [report.job_id for report in ingest_ready(owner)] == [refused.id, damaged.id]
