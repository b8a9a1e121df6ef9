"""Shared by all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.fixtures_golden", "tests.fixtures_wordnet"]


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the developer's own settings and workspace out of the tests."""
    for name in list(os.environ):
        if name.startswith("SOOD_") and not name.startswith("SOOD_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "config"))
    yield


@pytest.fixture(scope="session")
def photographs() -> Path:
    """A folder of real ImageNet photographs, one folder a wnid, named by $SOOD_TEST_PICTURES."""
    folder = os.environ.get("SOOD_TEST_PICTURES")
    if not folder:
        pytest.skip("$SOOD_TEST_PICTURES names no folder of photographs")
    return Path(folder)
