"""Settings: where each value comes from, what it means, and what it changes.

The nearest source wins: command-line flag, environment variable, the workspace's sood.toml, the user's settings.toml,
the default.
"""

import difflib
import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from engine.errors import EngineError

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted key, its default, what it means and what changing it changes."""

    key: str
    default: Value
    sentence: str
    effect: str
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The environment variable that sets it: SOOD_SCORING_MODEL for scoring.model."""
        return "SOOD_" + self.key.replace(".", "_").upper()


SETTINGS = (
    Setting("reviewer", "", "The name that decisions are signed with; empty: your login name.",
            "New decisions; those already taken keep their name."),
    Setting("seed", 0, "The seed of everything that is drawn at random.",
            "Which pictures a contact sheet shows, and what equalisation keeps."),
    Setting("graphics", "auto", "How pictures are drawn on the terminal.",
            "Only the screen.", ("auto", "half", "sixel", "kitty", "off")),
    Setting("theme", "textual-dark", "The colours, one of Textual's themes.", "Only the screen."),
    Setting("review.samples", 16, "How many pictures a contact sheet draws from a synset.",
            "Contact sheets; large terminals show all of them, small ones page."),
    Setting("review.blind", "off", "Whether Review, Browse and why hide others' decisions, verdicts and scores.",
            "What you see; b on Review turns it for the session.", ("off", "on")),
    Setting("review.precision_goal", 0.95, "The precision of what is accepted that the review is to reach, surely.",
            "When a superclass counts as done."),
    Setting("review.left_goal", 0.05, "The share of good candidates that may stay undecided, at most.",
            "When a superclass counts as done."),
    Setting("filters.model", "", "The vision-language model: a transformers id or a local folder.",
            "The next `filters run`; verdicts of each model are kept apart."),
    Setting("scoring.model", "ViT-B-32", "open_clip's architecture, local-dir:FOLDER or hf-hub:ORG/NAME.",
            "The next scoring run; embeddings of each model are kept apart."),
    Setting("scoring.pretrained", "openai", "open_clip's tag of the weights, or the path of a checkpoint.",
            "The next scoring run. Not used with local-dir: and hf-hub:, which bring their own weights."),
    Setting("scoring.template", "{}", "The prompt; {} becomes the name of the superclass.",
            "The next scoring run; nothing is encoded again but the prompts."),
    Setting("scoring.batch_size", 256, "Pictures in a batch; halved by itself when memory runs out.",
            "Speed and memory of the next scoring run."),
    Setting("scoring.device", "auto", "auto, cpu, cuda or cuda:N.", "Where the next job runs."),
    Setting("splits.easy", 40.0, "Percentile of the pictures below which a subclass leaves training.",
            "New splits; `splits set` changes one that is there."),
    Setting("splits.hard", 20.0, "Percentile of the pictures below which a subclass is Hard.",
            "New splits; `splits set` changes one that is there."),
)  # fmt: skip

