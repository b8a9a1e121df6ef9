"""Keys that come faster than the screens: none is lost, none is heard twice, each means the right candidate."""

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from engine.review import decisions as review
from engine.workspace import Workspace
from sood_tui.app import SoodApp
from sood_tui.keys.type_ahead import TypeAhead
from sood_tui.screens import review as screen_of_review
from sood_tui.screens.help import HelpScreen
from sood_tui.screens.picture import PictureScreen
from sood_tui.screens.review import ReviewScreen
from store.connection import open_store
from store.review.log import fetch_events
from store.review.pictures import fetch_marks
from tests import many_candidates
from tests.many_candidates import SUPERCLASS, wnids_of
from tests.tui.desk_of import opened, rest, seen, told

COUNT = 60
KEYS = {"a": "accept", "r": "reject", "s": "unsure"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace that each test copies."""
    folder = tmp_path_factory.mktemp("many") / "many"
    many_candidates.build(folder, COUNT, pictures=1).opened().close()
    return folder


@pytest.fixture
def many(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Sixty candidates, nothing decided."""
    folder = tmp_path / "many"
    shutil.copytree(template, folder)
    workspace = replace(Workspace(folder, seed=7), store=open_store(folder / "catalogue.duckdb"))
    yield workspace
    workspace.opened().close()


def typed(app: SoodApp, *keys: str) -> None:
    """Press keys at once, as they come out of a pipe: nothing is waited for."""
    for key in keys:
        character = " " if key == "space" else key if len(key) == 1 else None
        app.post_message(events.Key(key, character))


def events_of(workspace: Workspace) -> list[tuple[str, str]]:
    with workspace.opened().reading() as cursor:
        return [(event.kind, event.wnid) for event in fetch_events(cursor)]


def current(app: SoodApp) -> str:
    assert isinstance(app.screen, ReviewScreen)
    item = app.screen.desk.current
    assert item is not None
    return item.wnid


@pytest.fixture
def slow_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk on which a decision takes a while."""
    decide = review.decide

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.02)
        return decide(*args, **kwargs)

    monkeypatch.setattr(review, "decide", slowly)


async def test_fifty_keys_at_once_are_fifty_decisions_in_their_order(many: Workspace) -> None:
    pressed = [("a", "r", "s")[place * 7 % 3] for place in range(50)]
    async with opened(many, "review", (80, 24)) as (app, pilot):
        typed(app, *pressed)
        await rest(pilot)
        assert current(app) == wnids_of(COUNT)[50]
    assert events_of(many) == [(KEYS[key], wnid) for key, wnid in zip(pressed, wnids_of(COUNT), strict=False)]


@pytest.mark.usefixtures("slow_catalogue")
async def test_a_slow_disk_loses_none_of_them(many: Workspace) -> None:
    async with opened(many, "review", (80, 24)) as (app, pilot):
        typed(app, *"arararararararararar")
        await rest(pilot)
    kinds = ["accept", "reject"] * 10
    assert events_of(many) == list(zip(kinds, wnids_of(20), strict=True))


@pytest.mark.usefixtures("slow_catalogue")
async def test_a_row_of_keys_means_what_it_means_one_by_one(many: Workspace) -> None:
    # Accept 0, pass over 1, reject 2, take that back (and go there), unsure 2, back to 2, back to 1, accept 1.
    first = wnids_of(COUNT)
    async with opened(many, "review", (80, 24)) as (app, pilot):
        typed(app, "a", "n", "r", "u", "s", "p", "p", "a")
        await rest(pilot)
        assert current(app) == first[3]
    assert events_of(many) == [
        ("accept", first[0]), ("reject", first[2]), ("undo", ""), ("unsure", first[2]), ("accept", first[1]),
    ]  # fmt: skip


async def test_keys_for_a_dialog_that_is_not_there_yet_wait_for_it(many: Workspace) -> None:
    # A range of three, the question and its yes; then a jump whose number is typed before the line is there.
    first = wnids_of(COUNT)
    async with opened(many, "review", (80, 24)) as (app, pilot):
        typed(app, "v", "n", "n", "r", "y", "a", "g", "4", "0", "enter", "s", "question_mark", "escape", "a")
        await rest(pilot)
        assert not app.screen.is_modal
    assert events_of(many) == [
        *(("reject", wnid) for wnid in first[:3]), ("accept", first[3]), ("unsure", first[39]), ("accept", first[40]),
    ]  # fmt: skip


async def test_keys_for_a_text_are_its_letters_in_order(many: Workspace) -> None:
    async with opened(many, "review", (80, 24)) as (app, pilot):
        typed(app, "a", "p", "e", *"arrasu", "space", *"unsure", "enter", "n", "r")
        await rest(pilot)
        assert len(app.screen.query(Input)) == 0
    with many.opened().reading() as cursor:
        found = [(event.kind, event.wnid, event.note) for event in fetch_events(cursor)]
    first = wnids_of(2)
    assert found == [
        ("accept", first[0], None), ("accept", first[0], "arrasu unsure"), ("reject", first[1], None),
    ]  # fmt: skip


async def test_marks_of_pictures_and_decisions_keep_their_order(many: Workspace) -> None:
    first = wnids_of(2)
    async with opened(many, "review", (80, 24)) as (app, pilot):
        typed(app, "enter", "x", "escape", "a", "enter", "x", "x", "escape", "r")
        await rest(pilot)
        assert not isinstance(app.screen, PictureScreen)
    with many.opened().reading() as cursor:
        assert list(fetch_marks(cursor, first[0]).values()) == ["bad"]
        assert list(fetch_marks(cursor, first[1]).values()) == []
    assert events_of(many) == [("accept", first[0]), ("reject", first[1])]


async def test_keys_for_another_screen_wait_for_it(many: Workspace) -> None:
    async with opened(many, "home", (80, 24)) as (app, pilot):
        typed(app, "f4", "a", "r", "f2")
        await rest(pilot)
        assert app.current_mode == "home"
        assert "Home" not in told(app)
    assert events_of(many) == list(zip(("accept", "reject"), wnids_of(2), strict=True))


async def test_keys_after_help_are_not_the_rooms(many: Workspace) -> None:
    async with opened(many, "review", (80, 24)) as (app, pilot):
        typed(app, "question_mark", "a", "r")
        await rest(pilot)
        assert isinstance(app.screen, HelpScreen)
    assert events_of(many) == []


async def test_a_key_from_before_a_change_of_the_queue_means_what_was_on_the_screen(many: Workspace) -> None:
    """Ben decides on what anna looks at, the queue holds it no longer; her key was pressed before that was painted."""
    first = wnids_of(3)
    (many.root / ".place.json").write_text(
        f'{{"superclass": "{SUPERCLASS}", "order": "name", "filter": "pending"}}', encoding="utf-8"
    )
    async with opened(many, "review", (80, 24)) as (app, pilot):
        assert current(app) == first[0]
        late = events.Key("r", "r")
        review.decide(many, SUPERCLASS, [first[0]], "accept", "ben")
        assert isinstance(app.screen, ReviewScreen)
        app.screen.reload()
        await rest(pilot)
        assert current(app) == first[1]
        app.post_message(late)
        await rest(pilot)
        assert current(app) == first[1]
        assert f"t{first[0][1:]} is rejected" in told(app)
        typed(app, "a")
        await rest(pilot)
        assert f"t{first[2][1:]}" in seen(app)
    assert events_of(many) == [("accept", first[0]), ("reject", first[0]), ("accept", first[1])]


async def test_what_takes_long_to_read_keeps_nobody_from_leaving(
    many: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(many, "review", (80, 24)) as (app, pilot):
        read = screen_of_review.read_queue
        may_end = threading.Event()

        def slowly(*args: Any) -> Any:
            may_end.wait(10)
            return read(*args)

        monkeypatch.setattr(screen_of_review, "read_queue", slowly)
        typed(app, "t", "t", "enter", "f2")
        for _ in range(200):
            await pilot.pause(0.02)
            if app.current_mode == "home":
                break
        assert app.current_mode == "home"
        typed(app, "f4", "a")
        await pilot.pause(0.1)
        assert events_of(many) == []
        may_end.set()
        await rest(pilot)
    assert [kind for kind, _ in events_of(many)] == ["accept"]


async def test_no_key_waits_when_nothing_goes_on(many: Workspace) -> None:
    async with opened(many, "review", (80, 24)) as (app, pilot):
        for key in ("j", "k"):
            await app.on_event(events.Key(key, key))
            for _ in range(8):  # from queue to queue, to the screen and to the app, without a timer between
                await asyncio.sleep(0)
            assert app.last_key == key
            await rest(pilot)


async def test_what_is_found_is_what_was_typed_last(many: Workspace) -> None:
    """Enter and arrows wait for the search: they mean what the whole text finds, not what its first letters found."""
    wnid = wnids_of(COUNT)[41]
    async with opened(many, "review", (80, 24)) as (app, pilot):
        typed(app, "slash", *wnid, "enter", "r", "slash", "t", "down", "down", "enter", "s")
        await rest(pilot)
        assert not app.screen.is_modal
    assert events_of(many) == [("reject", wnid), ("unsure", wnids_of(COUNT)[2])]


async def test_browse_decides_on_what_was_looked_for(many: Workspace) -> None:
    wnid = wnids_of(COUNT)[33]
    async with opened(many, "browse", (80, 24)) as (app, pilot):
        typed(app, "slash", *f"t{wnid[1:]}", "enter", "a", "j", "r", "slash", *"thing", "enter", "R", "y", "u")
        await rest(pilot)
        assert not app.screen.is_modal
    assert events_of(many)[:2] == [("accept", wnid), ("reject", wnids_of(COUNT)[34])]
    kinds = [kind for kind, _ in events_of(many)[2:]]
    assert kinds == [*["reject"] * (len(kinds) - 1), "undo"]
    assert len(kinds) >= COUNT


async def test_a_key_that_still_waits_when_the_app_closes_ends_nothing_with_an_error(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []
    serve = TypeAhead._serve

    async def counted(self: TypeAhead) -> None:
        looks.append(bool(self._app.screen_stack))
        await serve(self)

    monkeypatch.setattr(TypeAhead, "_serve", counted)
    async with opened(workspace, "review") as (app, pilot):
        monkeypatch.setattr(ReviewScreen, "holds_back", lambda self, key: True)
        app.post_message(events.Key("n", "n"))
        await pilot.pause(0.05)
        assert not app.ahead.is_idle
        closing = app._close_all

        async def slowly() -> None:
            await closing()
            await asyncio.sleep(0.1)  # the timers of the app go on for as long as that

        monkeypatch.setattr(app, "_close_all", slowly)
    assert looks
    assert all(looks)
