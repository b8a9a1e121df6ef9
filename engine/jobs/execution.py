"""Who schedules the shards of a job, and how urgent it is: what every command that submits one lets the user say."""

import importlib.util
from dataclasses import dataclass
from typing import get_args

from engine.errors import EngineError
from engine.jobs.kinds import find_kind
from engine.jobs.spec import Executor


@dataclass(frozen=True, slots=True)
class Execution:
    """How a job is carried out, beside its device.

    Attributes:
        executor: local (processes on this machine) or ray (a Ray cluster).
        address: of the cluster; None: the one that $RAY_ADDRESS names, or one on this machine.
        storage: URL through which the machines exchange parts, such as s3://bucket/folder; None: they share the
            workspace's folder.
        priority: waiting jobs of a higher one go first.
        estimate: only find out what the job would take, see ``estimate.Estimate``.
        force: start even where the results would not fit on the disk.
    """

    executor: Executor = "local"
    address: str | None = None
    storage: str | None = None
    priority: int = 0
    estimate: bool = False
    force: bool = False

    def check(self) -> None:
        """Refuse what cannot be, whatever the job.

        Raises:
            EngineError: no such executor, a cluster's setting without one, or Ray is not installed.
        """
        if self.executor not in get_args(Executor):
            raise EngineError(f"There is no executor {self.executor}.", f"One of: {', '.join(get_args(Executor))}.")
        if self.executor == "local":
            if self.address or self.storage:
                raise EngineError("--address and --storage speak of a cluster.", "Add --executor ray.")
            return
        if importlib.util.find_spec("ray") is None:
            raise EngineError("Ray is not installed.", "pip install 'sood-tui[ray]', here and on every machine.")

    def check_for(self, kind: str) -> None:
        """Refuse what cannot be for a kind of job.

        Raises:
            EngineError: as ``check``, or the kind does not consist of shards.
        """
        self.check()
        if self.executor != "local" and not find_kind(kind).parallel:
            raise EngineError(f"A {kind} job has one process.", "Leave out --executor ray.")


LOCAL = Execution()
