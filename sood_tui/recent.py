"""The workspaces that were open last, for the start screen."""

import json
from pathlib import Path

import platformdirs

from sood_tui.workspace import is_workspace

KEPT = 8


def recent_file() -> Path:
    """Where they are kept, for this user."""
    return Path(platformdirs.user_state_dir("sood-tui")) / "recent.json"


def recent_workspaces() -> list[Path]:
    """Folders that are still workspaces, the last one first."""
    try:
        kept = json.loads(recent_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    folders = [Path(name) for name in kept if isinstance(name, str)] if isinstance(kept, list) else []
    return [folder for folder in folders if is_workspace(folder)]


def remember(folder: Path) -> None:
    """Put a workspace first. Not being able to is no reason to stop anybody."""
    names = [str(folder), *(str(other) for other in recent_workspaces() if other != folder)][:KEPT]
    file = recent_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(names), encoding="utf-8")
    except (OSError, UnicodeEncodeError):
        return
