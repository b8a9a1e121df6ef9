"""Marks on single pictures, the reasons behind a candidate, and what the queue holds by words."""

import re

from textual.widgets import Input

from engine.review.decisions import decide
from engine.review.subtrees import decide_subtree
from engine.workspace import Workspace
from sood_tui.screens.dialogs import AskDialog
from sood_tui.screens.picture import PictureScreen
from sood_tui.screens.review import ReviewScreen
from sood_tui.screens.why import WhyScreen
from sood_tui.terminal.graphics import Graphics
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from store import filters
from store.review.pictures import fetch_images_by_id, fetch_marks
from tests.catalogue_rows import pictures_of
from tests.catalogues import WHEN
from tests.tui.birds import BEAGLE, CHIHUAHUA, DOG, PAPILLON, PEKINESE
from tests.tui.desk_of import keys, opened, press, rest, seen, told, type_text
from tests.tui.test_review import current, on_dog
from tests.verdict_rows import verdict_table


def judge(workspace: Workspace, model: str, p_yes: dict[str, float]) -> None:
    """A filter's verdicts on candidates of dog; each saw the first two pictures of its synset."""
    with workspace.opened().writing() as cursor:
        run = filters.insert_run(cursor, "vlm", "sheet", model, "{}", None, WHEN)
        seen_by_it = {wnid: [image.image_id for image in pictures_of(cursor, wnid)[:2]] for wnid in p_yes}
        filters.insert_verdicts(cursor, run, verdict_table("dog", p_yes, seen_by_it))


def marks(workspace: Workspace, wnid: str) -> list[str]:
    with workspace.opened().reading() as cursor:
        return list(fetch_marks(cursor, wnid).values())


@keys("picture.bad", "picture.several", "picture.undo", "picture.redo")
async def test_one_key_marks_a_picture_and_one_takes_it_back(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "enter", "x")
        assert marks(workspace, BEAGLE) == ["bad"]
        assert "picture 1 of 18 · × bad or off-topic" in seen(app)
        await press(pilot, "right", "m")
        assert sorted(marks(workspace, BEAGLE)) == ["bad", "several"]
        await press(pilot, "m")
        assert marks(workspace, BEAGLE) == ["bad"]
        await press(pilot, "u", "u")
        assert marks(workspace, BEAGLE) == ["bad"]
        await press(pilot, "u")
        assert marks(workspace, BEAGLE) == []
        await press(pilot, "U")
        assert marks(workspace, BEAGLE) == ["bad"]
        await press(pilot, "escape")
        assert isinstance(app.screen, ReviewScreen)
        assert "× bad" in seen(app)
        await press(pilot, "u")
        assert "Taken back: bad or off-topic: 1 picture" in told(app)
        assert current(app.screen) == BEAGLE
        assert "× bad" not in seen(app)


async def test_without_pictures_a_mark_stands_beside_the_name(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", graphics=Graphics.OFF) as (app, pilot):
        await press(pilot, "enter", "x", "escape")
        assert "× bad" in seen(app)


async def test_facts_tell_what_filters_and_rules_say(workspace: Workspace) -> None:
    judge(workspace, "google/paligemma", {BEAGLE: 0.94})
    async with opened(on_dog(workspace), "review", (120, 40)) as (app, pilot):
        page = seen(app)
        assert "P(yes)     0.94" in page
        assert "✓ accepted  paligemma" in page
        assert "mass 0.99 · “yes”" in page
        await press(pilot, "n")
        assert "P(yes)" not in seen(app)


async def test_an_inherited_decision_is_told_apart(workspace: Workspace) -> None:
    decide_subtree(workspace, "dog", DOG, "reject", "ben")
    decide(workspace, "dog", [CHIHUAHUA], "accept", "anna")
    async with opened(on_dog(workspace), "review", (120, 40)) as (app, pilot):
        assert "inherited from dog" in seen(app)
        await press(pilot, "home", "n")
        assert "✓ accepted  by anna" in seen(app)
        assert "inherited from dog" not in seen(app)


@keys("review.why", "why.sheet", "why.down", "why.up", "why.close")
async def test_why_shows_the_very_pictures_that_a_model_saw(scored: Workspace) -> None:
    judge(scored, "one", {BEAGLE: 0.9})
    judge(scored, "two", {BEAGLE: 0.2})
    async with opened(on_dog(scored), "review", (120, 40)) as (app, pilot):
        await press(pilot, "home", "y")
        assert isinstance(app.screen, WhyScreen)
        page = seen(app)
        assert "vlm sheet one saw" in page
        assert "sheet 1 of 2" in page
        assert len(app.screen.query_one(ContactSheet).pictures) == 2
        assert "asked: Is this a dog?" in page
        assert "accepted, by anna" in page
        await press(pilot, "tab")
        assert "vlm sheet two saw" in seen(app)
        await press(pilot, *["down"] * 8)
        assert "Its mean" in seen(app)
        assert "thresholds" in seen(app)
        await press(pilot, "up", "y")
        assert isinstance(app.screen, ReviewScreen)


async def test_on_a_small_screen_every_picture_that_a_model_saw_can_be_seen(workspace: Workspace) -> None:
    with workspace.opened().writing() as cursor:
        run = filters.insert_run(cursor, "vlm", "sheet", "one", "{}", None, WHEN)
        saw = {BEAGLE: [image.image_id for image in pictures_of(cursor, BEAGLE)[:6]]}
        filters.insert_verdicts(cursor, run, verdict_table("dog", {BEAGLE: 0.9}, saw))
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, pilot):
        await press(pilot, "home", "y")
        sheet = app.screen.query_one(ContactSheet)
        assert "1–4 of 6 pictures" in seen(app)
        shown = [picture.image_id for picture in sheet.pictures]
        await press(pilot, "tab")
        assert "5–6 of 6 pictures" in seen(app)
        assert [*shown, *(picture.image_id for picture in sheet.pictures)] == saw[BEAGLE]
        await press(pilot, "tab")
        assert "1–4 of 6 pictures" in seen(app)
        # Names stand above what has no room beside them, and nothing is broken twice.
        assert re.search(r"│ gloss +│", seen(app))
        await pilot.resize_terminal(140, 40)
        await rest(pilot)
        assert "6 pictures" in seen(app)
        assert "1–" not in seen(app)
        assert re.search(r"│ gloss +\w", seen(app))


