"""Review: every key, and what reaches the catalogue."""

import time
from pathlib import Path

from textual.widgets import Input, OptionList

from engine.review import decisions as review
from engine.workspace import Workspace
from sood_tui.screens.dialogs import AskDialog, ChooseDialog, ConfirmDialog, FindDialog
from sood_tui.screens.picture import PictureScreen
from sood_tui.screens.review import ReviewScreen
from sood_tui.widgets.facts import Facts
from sood_tui.widgets.sheet.contact_sheet import ContactSheet, Graphics
from store.review.log import fetch_events
from store.review.pictures import fetch_marks
from store.review.queue import fetch_states_of
from tests.catalogue_rows import pictures_of
from tests.tui.birds import BALD_EAGLE, BEAGLE, CHIHUAHUA, CRANE, PAPILLON, PARROT, PEKINESE
from tests.tui.desk_of import keys, opened, press, rest, seen, told, type_text


def state_of(workspace: Workspace, wnid: str, superclass: str = "dog") -> str:
    with workspace.opened().reading() as cursor:
        return fetch_states_of(cursor, wnid)[superclass]


def events(workspace: Workspace) -> list[tuple[str, str]]:
    with workspace.opened().reading() as cursor:
        return [(event.kind, event.wnid) for event in fetch_events(cursor)]


def on_dog(workspace: Workspace) -> Workspace:
    (workspace.root / ".place.json").write_text('{"superclass": "dog", "order": "name"}', encoding="utf-8")
    return workspace


def current(screen: object) -> str:
    assert isinstance(screen, ReviewScreen)
    item = screen.desk.current
    assert item is not None
    return item.wnid


@keys("review.accept", "review.reject", "review.unsure")
async def test_one_key_decides_and_moves_on(workspace: Workspace) -> None:
    # By name: beagle, chihuahua, papillon, pekinese.
    async with opened(on_dog(workspace), "review") as (app, pilot):
        assert current(app.screen) == BEAGLE
        await press(pilot, "a")
        assert current(app.screen) == CHIHUAHUA
        await press(pilot, "r")
        assert current(app.screen) == PAPILLON
        await press(pilot, "s")
        assert current(app.screen) == PEKINESE
    assert events(workspace) == [("accept", BEAGLE), ("reject", CHIHUAHUA), ("unsure", PAPILLON)]


