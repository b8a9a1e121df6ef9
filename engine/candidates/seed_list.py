"""Lists of superclasses to begin with: a synset a line, or YAML that may also name, widen and limit each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.errors import EngineError
from engine.wordnet.resolve import resolve
from store.connection import Cursor
from store.errors import StoreError

_KEYS = ("synset", "name", "also", "depth", "include_root")


@dataclass(frozen=True, slots=True)
class Seed:
    """One superclass to be: where it stands in its list, its roots, and what the list says of it."""

    place: str
    roots: tuple[str, ...]
    name: str | None = None
    depth: int | None = None
    include_root: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    place: str
    value: object


class _Loader(yaml.SafeLoader):
    """YAML without surprises: ``no`` and ``1e3`` are words, and a key that stands twice is an error."""


# Of the plain scalars only true and false are more than text: WordNet has words like "no", "on" and "null" of its own.
_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])


def _mapping_once(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    pairs: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in pairs:
            raise yaml.YAMLError(f"line {key_node.start_mark.line + 1}: the key {key} stands twice")
        pairs[key] = loader.construct_object(value_node, deep=True)
    return pairs


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping_once)


def read_seeds(cursor: Cursor, path: Path) -> tuple[list[Seed], list[str]]:
    """Read a list of superclasses.

    A text list has a SYNSET a line (a wnid, an NLTK name or an unambiguous word); what follows ``#`` is a remark. YAML
    holds a list of such lines or of ``{synset, name, also, depth, include_root}``, or a mapping of names to either.

    Args:
        cursor: of a catalogue with WordNet in it.
        path: ``.yaml`` and ``.yml`` are YAML, everything else is text.

    Returns: the superclasses that are understood, and a sentence for each that is not.
    Raises: EngineError if the file cannot be read or is no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise EngineError(f"The list {path} cannot be read: {reason}.", "Check the path.") from error
    is_yaml = path.suffix.lower() in (".yaml", ".yml")
    entries = list(_yaml_entries(path, text) if is_yaml else _text_entries(text))
    if not entries:
        raise EngineError(f"The list {path} is empty.", "It has a SYNSET a line.")
    seeds: list[Seed] = []
    problems: list[str] = []
    for entry in entries:
        found, complaints = _seed(cursor, entry)
        problems += [f"{entry.place}: {complaint}" for complaint in complaints]
        if found is not None and not complaints:
            seeds.append(found)
    return seeds, problems


def _text_entries(text: str) -> Iterator[_Entry]:
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            yield _Entry(f"line {number}", content)


def _yaml_entries(path: Path, text: str) -> Iterator[_Entry]:
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise EngineError(f"{path} is no YAML that can be used: {error}", "Correct the place it names.") from error
    if isinstance(document, list):
        for number, value in enumerate(document, start=1):
            yield _Entry(f"entry {number}", value)
    elif isinstance(document, dict):
        for name, value in document.items():
            yield _Entry(f"{name}", _named(str(name), value))
    elif document is not None:
        raise EngineError(f"{path} holds neither a list nor a mapping.", "Write a SYNSET a line, each behind `- `.")


def _named(name: str, value: object) -> object:
    if name.isdecimal():  # {0: dog, 1: cat}: numbers are places, not names
        return value
    if isinstance(value, dict):
        return {"name": name, **value}
    if isinstance(value, list) and value:
        return {"name": name, "synset": value[0], "also": value[1:]}
    if value in (None, "", "~", "null"):
        return {"name": name, "synset": name}
    return {"name": name, "synset": value}


def _seed(cursor: Cursor, entry: _Entry) -> tuple[Seed | None, list[str]]:
    fields = entry.value if isinstance(entry.value, dict) else {"synset": entry.value}
    complaints = [f"{key} is not known here; known are {', '.join(_KEYS)}" for key in fields if key not in _KEYS]
    also = fields.get("also", [])
    words = [fields.get("synset"), *(also if isinstance(also, list) else [also])]
    roots = []
    for word in words:
        try:
            roots.append(resolve(cursor, _word(word)))
        except (EngineError, StoreError) as error:
            lines = "\n" if "\n" in error.message else " "
            complaints.append(f"{error.message}{lines}{error.hint}".strip().replace("\n", "\n    "))
    name, depth = fields.get("name"), fields.get("depth")
    if name is not None and not isinstance(name, str):
        complaints.append("name must be text")
    if depth is not None and not (str(depth).isdecimal() and int(str(depth)) > 0):
        complaints.append(f"depth must be a whole number above 0, not {depth}")
    include_root = fields.get("include_root", False)
    if not isinstance(include_root, bool):
        complaints.append(f"include_root is true or false, not {include_root}")
    if complaints:
        return None, complaints
    limit = None if depth is None else int(str(depth))
    return Seed(entry.place, tuple(roots), None if name is None else str(name), limit, bool(include_root)), []


def _word(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise EngineError("a SYNSET is wanted: a wnid, an NLTK name or an unambiguous word")
    return value.strip()
