"""The bindings: no clash, a sentence each, and a test each."""

import importlib
from pathlib import Path

import pytest

from sood_tui.keys.binding import clashes, signs
from sood_tui.keys.frame import FRAME
from sood_tui.keys.screens import BY_SCREEN
from sood_tui.screens.help import help_content
from tests.tui.desk_of import tested

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
    text = help_content(BY_SCREEN["review"], FRAME).plain
    for binding in (*BY_SCREEN["review"], *FRAME):
        assert signs(binding) in text
        assert binding.tooltip.split()[0] in text
