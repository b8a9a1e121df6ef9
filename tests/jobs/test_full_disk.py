"""A real file system without room: what is refused, what is told, and that all goes on once there is room again."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from jobs_for_tests import work_list

from engine.jobs.runner import list_jobs, resume, submit
from engine.workspace import Workspace
from sood_tui.cli import run
from sood_tui.notices import describe
from sood_tui.workspace import create_workspace
from store.connection import open_store
from tests.jobs.waiting import end_jobs, wait_for

Fill = Callable[[int], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def small(disk: Path) -> Iterator[Workspace]:
    """A workspace on it."""
    made = create_workspace(disk / "work")
    (made.root / "jobs").mkdir()
    yield made
    end_jobs(made)


def leave(disk: Path, count: int) -> None:
    """Take all room but so many bytes; what was taken before is given back first."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    found = os.statvfs(disk)
    taken = found.f_bavail * found.f_frsize - count
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, taken)


def test_a_job_without_room_for_its_last_word_is_not_begun(small: Workspace, disk: Path) -> None:
    leave(disk, 40_000)
    with pytest.raises(OSError, match="No space left") as caught:
        submit(small.root, "squares", {}, work_list(5))
    assert caught.value.errno == errno.ENOSPC
    notice = describe(caught.value)
    assert notice is not None
    assert (notice.message, notice.exit_code) == ("The disk is full.", 2)
    assert list_jobs(small.root) == []
    assert [path.name for path in (small.root / "jobs").iterdir()] == [".last-number"]
    leave(disk, 1_000_000)
    assert wait_for(submit(small.root, "squares", {}, work_list(5))) == "finished"


def test_a_disk_that_fills_up_while_a_job_waits_is_still_told(small: Workspace, disk: Path) -> None:
    first = submit(small.root, "device-squares", {"batch_size": 1, "pause": 0.03}, work_list(50), "cpu")
    wait_for(first, "running")
    second = submit(small.root, "arrays", {"columns": 50_000}, work_list(8), "cpu", shard_rows=4)
    leave(disk, 0)
    assert wait_for(second, "failed", "died", "finished") == "failed", second.printed()
    outcome = second.outcome()
    assert outcome is not None
    assert "0 bytes are free there" in outcome.message
    assert "Make room" in outcome.hint
    leave(disk, 2_000_000)
    resume(second)
    assert wait_for(second) == "finished"


def test_a_catalogue_that_grows_over_the_edge_says_so_and_opens_again(small: Workspace, disk: Path) -> None:
    open_store(small.catalogue).close()
    leave(disk, 500_000)
    store = open_store(small.catalogue)
    with pytest.raises(duckdb.Error) as caught:  # noqa: PT012 - DuckDB may notice it at either of the two
        with store.writing() as cursor:
            cursor.execute("CREATE TABLE large AS SELECT random() AS number FROM range(1000000)")
        store.close()
    notice = describe(caught.value)
    assert notice is not None
    assert (notice.message, notice.exit_code) == ("The disk is full.", 2)
    subprocess.run(["mount", "-o", "remount,size=60m", disk], check=True)
    del store, cursor
    assert run(["-w", str(small.root), "status", "--json"]) == 0
