"""The connection of a job's leader to a Ray cluster."""

import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.errors import EngineError, first_line

KNOCKING = 10.0
OBJECT_STORE_BYTES = 100_000_000
"""Of a Ray that is started here: work lists pass through it, never pictures."""


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """A connection to the cluster.

    Args:
        address: of the cluster; None: the one of $RAY_ADDRESS, or one that is started here.

    Raises:
        EngineError: nobody answers there, or we are not let in.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    ours = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    known = address or os.environ.get("RAY_ADDRESS")
    options: dict[str, Any] = {"address": known} if known else {"address": "local", "include_dashboard": False}
    if not known:
        options["object_store_memory"] = OBJECT_STORE_BYTES
    try:
        _knock(known)
        ray.init(**options, log_to_driver=True, logging_level=logging.WARNING)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        first = first_line(error)
        raise EngineError(
            f"The Ray cluster {known or 'on this machine'} cannot be reached: {first}",
            "This machine must be part of it (`ray start --address=HOST:6379`) and have its token "
            "(RAY_AUTH_TOKEN, or the file ~/.ray/auth_token); see docs/cluster.md.",
        ) from error
    for number, handler in ours.items():  # Ray puts its own in their place
        signal.signal(number, handler)
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str | None) -> None:
    """See whether anybody answers there: Ray itself would end this process without a word.

    Raises:
        OSError: nobody does.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=KNOCKING).close()
