"""What a job will take, found out by doing a small part of it: the work of the kind ``estimate``.

The kind that is asked about runs on some rows of its work list in a scratch workspace, on the device and the disk that
it is meant for; where the job shall run on a cluster, one of the cluster's processes tries it. Its results are thrown
away.
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet

from engine.errors import EngineError
from engine.events import now
from engine.jobs.devices import places_of
from engine.jobs.disk import MARGIN, free_bytes, size_text
from engine.jobs.folder import JobFolder
from engine.jobs.kinds import Kind, find_kind, resolve
from engine.jobs.shards import Cancellation, JobCancelled, ShardRun
from engine.jobs.spec import JobSpec, JsonValue
from engine.jobs.storage import files_below
from engine.jobs.timing import bottleneck_of

KIND = "estimate"
SHARDS = 4
ROWS = 64
LONGEST = 20.0
"""Seconds that are measured at most, loading left out."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job will take.

    Attributes:
        job_kind: that was tried.
        unit: what is counted, in the plural.
        units: in the whole work list.
        tried: of these.
        rate: units a second, over all processes.
        processes: how many there will be; each is taken to be as fast as the one that was tried.
        load_seconds: until the first unit was done.
        seconds: of the whole job; None where the rate could not be told.
        needed_bytes: on the disk; None where no part was finished in time.
        bottleneck: the phase that takes most of the time; None where none was measured.
        bottleneck_share: its share, in [0, 1].
        detail: small values of the kind's own, such as batch or memory.
        warnings: what was worked around, such as a batch that was halved.
        free_bytes: on the disk of the workspace.
        fits: whether it fits there, and with the batch that was asked for into the memory.
    """

    job_kind: str
    unit: str
    units: int
    tried: int
    rate: float | None
    processes: int
    load_seconds: float
    seconds: float | None
    needed_bytes: int | None
    bottleneck: str | None
    bottleneck_share: float | None
    detail: Mapping[str, JsonValue]
    warnings: tuple[str, ...]
    free_bytes: int
    fits: bool

    def sentences(self) -> list[str]:
        """The same for a person."""
        said = []
        if self.seconds is not None and self.rate is not None:
            processes = f" with {self.processes} processes" if self.processes > 1 else ""
            said.append(
                f"{self.units:,} {self.unit} take about {_duration(self.seconds)}{processes}: "
                f"{_rate(self.rate)} a second, after {self.load_seconds:.0f} s of loading."
            )
        if self.bottleneck is not None and self.bottleneck_share is not None:
            said.append(f"{self.bottleneck_share:.0%} of the time goes into {self.bottleneck}.".replace("%", " %"))
        if self.needed_bytes is not None:
            enough = "" if self.needed_bytes * MARGIN <= self.free_bytes else ": too little"
            said.append(
                f"The results need about {size_text(self.needed_bytes)}; {size_text(self.free_bytes)} are free{enough}."
            )
        if "batch" in self.detail:
            memory = f", with {self.detail['memory']} of memory in use" if self.detail.get("memory") else ""
            said.append(f"A batch of {self.detail['batch']} was tried{memory}.")
        if find_kind(self.job_kind).concludes:
            said.append("What is worked out from all of them at the end comes on top.")
        return [*said, *self.warnings]


@dataclass(slots=True)
class _Probe:
    """Takes note of what the tried kind does."""

    cancellation: Cancellation
    outer: ShardRun
    begun: float = field(default_factory=time.monotonic)
    first: tuple[float, int] | None = None
    last: float = 0.0
    units: int = 0
    parts: int = 0
    detail: dict[str, JsonValue] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def advance(self, units: int, detail: Mapping[str, JsonValue], spent: Mapping[str, float]) -> None:
        """See ``ledger.Teller``."""
        moment = time.monotonic()
        self.units += units
        self.detail.update(detail)
        if self.first is None:
            self.first = moment, self.units
        else:
            for phase, seconds in spent.items():
                self.spent[phase] = self.spent.get(phase, 0.0) + seconds
        self.last = moment
        self.outer.advance(units, **detail)
        if moment - self.first[0] > LONGEST:
            self.cancellation.requested = True

    def warn(self, message: str, subject: str | None) -> None:
        """See ``ledger.Teller``."""
        if subject is None:  # what concerns a single picture says nothing about the job
            self.warnings.append(message)

    def part(self, number: int, name: str, rows: int) -> None:
        """See ``ledger.Teller``."""
        self.parts += rows

    def expect(self, total: int) -> None:
        """See ``ledger.Teller``."""

    @property
    def rate(self) -> float | None:
        """Units a second after the first batch, which warms up; with it where it is the only one."""
        if self.first is None:
            return None
        start, done = self.first
        if self.units > done and self.last > start:
            return (self.units - done) / (self.last - start)
        return self.units / max(1e-6, self.last - self.begun)


def sample(work: pyarrow.Table, kind: Kind, settings: Mapping[str, JsonValue]) -> pyarrow.Table:
    """Rows from all over the work list of a job."""
    count = min(work.num_rows, _shard_rows(kind, settings) * SHARDS)
    places = pyarrow.array([number * work.num_rows // count for number in range(count)], pyarrow.int64())
    return work.take(places)


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Try a job; called in the worker.

    Settings: kind, settings (of the job), units (in its work list). Work list: a sample of it, as one shard.
    Returns: the fields of an ``Estimate`` but the last two, which only the workspace's machine can tell.
    """
    found: dict[str, JsonValue] = {}
    for shard in run.shards():
        scratch = run.folder.path / "probe"
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            probe, folder = _try(run, scratch, shard.table)
            written = _bytes_below(scratch) - folder.work_file.stat().st_size
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        found = _found(run, probe, written)
        shard.commit(pyarrow.table({}))
    return found


