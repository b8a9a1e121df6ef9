"""When pictures in real pixels are drawn over the text, and when they are taken off: in the app, and in the program."""

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from engine.workspace import Workspace
from sood_tui.app import SoodApp
from sood_tui.screens.review import ReviewScreen
from sood_tui.settings import load_settings
from sood_tui.terminal import pixel_layer
from sood_tui.terminal.graphics import Graphics, Terminal
from sood_tui.terminal.pixel_layer import Encoded, PixelLayer
from sood_tui.widgets.sheet import sharpener as sheet_sharpener
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from store.connection import open_store
from store.review.log import fetch_events
from tests.tui.desk_of import keys, press, rest, seen
from tests.tui.scripted_terminal import CELL, DEVICE, KITTY, KITTY_ITSELF, PLAIN, SIXEL, XTERM, ScriptedTerminal
from tests.tui.test_pixels import commands, decode

BOTH = Terminal(asked=True, seconds=0.01, sixel=True, kitty=True, cell=(10, 20), colours=256)


class Glass:
    """What was written over the text."""

    def __init__(self, layer: PixelLayer) -> None:
        self.text = ""
        layer.write = self.take

    def take(self, data: str) -> None:
        self.text += data

    def taken(self) -> str:
        """Everything since the last time."""
        text, self.text = self.text, ""
        return text

    def sixels(self) -> list[str]:
        """The sixel images since the last time."""
        return [found[0].decode() for found in SIXEL.finditer(self.taken().encode())]

    def kitty(self) -> list[str]:
        """Kitty's commands since the last time: a, then d or p of those that have it."""
        found = [f"{keys['a']}{keys.get('d', '')}{keys['i']}" for keys, _ in commands(self.taken()) if "a" in keys]
        return [word.rstrip("0123456789") for word in found]


@asynccontextmanager
async def sharp(
    workspace: Workspace, graphics: Graphics, size: tuple[int, int] = (80, 24), mode: str = "review"
) -> AsyncIterator[tuple[SoodApp, Pilot[Any], Glass]]:
    """The app on a terminal that has both ways, with the first sheet drawn."""
    (workspace.root / ".place.json").write_text('{"superclass": "dog", "order": "name"}', encoding="utf-8")
    app = SoodApp(workspace, load_settings(workspace.settings_file), graphics, mode, terminal=BOTH)
    glass = Glass(app.pixel_layer)
    async with app.run_test(size=size, notifications=True) as pilot:
        await drawn(pilot)
        yield app, pilot, glass


async def drawn(pilot: Pilot[Any]) -> None:
    """Wait until what should be seen in pixels is."""
    await rest(pilot)
    await pilot.pause(sheet_sharpener.REST * 2)
    await rest(pilot)


def placed(app: SoodApp) -> Region:
    """Where the sheet of the screen in front is."""
    return app.screen.query_one(ContactSheet).region


async def test_a_sheet_is_drawn_where_it_is(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.SIXEL) as (app, _, glass):
        region = placed(app)
        text = glass.text
        assert f"\x1b7\x1b[{region.y + 1};{region.x + 1}H\x1bP" in text
        assert text.endswith("\x1b\\\x1b8")
        (image,) = glass.sixels()
        assert decode(image)[0].shape == (region.height * 20, region.width * 10)
        assert region.bottom < app.size.height
        assert "▀" in seen(app)  # half blocks lie below, for what covers the sheet


async def test_sixteen_pictures_on_a_small_terminal(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.SIXEL) as (app, _, _):
        assert app.screen.query_one(ContactSheet).capacity == 16
    async with sharp(workspace, Graphics.HALF) as (app, _, glass):
        assert app.screen.query_one(ContactSheet).capacity < 9
        assert glass.text == ""


async def test_somebody_who_pages_through_gets_one_picture(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_sharpener, "REST", 1.0)
    async with sharp(workspace, Graphics.SIXEL) as (app, pilot, glass):
        glass.taken()
        before = app.screen.query_one(ContactSheet).pictures
        await pilot.press("n", "n", "n")
        await drawn(pilot)
        assert app.screen.query_one(ContactSheet).pictures != before
        assert len(glass.sixels()) == 1


