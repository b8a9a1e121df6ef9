"""Browse: every key, on the tiny WordNet."""

from textual.widgets import Input

from engine.review.decisions import decide
from engine.review.subtrees import decide_subtree
from engine.workspace import Workspace
from sood_tui.benches.folio import read_folio
from sood_tui.benches.tree import read_marks
from sood_tui.marks import under_of
from sood_tui.plain import count
from sood_tui.screens.browse import BrowseScreen
from sood_tui.screens.dialogs import AskDialog, ChooseDialog, ConfirmDialog, FindDialog
from sood_tui.screens.picture import PictureScreen
from sood_tui.screens.why import WhyScreen
from sood_tui.widgets.facts import Facts
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from sood_tui.widgets.synset_tree import SynsetTree
from store.candidates.proposed import fetch_candidates
from store.candidates.superclasses import fetch_superclasses
from store.review.log import fetch_events
from store.review.queue import fetch_states_of
from tests.catalogue_rows import ancestors_of
from tests.tui.birds import BEAGLE, CAR, CHIHUAHUA, CRANE, DOG, PAPILLON, PEKINESE
from tests.tui.desk_of import keys, opened, press, rest, seen, told, type_text

CANINE, DOMESTIC_ANIMAL = "n02083346", "n01317541"


def at(workspace: Workspace, wnid: str) -> Workspace:
    (workspace.root / ".place.json").write_text(f'{{"synset": "{wnid}"}}', encoding="utf-8")
    return workspace


def tree_of(screen: object) -> SynsetTree:
    assert isinstance(screen, BrowseScreen)
    return screen.synsets


def current(screen: object) -> str:
    line = tree_of(screen).line
    assert line is not None
    return line.node.name


def names(screen: object) -> list[str]:
    return [line.node.name for line in tree_of(screen).lines]


def states(workspace: Workspace, superclass: str) -> dict[str, str]:
    with workspace.opened().reading() as cursor:
        found = {wnid: fetch_states_of(cursor, wnid) for wnid in (CHIHUAHUA, PEKINESE, PAPILLON, BEAGLE)}
    return {wnid: under[superclass] for wnid, under in found.items()}


@keys("browse.open", "browse.close", "browse.toggle")
async def test_unfolding_and_folding(workspace: Workspace) -> None:
    async with opened(workspace, "browse") as (app, pilot):
        assert names(app.screen) == ["entity.n.01", "physical_entity.n.01"]
        await press(pilot, "j", "l")
        assert names(app.screen) == ["entity.n.01", "physical_entity.n.01", "object.n.01"]
        await press(pilot, "right")
        assert current(app.screen) == "object.n.01"
        await press(pilot, "left")
        assert current(app.screen) == "physical_entity.n.01"
        await press(pilot, "h")
        assert names(app.screen) == ["entity.n.01", "physical_entity.n.01"]
        await press(pilot, "enter")
        assert "object.n.01" in names(app.screen)
        await press(pilot, "enter")
        assert "object.n.01" not in names(app.screen)


@keys("browse.down", "browse.up", "browse.page_down", "browse.page_up", "browse.first", "browse.last", "browse.top")
async def test_moving(workspace: Workspace) -> None:
    async with opened(at(workspace, DOG), "browse") as (app, pilot):
        last = names(app.screen)[-1]
        stations = [
            ("g", "entity.n.01"),
            ("down", "physical_entity.n.01"),
            ("j", "object.n.01"),
            ("k", "physical_entity.n.01"),
            ("up", "entity.n.01"),
            ("end", last),
            ("home", "entity.n.01"),
            ("G", last),
            ("pageup", "entity.n.01"),
            ("pagedown", last),
            ("ctrl+u", "entity.n.01"),
            ("ctrl+d", last),
        ]
        for key, name in stations:
            await press(pilot, key)
            assert current(app.screen) == name, key


@keys("browse.expand_all")
async def test_unfolding_everything(workspace: Workspace) -> None:
    async with opened(at(workspace, DOG), "browse") as (app, pilot):
        before = len(names(app.screen))
        await press(pilot, "x")
        # toy dog, chihuahua, pekinese, toy spaniel, papillon, hunting dog, hound, beagle: what has pictures below dog.
        assert len(names(app.screen)) == before + 8
        await press(pilot, "x")
        assert len(names(app.screen)) == before