_BY_KEY = {setting.key: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """All values, for each the source it came from, and the keys that the user gave to actions."""

    values: dict[str, Value]
    sources: dict[str, str]
    keys: dict[str, str] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """The value of a setting that is text."""
        return str(self.values[key])

    def integer(self, key: str) -> int:
        """The value of a setting that is a whole number."""
        return int(self.values[key])

    def number(self, key: str) -> float:
        """The value of a setting that is a number."""
        return float(self.values[key])

    @property
    def reviewer(self) -> str:
        """The name that decisions are signed with."""
        return self.text("reviewer") or getpass.getuser()


def user_settings_file() -> Path:
    """The file for all workspaces of this user."""
    return Path(platformdirs.user_config_dir("sood-tui")) / "settings.toml"


def load_settings(workspace_file: Path | None, flags: dict[str, Value | None] | None = None) -> Settings:
    """Collect the settings from all sources.

    Args:
        workspace_file: the sood.toml of the workspace; None before there is one.
        flags: what the command line said; None values were not given.

    Raises: EngineError for an unknown key, a value of the wrong kind, naming the file, or values that contradict.
    """
    values: dict[str, Value] = {setting.key: setting.default for setting in SETTINGS}
    sources = dict.fromkeys(values, "default")
    keys: dict[str, str] = {}
    for file in (user_settings_file(), workspace_file):
        if file is not None and file.is_file():
            tables = _read(file)
            keys |= _keys(tables, file)
            for key, raw in _flatten(tables).items():
                values[key] = _checked(key, raw, str(file))
                sources[key] = str(file)
    for setting in SETTINGS:
        if (given := os.environ.get(setting.variable)) is not None:
            values[setting.key] = _checked(setting.key, given, setting.variable)
            sources[setting.key] = f"${setting.variable}"
    for key, flag in (flags or {}).items():
        if flag is not None:
            values[key] = _checked(key, flag, "the command line")
            sources[key] = "command line"
    check_together(values)
    return Settings(values, sources, keys)


def sign_as(name: str) -> None:
    """Sign everything that this process and the jobs it begins do with a name, whatever the files say.

    Raises: EngineError if it is empty.
    """
    if not name.strip():
        raise EngineError("--as needs a name.", "For example: sood-tui --as anna")
    os.environ[_BY_KEY["reviewer"].variable] = name.strip()


def typed_value(key: str, text: str) -> Value:
    """The value that a person typed for a setting.

    Raises: EngineError if it is no such value.
    """
    return _checked(key, text, "What you typed")


def check_together(values: Mapping[str, Value]) -> None:
    """Refuse values that are each well but contradict one another.

    Raises: EngineError.
    """
    hard, easy = float(values["splits.hard"]), float(values["splits.easy"])
    if not 0 < hard < easy < 100:
        raise EngineError(
            f"The settings splits.hard ({hard:g}) and splits.easy ({easy:g}) do not fit together.",
            "Both lie between 0 and 100, and Hard below Easy.",
        )


def settings_template() -> str:
    """The text of a new sood.toml: every setting with its sentence, at its default, commented out."""
    lines = ["# Settings of this workspace. Remove the # before a line to change it.", ""]
    section = ""
    for setting in SETTINGS:
        head, _, tail = setting.key.rpartition(".")
        if head != section:
            section = head
            lines += [f"[{section}]", ""]
        lines.append(f"# {setting.sentence} Changes: {setting.effect}")
        if setting.choices:
            lines.append(f"# One of: {', '.join(setting.choices)}.")
        lines += [f"# {tail} = {_toml(setting.default)}", ""]
    return "\n".join(lines)


def _read(file: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        hint = "Correct it, or remove it to go back to the defaults."
        raise EngineError(f"{file} cannot be read: {error}", hint) from error
    return tables


def _keys(tables: dict[str, Any], file: Path) -> dict[str, str]:
    """Take the table of keys out of a file's tables."""
    table = tables.pop("keys", None)
    if table is None:
        return {}
    if file != user_settings_file():
        raise EngineError(f"{file} has [keys].", f"Keys are a person's own: {user_settings_file()} is their place.")
    if not isinstance(table, dict):
        raise EngineError(f"{file} sets keys to {table!r}.", '[keys] is a table, as in review.accept = "y".')
    from sood_tui.keys.keymap import keymap_of

    return keymap_of(_flatten(table), str(file))


def _flatten(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _checked(key: str, raw: object, source: str) -> Value:
    setting = _BY_KEY.get(key)
    if setting is None:
        near = difflib.get_close_matches(key, _BY_KEY, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Settings are: {', '.join(_BY_KEY)}."
        raise EngineError(f"{source} has the unknown setting {key}.", hint)
    kind = type(setting.default)
    try:
        value = kind(raw) if isinstance(raw, (str, int, float)) and not isinstance(raw, bool) else None
    except ValueError:
        value = None
    if value is None or (kind is int and isinstance(raw, float)):
        raise EngineError(f"{source} sets {key} to {raw!r}, which is no {_KIND_NAMES[kind]}.", setting.sentence)
    if setting.choices and value not in setting.choices:
        raise EngineError(f"{source} sets {key} to {raw!r}.", f"One of: {', '.join(setting.choices)}.")
    return value


_KIND_NAMES: dict[type, str] = {str: "text", int: "whole number", float: "number"}


def _toml(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
