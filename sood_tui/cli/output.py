"""Standard output is data; everything a person should know goes to standard error."""

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table
from rich.text import Text

messages = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell the person something, on standard error."""
    messages.print(text)


def emit_json(data: object) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json.dumps(plain(data), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def emit_table(rows: Iterable[object], columns: Mapping[str, str] | Sequence[str], empty: str = "") -> None:
    """Write rows as a table: aligned for a person, tab-separated when piped.

    Args:
        rows: dataclasses or mappings.
        columns: keys of the rows, or key -> heading.
        empty: what to tell the person (on standard error) when there are no rows.
    """
    headings = dict(columns) if isinstance(columns, Mapping) else {key: key for key in columns}
    cells = [[cell(_value(row, key)) for key in headings] for row in rows]
    if not cells:
        if empty:
            say(empty)
        return
    if not sys.stdout.isatty():
        lines = ["\t".join(headings.values()), *("\t".join(_one_line(value) for value in row) for row in cells)]
        sys.stdout.write("\n".join(lines) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings.values():
        table.add_column(heading, overflow="fold")
    for row in cells:
        table.add_row(*(Text(value) for value in row))
    Console(highlight=False, markup=False).print(table)


def emit(rows: Sequence[object], columns: Mapping[str, str] | Sequence[str], as_json: bool, empty: str = "") -> None:
    """Write rows as one JSON list or as a table."""
    if as_json:
        emit_json(rows)
    else:
        emit_table(rows, columns, empty)


def plain(data: object) -> Any:
    """The data in JSON's own types: dataclasses become objects, times ISO 8601 in UTC, paths text."""
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return {field.name: plain(getattr(data, field.name)) for field in dataclasses.fields(data)}
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple, set, frozenset)):
        return [plain(item) for item in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, (datetime, date)):
        return data.isoformat()
    if isinstance(data, Decimal):
        return float(data)
    if isinstance(data, (UUID, Path, bytes)):
        return str(data)
    if hasattr(data, "tolist"):
        return plain(data.tolist())
    return data


def cell(value: object) -> str:
    """A value as a person reads it in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if sys.stdout.isatty() else str(value)
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, (list, tuple)):
        return ", ".join(cell(item) for item in value)
    return str(value)


def _value(row: object, key: str) -> object:
    return row[key] if isinstance(row, Mapping) else getattr(row, key)


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
