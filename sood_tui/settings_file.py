"""Writing one setting into a sood.toml, and leaving every other line of it as it stands."""

import json
import os
import re
import tempfile
from pathlib import Path

from sood_tui.settings import Value


def write_setting(file: Path, key: str, value: Value | None) -> None:
    """Set a value, or remove it so that the default holds again. Whole or not at all.

    Args:
        file: a sood.toml, which may not exist yet.
        key: dotted, `scoring.model`.
        value: None removes it.
    """
    section, _, name = key.rpartition(".")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    first, last = _section(lines, section)
    place = _line_of(lines, name, first, last)
    if value is None:
        if place is not None:
            lines[place] = f"# {lines[place].lstrip()}"
    elif place is not None:
        lines[place] = f"{name} = {_toml(value)}"
    else:
        commented = _line_of(lines, name, first, last, "# ")
        if commented is not None:
            lines[commented] = f"{name} = {_toml(value)}"
        elif section and first == last == len(lines):
            lines += ["", f"[{section}]", f"{name} = {_toml(value)}"]
        else:
            lines.insert(last, f"{name} = {_toml(value)}")
    _replace(file, "\n".join(lines) + "\n")


def _section(lines: list[str], section: str) -> tuple[int, int]:
    """The lines of a table, without its head; behind all lines where there is none."""
    matches = [(place, re.match(r"\s*\[([^\[\]]+)\]", line)) for place, line in enumerate(lines)]
    heads = [(place, found[1].strip()) for place, found in matches if found]
    starts = {"": -1, **{name: place for place, name in reversed(heads)}}
    if section not in starts:
        return len(lines), len(lines)
    start = starts[section] + 1
    return start, next((place for place, _ in heads if place >= start), len(lines))


def _line_of(lines: list[str], name: str, first: int, last: int, before: str = "") -> int | None:
    pattern = re.compile(rf"\s*{before}{re.escape(name)}\s*=")
    return next((place for place in range(first, last) if pattern.match(lines[place])), None)


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # A JSON string is a TOML basic string as long as nothing beyond ASCII control characters is escaped.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _replace(file: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        if file.exists():
            os.chmod(temporary, file.stat().st_mode)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
