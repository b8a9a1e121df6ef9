"""The bindings: no clash, a sentence each, and a test each."""

import importlib
from pathlib import Path

import pytest

from engine.workspace import Workspace
from sood_tui.keys.binding import clashes, signs
from sood_tui.keys.frame import FRAME
from sood_tui.keys.screens import BY_SCREEN
from sood_tui.screens.help import help_content
from tests.tui.desk_of import opened, press, tested

TAKEN = {"ctrl+b", "ctrl+a", "ctrl+s", "ctrl+q", "ctrl+z"}  # tmux, screen, flow control and the shell have these


@pytest.mark.parametrize("screen", BY_SCREEN)
def test_no_key_means_two_things(screen: str) -> None:
    own = BY_SCREEN[screen]
    # Dialogs: what lies below them is not heard.
    assert clashes(own if screen in ("picture", "why") else (*own, *FRAME)) == {}


@pytest.mark.parametrize("screen", BY_SCREEN)
def test_every_binding_has_an_id_a_word_and_a_sentence(screen: str) -> None:
    for binding in BY_SCREEN[screen]:
        assert binding.id is not None
        assert binding.id.startswith(f"{screen}.")
        assert binding.description
        assert binding.tooltip.endswith(".")


def test_ids_are_unique() -> None:
    ids = [binding.id for bindings in (FRAME, *BY_SCREEN.values()) for binding in bindings]
    assert len(ids) == len(set(ids))


def test_no_key_that_the_terminal_keeps_for_itself() -> None:
    pressed = {
        key
        for bindings in (FRAME, *BY_SCREEN.values())
        for binding in bindings
        if binding.id != "frame.suspend"  # does what the shell's key does
        for key in binding.key.split(",")
    }
    assert not pressed & TAKEN


def test_every_key_of_every_screen_is_pressed_by_a_test() -> None:
    for file in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"tests.tui.{file.stem}")
    ids = {binding.id for bindings in (FRAME, *BY_SCREEN.values()) for binding in bindings}
    assert ids - tested == set()


def test_the_help_says_every_key() -> None:
    text = help_content(BY_SCREEN["review"], FRAME, 76).plain
    for binding in (*BY_SCREEN["review"], *FRAME):
        assert signs(binding) in text
        assert binding.tooltip.split()[0] in text


async def test_on_a_small_screen_a_sentence_of_the_help_goes_on_below_itself(workspace: Workspace) -> None:
    async with opened(workspace, "review", (80, 24)) as (app, pilot):
        await press(pilot, "question_mark")
        keys = app.screen.query_one("VerticalScroll Static")
        lines = ["".join(segment.text for segment in keys.render_line(y)) for y in range(keys.size.height)]
        assert max(len(line) for line in lines) < 70
        assert any("decisions, scores, split." in line for line in lines)
        # A key, or the blanks below it; never a word of a sentence where keys stand.
        starts = {line[:11].strip() for line in lines} - {"", "On every sc"}
        assert starts == {signs(binding) for binding in (*BY_SCREEN["review"], *FRAME)}
