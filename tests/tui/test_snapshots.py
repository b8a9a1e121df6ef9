"""How the screens look: full, empty and failed, at 80x24 and at 120x40."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.events import now as real_now
from engine.review import decisions as review
from engine.workspace import Workspace
from sood_tui import plain
from sood_tui.app import SoodApp
from sood_tui.benches.machine import Device, Machine
from sood_tui.screens import home, settings
from store.candidates.superclasses import fetch_superclass_names
from tests.tui import birds
from tests.tui.birds import BEAGLE, CHIHUAHUA, PAPILLON
from tests.tui.desk_of import app_on, press, rest, seen

SIZES = ((80, 24), (120, 40))
GPU = Device("NVIDIA H200", 12 * 2**30, 140 * 2**30)

RECORDED = """{"kind":"queued","at":"2019-12-31T23:59:00+00:00"}
{"kind":"started","at":"2019-12-31T23:59:01+00:00","done":0,"total":13,"warnings":0}
{"kind":"finished","at":"2019-12-31T23:59:02+00:00","done":13,"total":13,"warnings":0,"detail":{"pictures":142}}
"""

Snap = Callable[..., bool]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What changes from run to run stands still: the clock, the machine, the folders."""
    monkeypatch.setenv("TZ", "UTC")  # screens tell the time of the place they are looked at
    time.tzset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "user_settings_file", lambda: Path("~/.config/sood-tui/settings.toml"))
    monkeypatch.setattr(plain, "now", lambda: datetime(2020, 1, 1, tzinfo=UTC))
    machine = Machine(74 * 10**9, 271 * 10**9, 16, 0.5, (GPU,))
    monkeypatch.setattr(home, "look_at_machine", lambda folder: machine)
    assert real_now() > datetime(2020, 1, 1, tzinfo=UTC)  # so that everything happened "just now"


@pytest.fixture
def place(still: None, birds_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace at a path that is the same in every run."""
    workspace = birds.copy(birds_template, Path("birds"))
    scan = workspace.jobs / "0001-scan"
    (scan / "events.jsonl").write_text(RECORDED, encoding="utf-8")
    outcome = json.loads((scan / "outcome.json").read_text(encoding="utf-8"))
    (scan / "outcome.json").write_text(json.dumps({**outcome, "seconds": 2.0}), encoding="utf-8")
    yield workspace
    workspace.opened().close()


def keep_still(*pressed: str, then: float = 0.0) -> Callable[[Pilot[Any]], Any]:
    """Wait until the counts are there and nothing moves, after some keys and so many seconds."""

    async def run(pilot: Pilot[Any]) -> None:
        await rest(pilot)
        await press(pilot, *pressed)
        await pilot.pause(then)
        app = pilot.app
        assert isinstance(app, SoodApp)
        for _ in range(50):
            if not app.has_workspace or (app.counts and app.jobs):
                break
            await asyncio.sleep(0.1)
        app._notifications.clear()
        await rest(pilot, 4)
        assert seen(app).strip()

    return run


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("screen", ["home", "browse", "review", "jobs", "settings"])
def test_full(snap_compare: Snap, place: Workspace, screen: str, size: tuple[int, int]) -> None:
    review.decide(place, "dog", [CHIHUAHUA, BEAGLE], "accept", "anna")
    review.decide(place, "carnivore", [PAPILLON], "reject", "ben", "looks like a moth")
    (place.root / ".place.json").write_text(
        f'{{"superclass": "dog", "candidate": "{PAPILLON}", "order": "name", "synset": "{PAPILLON}"}}', encoding="utf-8"
    )
    assert snap_compare(app_on(place, screen), terminal_size=size, run_before=keep_still())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_splits_full(snap_compare: Snap, place: Workspace, size: tuple[int, int]) -> None:
    birds.score(place)
    (place.root / ".place.json").write_text('{"split_superclass": "dog"}', encoding="utf-8")
    assert snap_compare(app_on(place, "splits"), terminal_size=size, run_before=keep_still(*"30", then=2.0))


@pytest.mark.parametrize("screen", ["home", "browse", "review", "splits"])
def test_empty(snap_compare: Snap, place: Workspace, screen: str) -> None:
    with place.opened().writing() as cursor:
        for table in ("image", "image_count", "image_root", "candidate", "superclass_root", "superclass"):
            cursor.execute(f"DELETE FROM {table}")
        assert fetch_superclass_names(cursor) == []
    assert snap_compare(app_on(place, screen), terminal_size=(80, 24), run_before=keep_still())


def test_start(snap_compare: Snap, still: None) -> None:
    assert snap_compare(app_on(None), terminal_size=(80, 24), run_before=keep_still())


def test_a_broken_picture(snap_compare: Snap, place: Workspace) -> None:
    (place.root / ".place.json").write_text('{"superclass": "dog", "order": "name"}', encoding="utf-8")
    assert snap_compare(app_on(place, "review"), terminal_size=(120, 40), run_before=keep_still("end"))


def test_help(snap_compare: Snap, place: Workspace) -> None:
    assert snap_compare(app_on(place, "review"), terminal_size=(80, 24), run_before=keep_still("question_mark"))


def test_a_question_over_pictures(snap_compare: Snap, place: Workspace) -> None:
    (place.root / ".place.json").write_text('{"superclass": "dog", "order": "name"}', encoding="utf-8")
    pressed = keep_still("v", "n", "n", "r")
    assert snap_compare(app_on(place, "review"), terminal_size=(80, 24), run_before=pressed)


def test_no_colour(snap_compare: Snap, place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    (place.root / ".place.json").write_text('{"superclass": "dog", "order": "name"}', encoding="utf-8")
    assert snap_compare(app_on(place, "review"), terminal_size=(80, 24), run_before=keep_still())