async def test_numbers_of_pictures_stand_beside_each_synset(workspace: Workspace) -> None:
    async with opened(at(workspace, DOG), "browse", (160, 40)) as (app, _):
        # 40 chihuahuas, 12 pekineses, 20 papillons, 18 beagles.
        row = next(line for line in seen(app).splitlines() if "dog" in line and "90" in line)
        assert row.split("│")[1].split()[-2:] == ["90", "4"]


@keys("browse.pictured")
async def test_the_scrollbar_takes_no_digit_from_the_numbers(workspace: Workspace) -> None:
    async with opened(workspace, "browse", (80, 14)) as (app, pilot):
        await press(pilot, "x", "j")
        tree = tree_of(app.screen)
        assert tree.show_vertical_scrollbar
        page = seen(app).splitlines()[3:12]
        numbers = [count(line.node.subtree_images) for line in tree.lines[:9]]
        assert len(numbers[0]) > 1
        assert [line.split("│")[1][:-1].split()[-1] for line in page] == numbers


async def test_showing_synsets_without_pictures(workspace: Workspace) -> None:
    async with opened(at(workspace, DOG), "browse") as (app, pilot):
        await press(pilot, "l")
        assert "puppy.n.01" not in names(app.screen)
        await press(pilot, "w")
        assert "puppy.n.01" in names(app.screen)
        await press(pilot, "w")
        assert "puppy.n.01" not in names(app.screen)


@keys("browse.find")
async def test_finding_unfolds_the_way_down(workspace: Workspace) -> None:
    async with opened(workspace, "browse") as (app, pilot):
        await press(pilot, "slash")
        assert isinstance(app.screen, FindDialog)
        await type_text(pilot, "papillon")
        await press(pilot, "enter")
        assert current(app.screen) == "papillon.n.01"
        assert "toy_spaniel.n.01" in names(app.screen)


async def test_finding_a_synset_without_pictures_shows_all_of_wordnet(workspace: Workspace) -> None:
    async with opened(workspace, "browse") as (app, pilot):
        await press(pilot, "slash")
        await type_text(pilot, "mayflower")
        await press(pilot, "enter")
        assert current(app.screen) == "mayflower.n.01"
        assert not tree_of(app.screen).pictured


@keys("browse.superclass")
async def test_making_a_superclass(workspace: Workspace) -> None:
    async with opened(at(workspace, CAR), "browse") as (app, pilot):
        await press(pilot, "s")
        assert isinstance(app.screen, AskDialog)
        assert "2 synsets with 18 pictures at and under it" in seen(app)
        app.screen.query_one(Input).value = "motor_car"
        await press(pilot, "enter")
        assert "motor_car: 2 candidates, 18 pictures" in told(app)
        assert "◆○ car" in seen(app)
    with workspace.opened().reading() as cursor:
        assert "motor_car" in [row.superclass for row in fetch_superclasses(cursor)]


@keys("browse.accept", "browse.reject", "browse.unsure", "browse.undo", "browse.redo")
async def test_deciding_on_one_synset(workspace: Workspace) -> None:
    async with opened(at(workspace, PAPILLON), "browse") as (app, pilot):
        await press(pilot, "a")
        # dog and carnivore both have it: which one is meant is asked.
        assert isinstance(app.screen, ChooseDialog)
        await press(pilot, "j", "enter")
        assert states(workspace, "dog")[PAPILLON] == "accept"
        assert "✓  papillon" in seen(app)
        await press(pilot, "u")
        assert states(workspace, "dog")[PAPILLON] == "pending"
        await press(pilot, "U")
        assert states(workspace, "dog")[PAPILLON] == "accept"
        await press(pilot, "r", "enter")
        assert states(workspace, "carnivore")[PAPILLON] == "reject"
        await press(pilot, "i", "j", "enter")
        assert states(workspace, "dog")[PAPILLON] == "unsure"


async def test_a_synset_that_is_no_candidate_says_so(workspace: Workspace) -> None:
    async with opened(at(workspace, CAR), "browse") as (app, pilot):
        await press(pilot, "a")
        assert "car is no candidate" in told(app)


