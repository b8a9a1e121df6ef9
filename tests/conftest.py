"""Shared by all tests."""

import itertools
import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.fixtures_golden", "tests.fixtures_wordnet"]


# What starts processes, models or the whole app, and what draws many samples. The quick run does not even collect it:
# importing torch takes longer than the tests that are left.
SLOW = (
    "gpu", "jobs", "terminal", "tui", "engine/evaluation", "cli/test_demo.py", "cli/test_doctor.py",
    "cli/test_evaluation.py", "cli/test_evaluation_together.py", "cli/test_evaluation_faults.py",
    "cli/test_evaluation_bad_input.py", "cli/test_evaluation_classifier.py", "cli/test_evaluation_sweeps.py",
    "cli/test_export.py", "cli/test_images_and_candidates.py", "cli/test_labels.py",
    "cli/test_review_duplicates.py", "cli/test_scoring.py",
    "cli/test_wordnet.py", "engine/test_candidates.py", "engine/test_export.py", "engine/test_export_formats.py",
    "engine/test_filters.py",
    "engine/test_reference.py", "engine/test_roots.py",
    "engine/test_demo_pictures.py", "engine/test_sampling.py", "engine/test_scoring.py",
    "engine/test_splits_reports.py", "engine/test_wordnet_import.py",
)  # fmt: skip


def _is_slow(path: Path) -> bool:
    place = path.relative_to(Path(__file__).parent).as_posix()
    return any(place == slow or place.startswith(f"{slow}/") for slow in SLOW)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the slow modules out of the quick run."""
    tests = Path(__file__).parent
    quick = config.option.markexpr == "not slow" and collection_path != tests and tests in collection_path.parents
    return True if quick and _is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow modules."""
    for item in items:
        if _is_slow(item.path):
            item.add_marker(pytest.mark.slow)


# Tests of jobs themselves, and of sharing them: their workers start as the program starts them.
COLD = ("jobs", "terminal", "benchmarks")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Choose how workers are started, before the first fixture starts one."""
    place = item.path.relative_to(Path(__file__).parent).as_posix()
    if not _is_slow(item.path):
        return
    from engine.jobs import launching
    from tests import warm_jobs

    cold = any(place == one or place.startswith(f"{one}/") for one in COLD)
    launching._spawn = warm_jobs.COLD if cold else warm_jobs.spawn  # type: ignore[assignment]


NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the developer's own settings and workspace out of the tests."""
    for name in list(os.environ):
        if name.startswith("SOOD_") and not name.startswith("SOOD_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "config"))
    monkeypatch.setenv("SOOD_DEVICES", str(tmp_path_factory.getbasetemp() / "devices" / str(next(NUMBERS))))


@pytest.fixture(scope="session", autouse=True)
def _queues_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Jobs of fixtures that outlive a test wait for no job of another run on this machine."""
    os.environ["SOOD_DEVICES"] = str(tmp_path_factory.getbasetemp() / "devices")


@pytest.fixture(scope="session")
def photographs() -> Path:
    """A folder of real ImageNet photographs, one folder a wnid, named by $SOOD_TEST_PICTURES."""
    folder = os.environ.get("SOOD_TEST_PICTURES")
    if not folder:
        pytest.skip("$SOOD_TEST_PICTURES names no folder of photographs")
    return Path(folder)
