"""Where a person was: screen, superclass, cursor and order, kept in the workspace for the next start.

The owner's place is kept in one file, each guest's in one of their own.
"""

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

PLACE_FILE = ".place.json"


@dataclass(slots=True)
class Place:
    """What is put back on the next start. Everything in it may be out of date, and is then passed over."""

    screen: str = "home"
    superclass: str = ""
    candidate: str = ""
    order: str = "tree"
    filter: str = "all"
    synset: str = ""
    unfolded: list[str] = field(default_factory=list)
    pictured: bool = True
    split: str = "main"
    split_superclass: str = ""
    kept_at: float = field(default=0.0, compare=False)

    @classmethod
    def read(cls, folder: Path, guest: str = "") -> "Place":
        """The place that was kept, kept_at saying when (seconds since 1970).

        Args:
            folder: the workspace's.
            guest: the name of the guest whose place is meant; the first time it is where the owner was.

        Returns: the beginning, if none was kept or it cannot be understood.
        """
        file = _file(folder, guest) if _file(folder, guest).exists() else _file(folder, "")
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            kept_at = file.stat().st_mtime
        except (OSError, ValueError):
            return cls()
        place = cls(kept_at=kept_at)
        for known in (known for known in fields(cls) if known.name != "kept_at"):
            value = kept.get(known.name) if isinstance(kept, dict) else None
            if type(value) is type(getattr(place, known.name)):
                setattr(place, known.name, _clean(value))
        return place

    def write(self, folder: Path, guest: str = "") -> None:
        """Keep it, whole or not at all. Losing it costs a few keys: a full disk must not stop anybody from leaving."""
        temporary = ""
        kept = {name: value for name, value in asdict(self).items() if name != "kept_at"}
        try:
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=PLACE_FILE, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(kept, out, indent=1)
            os.replace(temporary, _file(folder, guest))
        except OSError:
            if temporary and os.path.exists(temporary):
                os.unlink(temporary)


def _file(folder: Path, guest: str) -> Path:
    name = re.sub(r"[^\w-]", "_", guest)
    return folder / (f".place-{name}.json" if guest else PLACE_FILE)


def _clean(value: Any) -> Any:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else value