@keys("browse.reject_all", "browse.accept_all")
async def test_deciding_on_a_subtree_is_one_step_after_a_question(workspace: Workspace) -> None:
    async with opened(at(workspace, DOG), "browse") as (app, pilot):
        await press(pilot, "R", "j", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert "Reject 4 candidates of dog at and under dog?" in seen(app)
        await press(pilot, "y")
        assert set(states(workspace, "dog").values()) == {"reject"}
        assert set(states(workspace, "carnivore").values()) == {"pending"}
        await press(pilot, "A", "j", "enter")
        assert "4 earlier decisions among them would change." in seen(app)
        await press(pilot, "n", "u")
        assert set(states(workspace, "dog").values()) == {"pending"}
    with workspace.opened().reading() as cursor:
        steps = {event.step_id for event in fetch_events(cursor)}
    assert len(steps) == 2  # the rejection and the undo


def under(screen: object) -> dict[str, str]:
    """all, some or none by the name of each synset above candidates that the tree shows."""
    marks = read_marks(screen.workspace)  # type: ignore[attr-defined]
    return {line.node.name: under_of(marks.tallies[line.node.wnid])
            for line in tree_of(screen).lines if line.node.wnid in marks.tallies}  # fmt: skip


async def test_a_synset_above_tells_whether_all_some_or_none_below_it_is_accepted(workspace: Workspace) -> None:
    async with opened(at(workspace, PAPILLON), "browse") as (app, pilot):
        assert set(under(app.screen).values()) == {"none"}
        assert "○ toy spaniel" in seen(app)
        await press(pilot, "a", "j", "enter")
        assert "● toy spaniel" in seen(app)
        assert "◐ toy dog" in seen(app)
        assert "○ hunting dog" in seen(app)
        assert "◆◐ dog" in seen(app)
        assert under(app.screen)["entity.n.01"] == "some"
        await press(pilot, "h")
        assert "● all accepted of 1 candidate" in seen(app)
        await press(pilot, "u")
        assert "○ toy spaniel" in seen(app)


def test_a_synset_with_two_hypernyms_counts_once_above_both(workspace: Workspace) -> None:
    decide(workspace, "carnivore", (CHIHUAHUA, BEAGLE), "accept", "anna")
    decide(workspace, "dog", (CHIHUAHUA, PEKINESE), "reject", "anna")
    marks = read_marks(workspace)
    with workspace.opened().reading() as cursor:
        above = {row.wnid: set(ancestors_of(cursor, row.wnid))
                 for name in ("dog", "carnivore", "bird") for row in fetch_candidates(cursor, name)}  # fmt: skip
    best = {wnid: under_of(dict.fromkeys(marks.states[wnid].values(), 1)) for wnid in above}
    assert best[CHIHUAHUA] == "some"  # accepted here, rejected there
    for wnid, tally in marks.tallies.items():
        below = {candidate for candidate, ways in above.items() if wnid in ways or wnid == candidate}
        accepted = {candidate for candidate in below if "accept" in marks.states[candidate].values()}
        assert (sum(tally.values()), tally.get("accept", 0)) == (len(below), len(accepted))
    assert set(marks.tallies) == set().union(*above.values())


async def test_the_facts_tell_whence_a_decision_is_inherited_and_what_contradicts_it(workspace: Workspace) -> None:
    decide_subtree(workspace, "carnivore", CANINE, "accept", "anna")
    decide_subtree(workspace, "carnivore", DOMESTIC_ANIMAL, "reject", "ben")
    async with opened(at(workspace, CHIHUAHUA), "browse") as (app, pilot):
        page = seen(app)
        assert "under      carnivore ✗ rejected  from domestic animal" in page
        assert "conflict   domestic animal ✗ rejected  canine ✓ accepted" in page
        assert "≠  Chihuahua" in page
        await press(pilot, "r", "enter")  # a word of one's own ends it
        page = seen(app)
        assert "carnivore ✗ rejected" in page
        assert "from domestic animal" not in page
        assert "conflict" not in page
    decide_subtree(workspace, "dog", DOMESTIC_ANIMAL, "reject", "ben")
    (workspace.root / ".place.json").write_text('{"superclass": "dog", "order": "name"}', encoding="utf-8")
    async with opened(workspace, "review") as (app, pilot):
        # By its word, although the way that is shown leads past it.
        assert "inherited from domestic animal" in seen(app)
        await press(pilot, "y")
        story = " ".join(app.screen.query_one(Facts).render().plain.split())
        assert f"inherited from domestic animal {DOMESTIC_ANIMAL}" in story


@keys("browse.review")
async def test_opening_a_candidate_in_review(workspace: Workspace) -> None:
    async with opened(at(workspace, PAPILLON), "browse") as (app, pilot):
        await press(pilot, "o")
        assert app.current_mode == "review"
        assert "papillon  n02086910" in seen(app)
        # Review stands on it already: another candidate of the same superclass, then one of another.
        for wnid in (CHIHUAHUA, CRANE):
            await press(pilot, "f3", "slash")
            await type_text(pilot, wnid)
            await press(pilot, "enter", "o")
            assert app.current_mode == "review"
            assert f"  {wnid} " in seen(app)


async def test_opening_a_candidate_after_a_cut_goes_to_it_and_not_to_the_next_open_one(workspace: Workspace) -> None:
    place = f'{{"synset": "{PAPILLON}", "superclass": "dog", "order": "name"}}'
    (workspace.root / ".place.json").write_text(place, encoding="utf-8")
    decide(workspace, "dog", [PEKINESE], "accept", "anna")  # after the place was kept, as where a kill followed
    async with opened(workspace, "browse") as (app, pilot):
        await press(pilot, "o")
        assert "papillon  n02086910" in seen(app)


@keys("browse.why")
async def test_why_tells_the_story_of_the_candidate(workspace: Workspace) -> None:
    async with opened(at(workspace, PAPILLON), "browse") as (app, pilot):
        await press(pilot, "y")
        assert isinstance(app.screen, WhyScreen)
        assert f"Why · papillon  {PAPILLON}" in seen(app)
        await press(pilot, "y", "g", "y")
        assert not isinstance(app.screen, WhyScreen)
        assert "No superclass has entity as a candidate" in told(app)


@keys("browse.samples", "browse.picture")
async def test_pictures_of_the_subtree(workspace: Workspace) -> None:
    async with opened(at(workspace, DOG), "browse") as (app, pilot):
        sheet = app.screen.query_one(ContactSheet)
        first = {picture.image_id for picture in sheet.pictures}
        assert "pictures of all below" in seen(app)
        await press(pilot, "space")
        assert {picture.image_id for picture in sheet.pictures} != first
        await press(pilot, "p")
        assert isinstance(app.screen, PictureScreen)
        await press(pilot, "escape")
        assert current(app.screen) == "dog.n.01"


async def test_the_mouse_moves_and_unfolds(workspace: Workspace) -> None:
    async with opened(workspace, "browse") as (app, pilot):
        await pilot.click(SynsetTree, offset=(1, 1))
        await rest(pilot)
        # The click was on the arrow of physical entity.
        assert current(app.screen) == "physical_entity.n.01"
        assert "object.n.01" in names(app.screen)


async def test_pictures_that_arrive_late_for_another_synset_are_dropped(workspace: Workspace) -> None:
    async with opened(at(workspace, PAPILLON), "browse") as (app, pilot):
        screen = app.screen
        assert isinstance(screen, BrowseScreen)
        shown = screen.query_one(ContactSheet).pictures
        await press(pilot, "g")
        await rest(pilot)
        late = read_folio(workspace, PAPILLON, 6)
        screen._take_folio(late)
        assert screen.query_one(ContactSheet).pictures != shown
        assert "entity.n.01" in seen(app)


async def test_the_tree_is_put_back_as_it_was(workspace: Workspace) -> None:
    async with opened(workspace, "browse") as (app, pilot):
        await press(pilot, "j", "l", "l", "l", "q")
    async with opened(workspace, "browse") as (app, _):
        assert current(app.screen) == "object.n.01"
        assert names(app.screen)[-1] == "whole.n.02"


async def test_a_tree_that_was_only_looked_at_is_put_back_too(workspace: Workspace) -> None:
    async with opened(workspace, "browse") as (app, pilot):
        before = names(app.screen)
        assert before[0] == "entity.n.01"
        assert len(before) > 1
        await press(pilot, "q")
    async with opened(workspace, "browse") as (app, pilot):
        assert names(app.screen) == before
        await press(pilot, "left", "q")
    async with opened(workspace, "browse") as (app, _):
        assert names(app.screen) == before[:1]


async def test_names_and_glosses_are_never_read_as_markup(workspace: Workspace) -> None:
    with workspace.opened().writing() as cursor:
        cursor.execute(
            "UPDATE synset SET gloss = '[red]not markup[/red] \x1b[2J' WHERE wnid = $wnid", {"wnid": PAPILLON}
        )
    async with opened(at(workspace, PAPILLON), "browse") as (app, _):
        assert "[red]not markup[/red]" in seen(app)
        assert "\x1b" not in seen(app)
