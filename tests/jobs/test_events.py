"""Lines of events, and the rate that is told."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.jobs.events import EventLog, JobEvent, Pace, RateMeter, parse_event, read_events, read_last_events
from engine.jobs.folder import JobProgress
from engine.jobs.ledger import Ledger

AT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def test_a_line_says_what_there_is_to_say() -> None:
    event = JobEvent("part", AT, done=10, total=20, part="part-00000.parquet", rows=10, detail={"batch": 5})
    assert event.line() == (
        b'{"kind":"part","at":"2026-01-01T12:00:00+00:00","done":10,"total":20,"part":"part-00000.parquet","rows":10,'
        b'"detail":{"batch":5}}\n'
    )
    assert parse_event(event.line()) == event


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"kind":"progress"}',
        b'{"kind":"dance","at":"2026-01-01T12:00:00+00:00"}',
        b'{"kind":"progress","at":"2026-01-01T12:00:00"}',
        b'{"kind":"progress","at":"2026-01-01T12:00:00+00:00","done":"ten"}',
        b'{"kind":"progress","at":"2026-01-01T12:00:00+00:00","colour":"red"}',
        b'{"kind":[],"at":"2026-01-01T12:00:00+00:00"}',
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_not_ours_is_no_event(line: bytes) -> None:
    assert parse_event(line) is None


def test_reading_goes_on_where_it_stopped_and_waits_for_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert read_events(path) == ([], 0)
    log = EventLog(path)
    log.append("queued")
    events, offset = read_events(path)
    assert [event.kind for event in events] == ["queued"]
    line = JobEvent("started", AT).line()
    with path.open("ab") as stream:
        stream.write(line[:10])
    assert read_events(path, offset) == ([], offset)
    with path.open("ab") as stream:
        stream.write(line[10:])
    assert read_events(path, offset) == ([JobEvent("started", AT)], offset + len(line))


def test_the_latest_events_of_a_long_file_are_read_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(JobEvent("progress", AT, done=number).line() for number in range(10_000)))
    latest = read_last_events(path)
    assert latest[-1].done == 9_999
    assert 500 < len(latest) < 1_500
    path.write_bytes(b"x" * 100_000 + b"\n")
    EventLog(path).append("queued")
    assert [event.kind for event in read_last_events(path)] == ["queued"]


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = RateMeter(window=10.0)
    assert meter.add(100.0, 0) is None
    assert meter.add(100.4, 40) is None
    assert meter.add(101.0, 50) == 50.0  # 50 in 1 s
    assert meter.add(111.0, 150) == 10.0  # the window begins at 101 s: 100 in 10 s
    assert meter.add(121.0, 150) == 0.0


def test_a_stage_that_no_unit_counts_tells_its_pace() -> None:
    pace = Pace()
    assert pace.words(0, 97_279, 100.0) == "0 of 97,279"
    assert pace.words(1000, 97_279, 102.0) == "1,000 of 97,279, 500/s, 3 min left"
    assert pace.words(97_000, 97_279, 110.0) == "97,000 of 97,279, 9,700/s, 0 s left"


def test_fraction_and_time_left() -> None:
    assert JobProgress(AT, done=25, total=100, rate=5.0).seconds_left == 15.0
    assert JobProgress(AT, done=25, total=100, rate=5.0).fraction == 0.25
    assert JobProgress(AT, done=25, total=100, rate=0.0).seconds_left is None
    assert JobProgress(AT, done=25).fraction is None
    assert JobProgress(AT, total=0).fraction == 1.0


def test_what_a_job_tells_stays_until_it_is_replaced_or_taken_off(tmp_path: Path) -> None:
    ledger = Ledger(EventLog(tmp_path / "events.jsonl"), 40, 0, ["cpu"])
    ledger.advance(0, 1, {"batch": 8, "stage": "words", "words": "1 of 9"})
    ledger.advance(0, 1, {"stage": "hard", "words": None})
    assert ledger.detail == {"batch": 8, "stage": "hard"}