async def test_the_decision_is_in_the_catalogue_before_the_screen_moves(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        stood: list[str] = []
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        show = screen._show

        def watched() -> None:
            stood.append(state_of(workspace, BEAGLE))
            show()

        screen._show = watched  # type: ignore[method-assign]
        await press(pilot, "a")
    assert stood == ["accept"]


async def test_a_key_that_was_pressed_before_the_next_candidate_was_shown_does_not_touch_it(
    workspace: Workspace,
) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        pressed_at = time.monotonic()
        await press(pilot, "a")
        assert current(screen) == CHIHUAHUA
        # A second key of the moment when the beagle was on the screen means the beagle.
        app.key_at = pressed_at
        screen.action_decide("reject")
        await rest(pilot)
        assert current(screen) == CHIHUAHUA
    assert events(workspace) == [("accept", BEAGLE), ("reject", BEAGLE)]


async def test_the_same_key_twice_is_one_decision(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        await press(pilot, "a", "p")
        await press(pilot, "a")
    assert events(workspace) == [("accept", BEAGLE)]


async def test_every_candidate_takes_exactly_one_key(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, pilot):
        await press(pilot, "a", "a", "a", "a")
        assert "Everything in this queue is decided" in told(app)
    assert sorted(wnid for _, wnid in events(workspace)) == sorted([CHIHUAHUA, PEKINESE, PAPILLON, BEAGLE])


async def test_a_session_that_was_cut_off_goes_on_at_the_next_open_candidate(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        assert current(app.screen) == BEAGLE
        await press(pilot, "n", "a", "r")
        assert current(app.screen) == PEKINESE
    # Nothing was kept on leaving, as by a kill: the file is the one of the start.
    async with opened(workspace, "review") as (app, pilot):
        assert current(app.screen) == PEKINESE
        await press(pilot, "home", "q")
    async with opened(workspace, "review") as (app, pilot):
        assert current(app.screen) == BEAGLE
    review.decide(workspace, "dog", [PEKINESE], "accept", "ben")
    async with opened(workspace, "review") as (app, pilot):
        assert current(app.screen) == BEAGLE  # somebody else's decision does not move anna's cursor


async def test_with_a_filter_a_session_that_was_cut_off_goes_on_after_the_last_word(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "f", "f", "enter", "n", "a")
        assert isinstance(app.screen, ReviewScreen)
        assert [item.wnid for item in app.screen.desk.items] == [BEAGLE, CHIHUAHUA, PAPILLON, PEKINESE]
        assert current(app.screen) == PAPILLON
    # Nothing was kept on leaving: chihuahua has left the queue, beagle before it is still open.
    async with opened(workspace, "review") as (app, pilot):
        assert isinstance(app.screen, ReviewScreen)
        assert [item.wnid for item in app.screen.desk.items] == [BEAGLE, PAPILLON, PEKINESE]
        assert current(app.screen) == PAPILLON
        await press(pilot, "r", "p", "q")
    # Left on what was decided: the next start goes on from there, not from the first open one.
    async with opened(workspace, "review") as (app, pilot):
        assert current(app.screen) == PEKINESE
        await press(pilot, "s")
    async with opened(workspace, "review") as (app, pilot):
        assert current(app.screen) == BEAGLE


async def test_the_queue_that_was_chosen_outlives_a_cut(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "tab")
        chosen = app.place.superclass
        assert chosen != "dog"
    async with opened(workspace, "review") as (app, _):
        assert app.place.superclass == chosen


@keys("review.undo", "review.redo")
async def test_undo_goes_back_to_the_candidate(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "a", "r", "u")
        assert current(app.screen) == CHIHUAHUA
        assert state_of(workspace, CHIHUAHUA) == "pending"
        assert state_of(workspace, BEAGLE) == "accept"
        await press(pilot, "U")
        assert state_of(workspace, CHIHUAHUA) == "reject"
        await press(pilot, "u", "u", "u")
        assert "There is no decision of anna to take back" in told(app)


async def test_undo_and_redo_keep_the_filter_while_it_shows_what_they_are_about(workspace: Workspace) -> None:
    review.decide(workspace, "dog", [CHIHUAHUA], "accept", "ben")
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "f", "f", "enter", "a", "r", "s", "u", "u")
        assert isinstance(app.screen, ReviewScreen)
        assert (app.place.filter, current(app.screen)) == ("pending", PAPILLON)
        assert [item.wnid for item in app.screen.desk.items] == [PAPILLON, PEKINESE]
        await press(pilot, "u")
        assert (app.place.filter, current(app.screen)) == ("pending", BEAGLE)
        await press(pilot, "U")  # beagle is accepted again and leaves the queue: on to the next
        assert (app.place.filter, current(app.screen)) == ("pending", PAPILLON)
        # What the filter hides is shown all the same, and it is said why.
        await press(pilot, "f", "f", "f", "enter", "end")
        assert current(app.screen) == CHIHUAHUA
        await press(pilot, "r", "f", "k", "k", "enter", "u")
        assert (app.place.filter, current(app.screen)) == ("all", CHIHUAHUA)
        assert "It is not undecided: the queue holds every candidate again." in told(app)


@keys("review.next", "review.previous", "review.page_down", "review.page_up", "review.first", "review.last")
async def test_moving(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        stations = [
            ("n", CHIHUAHUA),
            ("l", PAPILLON),
            ("right", PEKINESE),
            ("j", PEKINESE),
            ("p", PAPILLON),
            ("h", CHIHUAHUA),
            ("left", BEAGLE),
            ("k", BEAGLE),
            ("end", PEKINESE),
            ("home", BEAGLE),
            ("G", PEKINESE),
            ("pageup", BEAGLE),
            ("pagedown", PEKINESE),
            ("ctrl+u", BEAGLE),
            ("ctrl+d", PEKINESE),
            ("up", PAPILLON),
            ("down", PEKINESE),
        ]
        for key, wnid in stations:
            await press(pilot, key)
            assert current(app.screen) == wnid, key


@keys("review.next_open", "review.clear")
async def test_next_open_passes_over_what_is_decided(workspace: Workspace) -> None:
    review.decide(workspace, "dog", [CHIHUAHUA, PAPILLON], "accept", "ben")
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "N")
        assert current(app.screen) == PEKINESE
        await press(pilot, "home", "n", "backspace")
        assert state_of(workspace, CHIHUAHUA) == "pending"
        assert current(app.screen) == CHIHUAHUA


@keys("review.samples")
async def test_other_pictures_of_the_same_synset(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "n")
        sheet = app.screen.query_one(ContactSheet)
        first = {picture.image_id for picture in sheet.pictures}
        assert len(first) == 16
        assert "seed 7 · 16 of 40" in seen(app)
        await press(pilot, "space")
        second = {picture.image_id for picture in sheet.pictures}
        assert not first & second
        assert "seed 7 · 17–32 of 40" in seen(app)
        await press(pilot, "space", "space")
        assert {picture.image_id for picture in sheet.pictures} == first


@keys("review.picture", "picture.next", "picture.previous", "picture.close")
async def test_one_picture_large(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "enter")
        assert isinstance(app.screen, PictureScreen)
        assert "picture 1 of 18" in seen(app)
        assert "JPEG" in seen(app)
        await press(pilot, "right", "l")
        assert "picture 3 of 18" in seen(app)
        await press(pilot, "left")
        assert "picture 2 of 18" in seen(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, ReviewScreen)


async def test_the_arrows_go_on_beyond_the_pictures_of_the_sheet(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, pilot):
        seen_names = []
        await press(pilot, "enter")
        screen = app.screen
        assert isinstance(screen, PictureScreen)
        for number in range(1, 19):
            assert f"picture {number} of 18" in seen(app)
            seen_names.append(screen.query_one(ContactSheet).pictures[0].path)
            await press(pilot, "right")
        assert len(set(seen_names)) == 18
        assert "picture 1 of 18" in seen(app)  # around the end
        await press(pilot, "left", "x")
        assert "picture 18 of 18 · × bad" in seen(app)
        # As fast as keys come: each waits for the picture that the one before it asked for.
        await pilot.press(*["right"] * 23, "x")
        await rest(pilot)
        assert "picture 5 of 18 · × bad" in seen(app)
        with workspace.opened().reading() as cursor:
            marked = fetch_marks(cursor, BEAGLE)
            paths = {picture.image_id: picture.path for picture in pictures_of(cursor, BEAGLE)}
        assert {Path(paths[image_id]).name for image_id in marked} == {
            Path(seen_names[17]).name, Path(seen_names[4]).name
        }  # fmt: skip
        await press(pilot, "escape")
        assert "seed 7 · 4 of 18" in seen(app)


async def test_a_small_screen_shows_the_end_of_a_path_which_tells_pictures_apart(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", (50, 16)) as (app, pilot):
        await press(pilot, "enter")
        assert isinstance(app.screen, PictureScreen)
        name = Path(app.screen._pictures[0].path).name
        assert f"{name} ─╯" in seen(app)
        assert " · …" in seen(app)
        await pilot.resize_terminal(200, 30)
        await rest(pilot)
        assert app.screen._pictures[0].path in seen(app)


async def test_a_click_enlarges_the_picture_under_the_mouse(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await pilot.click(ContactSheet, offset=(60, 30))
        await rest(pilot)
        assert "picture 16 of 18" in seen(app)


@keys("review.sort")
async def test_sorting(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "t")
        assert isinstance(app.screen, ChooseDialog)
        # The key that opened it goes on to the next: name, pictures.
        await press(pilot, "t", "enter")
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        assert [item.wnid for item in screen.desk.items] == [CHIHUAHUA, PAPILLON, BEAGLE, PEKINESE]
        assert current(screen) == BEAGLE


@keys("review.filter")
async def test_filtering(workspace: Workspace) -> None:
    review.decide(workspace, "dog", [CHIHUAHUA], "accept", "ben")
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "f", "f", "enter")
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        assert [item.wnid for item in screen.desk.items] == [BEAGLE, PAPILLON, PEKINESE]
        assert "only undecided" in seen(app)
        await press(pilot, "f", "j", "j", "j", "enter")
        assert "No candidate is rejected" in seen(app)


@keys("review.find")
async def test_finding(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "slash")
        assert isinstance(app.screen, FindDialog)
        await type_text(pilot, "papi")
        await press(pilot, "enter")
        assert current(app.screen) == PAPILLON


async def test_finding_nothing_says_so(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "slash")
        await type_text(pilot, "zebra")
        assert "Nothing has it." in seen(app)
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, FindDialog)
        await press(pilot, *["backspace"] * 5)
        assert "Nothing has it." not in seen(app)


async def test_on_a_small_screen_no_choice_is_cut_off(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, pilot):
        for way in (["t"], ["f"], ["c"], ["d", "w"], ["f"]):
            await press(pilot, *way)
            assert isinstance(app.screen, ChooseDialog)
            options = app.screen.query_one(OptionList)
            lines = [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]
            assert [line for line in lines if "…" in line] == [], way
            await press(pilot, "escape")


@keys("review.jump")
async def test_jumping(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        for text, wnid in (("4", PEKINESE), ("50%", PAPILLON), (CHIHUAHUA, CHIHUAHUA), ("beagle", BEAGLE)):
            await press(pilot, "g")
            app.screen.query_one(Input).value = text
            await press(pilot, "enter")
            assert current(app.screen) == wnid, text
        await press(pilot, "g")
        app.screen.query_one(Input).value = "99"
        await press(pilot, "enter")
        assert isinstance(app.screen, AskDialog)
        assert "Nothing in the queue is '99'" in seen(app)


@keys("review.mark")
async def test_a_range_is_one_step_after_a_question_with_its_number(workspace: Workspace) -> None:
    review.decide(workspace, "dog", [CHIHUAHUA], "accept", "ben")
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "home", "v", "n", "n")
        assert "[· beagle] │ [✓ Chihuahua] │ [ · PAPILLON ] │ · Pekinese" in seen(app)  # told without a colour, too
        await press(pilot, "r")
        assert isinstance(app.screen, ConfirmDialog)
        assert "Reject 3 candidates of dog?" in seen(app)
        assert "1 earlier decision among them would change." in seen(app)
        await press(pilot, "n")
        assert state_of(workspace, BEAGLE) == "pending"
        await press(pilot, "r", "y")
        assert [state_of(workspace, wnid) for wnid in (BEAGLE, CHIHUAHUA, PAPILLON)] == ["reject"] * 3
        assert state_of(workspace, PEKINESE) == "pending"
        await press(pilot, "u")
        assert [state_of(workspace, wnid) for wnid in (BEAGLE, CHIHUAHUA, PAPILLON)] == ["pending", "accept", "pending"]


@keys("frame.back")
async def test_escape_gives_the_range_up(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "v", "n", "escape", "r")
        assert isinstance(app.screen, ReviewScreen)
    assert events(workspace) == [("reject", CHIHUAHUA)]


@keys("review.superclass", "review.next_superclass", "review.previous_superclass")
async def test_other_superclasses(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "tab")
        assert app.place.superclass == "bird"
        assert current(app.screen) in (CRANE, PARROT, BALD_EAGLE)
        await press(pilot, "shift+tab")
        assert app.place.superclass == "dog"
        await press(pilot, "c", "k", "enter")
        assert app.place.superclass == "carnivore"


@keys("review.note")
async def test_a_note_belongs_to_a_decision(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "e")
        assert "A note belongs to a decision" in told(app)
        await press(pilot, "a", "p", "e")
        await type_text(pilot, "[b]ears")
        await press(pilot, "enter")
        assert "“[b]ears”" in seen(app)
        assert current(app.screen) == BEAGLE
    assert state_of(workspace, BEAGLE) == "accept"


@keys("review.browse")
async def test_opening_the_synset_in_the_tree(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "o")
        assert app.current_mode == "browse"
        assert "beagle.n.01" in seen(app)


async def test_the_cursor_and_the_order_are_put_back_on_the_next_start(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "n", "n", "q")
    async with opened(workspace, "review") as (app, _):
        assert app.place.order == "name"
        assert current(app.screen) == PAPILLON


async def test_a_broken_picture_is_a_tile_with_the_reason(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "end")
        assert "× not a" in seen(app)


async def test_the_sheet_is_as_dense_as_the_space_allows(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, _):
        assert len(app.screen.query_one(ContactSheet).pictures) == 4
        assert "seed 7 · 4 of 18" in seen(app)


async def test_a_sheet_grows_with_the_terminal(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, pilot):
        await pilot.resize_terminal(120, 40)
        await rest(pilot)
        assert len(app.screen.query_one(ContactSheet).pictures) == 16
        assert "seed 7 · 16 of 18" in seen(app)


async def test_without_graphics_the_sheet_lists_names(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review", graphics=Graphics.OFF) as (app, _):
        assert f"{BEAGLE}_" in seen(app)
        assert "▀" not in seen(app)


async def test_an_empty_workspace_says_what_to_do(workspace: Workspace) -> None:
    with workspace.opened().writing() as cursor:
        for table in ("candidate", "superclass_root", "superclass"):
            cursor.execute(f"DELETE FROM {table}")
    async with opened(workspace, "review") as (app, pilot):
        assert "No superclass yet" in seen(app)
        await press(pilot, "a", "space", "enter", "n")
        assert app.is_running


@keys("review.facts_down", "review.facts_up", "browse.facts_down", "browse.facts_up")
async def test_long_facts_scroll(workspace: Workspace) -> None:
    for kind in ("accept", "reject", "unsure", "accept", "reject", "unsure"):
        review.decide(workspace, "dog", [BEAGLE], kind, "ben", "because of the ears, which hang down on both sides")
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, pilot):
        await press(pilot, "home")
        assert "more lines" in seen(app)
        top = seen(app)
        await press(pilot, "J", "J")
        assert seen(app) != top
        await press(pilot, "K", "K")
        assert seen(app) == top
        await press(pilot, "o", "J", "K")
        assert app.current_mode == "browse"


async def test_facts_stay_where_they_were_scrolled_to_when_more_is_known_and_follow_the_width(
    workspace: Workspace,
) -> None:
    for kind in ("accept", "reject", "unsure", "accept"):
        review.decide(workspace, "dog", [BEAGLE], kind, "ben", "because of the ears, which hang down on both sides")
    async with opened(on_dog(workspace), "review", (80, 24)) as (app, pilot):
        await press(pilot, "home", "J", "J")
        facts = app.screen.query_one(Facts)
        scrolled = facts.render().plain
        assert isinstance(app.screen, ReviewScreen)
        app.screen.reload()  # as whenever something was taken in
        await rest(pilot)
        assert facts.render().plain == scrolled
        await press(pilot, "n", "p")
        assert facts.render().plain != scrolled
        await pilot.resize_terminal(118, 24)
        await rest(pilot)
        wide = facts.render().plain.splitlines()
        assert max(len(line) for line in wide) > 40
