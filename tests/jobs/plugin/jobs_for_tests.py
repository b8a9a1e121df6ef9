"""Small real kinds of jobs, installed as a package would install its own, and a process that owns a catalogue."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy
import pyarrow
import pyarrow.compute

from engine.errors import EngineError
from engine.jobs.ingest import Intake
from engine.jobs.kinds import Kind
from engine.jobs.runner import submit
from engine.jobs.shards import Shard, ShardRun
from store.connection import Store

SQUARES = Kind("squares", "jobs_for_tests:square", "jobs_for_tests:take_squares", "numbers", on_device=False)
DEVICE_SQUARES = Kind(
    "device-squares", "jobs_for_tests:square", "jobs_for_tests:take_squares", "numbers", on_device=True
)
SHARED_SQUARES = Kind(
    "shared-squares",
    "jobs_for_tests:square_together",
    "jobs_for_tests:take_squares",
    "numbers",
    on_device=True,
    parallel=True,
    sums=("numbers",),
)
CONCLUDING = Kind(
    "concluding", "jobs_for_tests:square_and_conclude", None, "numbers", on_device=True, parallel=True, concludes=True,
    sums=("numbers",),
)  # fmt: skip
ARRAYS = Kind("arrays", "jobs_for_tests:write_arrays", None, "numbers", on_device=False)
STEPS = Kind("steps", "jobs_for_tests:count_steps", None, "steps", on_device=False)
STUBBORN = Kind("stubborn", "jobs_for_tests:ignore_cancel", None, "naps", on_device=False)
FORKING = Kind("forking", "jobs_for_tests:fork_helper", None, "helpers", on_device=False)


def square(run: ShardRun) -> None:
    """Square numbers, with the pauses, warnings and errors that the settings ask for."""
    run.need_space(run.settings.get("need", 0), "The squares")
    for shard in run.shards():
        with (run.folder.path / "attempts").open("a") as attempts:
            attempts.write(f"{shard.number}\n")
        squares = []
        for batch in shard.batches(run.settings.get("batch_size", 5)):
            time.sleep(run.settings.get("pause", 0.0))
            numbers = batch.column("number")
            for number in numbers.to_pylist():
                react(run, number)
            squares.append(pyarrow.table({"number": numbers, "square": pyarrow.compute.multiply(numbers, numbers)}))
            run.advance(batch.num_rows, batch=batch.num_rows)
        shard.commit(pyarrow.concat_tables(squares), {"shard": str(shard.number)})


def square_together(run: ShardRun) -> dict[str, object]:
    """Square numbers as one of several processes; the settings say at which place something happens, and when."""
    if run.settings.get("dies_at_start") == run.place:
        os.kill(os.getpid(), signal.SIGKILL)
    count = 0
    for shard in run.shards():
        squares = []
        for batch in shard.batches(run.settings.get("batch_size", 5)):
            with run.timed("encode"):
                time.sleep(run.settings.get("pauses", {}).get(run.place, run.settings.get("pause", 0.0)))
            numbers = batch.column("number")
            for number in numbers.to_pylist():
                react(run, number)
                happen(run, number)
            squares.append(pyarrow.table({"number": numbers, "square": pyarrow.compute.multiply(numbers, numbers)}))
            count += batch.num_rows
            run.advance(batch.num_rows, batch=batch.num_rows, cores=run.cores)
        if run.settings.get("arrays"):
            write_array(shard, numpy.full((shard.table.num_rows, 4), shard.number, numpy.float16))
        facts = {"place": run.place, "device": str(run.device), "pid": str(os.getpid())}
        shard.commit(pyarrow.concat_tables(squares), facts)
    return {"numbers": count, "cores": run.cores, "threads": os.environ.get("OMP_NUM_THREADS")}


def square_and_conclude(run: ShardRun) -> dict[str, object]:
    """Square numbers together; at the end one process counts the parts, and dies at it where the settings say so."""
    numbers = square_together(run)["numbers"]
    if not run.concludes:
        return {"numbers": numbers}
    with (run.folder.path / "concluded").open("a") as told:
        told.write(f"{run.place}\n")
    happen(run, -1)
    return {"numbers": numbers, "parts": len(run.names.finished())}


def happen(run: ShardRun, number: int) -> None:
    """Die, or lose the device, at the numbers that the settings name."""
    if number == run.settings.get("die_at"):
        marker = Path(run.settings.get("marks", run.folder.path)) / f"died-{number}"
        if run.settings.get("always") or not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if run.place in run.settings.get("lost", []):
        raise RuntimeError("CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA.")


def react(run: ShardRun, number: int) -> None:
    """Warn or fail at the numbers that the settings name."""
    if number == run.settings.get("warn_at"):
        run.warn("The number looks odd.", subject=str(number))
    if number == run.settings.get("refuse_at"):
        raise EngineError(f"{number} is not wanted.", hint="Leave it out.")
    if number == run.settings.get("break_at"):
        raise ZeroDivisionError(f"broke at {number}")


def take_squares(intake: Intake) -> None:
    """Take a part into the table, slowly where the settings ask for it; note each last call."""
    if intake.part is None:
        assert intake.outcome is not None
        intake.cursor.execute(
            "INSERT INTO ending VALUES ($job, $state)", {"job": intake.job.id, "state": intake.outcome.state}
        )
        return
    if intake.spec.settings.get("refuse_part") == intake.part.number:
        raise EngineError("This part is not wanted.")
    intake.cursor.execute(
        "INSERT INTO squared SELECT $job, number, square FROM read_parquet($path)",
        {"job": intake.job.id, "path": str(intake.part.path)},
    )
    time.sleep(intake.spec.settings.get("ingest_pause", 0.0))


def write_arrays(run: ShardRun) -> dict[str, int]:
    """Write an array beside each part, as large as the settings say."""
    for shard in run.shards():
        values = numpy.zeros((shard.table.num_rows, run.settings.get("columns", 2)), numpy.float16)
        write_array(shard, values)
        run.advance(shard.table.num_rows)
        shard.commit(shard.table)
    return {"shards": run.spec.shards}


def write_array(shard: Shard, values: numpy.ndarray) -> None:
    """Write the array of a shard."""
    shard.write_file(".npy", lambda stream: numpy.save(stream, values))


def count_steps(run: ShardRun) -> dict[str, int]:
    """Count steps, without a work list."""
    run.expect(20)
    for step in range(20):
        time.sleep(run.settings.get("pause", 0.0))
        run.advance(loss=1 / (step + 1))
    return {"steps": 20}


def ignore_cancel(run: ShardRun) -> None:
    """Sleep without ever asking for the user's wish."""
    run.advance()
    time.sleep(120)


