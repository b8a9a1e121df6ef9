"""Where the time of a job goes: seconds by phase, and the phase that holds the others up."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

Spend = Callable[[str, float], None]
"""Takes a phase and seconds."""

PHASES = ("decode", "prepare", "copy", "encode", "write")
"""What kinds call their phases: waiting for decoded pictures, preparing them by the model's own processor while the
device waits, moving them to the device, computing there, writing."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The phase in which most of the time is spent.

    Attributes:
        phase: its name.
        share: of the time that was measured, in [0, 1].
    """

    phase: str
    share: float


class Stopwatch:
    """Adds up seconds by phase, until they are taken."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count the time of the block to that phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(phase, time.perf_counter() - start)

    def add(self, phase: str, seconds: float) -> None:
        """Count so many seconds to that phase."""
        self._spent[phase] = self._spent.get(phase, 0.0) + seconds

    def take(self) -> dict[str, float]:
        """What was spent since the last time it was taken."""
        spent, self._spent = self._spent, {}
        return spent


def added_up(spent: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Seconds by phase over several processes."""
    total: dict[str, float] = {}
    for part in spent:
        for phase, seconds in part.items():
            total[phase] = total.get(phase, 0.0) + seconds
    return total


def bottleneck_of(spent: Mapping[str, float]) -> Bottleneck | None:
    """The phase that took longest; None where fewer than two phases were measured."""
    whole = sum(spent.values())
    if whole <= 0 or len(spent) < 2:
        return None
    phase = max(spent, key=lambda name: spent[name])
    return Bottleneck(phase, spent[phase] / whole)
