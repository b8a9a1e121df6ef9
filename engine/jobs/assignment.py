"""What the leader of a job has to get done, whoever does it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.jobs.disk import Forecast, require_space
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import Kind, find_kind
from engine.jobs.ledger import Ledger
from engine.jobs.shards import Cancellation
from engine.jobs.spec import JobSpec, JsonValue

MOST_DEATHS = 3
"""So often may one shard, or the start of one process, end in a death before the job fails."""


@dataclass(slots=True)
class Assignment:
    """One start of a job: its shards that have no part, and the count.

    Attributes:
        folder: of the job.
        spec: its specification.
        cancellation: set by whoever hears of the user's wish.
        ledger: a member for each process.
        todo: numbers of the shards that nobody has in hand, in order.
    """

    folder: JobFolder
    spec: JobSpec
    cancellation: Cancellation
    ledger: Ledger
    todo: list[int]

    @classmethod
    def begin(cls, folder: JobFolder, spec: JobSpec, cancellation: Cancellation, names: Sequence[str]) -> "Assignment":
        """Clean up behind an earlier start and see what is left.

        Args:
            folder: of the job.
            spec: its specification.
            cancellation: set by whoever hears of the user's wish.
            names: of the processes that will work.
        """
        places = folder.part_names(spec)
        places.folder.mkdir(parents=True, exist_ok=True)
        places.remove_orphans()
        finished = {part.number for part in places.finished()}
        done = _rows(folder, finished)
        ledger = Ledger(folder.log(), spec.total, done, names, Forecast(folder.path, done))
        return cls(folder, spec, cancellation, ledger, [n for n in range(spec.shards) if n not in finished])

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return find_kind(self.spec.kind)

    def require_space(self) -> None:
        """Refuse to start where the results would not fit on the disk, unless the user has insisted.

        Raises:
            EngineError: they would not fit.
        """
        if not self.spec.force and self.spec.total is not None:
            left = max(0, self.spec.total - self.ledger.done)
            require_space(self.folder.workspace_root, left * self.kind.row_bytes, "The results", self.folder.id)

    def numbers(self) -> Iterator[int]:
        """The shards in order, for a job that has one process."""
        while self.todo:
            yield self.todo.pop(0)

    def missing(self) -> list[int]:
        """Numbers of the shards that have no part."""
        finished = {part.number for part in self.folder.part_names(self.spec).finished()}
        return [number for number in range(self.spec.shards) if number not in finished]

    def pausing(self) -> bool:
        """Whether the user has asked for a pause."""
        if self.folder.pause_file.exists():
            self.cancellation.pause()
        return self.cancellation.paused_at is not None

    def stopping(self) -> bool:
        """Whether no further shard shall be begun."""
        return self.cancellation.requested or self.pausing()

    def merged(self, results: Sequence[Mapping[str, JsonValue]]) -> dict[str, JsonValue]:
        """What the processes returned, as one result."""
        merged: dict[str, Any] = {}
        for result in results:
            for name, value in result.items():
                if name in self.kind.sums:
                    merged[name] = merged.get(name, 0) + value
                else:
                    merged.setdefault(name, value)
        return merged


def _rows(folder: JobFolder, numbers: set[int]) -> int:
    if not folder.work_file.exists():
        return 0
    import pyarrow.parquet as parquet

    metadata = parquet.read_metadata(folder.work_file)
    return sum(metadata.row_group(number).num_rows for number in numbers if number < metadata.num_row_groups)
