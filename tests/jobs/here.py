"""A job in the test's own process: what its kind's function does and tells, without waiting for other processes."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from engine.events import now
from engine.jobs.assignment import Assignment
from engine.jobs.folder import JobFolder
from engine.jobs.shards import Cancellation, ShardRun
from engine.jobs.spec import JobSpec, JsonValue
from engine.jobs.timing import added_up


class Watcher:
    """Takes note of what the job tells, and does something after the first batch."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.act = act
        self.warnings: list[tuple[str, str | None]] = []
        self.batches = 0
        self.detail: dict[str, JsonValue] = {}
        self.spent: dict[str, float] = {}

    def advance(self, units: int, detail: Mapping[str, JsonValue], spent: Mapping[str, float]) -> None:
        """A batch is done."""
        self.batches += units > 0
        self.detail.update(detail)
        self.spent = added_up([self.spent, spent])
        if self.batches == 1:
            self.act()

    def warn(self, message: str, subject: str | None) -> None:
        """A picture was left out, or a batch halved."""
        self.warnings.append((message, subject))

    def part(self, number: int, name: str, rows: int) -> None:
        """A part is written."""

    def expect(self, total: int) -> None:
        """Never, with a work list."""


def run_here(
    root: Path, kind: str, settings: Mapping[str, JsonValue], work: pa.Table, watcher: Watcher, shards: int = 1
) -> ShardRun:
    """A job ready to be run in this process; its number is the next one that is free."""
    number = 1 + len(list((root / "jobs").glob("*")))
    folder = JobFolder(root / "jobs" / f"{number:04}-{kind}")
    folder.path.mkdir(parents=True)
    rows = -(-work.num_rows // shards)
    parquet.write_table(work, folder.work_file, row_group_size=rows)
    spec = JobSpec(folder.id, kind, now(), kind, "", "cpu", settings, None, work.num_rows, shards, "things")
    spec.write(folder.spec_file)
    cancellation = Cancellation()
    assignment = Assignment.begin(folder, spec, cancellation, ["cpu"])
    return ShardRun(folder, spec, cancellation, watcher, assignment.numbers, "cpu", 1, "cpu")
