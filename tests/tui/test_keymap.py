"""A person's own keys: what the settings may say, and that the screens hear, show and explain them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.workspace import Workspace
from sood_tui.keys.keymap import keymap_of
from sood_tui.screens.help import HelpScreen
from sood_tui.screens.review import ReviewScreen
from sood_tui.settings import load_settings, user_settings_file
from store.review.log import fetch_events
from tests.tui.birds import CAR
from tests.tui.desk_of import opened, press, seen, told
from tests.tui.test_review import current, on_dog


@pytest.fixture
def own_file() -> Iterator[Path]:
    """The user's settings.toml, in the folder that the tests have for it."""
    file = user_settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    yield file
    file.unlink(missing_ok=True)


def kinds(workspace: Workspace) -> list[str]:
    with workspace.opened().reading() as cursor:
        return [event.kind for event in fetch_events(cursor)]


async def test_screens_hear_show_and_explain_the_keys_that_a_person_chose(workspace: Workspace, own_file: Path) -> None:
    own_file.write_text('[keys]\nreview.accept = "r"\nreview.reject = ["a", "ctrl+y"]\nframe.help = "f9"\n')
    async with opened(on_dog(workspace), "review") as (app, pilot):
        assert isinstance(app.screen, ReviewScreen)
        assert "r accept  a reject" in seen(app)
        assert "f9 help" in seen(app)
        await press(pilot, "r", "a", "ctrl+y")
        assert kinds(workspace) == ["accept", "reject", "reject"]
        await press(pilot, "question_mark")
        assert isinstance(app.screen, ReviewScreen)
        await press(pilot, "f9")
        assert isinstance(app.screen, HelpScreen)
        assert "a ^y" in seen(app)
        assert "Reject: it is not." in seen(app)
        await press(pilot, "escape")
        assert [command.title for command in app.get_system_commands(app.screen)][1] == "Reject  (a)"


async def test_what_is_said_names_the_keys_that_a_person_chose(workspace: Workspace, own_file: Path) -> None:
    own_file.write_text('[keys]\nbrowse.superclass = "ctrl+n"\n')
    (workspace.root / ".place.json").write_text(f'{{"synset": "{CAR}"}}', encoding="utf-8")
    async with opened(workspace, "browse") as (app, pilot):
        await press(pilot, "a")
        assert "^n on a synset above it makes that a superclass" in told(app)


async def test_a_key_of_one_screen_may_mean_another_thing_on_another(workspace: Workspace, own_file: Path) -> None:
    own_file.write_text('[keys]\nreview.next = "w"\nreview.rule = "ctrl+r"\n')
    async with opened(on_dog(workspace), "review") as (app, pilot):
        first = current(app.screen)
        await press(pilot, "n")
        assert current(app.screen) == first
        await press(pilot, "w")
        assert current(app.screen) != first


async def test_the_key_that_a_person_chose_for_a_dialog_moves_in_it(workspace: Workspace, own_file: Path) -> None:
    own_file.write_text('[keys]\nreview.sort = ["ctrl+o", "z"]\nreview.filter = "t"\n')
    async with opened(on_dog(workspace), "review") as (app, pilot):
        await press(pilot, "ctrl+o", "z", "ctrl+o", "enter")  # from name over pictures
        assert app.place.order == "score"
        await press(pilot, "z", "t", "enter")  # the filter's key is none of this dialog's
        assert app.place.order == "score"
        await press(pilot, "t", "t", "enter")
        assert app.place.filter == "pending"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('review.accept = "r"', ["review.accept", "review.reject", "the key r"]),
        ('review.accept = "q"', ["review.accept", "frame.quit"]),
        ('frame.quit = "a"', ["frame.quit", "browse.accept"]),
        ('picture.bad = "m"', ["picture.bad", "picture.several"]),
        ('review.acept = "y"', ["unknown action review.acept", "Did you mean review.accept"]),
        ('nonsense = "y"', ["unknown action nonsense", "docs/keys.md"]),
        ('review.accept = "ctrl+nowhere"', ["'ctrl+nowhere', which is no key"]),
        ('review.accept = ""', ["'', which is no key"]),
        ("review.accept = 7", ["7, which is no key"]),
        ("review.accept = []", ["leaves review.accept without a key", "review.accept is a"]),
        ('splits.digits = "a"', ["splits.digits, which keeps its own"]),
    ],
)
def test_what_cannot_be_is_told_with_the_file(own_file: Path, line: str, words: list[str]) -> None:
    own_file.write_text(f"[keys]\n{line}\n")
    with pytest.raises(EngineError) as caught:
        load_settings(None)
    said = f"{caught.value} {caught.value.hint}"
    assert str(own_file) in said
    for word in words:
        assert word in said


def test_keys_of_a_workspace_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sood.toml").write_text('[keys]\nreview.accept = "y"\n')
    with pytest.raises(EngineError, match=r"sood.toml has \[keys\]"):
        load_settings(tmp_path / "sood.toml")


def test_characters_are_keys_by_themselves() -> None:
    chosen = {"review.find": "?", "frame.help": ["f12", ","], "review.jump": "ctrl+/", "review.undo": "+"}
    assert keymap_of(chosen, "x") == {
        "review.find": "question_mark", "frame.help": "f12,comma", "review.jump": "ctrl+slash", "review.undo": "plus",
    }  # fmt: skip
