"""doctor: what it finds, also where something is in its way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.doctor import (
    examine_catalogue,
    examine_devices,
    examine_disk,
    examine_jobs,
    examine_model_caches,
    examine_packages,
    examine_wordnet,
    program_of,
)
from engine.workspace import Workspace
from sood_tui.cli import run
from sood_tui.cli.doctor import examine_colours, examine_graphics
from sood_tui.settings import load_settings
from sood_tui.terminal.graphics import Terminal
from sood_tui.workspace import create_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return create_workspace(tmp_path / "work")


@pytest.mark.slow
def test_the_command_works_with_and_without_a_workspace(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(workspace.root), "doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    areas = {row["area"] for row in found}
    assert {"terminal", "python", "devices", "wordnet", "models", "workspace", "catalogue", "jobs", "disk"} <= areas
    assert set(found[0]) == {"area", "state", "found", "hint"}
    monkeypatch.chdir(tmp_path)
    assert run(["doctor"]) == 0
    assert "sood-tui init DIR" in capsys.readouterr().out
    assert run(["-w", str(tmp_path / "nowhere"), "doctor"]) == 2


def test_devices_are_asked_in_a_process_of_its_own() -> None:
    found = list(examine_devices())
    assert found[0].state == "fine"
    assert found[0].found.startswith(f"cpu: {os.cpu_count()} cores, torch ")


def test_all_packages_have_versions() -> None:
    finding = examine_packages()
    assert finding.state == "fine"
    assert "duckdb 2." in finding.found


def test_a_held_catalogue_is_named_with_its_process(workspace: Workspace) -> None:
    assert examine_catalogue(workspace).state == "missing"
    code = (
        f"from store.connection import *; from pathlib import Path; s = open_store(Path({str(workspace.catalogue)!r}))"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code + "; print('held', flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        finding = examine_catalogue(workspace)
        assert finding.state == "note"
        assert finding.found.startswith(f"open in process {holder.pid} (")
        assert program_of(holder.pid).startswith(sys.executable[:20])
    finally:
        holder.communicate("\n")
    assert examine_catalogue(workspace).state == "fine"
    workspace.catalogue.write_bytes(b"no database" * 1000)
    broken = examine_catalogue(workspace)
    assert (broken.state, "not a catalogue" in broken.found) == ("missing", True)


def test_no_wordnet_names_what_brings_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("nltk.data.path", [str(tmp_path)])
    monkeypatch.setattr("engine.wordnet.sources.DEBIAN_FOLDER", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    finding = examine_wordnet()
    assert finding.state == "missing"
    assert "apt-get install wordnet-base" in finding.hint


def test_models_in_the_cache_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert [finding.state for finding in examine_model_caches()] == ["note", "note"]
    (tmp_path / "hub" / "models--org--clip").mkdir(parents=True)
    found = list(examine_model_caches())
    assert found[0].state == "fine"
    assert found[0].found.endswith(": org/clip")


def test_jobs_and_disk(workspace: Workspace) -> None:
    assert examine_jobs(workspace).found == "none"
    broken = workspace.jobs / "0001-scan"
    broken.mkdir(parents=True)
    (broken / "spec.json").write_text("{}")
    assert (examine_jobs(workspace).state, examine_jobs(workspace).found) == ("note", "1 died")
    assert "GB free" in examine_disk(workspace.root).found


def test_colours_and_graphics_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert examine_colours().state == "fine"
    monkeypatch.delenv("COLORTERM")
    assert "COLORTERM=truecolor" in examine_colours().hint
    monkeypatch.setattr("sood_tui.terminal.probe.os.isatty", lambda descriptor: False)
    (half,) = examine_graphics(load_settings(None))
    assert (half.state, half.found) == (
        "fine", "pictures: half blocks (auto, default): there is no terminal to ask",
    )  # fmt: skip
    (off,) = examine_graphics(load_settings(None, {"graphics": "off"}))
    assert (off.state, off.found) == ("note", "pictures: none, names instead (off, command line): as asked for")
    assert "--graphics half" in off.hint
    (asked_for,) = examine_graphics(load_settings(None, {"graphics": "kitty"}))
    assert (asked_for.state, "half blocks (kitty, command line)" in asked_for.found) == ("note", True)


def test_doctor_tells_what_the_terminal_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Terminal(asked=True, seconds=0.004, sixel=True, cell=(8, 15), colours=256, largest=(800, 360))
    monkeypatch.setattr("sood_tui.cli.doctor.Question.answer", lambda question: told)
    choice, answers = examine_graphics(load_settings(None))
    assert choice.found == "pictures: sixels (auto, default): the terminal says that it can"
    assert answers.found == (
        "the terminal says after 4 ms: sixels yes, Kitty's pictures no, a cell of 8x15 pixels, 256 colours a sixel "
        "image, sixel images up to 800x360"
    )
    monkeypatch.setattr("sood_tui.cli.doctor.Question.answer", lambda question: Terminal(asked=True))
    assert [finding.state for finding in examine_graphics(load_settings(None))] == ["fine", "note"]