async def test_the_next_sheets_are_encoded_ahead(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sharp(workspace, Graphics.SIXEL) as (app, pilot, glass):
        for worker in [worker for worker in app.workers if worker.group == "sheet_warmers"]:
            await worker.wait()
        glass.taken()

        def never(*_: object) -> Encoded:
            raise AssertionError("encoded anew")

        monkeypatch.setattr(sheet_sharpener, "encoded", never)
        await press(pilot, "n")
        await drawn(pilot)
        assert len(glass.sixels()) == 1


@keys("frame.suspend")
async def test_a_dialog_shows_half_blocks_and_pixels_come_back(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.SIXEL) as (app, pilot, glass):
        (first,) = glass.sixels()
        await press(pilot, "question_mark")
        await drawn(pilot)
        assert glass.text == ""  # under the help, and the frame of the dialog wiped it
        await press(pilot, "escape")
        await drawn(pilot)
        assert set(glass.sixels()) == {first}
        await press(pilot, "ctrl+z")  # a test has no shell to go to
        assert app.is_running


async def test_kitty_keeps_a_picture_while_a_dialog_is_open(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.KITTY) as (app, pilot, glass):
        region = placed(app)
        text = glass.text
        assert f"\x1b7\x1b[{region.y + 1};{region.x + 1}H\x1b_Ga=p" in text
        assert f"c={region.width},r={region.height}" in text
        assert glass.kitty() == ["t", "p"]
        await press(pilot, "question_mark")
        await drawn(pilot)
        assert glass.kitty() == ["di"]
        await press(pilot, "escape")
        await drawn(pilot)
        assert glass.kitty() == ["p"]  # placed again, not sent again
        await press(pilot, "n")
        await drawn(pilot)
        assert glass.kitty() == ["di", "t", "p"]


async def test_nothing_is_left_in_kitty(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.KITTY) as (_, pilot, glass):
        await press(pilot, "n")
        await drawn(pilot)
        sent = {keys["i"] for keys, _ in commands(glass.text) if keys.get("a") == "t"}
        assert len(sent) == 2
        await press(pilot, "q")
    forgotten = {keys["i"] for keys, _ in commands(glass.text) if keys.get("d") == "I"}
    assert forgotten == sent


async def test_kitty_forgets_what_was_shown_longest_ago(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_layer, "KEPT_BY_TERMINAL", 2)
    async with sharp(workspace, Graphics.KITTY) as (_, pilot, glass):
        for _turn in range(3):
            await press(pilot, "n")
            await drawn(pilot)
        found = commands(glass.text)
        sent = [keys["i"] for keys, _ in found if keys.get("a") == "t"]
        assert len(set(sent)) == 4
        assert [keys["i"] for keys, _ in found if keys.get("d") == "I"] == sent[: len(sent) - 2]


@pytest.mark.parametrize(("graphics", "off", "on"), [(Graphics.SIXEL, [], 1), (Graphics.KITTY, ["di"], 0)])
async def test_under_a_toast_half_blocks_show(
    workspace: Workspace, graphics: Graphics, off: list[str], on: int
) -> None:
    async with sharp(workspace, graphics) as (app, pilot, glass):
        glass.taken()
        app.notify("words " * 40, timeout=600)
        await drawn(pilot)
        if graphics is Graphics.KITTY:
            assert glass.kitty() == off
        else:
            assert glass.sixels() == []
        app.clear_notifications()
        await drawn(pilot)
        assert (len(glass.sixels()) if on else glass.kitty()) == (on or ["p"])


async def test_another_screen_has_its_own_pictures(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.SIXEL) as (app, pilot, glass):
        glass.taken()
        await press(pilot, "f8")
        await drawn(pilot)
        assert glass.sixels() == []
        await press(pilot, "f4")
        await drawn(pilot)
        assert isinstance(app.screen, ReviewScreen)
        assert len(glass.sixels()) == 1
        await press(pilot, "enter")
        await drawn(pilot)
        (large,) = set(glass.sixels())
        region = placed(app)
        assert decode(large)[0].shape == (region.height * 20, region.width * 10)


async def test_a_resize_draws_anew(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.SIXEL) as (app, pilot, glass):
        glass.taken()
        await pilot.resize_terminal(100, 30)
        await drawn(pilot)
        region = placed(app)
        assert decode(glass.sixels()[-1])[0].shape == (region.height * 20, region.width * 10)


async def test_a_frame_elsewhere_costs_no_picture(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.SIXEL) as (app, pilot, glass):
        glass.taken()
        app.screen.query_one("#facts_panel").refresh()
        await drawn(pilot)
        assert glass.text == ""
        app.screen.query_one(ContactSheet).refresh(Region(0, 0, 3, 1))
        await drawn(pilot)
        assert len(glass.sixels()) == 1


async def test_a_reload_that_changes_nothing_costs_no_picture(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.SIXEL) as (app, pilot, glass):
        glass.taken()
        assert isinstance(app.screen, ReviewScreen)
        app.screen._show()
        await drawn(pilot)
        assert len(glass.sixels()) <= 1


async def test_the_live_key_goes_through_what_the_terminal_has(workspace: Workspace) -> None:
    async with sharp(workspace, Graphics.HALF) as (app, pilot, glass):
        found = []
        for _turn in range(5):
            await press(pilot, "ctrl+g")
            app.clear_notifications()
            await drawn(pilot)
            found.append((app.graphics.value, "\x1bP" in glass.text, "\x1b_Ga=t" in glass.taken()))
        assert found == [
            ("sixel", True, False), ("kitty", False, True), ("off", False, False), ("half", False, False),
            ("sixel", True, False),
        ]  # fmt: skip


async def test_a_terminal_that_was_not_asked_has_no_pixels(workspace: Workspace) -> None:
    app = SoodApp(workspace, load_settings(workspace.settings_file), Graphics.HALF, "review")
    async with app.run_test() as pilot:
        await rest(pilot)
        await press(pilot, "ctrl+g")
        assert app.graphics is Graphics.OFF
        await press(pilot, "ctrl+g")
        assert app.graphics is Graphics.HALF


# ---- the program on a terminal ----

FAR = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}  # on a busy machine an answer may take a second