def fork_helper(run: ShardRun) -> None:
    """Start a helper that outlives this process."""
    if os.fork() == 0:
        time.sleep(120)
        os._exit(0)
    print("helper started")
    run.advance()
    time.sleep(120)


def work_list(count: int) -> pyarrow.Table:
    """The numbers from 0."""
    return pyarrow.table({"number": pyarrow.array(range(count), pyarrow.int64())})


def make_tables(store: Store) -> None:
    """The tables that squares are taken into."""
    with store.writing() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS squared (job_id VARCHAR, number BIGINT, square BIGINT)")
        cursor.execute("CREATE TABLE IF NOT EXISTS ending (job_id VARCHAR, state VARCHAR)")


def main(verb: str, root: Path) -> int:
    """Be another process: one that owns the catalogue, or one that submits and goes away."""
    from sood_tui.cli.following import follow, take_in_results
    from sood_tui.workspace import opened, require_workspace

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what is in the background deaf to Ctrl-C
    if verb == "owners":  # a new one for each line: what takes long is loaded once
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        for _ in sys.stdin:
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                with opened(require_workspace(root)) as workspace:
                    make_tables(workspace.opened())
                    print(os.getpid(), flush=True)
                    take_in_results(workspace)
                os._exit(0)
        return 0
    if verb == "hold":
        with opened(require_workspace(root)):
            print("open", flush=True)
            sys.stdin.read()
            return 0
    job = submit(root, "squares", {"pause": 0.15}, work_list(60), shard_rows=10)
    print(job.id, flush=True)
    return follow(root, job.id) if verb == "follow" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
