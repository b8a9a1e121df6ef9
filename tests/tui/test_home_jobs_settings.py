"""Home, Jobs and Settings: every key."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.jobs.runner import list_jobs
from engine.review import decisions as review
from engine.review.pictures import toggle
from engine.workspace import Workspace
from sood_tui.messages import CatalogueChanged, Counted, JobsSeen
from sood_tui.place import Place
from sood_tui.screens.dialogs import ChooseDialog, ConfirmDialog, FindDialog
from sood_tui.screens.help import HelpScreen
from sood_tui.screens.room import RoomScreen
from sood_tui.settings import load_settings
from sood_tui.watch.counts import funnel_counts
from sood_tui.widgets.funnel import Funnel, room_names
from sood_tui.widgets.lines import Lines
from store.review.log import fetch_events
from tests.catalogue_rows import picture_count, pictures_of
from tests.tui.birds import BEAGLE, CHIHUAHUA, PICTURES, draw
from tests.tui.desk_of import keys, opened, press, rest, seen, told, type_text
from tests.tui.test_review_why import judge


@keys("home.next", "home.down", "home.up", "home.first", "home.last", "home.page_down", "home.page_up")
async def test_home_leads_to_the_next_step(workspace: Workspace) -> None:
    async with opened(workspace, "home") as (app, pilot):
        row = next(line for line in seen(app).splitlines() if line.startswith("│ images"))
        assert row.split()[2] == str(sum(PICTURES.values()))
        assert "candidates wait for a decision" in seen(app)
        await press(pilot, "enter")
        assert app.current_mode == "review"
        await press(pilot, "f2", "home", "enter")
        assert app.current_mode == "browse"
        rooms = app.screen_stack[0]
        for key, place in (("home", 0), ("j", 1), ("up", 0), ("end", 6), ("pageup", 0), ("pagedown", 6)):
            await press(pilot, "f2", key)
            rooms = app.screen.query_one("#rooms", Lines)
            assert rooms.cursor >= place, key


@keys("home.undo", "home.redo")
async def test_home_takes_back_the_last_decision(workspace: Workspace) -> None:
    review.decide(workspace, "dog", [CHIHUAHUA], "accept", "anna")
    with workspace.opened().reading() as cursor:
        picture = pictures_of(cursor, BEAGLE)[0].image_id
    toggle(workspace, picture, "bad", "anna")
    async with opened(workspace, "home") as (app, pilot):
        assert "✓ chihuahua.n.03 under dog" in seen(app)
        assert "× beagle.n.01 a picture: bad or off-topic, just now" in seen(app)
        await press(pilot, "u", "u")
        assert "Taken back: accept 1 synset of dog" in told(app)
        assert "↶ undo by anna" in seen(app)
        await press(pilot, "U")
        assert "Brought back" in told(app)


@keys(
    "frame.home",
    "frame.browse",
    "frame.review",
    "frame.jobs",
    "frame.splits",
    "frame.settings",
    "frame.quit",
    "frame.help",
    "frame.palette",
    "frame.graphics",
    "frame.interrupt",
)
async def test_the_frame(workspace: Workspace) -> None:
    async with opened(workspace, "home") as (app, pilot):
        for key, mode in (("f3", "browse"), ("f4", "review"), ("f5", "jobs"), ("f6", "splits"), ("f8", "settings")):
            await press(pilot, key)
            assert app.current_mode == mode
        await press(pilot, "escape")
        assert app.current_mode == "splits"
        await press(pilot, "f2", "question_mark")
        assert isinstance(app.screen, HelpScreen)
        assert "Take back the last decision." in seen(app)
        await press(pilot, "escape", "ctrl+g")
        assert app.graphics.value == "off"
        await press(pilot, "ctrl+c")
        assert app.is_running
        await press(pilot, "ctrl+p")
        assert type(app.screen).__name__ == "CommandPalette"
        await press(pilot, "escape", "q")
        assert not app.is_running or app.return_value == 0


async def test_the_palette_runs_an_action_of_the_screen(workspace: Workspace) -> None:
    async with opened(workspace, "review") as (_, pilot):
        await press(pilot, "ctrl+p")
        await pilot.press(*"accept")
        await rest(pilot, 5)
        await press(pilot, "enter")
        await rest(pilot, 5)
    with workspace.opened().reading() as cursor:
        assert [event.kind for event in fetch_events(cursor)] == ["accept"]


async def test_the_last_room_of_the_line_on_top_is_never_cut_off(workspace: Workspace) -> None:
    async with opened(workspace, "browse", (130, 24)) as (app, pilot):
        bar = app.screen.query_one(Funnel)
        for width in range(130, 79, -3):
            await pilot.resize_terminal(width, 24)
            await rest(pilot, 1)
            for number in ("82k", "612 left"):
                bar.counts = dict.fromkeys(room_names(), number)
                shown = bar.render_line(0).text
                assert bar.size.width == width
                assert shown.rstrip().endswith(("evaluation", number, app.settings.reviewer)), shown


async def test_a_click_on_the_funnel_opens_the_screen(workspace: Workspace) -> None:
    async with opened(workspace, "home") as (app, pilot):
        while "left" not in seen(app).splitlines()[0]:
            await rest(pilot)
        line = seen(app).splitlines()[0]
        await pilot.click(Funnel, offset=(line.index("review") + 2, 0))
        await rest(pilot)
        assert app.current_mode == "review"


@keys(
    "jobs.new",
    "jobs.log",
    "jobs.down",
    "jobs.up",
    "jobs.first",
    "jobs.last",
    "jobs.top",
    "jobs.page_down",
    "jobs.page_up",
)
async def test_a_scan_from_the_jobs_screen_is_taken_in(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "more" / CHIHUAHUA
    folder.mkdir(parents=True)
    for number in range(3):
        draw(number, (40, 40)).save(folder / f"{number}.JPEG")
    async with opened(workspace, "jobs") as (app, pilot):
        assert "✓ finished" in seen(app)
        await press(pilot, "n", "k", "k", "enter")
        app.screen.query_one(Input).value = str(folder.parent)
        await press(pilot, "enter")
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            await rest(pilot, 4)
            with workspace.opened().reading() as cursor:
                if picture_count(cursor) == sum(PICTURES.values()) + 3:
                    break
        await rest(pilot, 10)
        assert seen(app).count("✓ finished") >= 2
        await press(pilot, "l")
        assert "what it printed" in seen(app)
        await press(pilot, "j", "k", "pagedown", "pageup", "home", "end")
        await press(pilot, "escape")
        assert "what it printed" not in seen(app)
        lines = app.screen.query_one("#list", Lines)
        for key, place in (
            ("j", 1),
            ("k", 0),
            ("end", 1),
            ("home", 0),
            ("G", 1),
            ("g", 0),
            ("pagedown", 1),
            ("pageup", 0),
        ):
            await press(pilot, key)
            assert lines.cursor == place, key
    with workspace.opened().reading() as cursor:
        assert picture_count(cursor) == sum(PICTURES.values()) + 3


@keys("jobs.cancel", "jobs.resume", "jobs.undo")
async def test_a_finished_job_is_neither_cancelled_nor_resumed(workspace: Workspace) -> None:
    async with opened(workspace, "jobs") as (app, pilot):
        await press(pilot, "c")
        assert "does not run: it is finished" in told(app)
        await press(pilot, "R")
        assert not isinstance(app.screen, ConfirmDialog)
        assert "finished" in told(app)
        await press(pilot, "u")
        assert "There is no decision of anna to take back" in told(app)
    assert len(list_jobs(workspace.root)) == 1


@keys("settings.edit", "settings.default", "settings.find")
async def test_a_setting_is_changed_and_put_back(workspace: Workspace) -> None:
    async with opened(workspace, "settings") as (app, pilot):
        await press(pilot, "slash")
        assert isinstance(app.screen, FindDialog)
        await type_text(pilot, "batch")
        assert "Pictures in a batch" in seen(app)
        await press(pilot, "enter", "enter")
        app.screen.query_one(Input).value = "many"
        await press(pilot, "enter")
        assert "which is no" in seen(app)
        app.screen.query_one(Input).value = "64"
        await press(pilot, "enter")
        assert app.settings.integer("scoring.batch_size") == 64
        assert load_settings(workspace.settings_file).integer("scoring.batch_size") == 64
        assert "this workspace" in seen(app)
        await press(pilot, "d")
        assert load_settings(workspace.settings_file).integer("scoring.batch_size") == 256
        await press(pilot, "d")
        assert "does not come from the workspace" in told(app)
        await press(pilot, "slash")
        await type_text(pilot, "splits.hard")
        await press(pilot, "enter", "enter")
        app.screen.query_one(Input).value = "40"
        await press(pilot, "enter")
        assert "The settings splits.hard (40)" in seen(app)
        await press(pilot, "escape")
        assert load_settings(workspace.settings_file).number("splits.hard") == 20


@keys(
    "settings.down",
    "settings.up",
    "settings.first",
    "settings.last",
    "settings.page_down",
    "settings.page_up",
    "settings.top",
)
async def test_moving_among_settings(workspace: Workspace) -> None:
    async with opened(workspace, "settings") as (app, pilot):
        lines = app.screen.query_one("#list", Lines)
        last = len(lines) - 1
        for key, place in (
            ("j", 1),
            ("down", 2),
            ("k", 1),
            ("up", 0),
            ("end", last),
            ("home", 0),
            ("G", last),
            ("g", 0),
            ("pagedown", last),
            ("pageup", 0),
        ):
            await press(pilot, key)
            assert lines.cursor == place, key


async def test_a_theme_holds_at_once(workspace: Workspace) -> None:
    async with opened(workspace, "settings") as (app, pilot):
        await press(pilot, "j", "j", "j", "enter")
        assert isinstance(app.screen, ChooseDialog)
        before = app.theme
        await press(pilot, "j", "enter")
        assert app.theme != before


async def test_the_screen_of_last_time_is_opened(workspace: Workspace) -> None:
    async with opened(workspace, "home") as (_, pilot):
        await press(pilot, "f8", "q")
    kept = replace(workspace)
    assert Place.read(kept.root).screen == "settings"


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"screen": 7, "unfolded": [1, "a"]}'])
def test_a_damaged_place_is_passed_over(tmp_path: Path, damaged: str) -> None:
    (tmp_path / ".place.json").write_text(damaged, encoding="utf-8")
    place = Place.read(tmp_path)
    assert place.screen == "home"
    assert place.unfolded in ([], ["a"])


def test_filters_and_evaluations_are_counted_on_the_top_line_too(workspace: Workspace) -> None:
    judge(workspace, "google/paligemma", {BEAGLE: 0.94, CHIHUAHUA: 0.2})
    counts = funnel_counts(workspace)
    assert counts["filters"] == "2"
    assert "evaluation" not in counts


@pytest.mark.parametrize("screen", ["home", "browse", "review", "jobs", "splits", "evaluate", "settings"])
async def test_news_for_a_screen_that_is_being_closed_is_dropped(workspace: Workspace, screen: str) -> None:
    async with opened(workspace, screen) as (app, pilot):
        await app.screen.remove_children()
        for news in (Counted({}), JobsSeen(()), CatalogueChanged()):
            app.post_message(news)
        await pilot.pause()
        assert app.counts == {}


async def test_what_comes_late_is_not_opened_over_another_screen(workspace: Workspace) -> None:
    async with opened(workspace, "evaluate") as (app, pilot):
        left = app.screen
        assert isinstance(left, RoomScreen)
        gate, opened_by = threading.Event(), list[str]()
        left.in_thread_to_open("late", gate.wait, lambda _: opened_by.append("late"))
        await pilot.press("f2")
        assert app.screen is not left
        gate.set()
        await rest(pilot)
        assert opened_by == []
        await press(pilot, "f7")
        assert app.screen is left
        left.in_thread_to_open("in time", gate.wait, lambda _: opened_by.append("in time"))
        await rest(pilot)
        assert opened_by == ["in time"]
