"""Naming sets, and looking into them before they are used."""

from collections import Counter
from dataclasses import dataclass

from engine.errors import EngineError
from engine.evaluation.sets.pictures import resolve_set
from engine.evaluation.sets.sources import parse_source
from engine.events import now
from engine.workspace import Workspace
from store.evaluation.sets import NamedSet, put_set


@dataclass(frozen=True, slots=True)
class ClassCount:
    """A synset or class of a set, and how many pictures it has there."""

    class_name: str
    pictures: int


@dataclass(frozen=True, slots=True)
class SetView:
    """A set with its pictures counted."""

    name: str
    source: str
    pictures: int
    sha256: str
    classes: tuple[ClassCount, ...]


def name_set(
    workspace: Workspace, name: str, source: str, near_or_far: str | None, note: str | None
) -> tuple[NamedSet, int]:
    """Give a source a name.

    Returns: the set, and how many pictures it has now.
    Raises: EngineError when the name or the source cannot be used.
    """
    if not name.strip() or any(mark in name for mark in ":=/\n\t"):
        raise EngineError(f"A set cannot be called {name!r}.", "Names have no : = / and no line breaks.")
    if near_or_far not in (None, "near", "far"):
        raise EngineError(f"The group {near_or_far!r} is not near or far.")
    named = NamedSet(name, parse_source(source).text, near_or_far, note, now())
    with workspace.opened().reading() as cursor:
        found = resolve_set(workspace, cursor, name, named.source, "ood")
    with workspace.opened().writing() as cursor:
        put_set(cursor, named)
    return named, len(found)


def describe_set(workspace: Workspace, text: str) -> SetView:
    """The pictures of a set, counted by synset or class.

    Raises: EngineError or StoreError when there is no such set.
    """
    with workspace.opened().reading() as cursor:
        found = resolve_set(workspace, cursor, text, text, "ood")
    pairs = zip(found.items["wnid"].to_pylist(), found.items["class_name"].to_pylist(), strict=True)
    counts = Counter(wnid or class_name or "" for wnid, class_name in pairs)
    classes = tuple(ClassCount(name, number) for name, number in sorted(counts.items()))
    return SetView(text, found.source.text, len(found), found.sha256, classes)
