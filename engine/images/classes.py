"""Class names as synsets: by a CSV that the user gives, or by a word that has one noun sense."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.wordnet.resolve import resolve
from store.connection import Cursor
from store.errors import StoreError
from store.wordnet.words import fetch_nouns_of_words

_PROBLEMS_SHOWN = 20
_HEADERS = (["class", "wnid"], ["class", "synset"])


@dataclass(frozen=True, slots=True)
class ResolvedClass:
    """What a class name stands for: a wnid, or an issue with its detail."""

    wnid: str | None
    issue: str | None = None
    detail: str | None = None


def resolve_classes(cursor: Cursor, names: Sequence[str], mapping: Path | None) -> dict[str, ResolvedClass]:
    """The synset of each class name.

    Args:
        cursor: of a catalogue with WordNet in it.
        names: class names, as text (``store.paths``).
        mapping: CSV of ``class,wnid``; None to take the names for words of WordNet.

    Raises: EngineError for a mapping that cannot be read or names what is no synset, with all problems at once.
    """
    if mapping is None:
        return _by_words(cursor, names)
    mapped = read_mapping(cursor, mapping)
    detail = f"not in {mapping.name}"
    return {
        name: ResolvedClass(mapped[name]) if name in mapped else ResolvedClass(None, "unmapped_class", detail)
        for name in names
    }


def read_mapping(cursor: Cursor, path: Path) -> dict[str, str]:
    """Read a CSV of ``class,wnid``; the second column may also hold NLTK names or unambiguous words.

    A header line ``class,wnid`` is passed over; commas, semicolons and tabs separate.

    Returns: class -> wnid.
    Raises: EngineError with all problems at once.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise EngineError(f"The mapping {path} cannot be read: {error.strerror}.", "Check the path.") from error
    first = text.split("\n", 1)[0]
    delimiter = next((mark for mark in (",", "\t", ";") if mark in first), ",")
    mapped: dict[str, str] = {}
    problems: list[str] = []
    for number, cells in _rows(path, text, delimiter):
        if not any(cells) or (number == 1 and [value.lower() for value in cells[:2]] in _HEADERS):
            continue
        try:
            name, wnid = _mapped_row(cursor, cells)
            if mapped.setdefault(name, wnid) != wnid:
                raise EngineError(f"{name} was {mapped[name]} before")
        except (EngineError, StoreError) as error:
            problems.append(f"line {number}: {error.message}".replace("\n", "\n    "))
    if problems:
        raise EngineError(
            problem_text(f"The mapping {path} has", problems), "Correct the lines and add the root again."
        )
    if not mapped:
        raise EngineError(f"The mapping {path} has no line.", "It has the columns class,wnid.")
    return mapped


def problem_text(beginning: str, problems: Sequence[str]) -> str:
    """All problems in one message, one a line; what is too long for a screen is counted."""
    lines = [f"{beginning} {len(problems)} problem{'s' if len(problems) > 1 else ''}:"]
    lines += [f"  {problem}" for problem in problems[:_PROBLEMS_SHOWN]]
    if len(problems) > _PROBLEMS_SHOWN:
        lines.append(f"  ... and {len(problems) - _PROBLEMS_SHOWN} more")
    return "\n".join(lines)


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in rows:
            yield rows.line_num, [value.strip() for value in row]
    except csv.Error as error:
        raise EngineError(
            f"The mapping {path} is no CSV: line {rows.line_num}: {error}.", "Correct the line."
        ) from error


def _mapped_row(cursor: Cursor, cells: Sequence[str]) -> tuple[str, str]:
    if len(cells) < 2 or not cells[0] or not cells[1]:
        raise EngineError("a class and a wnid are wanted")
    return cells[0], resolve(cursor, cells[1])


def _by_words(cursor: Cursor, names: Sequence[str]) -> dict[str, ResolvedClass]:
    words = {name: name.strip().replace(" ", "_").lower() for name in names}
    nouns = fetch_nouns_of_words(cursor, sorted(set(words.values())))
    found: dict[str, ResolvedClass] = {}
    for name, word in words.items():
        senses = nouns.get(word, [])
        if len(senses) == 1:
            found[name] = ResolvedClass(senses[0][0])
        elif senses:
            listed = ", ".join(f"{wnid} ({synset})" for wnid, synset in senses)
            found[name] = ResolvedClass(None, "ambiguous_class", f"one of {listed}")
        else:
            found[name] = ResolvedClass(None, "unknown_class", "no noun of WordNet has this word")
    return found
