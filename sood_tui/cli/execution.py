"""Options of every command that submits long work, said once: where it runs, who schedules it, how urgent it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import typer

from engine.errors import EngineError
from engine.jobs.devices import check_device
from engine.jobs.execution import Execution
from engine.jobs.runner import find_job
from engine.jobs.spec import Executor
from sood_tui.cli.following import follow, printable
from sood_tui.cli.output import emit_json, say

Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        callback=lambda text: None if text is None else check_device(text),
        help="auto (every GPU, else the processor), cpu, cpu:N (N processes), cuda (every GPU), cuda:0 or cuda:0,2.",
    ),
]
ExecutorName = Annotated[
    str, typer.Option("--executor", help="Who schedules the work: local, or ray (a Ray cluster; see docs/cluster.md).")
]
Address = Annotated[
    str | None,
    typer.Option("--address", help="Of the Ray cluster; else $RAY_ADDRESS, else one is started on this machine."),
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage", metavar="URL", help="Where a cluster leaves its parts, s3://... or file://...; else the workspace."
    ),
]
Priority = Annotated[int, typer.Option("--priority", help="Waiting jobs of a higher one go first.")]
OnlyEstimate = Annotated[
    bool, typer.Option("--estimate", help="Try a small part, tell what the whole would take, and do no more.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Start even where the results would not fit on the disk, as far as can be told.")
]
Detach = Annotated[bool, typer.Option("--detach", help="Leave the job running and come back at once.")]


@dataclass(frozen=True, slots=True)
class Following:
    """What is done with a job once it is submitted.

    Attributes:
        detach: leave it alone.
        as_json: write one JSON document.
    """

    detach: bool
    as_json: bool

    def until_its_end(self, workspace_root: Path, job_id: str, execution: Execution) -> int:
        """Show a job until it ends, or say how to do that.

        Returns: the exit code.
        """
        if execution.estimate:
            return _tell_estimate(workspace_root, job_id, self.as_json)
        if not self.detach:
            return follow(workspace_root, job_id, self.as_json)
        say(f"{job_id} runs: `sood-tui jobs watch {job_id}` shows how far it is.")
        if self.as_json:
            emit_json({"job_id": job_id})
        return 0


def execution_of(
    executor: str,
    address: str | None,
    storage: str | None,
    priority: int = 0,
    estimate: bool = False,
    force: bool = False,
) -> Execution:
    """What the options say.

    Raises:
        EngineError: they contradict each other, or name what is not there.
    """
    said = Execution(cast("Executor", executor), address, storage, priority, estimate, force)
    said.check()
    return said


def refuse_for_file(how: Execution) -> None:
    """A file is taken in at once, without a job.

    Raises:
        EngineError: an estimate was asked for.
    """
    if how.estimate:
        raise EngineError("A file is taken in at once: there is nothing to estimate.", "Leave out --estimate.")


def _tell_estimate(workspace_root: Path, job_id: str, as_json: bool) -> int:
    from engine.jobs.estimate import read_estimate

    if code := follow(workspace_root, job_id):
        return code
    found = read_estimate(find_job(workspace_root, job_id))
    for sentence in found.sentences():
        say(printable(sentence))
    if as_json:
        emit_json(found)
    return 0