@pytest.fixture
def closed(workspace: Workspace) -> Workspace:
    """The workspace as a program finds it: nobody has it open."""
    workspace.opened().close()
    (workspace.root / ".place.json").write_text('{"screen": "review", "superclass": "dog"}', encoding="utf-8")
    return workspace


def test_the_program_draws_sixels_on_a_terminal_that_has_them(closed: Workspace) -> None:
    terminal = ScriptedTerminal(XTERM)
    try:
        terminal.run("-w", str(closed.root), "--graphics", "sixel", **FAR)
        terminal.wait_for("a picture", terminal.sixels)
        terminal.rest()
        width = sum(width for width, _ in terminal.sixels()[:2])
        assert width % 10 == 0
        assert all(width <= 400 and height <= 300 for width, height in terminal.sixels())  # what this terminal takes
        first = len(terminal.sixels())
        terminal.press("n")
        terminal.wait_for("the next picture", lambda: len(terminal.sixels()) > first)
        terminal.press("q")
        assert terminal.process is not None
        terminal.wait_for("the end", lambda: terminal.process and terminal.process.poll() is not None)
        assert terminal.process.returncode == 0
    finally:
        terminal.close()
    assert decisions(closed) == 0


def test_the_program_draws_kittys_pictures_and_takes_them_off(closed: Workspace) -> None:
    terminal = ScriptedTerminal(KITTY_ITSELF)
    try:
        terminal.run("-w", str(closed.root), "--graphics", "kitty", **FAR)
        terminal.wait_for("a picture", lambda: b"\x1b_Ga=p" in terminal.seen)
        terminal.press("q")
        assert terminal.process is not None
        terminal.wait_for("the end", lambda: terminal.process and terminal.process.poll() is not None)
        assert terminal.seen.index(b"a=d,d=I") < terminal.seen.rindex(b"\x1b[?1049l")
    finally:
        terminal.close()


