"""Counting what is done and by whom: the one place that appends progress to the events of a job."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from engine.jobs.disk import Forecast
from engine.jobs.events import EventKind, EventLog, RateMeter
from engine.jobs.spec import JsonValue

# Five progress events a second show a smooth bar; after a minute one a second does, and the file stays small.
SHORT_PAUSE = 0.2
LONG_PAUSE = 1.0
SMOOTH_SECONDS = 60.0

MemberState = Literal["starting", "working", "silent", "lost", "ended"]


class Teller(Protocol):
    """How a process that works on shards tells what it does; the count may be kept in another one."""

    def advance(self, units: int, detail: Mapping[str, JsonValue], spent: Mapping[str, float]) -> None:
        """So many units are done; ``spent`` are the seconds by phase since the last call."""

    def warn(self, message: str, subject: str | None) -> None:
        """Something was worked around."""

    def part(self, number: int, name: str, rows: int) -> None:
        """The part of a shard is written."""

    def expect(self, total: int) -> None:
        """So many units there are."""


@dataclass(slots=True)
class Member:
    """One process of a job, as the count knows it.

    Attributes:
        name: of its place.
        state: starting, working, silent (does not answer), lost (its device is gone) or ended.
        done: units done since this start of the job.
        unfinished: of these, units of the shard that has no part yet.
        detail: small values of the kind's own.
        spent: seconds by phase.
    """

    name: str
    state: MemberState = "starting"
    done: int = 0
    unfinished: int = 0
    rate: float | None = None
    detail: dict[str, JsonValue] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    meter: RateMeter = field(default_factory=RateMeter)

    def values(self) -> dict[str, JsonValue]:
        """As JSON values, for an event."""
        return {
            "name": self.name,
            "state": self.state,
            "done": self.done,
            "rate": None if self.rate is None else round(self.rate, 3),
            "detail": self.detail,
            "spent": {phase: round(seconds, 3) for phase, seconds in self.spent.items()},
        }


class Ledger:
    """The count of one start of a job."""

    def __init__(
        self, log: EventLog, total: int | None, done: int, names: Sequence[str], forecast: Forecast | None = None
    ) -> None:
        self.total = total
        self.done = done
        self.warnings = 0
        self.members = [Member(name) for name in names]
        self._log = log
        self._forecast = forecast
        self._meter = RateMeter()
        self._rate: float | None = None
        self._started = self._reported = time.monotonic()
        self._meter.add(self._started, self.done)

    @property
    def seconds(self) -> float:
        """How long this start has worked."""
        return time.monotonic() - self._started

    @property
    def detail(self) -> dict[str, JsonValue]:
        """Small values for the job as a whole: those of its only process, or how many work; nothing at their end."""
        if len(self.members) == 1:
            return self.members[0].detail
        working = sum(member.state in ("starting", "working") for member in self.members)
        return {"processes": working} if working else {}

    def advance(
        self, number: int, units: int, detail: Mapping[str, JsonValue], spent: Mapping[str, float] | None = None
    ) -> None:
        """Count units that a member has done."""
        member = self.members[number]
        member.state = "working"
        member.done += units
        member.unfinished += units
        member.detail = {name: value for name, value in {**member.detail, **detail}.items() if value is not None}
        for phase, seconds in (spent or {}).items():
            member.spent[phase] = member.spent.get(phase, 0.0) + seconds
        self.done += units
        self.report(at_once=False)

    def part(self, number: int, name: str, rows: int) -> None:
        """Note a finished part."""
        self.members[number].unfinished = 0
        self._append("part", part=name, rows=rows)

    def take_back(self, number: int) -> None:
        """Uncount the shard that a member had in hand: it is done again, by this one or another."""
        member = self.members[number]
        self.done -= member.unfinished
        member.done -= member.unfinished
        member.unfinished = 0

    def warn(self, message: str, subject: str | None = None) -> None:
        """Tell the user of something that was worked around."""
        self.warnings += 1
        self._log.append("warned", message=message, subject=subject, warnings=self.warnings)

    def report(self, at_once: bool = True) -> None:
        """Append a progress event, unless one was appended a moment ago. A job does not fail because this does."""
        moment = time.monotonic()
        pause = SHORT_PAUSE if moment - self._started < SMOOTH_SECONDS else LONG_PAUSE
        if not at_once and moment - self._reported < pause:
            return
        self._reported = moment
        self._rate = self._meter.add(moment, self.done)
        for member in self.members:
            member.rate = member.meter.add(moment, member.done)
        self._append("progress")
        if self._forecast is not None and (sentence := self._forecast.warning(self.done, self.total)):
            self.warn(sentence)

    def values(self) -> list[dict[str, JsonValue]]:
        """The members as JSON values; none where nothing is to be told about a single one."""
        if len(self.members) == 1 and not self.members[0].spent:
            return []
        return [member.values() for member in self.members]

    def _append(self, kind: EventKind, **fields: JsonValue) -> None:
        try:
            self._log.append(
                kind,
                done=self.done,
                total=self.total,
                rate=self._rate,
                warnings=self.warnings,
                detail=self.detail,
                members=self.values(),
                **fields,
            )
        except OSError as error:
            print(f"the event {kind} could not be written: {error}", flush=True)


@dataclass(frozen=True, slots=True)
class OwnTeller:
    """Tells the ledger of the same process."""

    ledger: Ledger
    number: int = 0

    def advance(self, units: int, detail: Mapping[str, JsonValue], spent: Mapping[str, float]) -> None:
        """See ``Teller``."""
        self.ledger.advance(self.number, units, detail, spent)

    def warn(self, message: str, subject: str | None) -> None:
        """See ``Teller``."""
        self.ledger.warn(message, subject)

    def part(self, number: int, name: str, rows: int) -> None:
        """See ``Teller``."""
        self.ledger.part(self.number, name, rows)

    def expect(self, total: int) -> None:
        """See ``Teller``."""
        self.ledger.total = total
