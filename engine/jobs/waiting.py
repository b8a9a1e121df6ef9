"""Waiting for a job from the process that submitted it."""

import time
from collections.abc import Callable

from engine.errors import EngineError
from engine.jobs.folder import JobFolder, JobProgress
from engine.jobs.spec import Outcome

_PAUSE = 0.05


def wait_for(job: JobFolder, on_progress: Callable[[JobProgress], None] | None = None) -> Outcome:
    """Wait until a job has finished.

    Args:
        job: submitted.
        on_progress: called while it runs, a few times a second.

    Raises: EngineError when it fails, dies or is cancelled, with the job's own message.
    """
    while (state := job.state()) in ("queued", "running"):
        if on_progress is not None:
            on_progress(job.progress())
        time.sleep(_PAUSE)
    outcome = job.outcome()
    if outcome is None:
        raise EngineError(
            f"{job.id} has {state}.", f"`sood-tui jobs log {job.id}` says more; resume takes it up again."
        )
    if outcome.state == "paused":
        raise EngineError(f"{job.id} was paused.", f"`sood-tui jobs resume {job.id}` takes it up again.")
    if outcome.state == "cancelled":
        raise EngineError(f"{job.id} was cancelled.", f"`sood-tui jobs resume {job.id}` takes it up again.")
    if outcome.state == "failed":
        raise EngineError(outcome.message or f"{job.id} has failed.", outcome.hint)
    return outcome
