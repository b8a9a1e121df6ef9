"""Several reviewers on the screen: guests in the frame, others' words, rulings, and judging blind."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.filters.audit import draw
from engine.images.sample import sample_images
from engine.review.decisions import decide
from engine.review.guest import sit_down
from engine.review.host import Host
from engine.review.pictures import mark
from engine.workspace import Workspace
from sood_tui.place import Place
from sood_tui.screens.review import ReviewScreen
from store.review.log import fetch_history
from tests.tui.birds import BEAGLE, CHIHUAHUA, PAPILLON, PEKINESE
from tests.tui.desk_of import keys, opened, press, rest, seen, told
from tests.tui.test_review import current, on_dog, state_of
from tests.tui.test_review_why import judge


@pytest.fixture
def guest(workspace: Workspace) -> Iterator[Workspace]:
    """A guest of the workspace, whose owner looks once a test asks for it."""
    on_dog(workspace)
    host = Host(workspace)
    seated = sit_down(replace(workspace, store=None), "ben", lambda text: host.look(), patience=5)
    yield seated
    assert seated.guest is not None
    seated.guest.leave()
    host.close()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_guest_sees_where_it_sits_and_decides(guest: Workspace, size: tuple[int, int]) -> None:
    async with opened(guest, "review", size) as (app, pilot):
        assert seen(app).startswith(" guest│")
        assert "evaluation" in seen(app).splitlines()[0]
        await press(pilot, "a")
        assert state_of(guest, BEAGLE) == "accept"
        assert guest.guest is not None
        assert guest.guest.seat.journal.read_text(encoding="utf-8").count('"accept"') == 1
        await press(pilot, "u")
        assert state_of(guest, BEAGLE) == "pending"


async def test_a_guests_place_is_kept_beside_the_owners(guest: Workspace) -> None:
    owners = (guest.root / ".place.json").read_bytes()
    async with opened(guest, "review") as (app, pilot):
        await press(pilot, "n", "n", "q")
        seat = app.settings.reviewer
    assert Place.read(guest.root, seat).candidate == PAPILLON
    assert (guest.root / ".place.json").read_bytes() == owners


@pytest.mark.parametrize(("screen", "key", "said"), [
    ("browse", "s", "cannot make a superclass"), ("jobs", "n", "cannot begin a job"),
    ("splits", "e", "cannot export"), ("settings", "d", "cannot change the settings"),
    ("evaluate", "n", "cannot begin an evaluation"),
])  # fmt: skip
async def test_a_guest_is_told_what_only_the_owner_can_do(guest: Workspace, screen: str, key: str, said: str) -> None:
    async with opened(guest, screen) as (app, pilot):
        await press(pilot, key)
        assert said in told(app)


async def test_what_a_guest_decides_shows_on_the_owners_screen(workspace: Workspace) -> None:
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await rest(pilot)
        seated = await asyncio.to_thread(sit_down, replace(workspace, store=None), "ben", lambda text: None, 20)
        assert seated.guest is not None
        await press(pilot, "n")
        await asyncio.to_thread(decide, seated, "dog", [BEAGLE], "reject", "ben")
        for _ in range(100):
            await rest(pilot)
            if "✗ beagle" in seen(app):
                break
        assert "✗ beagle" in seen(app)
        assert "ben: 1 decision" in told(app)
        assert current(app.screen) == CHIHUAHUA  # the cursor stays
        await press(pilot, "u")
        assert "no decision of anna" in told(app)  # a guest's step is the guest's to take back
        seated.guest.leave()


@keys("review.rule")
async def test_a_ruling_settles_a_dispute_and_can_be_taken_back(workspace: Workspace) -> None:
    decide(workspace, "dog", [BEAGLE], "reject", "ben")
    decide(workspace, "dog", [BEAGLE], "accept", "cleo")
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "home")
        assert "ben ✗ rejected" in seen(app)
        await press(pilot, "w", "down", "enter")
        await press(pilot, *"food", "enter")
        assert state_of(workspace, BEAGLE) == "reject"
        assert "by a ruling of anna" in seen(app)
        await press(pilot, "home", "a")
        assert state_of(workspace, BEAGLE) == "reject"  # anna's own word stands beside her ruling
        await press(pilot, "u", "u")
        assert state_of(workspace, BEAGLE) == "accept"
        await press(pilot, "w", "escape")
        assert isinstance(app.screen, ReviewScreen)


@keys("review.blind")
async def test_blind_shows_nobodys_word_no_verdict_and_no_score(scored: Workspace) -> None:
    judge(scored, "google/paligemma", {BEAGLE: 0.94})
    decide(scored, "dog", [BEAGLE], "reject", "ben", "not so")
    async with opened(on_dog(scored), "review") as (app, pilot):
        await press(pilot, "home")
        assert "P(yes)" in seen(app)
        assert "mean score" in seen(app)
        assert "by ben" in seen(app)
        await press(pilot, "b")
        page = seen(app)
        assert "blind" in page
        for hidden in ("P(yes)", "mean score", "by ben", "not so", "also under"):
            assert hidden not in page
        assert "✓ accepted  by anna" in page  # anna's own earlier word
        await press(pilot, "y")
        assert "hidden while you judge blind" in seen(app)
        assert "paligemma" not in seen(app)
        await press(pilot, "y", "r")
        assert state_of(scored, BEAGLE) == "reject"
        await press(pilot, "b", "home")
        assert "P(yes)" in seen(app)


async def test_blind_by_the_setting_holds_in_browse(workspace: Workspace) -> None:
    decide(workspace, "dog", [PAPILLON], "reject", "ben")
    with workspace.settings_file.open("a", encoding="utf-8") as file:
        file.write('[review]\nblind = "on"\n')
    (workspace.root / ".place.json").write_text(f'{{"synset": "{PAPILLON}"}}', encoding="utf-8")
    async with opened(workspace, "browse") as (app, _):
        assert "papillon" in seen(app)
        assert "by ben" not in seen(app)
        assert "✗" not in seen(app)


async def test_blind_hides_others_marks_on_pictures_and_others_lines_on_home(workspace: Workspace) -> None:
    with workspace.opened().reading() as cursor:
        first, second = sample_images(cursor, BEAGLE, 2, workspace.seed, 0)
    mark(workspace, [first.image_id], "bad", "ben")
    mark(workspace, [second.image_id], "several", "anna")
    decide(workspace, "dog", [CHIHUAHUA], "reject", "ben")
    decide(workspace, "dog", [PAPILLON], "accept", "anna")
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "home")
        assert "× bad" in seen(app)
        await press(pilot, "b")
        assert "× several" in seen(app)
        assert "× bad" not in seen(app)
        await press(pilot, "enter")
        for _ in range(3):
            assert "off-topic" not in seen(app)
            await press(pilot, "n")
        await press(pilot, "escape", "f2")
        assert "papillon" in seen(app)
        assert "hihuahua" not in seen(app)
        app.is_blind = False
        await press(pilot, "f4", "f2")
        assert "hihuahua" in seen(app)


async def test_review_and_home_tell_when_to_stop(workspace: Workspace) -> None:
    wnids = [BEAGLE, CHIHUAHUA, PAPILLON, PEKINESE]
    decide(workspace, "dog", wnids, "accept", "anna")
    decide(workspace, "dog", wnids[:3], "accept", "ben")
    async with opened(on_dog(workspace), "review") as (app, pilot):
        # 3 of the 4 accepted ones were looked at again, all right: the whole holds 3 or 4 right ones.
        assert "precision  · 100 % (75–100)  3 chosen checks" in seen(app)
        assert "good left  ✓ 0 % (0–0)" in seen(app)
        assert "goal ✓" not in seen(app)
        await asyncio.to_thread(decide, workspace, "dog", wnids[3:], "accept", "ben")
        await press(pilot, "f2")
        assert "1 of 3 at the goal: 95 % right, 5 % left" in seen(app)
        await press(pilot, "f4")
        assert "precision  ✓ 100 % (100–100)  all checked" in seen(app)
        assert "goal ✓" in seen(app)
        await press(pilot, "b")
        assert "precision" not in seen(app)  # it would tell what others think
    async with opened(workspace, "review", (80, 24)) as (app, _):
        assert "of 4 · right 100 % (100–100) ─" in seen(app)


async def test_to_say_the_same_again_is_a_second_look_once_an_audit_drew_it(workspace: Workspace) -> None:
    decide(workspace, "dog", [BEAGLE, CHIHUAHUA], "accept", "anna")
    async with opened(on_dog(workspace), "review") as (_, pilot):
        await press(pilot, "home", "a")
        assert decisions_on(workspace, BEAGLE) == 1  # nothing new was said
    draw(workspace, 50, seed=1)
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "home", "a")
        assert decisions_on(workspace, BEAGLE) == 2
        await press(pilot, "home", "a")
        assert decisions_on(workspace, BEAGLE) == 2
        await press(pilot, "f2", "f4")
        assert "audit of 1" in seen(app)


def decisions_on(workspace: Workspace, wnid: str) -> int:
    with workspace.opened().reading() as cursor:
        return len(fetch_history(cursor, wnid))
