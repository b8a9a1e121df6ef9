"""What a command answers, as JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sood_tui.cli import run


def said_by(*room: str) -> Callable[..., Any]:
    """A function that runs commands of a room and reads what they write to standard output."""

    def said(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert run(["-w", str(root), *room, *arguments, "--json"]) == code, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return said
