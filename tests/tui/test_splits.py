"""Splits: every key, and what follows from it."""

import time
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.splits.prepare import prepare
from engine.workspace import Workspace
from sood_tui.benches.thresholds import ThresholdBench
from sood_tui.screens.dialogs import ChooseDialog, ConfirmDialog
from sood_tui.screens.picture import PictureScreen
from sood_tui.screens.splits import REST, SplitsScreen
from sood_tui.widgets.lines import Lines
from sood_tui.widgets.score_histogram import ScoreHistogram
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from tests.tui.desk_of import keys, opened, press, rest, seen, told


def bench_of(screen: object) -> ThresholdBench:
    assert isinstance(screen, SplitsScreen)
    assert screen._bench is not None
    return screen._bench


async def settled(pilot: object) -> None:
    await pilot.pause(REST + 0.1)  # type: ignore[attr-defined]
    await rest(pilot)  # type: ignore[arg-type]


@pytest.fixture
def on_dog(scored: Workspace) -> Workspace:
    (scored.root / ".place.json").write_text('{"split_superclass": "dog"}', encoding="utf-8")
    return scored


@keys("splits.hard_down", "splits.hard_up", "splits.easy_down", "splits.easy_up")
async def test_thresholds_move_and_are_written_down_when_they_rest(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        assert bench_of(app.screen).percentiles == (20.0, 40.0)
        # 20 papillons, 18 beagles, 12 pekineses, 40 chihuahuas of 90 pictures: the papillons alone reach 22 %, and a
        # subclass moves whole, so that nothing is left for Hard below 20 %.
        assert [row.split for row in bench_of(app.screen).subclasses()] == ["easy", "train", "train", "train"]
        assert "! no hard" in seen(app)
        await press(pilot, "left_square_bracket", "left_square_bracket", "right_square_bracket")
        await press(pilot, "right_curly_bracket", "right_curly_bracket", "left_curly_bracket")
        assert bench_of(app.screen).percentiles == (19.0, 41.0)
        assert "Hard 19" in seen(app)
        await settled(pilot)
        assert prepare(on_dog).settings.percentiles == (19.0, 41.0)


async def test_a_move_across_a_subclass_changes_its_band(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, *"30", "tab", *"50")
        # 30 % lies among the beagles: the papillons below it are Hard. 50 % lies among the pekineses.
        assert [row.split for row in bench_of(app.screen).subclasses()] == ["hard", "easy", "train", "train"]
        assert "H papillon" in seen(app)
        assert "E beagle" in seen(app)


@keys("splits.undo", "splits.redo")
async def test_undo_takes_back_one_rest(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "right_square_bracket", "right_square_bracket", "right_square_bracket")
        await settled(pilot)
        await press(pilot, "u")
        assert bench_of(app.screen).percentiles == (20.0, 40.0)
        await press(pilot, "U")
        assert bench_of(app.screen).percentiles == (23.0, 40.0)


@keys("splits.which", "splits.digits", "splits.default")
async def test_typing_a_value(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "1")
        assert "typing 1_" in seen(app)
        await press(pilot, "5")
        assert bench_of(app.screen).percentiles == (15.0, 40.0)
        await press(pilot, "tab", "5", "5")
        assert bench_of(app.screen).percentiles == (15.0, 55.0)
        await settled(pilot)
        await press(pilot, "3", "escape", "d")
        await settled(pilot)
        assert bench_of(app.screen).percentiles == (20.0, 40.0)


@keys("splits.override")
async def test_thresholds_of_one_superclass(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "o")
        assert "only here" in seen(app)
        await press(pilot, "right_square_bracket")
        await settled(pilot)
        settings = prepare(on_dog).settings
        assert settings.percentiles == (20.0, 40.0)
        assert settings.superclass_percentiles == {"dog": (21.0, 40.0)}
        await press(pilot, "o")
        assert prepare(on_dog).settings.superclass_percentiles == {}


@keys("splits.bands")
async def test_any_number_of_bands(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "b")
        app.screen.query_one(Input).value = "40, 20"
        await press(pilot, "enter")
        assert "must lie below" in seen(app)
        app.screen.query_one(Input).value = "10, 20, 40, 60"
        await press(pilot, "enter")
        assert bench_of(app.screen).percentiles == (10.0, 20.0, 40.0, 60.0)
        assert "BAND_4" in seen(app) or "BAND_1" in seen(app)


@keys("splits.superclass", "splits.next", "splits.previous")
async def test_other_superclasses(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        assert "dog · 2 of 2" in seen(app)
        await press(pilot, "n")
        assert "bird · 1 of 2" in seen(app)
        await press(pilot, "p")
        assert "dog · 2 of 2" in seen(app)
        await press(pilot, "c")
        assert isinstance(app.screen, ChooseDialog)
        await press(pilot, "k", "enter")
        assert "bird · 1 of 2" in seen(app)


@keys(
    "splits.down", "splits.up", "splits.first", "splits.last", "splits.page_down", "splits.page_up", "splits.pictures"
)
async def test_the_table_and_its_pictures(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        table = app.screen.query_one("#table", Lines)
        for key, place in (
            ("j", 1),
            ("down", 2),
            ("k", 1),
            ("up", 0),
            ("end", 3),
            ("home", 0),
            ("G", 3),
            ("pageup", 0),
            ("pagedown", 3),
        ):
            await press(pilot, key)
            assert table.cursor == place, key
        await press(pilot, "enter")
        assert isinstance(app.screen, PictureScreen)
        assert "Chihuahua · picture 1 of 16" in seen(app)
        await press(pilot, "x")
        assert "× bad" in seen(app)
        await press(pilot, "escape")
        await pilot.click("#above", offset=(3, 3))
        await rest(pilot)
        assert "papillon · picture 1 of " in seen(app)


async def test_pictures_next_to_the_threshold(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        assert "below Hard: nothing" in seen(app)
        assert "above Hard: papillon (easy)" in seen(app)
        await press(pilot, "tab")
        assert "below Easy: papillon (easy)" in seen(app)
        assert "above Easy: beagle (train)" in seen(app)
        assert len(app.screen.query_one("#below", ContactSheet).pictures) > 0


async def test_the_mouse_moves_the_chosen_threshold(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        histogram = app.screen.query_one(ScoreHistogram)
        await pilot.click(ScoreHistogram, offset=(1, 2))
        await rest(pilot)
        assert histogram.size.width > 20
        # No subclass has a mean so low: the threshold stands at its least percentile.
        assert bench_of(app.screen).percentiles == (1.0, 40.0)


@keys("splits.export")
async def test_exporting_after_a_question_with_the_counts(on_dog: Workspace, tmp_path: Path) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "e")
        app.screen.query_one(Input).value = str(tmp_path / "lists")
        await press(pilot, "enter")
        await rest(pilot, 10)
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, "y")
        await rest(pilot, 10)
        assert "written to" in told(app)
    assert (tmp_path / "lists" / "manifest.json").is_file()


async def test_without_scores_it_says_what_to_do(workspace: Workspace) -> None:
    async with opened(workspace, "splits") as (app, pilot):
        assert "Nothing was scored yet" in seen(app)
        await press(pilot, "right_square_bracket", "u", "e", "j")
        assert "There is nothing to split yet" in told(app)
        assert app.is_running


async def test_moving_a_threshold_takes_less_than_a_frame(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, _):
        bench = bench_of(app.screen)
        times = []
        for step in range(20):
            started = time.perf_counter()
            bench.move(0, 10.0 + step / 2)
            times.append(time.perf_counter() - started)
        assert sorted(times)[10] < 0.016


@keys("splits.separation")
async def test_separation_needs_an_evaluation_of_this_split(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "v")
        await settled(pilot)
        assert "The split main was not evaluated yet." in told(app)
