"""What an evaluation set is made of, as a person writes it: ``split:hard``, ``subtree:bird``, ``folder:/data/x``."""

import os
from dataclasses import dataclass
from typing import Literal, get_args

from engine.errors import EngineError

SourceKind = Literal["split", "synsets", "subtree", "folder", "list", "npz"]
KINDS: tuple[str, ...] = get_args(SourceKind)
FORMS = "split:BAND, split:NAME/BAND, synsets:A,B, subtree:A,B, folder:DIR, list:FILE and npz:FILE"


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed source: its kind and what stands behind the colon."""

    kind: SourceKind
    value: str

    @property
    def text(self) -> str:
        """As a person writes it."""
        return f"{self.kind}:{self.value}"

    @property
    def in_catalogue(self) -> bool:
        """Whether its pictures are pictures of the catalogue."""
        return self.kind in ("split", "synsets", "subtree")


def parse_source(text: str) -> Source:
    """The source that a text names; paths become absolute, since a job and a later run work in other folders.

    Raises: EngineError that lists the forms there are.
    """
    kind, colon, value = text.partition(":")
    if not colon or kind not in KINDS or not value.strip():
        raise EngineError(f"{text!r} is no source of pictures.", f"Write one of {FORMS}.")
    value = value.strip()
    if kind in ("folder", "list", "npz"):
        value = os.path.abspath(os.path.expanduser(value))
    return Source(kind, value)  # type: ignore[arg-type]


def named_argument(text: str) -> tuple[str, str]:
    """NAME=SOURCE, or a source alone, which then names itself.

    Raises: EngineError for an empty half.
    """
    name, equals, source = text.partition("=")
    if not equals or ":" in name:
        return text.partition(":")[2].rstrip("/").rpartition("/")[2] or text, text
    if not name.strip() or not source.strip():
        raise EngineError(f"{text!r} is not NAME=SET.", f"SET is a name or one of {FORMS}.")
    return name.strip(), source.strip()