def test_the_shell_and_back(closed: Workspace) -> None:
    terminal = ScriptedTerminal(XTERM)
    try:
        terminal.run("-w", str(closed.root), "--graphics", "sixel", **FAR)
        terminal.wait_for("a picture", terminal.sixels)
        terminal.rest()
        terminal.press("\x1a")
        assert terminal.process is not None
        number = terminal.process.pid
        terminal.wait_for("the stop", lambda: os.waitid(os.P_PID, number, os.WSTOPPED | os.WNOHANG | os.WNOWAIT))
        terminal.wait_for("the shell's own page", lambda: terminal.seen.endswith(b"\x1b[?1004l"))
        before = len(terminal.seen)
        os.kill(number, signal.SIGCONT)
        terminal.wait_for("the picture again", lambda: SIXEL.search(terminal.seen[before:]))
        again = terminal.seen[before:]
        assert again.index(b"\x1b[?1049h") < again.index("▀".encode()) < again.index(b"\x1bP0;1;0q")
    finally:
        terminal.close()


def test_answers_that_come_too_late_decide_nothing(closed: Workspace) -> None:
    late = {KITTY: b"\x1b_Gi=31;OK\x1b\\", CELL: b"\x1b[6;20;10t", DEVICE: b"\x1b[?62;4;1;2;6;9c"}
    terminal = ScriptedTerminal(late, delay=4.0)
    try:
        terminal.run("-w", str(closed.root))
        terminal.wait_for("the sheet", lambda: terminal.seen.count("▀".encode()) > 200)
        time.sleep(4.5)
        assert not terminal.sixels()
        terminal.rest()
        terminal.press("a")
        terminal.wait_for("the decision", lambda: b"CHIHUAHUA" in terminal.seen)
        terminal.press("q")
        terminal.wait_for("the end", lambda: terminal.process and terminal.process.poll() is not None)
    finally:
        terminal.close()
    assert decisions(closed) == 1


def test_a_key_that_is_pressed_at_once_is_not_lost(closed: Workspace) -> None:
    terminal = ScriptedTerminal({**XTERM, DEVICE: b"q" + XTERM[DEVICE]})
    try:
        terminal.run("-w", str(closed.root), **FAR)
        terminal.wait_for("the end", lambda: terminal.process and terminal.process.poll() is not None)
        assert terminal.process is not None
        assert terminal.process.returncode == 0
        assert b"seed 7" in terminal.seen or b"candidates" in terminal.seen
    finally:
        terminal.close()


@pytest.mark.parametrize("arguments", [("--graphics", "half"), ("--graphics", "off")])
def test_what_needs_no_answer_is_not_asked(closed: Workspace, arguments: tuple[str, ...]) -> None:
    terminal = ScriptedTerminal(XTERM)
    try:
        terminal.run("-w", str(closed.root), *arguments)
        terminal.wait_for("the sheet", lambda: b"seed 7" in terminal.seen)
        assert DEVICE not in terminal.seen
        assert not terminal.sixels()
    finally:
        terminal.close()


def test_a_plain_terminal_gets_half_blocks(closed: Workspace) -> None:
    terminal = ScriptedTerminal(PLAIN)
    try:
        terminal.run("-w", str(closed.root), SOOD_GRAPHICS="sixel")
        terminal.wait_for("the sheet", lambda: terminal.seen.count("▀".encode()) > 200)
        terminal.rest()
        assert not terminal.sixels()
    finally:
        terminal.close()


def decisions(workspace: Workspace) -> int:
    """How many decisions the program left."""
    store = open_store(workspace.catalogue)
    try:
        with store.reading() as cursor:
            return len(fetch_events(cursor))
    finally:
        store.close()
