"""The tour: every page fits a small terminal, names living keys, comes once, and stands in nobody's way."""

from pathlib import Path

import pytest

from engine.workspace import Workspace
from sood_tui.app import SoodApp
from sood_tui.keys.screens import every_binding
from sood_tui.screens.picture import PictureScreen
from sood_tui.screens.tour import TourScreen
from sood_tui.settings import load_settings
from sood_tui.tour import PAGES, page_text, take_tour
from tests.tui.desk_of import keys, opened, press, rest, seen


def test_every_key_that_the_tour_names_is_one_of_an_action() -> None:
    known = {binding.id for binding in every_binding()}
    for page in PAGES:
        named = {text for paragraph in page_text(page, str) for text, is_key in paragraph if is_key}
        assert named
        assert named <= known


@keys("frame.tour")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_page_by_page_and_back(workspace: Workspace, size: tuple[int, int]) -> None:
    async with opened(workspace, "home", size) as (app, pilot):
        await press(pilot, "f1")
        for number, page in enumerate(PAGES, 1):
            shown = seen(app)
            assert page.title in shown
            assert f"{number} of {len(PAGES)}" in shown
            last = page_text(page, app.sign_of)[-1][-1][0].split()[-1]
            assert last in shown  # nothing is cut off
            if number == 2:
                await press(pilot, "left")
                assert PAGES[0].title in seen(app)
                await press(pilot, "right")
            await press(pilot, "enter")
        assert not isinstance(app.screen, TourScreen)


async def test_other_keys_close_it_and_do_what_they_do(workspace: Workspace) -> None:
    async with opened(workspace, "browse") as (app, pilot):
        await press(pilot, "f1", "escape")
        assert not isinstance(app.screen, TourScreen)
        await press(pilot, "f1", "p")
        await rest(pilot)
        assert isinstance(app.screen, PictureScreen)


def test_it_is_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "new"))
    assert take_tour()
    assert not take_tour()
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert not take_tour()


async def test_a_newcomer_is_shown_around_on_home_and_not_in_the_midst_of_work(workspace: Workspace) -> None:
    for screen, comes in (("review", False), ("home", True), ("home", False)):
        app = SoodApp(workspace, load_settings(workspace.settings_file), screen=screen, alone=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await rest(pilot)
            assert isinstance(app.screen, TourScreen) is comes
