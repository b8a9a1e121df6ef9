"""The rules of the house: what may import what, rooms on every floor, and a manual that knows every command."""

import ast
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.walk import ROOMS, Room
from sood_tui.cli import run
from sood_tui.cli.main import ROOM_COMMANDS, SINGLE_COMMANDS, app
from sood_tui.settings import SETTINGS
from store.connection import memory_store

HOUSE = Path(__file__).parents[1]
HEAVY = ("torch", "torchvision", "open_clip", "transformers", "nltk", "timm")
MANUAL = sorted((HOUSE / "docs").glob("*.md"))
# A command in prose ends where its code ends; in a block it ends with its line, a comment, or the next command.
INLINE_CODE = re.compile(r"`(sood-tui[^`\n]*)`")
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def every_command() -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words of each command that does something, with the command."""
    root = typer.main.get_command(app)
    context: Any = typer.Context(root)
    for name in (*SINGLE_COMMANDS, *ROOM_COMMANDS):
        yield from commands_below((name,), root.get_command(context, name))  # type: ignore[attr-defined]


def commands_below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The command itself, or those of the group that it is."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for word, found in inner.items():
        yield from commands_below((*words, word), found)


COMMANDS = dict(every_command())


def commands_in(text: str) -> Iterator[str]:
    """Every sood-tui command line that a page shows, in blocks and in prose."""
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            for part in re.split(r"\s#|&&|\s\|\s", line.removeprefix("$ ")):
                if part.strip().startswith("sood-tui"):
                    yield part.strip()
    yield from INLINE_CODE.findall(BLOCK.sub("", text))


def pages() -> list[Path]:
    return [HOUSE / "README.md", *MANUAL]


def test_contracts_between_the_floors_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=HOUSE, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    kept = re.search(r"Contracts: (\d+) kept, 0 broken", done.stdout)
    assert kept is not None
    assert int(kept.group(1)) >= 4


@pytest.mark.parametrize("module", ["sood_tui.app", "sood_tui.cli", "sood_tui.cli.main"])
def test_a_clean_interpreter_loads_nothing_heavy(module: str) -> None:
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    loaded = set(json.loads(printed))
    assert module in loaded
    assert loaded.isdisjoint(HEAVY)


def test_help_loads_no_room() -> None:
    code = "import sys, sood_tui.cli as c; c.run(['--help']); print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "Curate" in done.stdout
    assert loaded.isdisjoint(
        {*HEAVY, "textual", "textual.app", *(f"sood_tui.cli.{name}" for name, _ in ROOM_COMMANDS.values())}
    )


@pytest.mark.parametrize("name", ROOM_COMMANDS)
def test_completion_is_offered_by_the_root_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert f"sood-tui {name}" in told
    assert "completion" not in told


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_is_on_every_floor(room: Room) -> None:
    for floor in ("store", "engine", "sood_tui/cli"):
        assert (HOUSE / floor / f"{room.name}.py").is_file() or (HOUSE / floor / room.name).is_dir(), floor
    assert (HOUSE / "docs" / f"{room.name}.md").is_file()
    assert list((HOUSE / "tests").rglob(f"test_{room.name}*.py")) or list(
        (HOUSE / "tests").rglob(f"{room.name}/test_*.py")
    )
    assert room.name in ROOM_COMMANDS


def test_what_the_rooms_leave_behind_is_in_the_catalogue() -> None:
    store = memory_store()
    with store.reading() as cursor:
        rows = cursor.execute("SELECT table_name FROM information_schema.tables").fetchall()
    store.close()
    assert {table for room in ROOMS for table in room.writes} <= {name for (name,) in rows}


@pytest.mark.parametrize("floor", ["engine", "sood_tui"])
def test_sql_is_spoken_on_the_ground_floor_only(floor: str) -> None:
    calls = [
        f"{path.relative_to(HOUSE)}:{node.lineno}"
        for path in (HOUSE / floor).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("execute", "executemany", "sql")
    ]
    assert calls == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_a_sentence_and_an_example(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert command.help
    example = re.search(r"Example: (sood-tui .*)", command.help, re.DOTALL)
    assert example is not None, f"{words} has no example"
    check_command(" ".join(example.group(1).split("\n\n")[0].split()))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_manual_knows_every_command_and_its_options(words: tuple[str, ...]) -> None:
    page = HOUSE / "docs" / f"{words[0]}.md"
    text = (page if page.is_file() else HOUSE / "docs" / "commands.md").read_text(encoding="utf-8")
    assert f"sood-tui {' '.join(words)}" in text
    options = {name for option in COMMANDS[words].params for name in option.opts if name.startswith("--")}
    unknown = sorted(name for name in options - {"--json", "--help"} if name not in text)
    assert unknown == []


def test_pages_made_from_the_program_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, HOUSE / "scripts" / "write_pages.py", "--check"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_the_manual_knows_every_setting(setting: Any) -> None:
    text = (HOUSE / "docs" / "settings.md").read_text(encoding="utf-8")
    row = next((line for line in text.splitlines() if line.startswith(f"| `{setting.key}` ")), None)
    assert row is not None
    assert f"`{setting.default}`" in row or setting.default == ""


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_commands_that_a_page_shows_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = list(commands_in(text))
    for line in shown:
        check_command(line)
    if page.name == "README.md":
        assert len(shown) >= 8


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def check_command(line: str) -> None:
    """Fail unless the line names a command that exists, with options that it has."""
    words = shlex.split(line)[1:]
    while words[:1] and words[0] in ("-w", "--workspace"):
        words = words[2:]
    if not words or words[0].startswith("-"):
        return
    command = next((COMMANDS[tuple(words[:n])] for n in (3, 2, 1) if tuple(words[:n]) in COMMANDS), None)
    if command is None:
        room_alone = len(words) == 1 or words[1].startswith("-")
        assert words[0] in ROOM_COMMANDS, f"{line}: no such command"
        assert room_alone, f"{line}: no such command"
        return
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    given = {word.split("=")[0] for word in words if word.startswith("--") and word != "--"}
    assert given <= known | {"--help", "--workspace"}, f"{line}: {given - known} is not there"


def test_the_readme_is_short() -> None:
    assert len((HOUSE / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
