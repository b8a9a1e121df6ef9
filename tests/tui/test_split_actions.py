"""Splits beside the thresholds: remedies, places, named splits, and the pages that are laid over the screen."""

import pytest
from textual.widgets import Input

from engine.splits.change import copy_split, list_splits
from engine.splits.prepare import prepare
from engine.splits.settings import Change
from engine.workspace import Workspace
from sood_tui.screens.dialogs import AskDialog, ChooseDialog, ConfirmDialog
from sood_tui.screens.splits import SplitsScreen
from sood_tui.screens.view import ViewScreen
from sood_tui.widgets.score_histogram import ScoreHistogram
from tests.tui.birds import PAPILLON
from tests.tui.desk_of import keys, opened, press, rest, seen, told
from tests.tui.test_splits import bench_of, settled


@pytest.fixture
def on_dog(scored: Workspace) -> Workspace:
    (scored.root / ".place.json").write_text('{"split_superclass": "dog"}', encoding="utf-8")
    return scored


@keys("splits.remedy")
async def test_a_remedy_is_offered_with_what_it_makes_and_can_be_taken_back(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        assert "! no hard" in seen(app)
        await press(pilot, "m")
        assert isinstance(app.screen, ChooseDialog)
        # keep: the 20 papillons are Easy. greedy: papillons fill Hard (20 of 18 wanted), beagles Easy.
        assert "0/20/70 in hard/easy/train" in seen(app)
        assert "20/18/52 in hard/easy/train" in seen(app)
        await press(pilot, "down", "enter")
        assert prepare(on_dog).settings.superclass_remedy == {"dog": "greedy"}
        assert [row.split for row in bench_of(app.screen).subclasses()][:2] == ["hard", "easy"]
        await press(pilot, "u")
        assert prepare(on_dog).settings.superclass_remedy == {}


@keys("splits.rules")
async def test_a_rule_says_what_it_would_do_before_it_is_set(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        before = bench_of(app.screen).subclasses()
        await press(pilot, "r")
        assert "both tails are left out" in seen(app)
        await press(pilot, "down", "down", "down", "enter")  # fewest subclasses
        assert isinstance(app.screen, AskDialog)
        app.screen.query_one(Input).value = "many"
        await press(pilot, "enter")
        assert "'many' is no number" in seen(app)
        app.screen.query_one(Input).value = "99"
        await press(pilot, "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert "train: 0 pictures, now 80" in seen(app)
        await press(pilot, "n")
        assert prepare(on_dog).settings.minimum_subclasses == 1  # looking is not setting
        await press(pilot, "r", "enter", "down", "down", "enter", "y")  # outliers: all stay
        assert prepare(on_dog).settings.outlier_tails == "none"
        assert sum(row.outliers for row in bench_of(app.screen).subclasses()) == 0
        await press(pilot, "u")
        assert prepare(on_dog).settings.outlier_tails == "both"
        assert bench_of(app.screen).subclasses() == before


@keys("splits.put")
async def test_a_subclass_is_put_somewhere_out_and_back(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        assert bench_of(app.screen).subclasses()[0].wnid == PAPILLON
        await press(pilot, "a")
        await press(pilot, "up", "up", "up", "up", "enter")  # from `by the rule` to train
        assert prepare(on_dog).settings.superclass_placed == {"dog": {PAPILLON: "train"}}
        assert bench_of(app.screen).subclasses()[0].split == "train"
        await press(pilot, "a", "down", "down", "down", "enter")
        assert prepare(on_dog).settings.superclass_placed == {"dog": {PAPILLON: "out"}}
        assert PAPILLON not in {row.wnid for row in bench_of(app.screen).subclasses()}
        await press(pilot, "u", "u")
        assert prepare(on_dog).settings.superclass_placed == {}


@keys("splits.split", "splits.compare")
async def test_another_split_is_made_looked_at_and_compared(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "x")
        assert "There is only one split" in told(app)
        await press(pilot, "w", "down", "enter")
        app.screen.query_one(Input).value = "wide"
        await press(pilot, "enter")
        await rest(pilot)
        assert list_splits(on_dog) == ["main", "wide"]
        assert "split wide" in seen(app)
        await press(pilot, "tab", *"60")
        await settled(pilot)
        assert prepare(on_dog, "wide").settings.percentiles == (20.0, 60.0)
        assert prepare(on_dog).settings.percentiles == (20.0, 40.0)
        await press(pilot, "x", "enter")
        await rest(pilot)
        assert isinstance(app.screen, ViewScreen)
        text = seen(app)
        assert "wide beside main" in text
        assert "beagle" in text
        assert "Jaccard" in text
        await press(pilot, "escape", "w", "up", "enter")
        assert bench_of(app.screen).prepared.split == "main"


@keys("splits.superclasses")
async def test_every_superclass_at_once_and_going_to_one(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "s")
        text = seen(app)
        assert "2 superclasses" in text
        assert "all together" in text
        assert "of 60%" in text
        await press(pilot, "down", "pagedown", "pageup", "down", "enter")
        assert isinstance(app.screen, SplitsScreen)
        assert bench_of(app.screen).superclass == "bird"


@keys("splits.sensitivity")
async def test_what_the_cut_owes_to_its_choices(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits") as (app, pilot):
        await press(pilot, "i")
        await rest(pilot)
        assert isinstance(app.screen, ViewScreen)
        text = seen(app)
        assert "1.00" in text
        assert "none was scored" in text
        assert "Pictures drawn again 200 times" in text
        await press(pilot, "q")
        assert isinstance(app.screen, SplitsScreen)


async def test_the_mouse_takes_the_nearest_line_along(on_dog: Workspace) -> None:
    async with opened(on_dog, "splits", size=(120, 40)) as (app, pilot):
        bench = bench_of(app.screen)
        await press(pilot, *"15", "tab", *"60")
        assert bench_of(app.screen).chosen == 1
        histogram = app.screen.query_one(ScoreHistogram)
        low, high = bench_of(app.screen).thresholds
        assert low < high
        column = int(low * histogram.size.width)
        before = bench_of(app.screen).percentiles
        await pilot.mouse_down(histogram, offset=(column, 2))
        await pilot.hover(histogram, offset=(int(0.75 * histogram.size.width), 2))
        await pilot.mouse_up(histogram, offset=(int(0.75 * histogram.size.width), 2))
        await rest(pilot)
        assert bench_of(app.screen).chosen == 0
        assert bench_of(app.screen).percentiles[1] == before[1]
        assert bench_of(app.screen).percentiles[0] != before[0]
        assert bench is not None


def test_a_copy_has_every_setting(on_dog: Workspace) -> None:
    from engine.splits.change import change_settings

    change_settings(
        on_dog,
        [
            Change("percentiles", (10, 30, 50)), Change("outlier_tails", "low"), Change("minimum_subclasses", 2),
            Change("percentiles", (5, 20, 40), "dog"), Change("remedy", "greedy", "bird"),
            Change("placed", {PAPILLON: "train"}, "dog"), Change("near_duplicates", 2),
        ],
        "anna",
    )  # fmt: skip
    made = copy_split(on_dog, "main", "copy", "bob")
    kept = prepare(on_dog).settings
    assert (made.percentiles, made.superclass_percentiles) == (kept.percentiles, kept.superclass_percentiles)
    assert (made.superclass_remedy, made.superclass_placed) == (kept.superclass_remedy, kept.superclass_placed)
    assert (made.outlier_tails, made.minimum_subclasses, made.near_duplicates) == ("low", 2, 2)
    assert made.run_id == 1
    with pytest.raises(Exception, match="There is a split copy already"):
        copy_split(on_dog, "main", "copy", "bob")
