"""Decisions as JSON lines: how they travel between workspaces.

One event a line, times in ISO 8601 with their zone. A line with a path speaks of a picture, any other of a candidate;
inherited_from stands only where a whole subtree was decided, is_adjudication only where a dispute was settled. Events
are recognised by event_id, so that reading the same journal twice changes nothing.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from engine.errors import EngineError
from engine.jobs.files import write_whole
from store.review.log import Event
from store.review.pictures import PictureEvent

Entry = Event | PictureEvent

_KEYS = ("event_id", "step_id", "superclass", "wnid", "kind", "target_step_id", "reviewer", "at", "note")
_ORIGIN = "inherited_from"
_ADJUDICATION = "is_adjudication"
_PICTURE_KEYS = ("event_id", "step_id", "root", "wnid", "path", "kind", "reviewer", "at", "note")
_OPTIONAL = ("target_step_id", "note", _ORIGIN, _ADJUDICATION)
_PICTURE_KINDS = ("bad", "several", "clear")
_DECISIONS = ("accept", "reject", "unsure", "clear")
_REVERSALS = ("undo", "redo")
_WNID = re.compile(r"[nasvr]\d{8}")


class BadJournal(EngineError):
    """A journal has lines that are no events; the message names each of them."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        shown = "\n".join(f"  {problem}" for problem in problems[:20])
        more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""
        super().__init__(
            f"{path} was not taken in, because of {len(problems)} line(s):\n{shown}{more}",
            "Nothing was changed. Write the journal again with `sood-tui review export FILE`.",
        )
        self.problems = problems


def write_journal(events: Iterable[Entry], path: Path) -> int:
    """Write events to a file that is complete or not there at all.

    Returns: how many lines were written.
    Raises: EngineError if its folder is not there.
    """
    if not path.absolute().parent.is_dir():
        raise EngineError(f"There is no folder {path.absolute().parent}.", "Make it, or name another file.")
    lines = [line_of(event) + "\n" for event in events]
    write_whole(path, lambda file: file.writelines(line.encode() for line in lines))
    return len(lines)


def line_of(event: Entry) -> str:
    """The event as one line of JSON, without the line's end."""
    keys = _PICTURE_KEYS if isinstance(event, PictureEvent) else _KEYS
    fields = {key: getattr(event, key) for key in keys}
    if isinstance(event, Event) and event.inherited_from is not None:
        fields[_ORIGIN] = event.inherited_from
    if isinstance(event, Event) and event.is_adjudication:
        fields[_ADJUDICATION] = True
    fields["at"] = event.at.astimezone(UTC).isoformat()
    return json.dumps(fields, ensure_ascii=False, default=str)


def read_journal(path: Path) -> list[tuple[int, Entry]]:
    """Read and check every line.

    Returns: the number of each line, counted from 1, and the event in it; empty lines are passed over.

    Raises: BadJournal naming every line that is no event.
    """
    events: list[tuple[int, Entry]] = []
    problems: list[str] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                events.append((number, event_of(line)))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
    if problems:
        raise BadJournal(path, problems)
    return events


def event_of(line: bytes) -> Entry:
    """The event that a line holds.

    Raises: ValueError saying what is wrong with the line.
    """
    try:
        fields = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at column {error.colno})") from None
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")
    if "path" in fields:
        _check_keys(fields, _PICTURE_KEYS)
        return _picture_event(fields)
    _check_keys(fields, (*_KEYS, _ORIGIN, _ADJUDICATION))
    return _event(fields)


def _check_keys(fields: dict[str, Any], keys: tuple[str, ...]) -> None:
    missing = [key for key in keys if key not in fields and key not in _OPTIONAL]
    unknown = [key for key in fields if key not in keys]
    if missing:
        raise ValueError(f"without {', '.join(missing)}")
    if unknown:
        raise ValueError(f"with unknown keys {', '.join(unknown)}")


def _event(fields: dict[str, Any]) -> Event:
    kind = fields["kind"]
    if kind not in _DECISIONS + _REVERSALS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(_DECISIONS + _REVERSALS)}")
    reverses = kind in _REVERSALS
    superclass, wnid = _text(fields, "superclass", empty=reverses), _text(fields, "wnid", empty=reverses)
    origin = fields.get(_ORIGIN)
    for name in (wnid, origin) if origin is not None else (wnid,):
        if not reverses and not (isinstance(name, str) and _WNID.fullmatch(name)):
            raise ValueError(f"wnid {name!r} is no WordNet id")
    adjudication = fields.get(_ADJUDICATION, False)
    if not isinstance(adjudication, bool) or (adjudication and reverses):
        raise ValueError(f"{_ADJUDICATION} {adjudication!r} is neither true nor false, or stands with {kind}")
    target = fields.get("target_step_id")
    if reverses != (target is not None):
        raise ValueError(f"{kind} {'needs a' if reverses else 'takes no'} target_step_id")
    return Event(
        _uuid(fields, "event_id"),
        _uuid(fields, "step_id"),
        superclass,
        wnid,
        kind,
        None if target is None else _uuid(fields, "target_step_id"),
        _text(fields, "reviewer"),
        _time(fields["at"]),
        _note(fields),
        origin,
        adjudication,
    )


def _picture_event(fields: dict[str, Any]) -> PictureEvent:
    kind, wnid = fields["kind"], _text(fields, "wnid")
    if kind not in _PICTURE_KINDS:
        raise ValueError(f"kind {kind!r} of a picture is none of {', '.join(_PICTURE_KINDS)}")
    if not _WNID.fullmatch(wnid):
        raise ValueError(f"wnid {wnid!r} is no WordNet id")
    return PictureEvent(
        _uuid(fields, "event_id"),
        _uuid(fields, "step_id"),
        _text(fields, "root"),
        wnid,
        _text(fields, "path"),
        kind,
        _text(fields, "reviewer"),
        _time(fields["at"]),
        _note(fields),
    )


def _note(fields: dict[str, Any]) -> str | None:
    note = fields.get("note")
    if note is not None and not isinstance(note, str):
        raise ValueError("note is no text")
    return note


def _text(fields: dict[str, Any], key: str, empty: bool = False) -> str:
    value = fields[key]
    if not isinstance(value, str) or not (value or empty):
        raise ValueError(f"{key} is {'no text' if not isinstance(value, str) else 'empty'}")
    return value


def _uuid(fields: dict[str, Any], key: str) -> UUID:
    try:
        return UUID(fields[key])
    except (ValueError, AttributeError, TypeError):
        raise ValueError(f"{key} {fields[key]!r} is no UUID") from None


def _time(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"at {value!r} is no time") from None
    if at.tzinfo is None:
        raise ValueError(f"at {value!r} says no time zone")
    return at.astimezone(UTC)
