"""The folder in which an owner and guests of a workspace meet: what lies where, and who is there.

```
seats/owner.lock              held by the process that has the workspace open; says which
seats/published.json          the newest snapshot for guests, and the log that goes on after it
seats/snapshot-N.duckdb       seats/log-N.jsonl
seats/<seat>/alive.lock       held while the guest is there
seats/<seat>/seat.json        who sits there
seats/<seat>/journal.jsonl    what they decided; a batch that is whole ends with an empty line
```
A guest writes below its own seat only, and the owner everywhere else.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.jobs.files import is_locked, write_whole

FORSAKEN_AFTER = 60.0  # seconds until a folder without a journal belongs to nobody


@dataclass(frozen=True, slots=True)
class Published:
    """What guests can open: names of files in the folder, who published them, and the process of that one."""

    owner: str
    process: int
    snapshot: str
    log: str


@dataclass(frozen=True, slots=True)
class Seat:
    """The folder of one guest."""

    path: Path

    @property
    def journal(self) -> Path:
        """What the guest decided."""
        return self.path / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Held while the guest is there."""
        return self.path / "alive.lock"

    @property
    def is_taken(self) -> bool:
        """Whether somebody sits there."""
        return is_locked(self.lock)

    @property
    def reviewer(self) -> str:
        """Who sits or sat there; a guest where that cannot be read."""
        return str(_read(self.path / "seat.json").get("reviewer") or "a guest")

    def clear(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Seats:
    """The folder itself."""

    path: Path

    @property
    def owner_lock(self) -> Path:
        """Held by the owner."""
        return self.path / "owner.lock"

    @property
    def pointer(self) -> Path:
        """Names what is published."""
        return self.path / "published.json"

    def make(self) -> None:
        """Make the folder; whoever may write into the workspace may sit down there."""
        self.path.mkdir(exist_ok=True)
        share(self.path, self.path.parent)

    def seats(self) -> Iterator[Seat]:
        """Every seat with a journal, the oldest name first; folders that never got one are taken away in time."""
        if not self.path.is_dir():
            return
        for folder in sorted(entry for entry in self.path.iterdir() if entry.is_dir()):
            seat = Seat(folder)
            if seat.journal.exists():
                yield seat
            elif not seat.is_taken:
                with suppress(FileNotFoundError):  # its guest has just left and cleared it
                    if time.time() - folder.stat().st_mtime > FORSAKEN_AFTER:
                        seat.clear()

    def owner_reviewer(self) -> str:
        """The name that the owner signs with; empty where nobody is there, or it cannot be read."""
        return str(_read(self.owner_lock).get("reviewer", "")) if is_locked(self.owner_lock) else ""

    def owner(self) -> tuple[str, int] | None:
        """Name and process id of the owner that is there; None while nobody is."""
        if not is_locked(self.owner_lock):
            return None
        card = _read(self.owner_lock)
        return str(card.get("owner", "")), int(str(card.get("process", 0)))

    def published(self) -> Published | None:
        """What can be opened now; None while nobody publishes, or what lies there is of an owner that is gone."""
        told, owner = _read(self.pointer), self.owner()
        if owner is None or told.get("owner") != owner[0]:
            return None
        return Published(owner[0], owner[1], str(told.get("snapshot", "")), str(told.get("log", "")))

    def publish(self, published: Published) -> None:
        """Name what can be opened from now on."""
        write_whole(self.pointer, lambda file: file.write(json.dumps(asdict(published)).encode()))


def share(path: Path, like: Path) -> None:
    """Let whoever may work in a folder work with this, too: users of one workspace take in one another's journals."""
    mask = 0o777 if path.is_dir() else 0o666
    with suppress(PermissionError):  # somebody else's: it has its permissions already
        os.chmod(path, like.stat().st_mode & mask)


def whole_batches(text: bytes) -> bytes:
    """What of a journal or a log was written to its end: all up to the last empty line."""
    end = text.rfind(b"\n\n")
    return b"" if end < 0 else text[: end + 2]


def _read(path: Path) -> dict[str, object]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
