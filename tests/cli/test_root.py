"""The root of the command line: where the workspace comes from, exit codes, output."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sood_tui.cli import hoisted, run
from sood_tui.cli.output import plain
from sood_tui.settings import SETTINGS, load_settings, settings_template
from sood_tui.workspace import create_workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return create_workspace(tmp_path / "work").root


def test_the_workspace_flag_may_stand_anywhere() -> None:
    assert hoisted(["sql", "-w", "d", "x"]) == ["-w", "d", "sql", "x"]
    assert hoisted(["sql", "--workspace=d", "--", "-w"]) == ["--workspace=d", "sql", "--", "-w"]


def test_json_goes_to_standard_output_and_nothing_else_does(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sql", "SELECT 1.5 AS a, NULL AS b, 'nan'::DOUBLE AS c", "--json", "-w", str(root)]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == [{"a": 1.5, "b": None, "c": None}]
    assert output.err == ""


def test_a_piped_table_is_tab_separated(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", str(root), "sql", "SELECT 'a\tb' AS x, 12345 AS n"]) == 0
    assert capsys.readouterr().out == "x\tn\na\\tb\t12345\n"


def test_csv_quotes_what_needs_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", str(root), "sql", "--format", "csv", "SELECT 'a,b' AS x"]) == 0
    assert capsys.readouterr().out == 'x\n"a,b"\n'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch"], "No such command"),
        (["sql"], "Missing argument 'SELECT'"),
        (["sql", "SELECT 1", "--format", "xml"], "Invalid value for '--format'"),
        (["scoring", "run", "--batch-size", "0"], "Invalid value for '--batch-size'"),
        (["-w", "/nowhere/at/all", "sql", "SELECT 1"], "no workspace"),
    ],
)
def test_wrong_input_is_exit_code_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.out == ""


def test_without_a_workspace_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOOD_WORKSPACE", raising=False)
    assert run(["sql", "SELECT 1"]) == 2
    assert "sood-tui init" in capsys.readouterr().err


def test_the_environment_and_the_current_folder_name_the_workspace(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOOD_WORKSPACE", str(root))
    assert run(["sql", "SELECT 1 AS a"]) == 0
    monkeypatch.delenv("SOOD_WORKSPACE")
    monkeypatch.chdir(root)
    assert run(["sql", "SELECT 1 AS a"]) == 0
    assert capsys.readouterr().out == "a\n1\n" * 2


def test_a_held_catalogue_is_exit_code_2_with_the_process_id(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = f"from store.connection import *; from pathlib import Path; s = open_store(Path({str(root)!r}) / "
    code += "'catalogue.duckdb'); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert run(["-w", str(root), "sql", "SELECT 1"]) == 2
        assert f"process {holder.pid}" in capsys.readouterr().err
    finally:
        holder.communicate("\n")


def test_a_bug_is_exit_code_1_with_a_traceback(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("one over nothing")

    monkeypatch.setattr("sood_tui.cli.sql.run_read_only", broken)
    assert run(["-w", str(root), "sql", "SELECT 1"]) == 1
    assert "one over nothing" in capsys.readouterr().err


class TestSettings:
    """Where values come from, and what is refused."""

    def test_the_template_is_all_defaults(self, tmp_path: Path) -> None:
        file = tmp_path / "sood.toml"
        file.write_text(settings_template())
        assert set(load_settings(file).sources.values()) == {"default"}
        for setting in SETTINGS:
            assert setting.sentence in settings_template()

    def test_every_line_of_the_template_can_be_uncommented(self, tmp_path: Path) -> None:
        file = tmp_path / "sood.toml"
        lines = settings_template().splitlines()
        file.write_text("\n".join(line[2:] if " = " in line else line for line in lines))
        settings = load_settings(file)
        assert set(settings.sources.values()) == {str(file)}
        assert settings.values == {setting.key: setting.default for setting in SETTINGS}

    def test_flag_beats_environment_beats_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "sood.toml"
        file.write_text("seed = 1\n[splits]\neasy = 50\n")
        assert load_settings(file).integer("seed") == 1
        assert load_settings(file).number("splits.easy") == 50.0
        monkeypatch.setenv("SOOD_SEED", "2")
        assert load_settings(file).integer("seed") == 2
        assert load_settings(file, {"seed": 3}).integer("seed") == 3

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("sead = 1", "Did you mean seed"),
            ("seed = 'many'", "whole number"),
            ("seed = 1.5", "whole number"),
            ("graphics = 'hologram'", "One of"),
            ("seed = = 1", "cannot be read"),
        ],
    )
    def test_a_bad_file_is_named(self, text: str, said: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "sood.toml").write_text(text)
        assert run(["-w", str(root), "sql", "SELECT 1"]) == 2
        output = capsys.readouterr().err
        assert said in output
        assert "sood.toml" in output


def test_plain_turns_everything_into_json_types() -> None:
    import numpy as np

    data: Mapping[str, object] = {"a": np.float32(0.5), "b": np.array([1, 2]), "c": (1, float("inf"))}
    assert plain(data) == {"a": 0.5, "b": [1, 2], "c": [1, None]}