async def test_why_without_a_filter_has_all_the_room_for_the_story(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, pilot):
        await press(pilot, "home", "y")
        assert "none has looked at it" in seen(app)
        assert not app.screen.query_one("#why_sheet").display
        assert "next sheet" not in seen(app)
        await press(pilot, "y", "b", "y")
        assert "hidden while you judge blind" in seen(app)


@keys("picture.why")
async def test_why_a_picture_stands_where_it_stands(scored: Workspace) -> None:
    async with opened(on_dog(scored), "review", (120, 40)) as (app, pilot):
        await press(pilot, "home", "enter")
        assert "score 0.2" in seen(app)
        await press(pilot, "y")
        assert isinstance(app.screen, WhyScreen)
        page = seen(app)
        assert "as a cosine" in page
        assert "outlier test" in page
        await press(pilot, "escape")
        assert isinstance(app.screen, PictureScreen)


async def test_a_picture_of_a_subtree_tells_its_own_synset_score_and_story(scored: Workspace) -> None:
    (scored.root / ".place.json").write_text(f'{{"synset": "{DOG}"}}', encoding="utf-8")
    async with opened(scored, "browse", (120, 40)) as (app, pilot):
        await press(pilot, "p")
        screen = app.screen
        assert isinstance(screen, PictureScreen)
        with scored.opened().reading() as cursor:
            image = fetch_images_by_id(cursor, [screen._pictures[0].image_id])[0]
        words = {BEAGLE: "beagle", CHIHUAHUA: "Chihuahua", PAPILLON: "papillon", PEKINESE: "Pekinese"}
        assert f"dog › {words[image.wnid]} · picture 1 of 90" in seen(app)
        assert "score 0." in seen(app)
        await press(pilot, "y")
        assert isinstance(app.screen, WhyScreen)
        assert f"Why · {words[image.wnid]}  {image.wnid}" in seen(app)
        assert "as a cosine, " in seen(app)  # and normalised
        decide(scored, "dog", [image.wnid], "clear", "anna")
        await press(pilot, "y", "y")
        assert re.search(r"score +0\.\d{4} as a cosine +│", seen(app))


async def test_most_uncertain_first(workspace: Workspace) -> None:
    judge(workspace, "one", {BEAGLE: 0.9, CHIHUAHUA: 0.45, PAPILLON: 0.7})
    (workspace.root / ".place.json").write_text('{"superclass": "dog", "order": "uncertain"}', encoding="utf-8")
    async with opened(workspace, "review") as (app, _):
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        assert [item.wnid for item in screen.desk.items] == [CHIHUAHUA, PAPILLON, BEAGLE, PEKINESE]


async def test_the_queue_holds_what_words_say(workspace: Workspace) -> None:
    judge(workspace, "one", {BEAGLE: 0.9, CHIHUAHUA: 0.2, PAPILLON: 0.3})
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "f", "k", "enter")
        assert isinstance(app.screen, AskDialog)
        await type_text(pilot, "colour:red")
        await press(pilot, "enter")
        assert "'colour:red' selects nothing" in seen(app)
        app.screen.query_one(Input).value = "verdict:reject -chihuahua"
        await press(pilot, "enter")
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        assert [item.wnid for item in screen.desk.items] == [PAPILLON]
        assert "verdict:reject -chihuahua" in seen(app)
