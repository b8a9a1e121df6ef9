"""The golden cases: inputs and outputs of the methods, worked out by an independent program."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """All cases by name, each with its inputs and what is expected."""
    cases: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "golden.json").read_text(encoding="utf-8"))
    return cases
