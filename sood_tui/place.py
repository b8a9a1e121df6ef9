"""Where a person was: screen, superclass, cursor and order, kept in the workspace for the next start."""

import json
import os
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

    @classmethod
    def read(cls, folder: Path) -> "Place":
        """The place that was kept; the beginning if there is none or it cannot be understood."""
        try:
            kept = json.loads((folder / PLACE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return cls()
        place = cls()
        for known in fields(cls):
            value = kept.get(known.name) if isinstance(kept, dict) else None
            if type(value) is type(getattr(place, known.name)):
                setattr(place, known.name, _clean(value))
        return place

    def write(self, folder: Path) -> None:
        """Keep it, whole or not at all. Losing it costs a few keys: a full disk must not stop anybody from leaving."""
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=PLACE_FILE, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(asdict(self), out, indent=1)
            os.replace(temporary, folder / PLACE_FILE)
        except OSError:
            if temporary and os.path.exists(temporary):
                os.unlink(temporary)


def _clean(value: Any) -> Any:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else value