def _shard_rows(kind: Kind, settings: Mapping[str, JsonValue]) -> int:
    """As many as are done at once: in smaller shards writing would seem to take most of the time."""
    return int(settings.get("batch_size") or max(ROWS, kind.batch_rows))


def _try(run: ShardRun, scratch: Path, work: pyarrow.Table) -> tuple[_Probe, JobFolder]:
    kind = find_kind(str(run.settings["kind"]))
    settings = run.settings["settings"]
    # With the estimate's own number, so that no part of another job is taken for one of this.
    folder = JobFolder(scratch / "jobs" / f"{run.spec.number:04d}-{kind.name}")
    folder.path.mkdir(parents=True)
    _bring_needed(run.workspace_root, scratch, kind.needed(settings))
    parquet.write_table(work, folder.work_file, row_group_size=_shard_rows(kind, settings))
    shards = parquet.read_metadata(folder.work_file).num_row_groups
    spec = JobSpec(
        folder.id, kind.name, now(), kind.name, "", run.device, settings, None, work.num_rows, shards, kind.unit,
    )  # fmt: skip
    cancellation = Cancellation()
    probe = _Probe(cancellation, run)
    inner = ShardRun(
        folder, spec, cancellation, probe, lambda: _numbers(run, shards), run.device, _cores(run, kind), run.place,
        concludes=False,
    )  # fmt: skip
    try:
        resolve(kind.function)(inner)
    except JobCancelled:
        run.check()
    return probe, folder


def _cores(run: ShardRun, kind: Kind) -> int:
    """As many as one of the processes of the job would have; torch, which is not loaded yet, uses no more either."""
    if run.spec.executor == "local" and (processes := _processes(run, kind)) > 1:
        cores = max(1, run.cores // processes)
        os.environ["OMP_NUM_THREADS"] = str(cores)
        return cores
    return run.cores


def _bring_needed(root: Path, scratch: Path, patterns: Iterable[str]) -> None:
    """Show the tried kind what it needs of the workspace; what it writes stays in the scratch."""
    for name in files_below(root, patterns):
        if (root / name).is_file():
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / name).symlink_to((root / name).resolve())


def clear_away(folder: JobFolder) -> None:
    """Remove from the workspace what was written for an estimate alone; nothing where the job is none."""
    spec = folder.spec()
    if spec.kind == KIND:
        settings = spec.settings["settings"]
        for name in find_kind(str(spec.settings["kind"])).own:
            shutil.rmtree(folder.workspace_root / str(settings[name]), ignore_errors=True)


def _numbers(run: ShardRun, shards: int) -> Iterator[int]:
    for number in range(shards):
        run.check()
        yield number


def _found(run: ShardRun, probe: _Probe, written: int) -> dict[str, JsonValue]:
    kind = find_kind(str(run.settings["kind"]))
    units = int(run.settings["units"])
    processes = _processes(run, kind)
    rate = None if probe.rate is None else probe.rate * processes
    load = 0.0 if probe.first is None else probe.first[0] - probe.begun
    bottleneck = bottleneck_of(probe.spent)
    return {
        "job_kind": kind.name,
        "unit": kind.unit,
        "units": units,
        "tried": probe.units,
        "rate": rate,
        "processes": processes,
        "load_seconds": round(load, 3),
        "seconds": None if not rate else round(load + units / rate, 1),
        "needed_bytes": round(written / probe.parts * units) if probe.parts else None,
        "bottleneck": bottleneck.phase if bottleneck else None,
        "bottleneck_share": round(bottleneck.share, 4) if bottleneck else None,
        "detail": probe.detail,
        "warnings": probe.warnings,
    }


def _processes(run: ShardRun, kind: Kind) -> int:
    """How many processes would do the job."""
    if not kind.parallel:
        return 1
    if run.spec.executor == "local":
        return len(places_of(run.spec.device))
    import ray

    from engine.jobs.hiring import hiring_for

    return hiring_for(run.spec.device, ray.nodes()).processes  # type: ignore[no-untyped-call]


def read_estimate(folder: JobFolder) -> Estimate:
    """What an estimate job found out.

    Raises:
        EngineError: it has not finished.
    """
    outcome = folder.outcome()
    if outcome is None or outcome.state != "finished":
        raise EngineError(f"{folder.id} has no estimate.", "See `sood-tui jobs log`.")
    known = dict(outcome.result)
    free, needed = free_bytes(folder.workspace_root), known["needed_bytes"]
    known |= {
        "warnings": tuple(known["warnings"]),
        "free_bytes": free,
        "fits": not known["warnings"] and (needed is None or needed * MARGIN <= free),
    }
    return Estimate(**known)


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
