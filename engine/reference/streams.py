"""Reading files of any size: JSON and YAML whose top is a mapping of superclasses, one entry at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from engine.errors import EngineError

CHUNK = 1 << 20

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Entries(Composer, SafeConstructor, Resolver):
    """Builds values from the events of a fast parser, so that one entry at a time is in memory."""

    def __init__(self, parser: Any) -> None:
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self.check_event, self.get_event, self.peek_event = parser.check_event, parser.get_event, parser.peek_event

    def value(self) -> Any:
        """The value that begins here."""
        node = self.compose_node(None, None)  # type: ignore[arg-type]
        built = self.construct_object(node, deep=True)
        # What was built of one entry must not pile up over a file of a hundred megabytes.
        self.constructed_objects.clear()
        return built


class NotReadable(EngineError):
    """A file that is not of the form that the scripts write."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file} cannot be read: {reason}.", "Leave it out, or repair it; nothing was imported.")
        self.file = file


def stream_yaml(file: Path) -> Iterator[tuple[str, Any]]:
    """Key and value of each entry of a YAML mapping, one at a time.

    Raises: NotReadable.
    """
    with file.open("rb") as opened:
        parser = _Parser(opened)
        entries = _Entries(parser)
        try:
            _expect(parser, yaml.StreamStartEvent)
            if parser.check_event(yaml.StreamEndEvent):
                return
            _expect(parser, yaml.DocumentStartEvent)
            if parser.check_event(yaml.ScalarEvent):  # an empty document
                return
            _expect(parser, yaml.MappingStartEvent)
            while not parser.check_event(yaml.MappingEndEvent):
                yield str(entries.value()), entries.value()
        except yaml.YAMLError as error:
            raise NotReadable(file, str(error).replace("\n", " ")) from error
        finally:
            parser.dispose()


def _expect(loader: Any, kind: type) -> None:
    event = loader.get_event()
    if not isinstance(event, kind):
        raise yaml.YAMLError(f"expected {kind.__name__}, found {type(event).__name__}")


def stream_json(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Superclass and entry, one at a time, of a JSON object of arrays of objects. NaN is read as NULL.

    Raises: NotReadable.
    """
    with file.open(encoding="utf-8") as opened:
        text = _Text(opened, file)
        text.take("{")
        if text.peek() == "}":
            return
        while True:
            superclass = text.value()
            if not isinstance(superclass, str):
                raise NotReadable(file, "a key is no text")
            text.take(":")
            text.take("[")
            while text.peek() != "]":
                entry = text.value()
                if not isinstance(entry, dict):
                    raise NotReadable(file, f"an entry of {superclass} is no object")
                yield superclass, entry
                if text.peek() == ",":
                    text.take(",")
            text.take("]")
            if text.peek() != ",":
                break
            text.take(",")
        text.take("}")


class _Text:
    """A text that is read piece by piece, with the values that stand in it."""

    def __init__(self, opened: TextIO, file: Path) -> None:
        self._opened, self._file = opened, file
        self._text, self._at, self._ended = "", 0, False
        self._decoder = json.JSONDecoder(parse_constant=lambda _: None)

    def peek(self) -> str:
        """The next character that is no blank."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                raise NotReadable(self._file, "it ends in the middle; was the script stopped while it wrote?")

    def take(self, character: str) -> None:
        """Step over a character that must come now."""
        found = self.peek()
        if found != character:
            raise NotReadable(self._file, f"expected {character!r}, found {found!r}")
        self._at += 1

    def value(self) -> Any:
        """The value that begins here."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise NotReadable(self._file, f"{error.msg}; was the script stopped while it wrote?") from error
                continue
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def _more(self) -> bool:
        if self._ended:
            return False
        piece = self._opened.read(CHUNK)
        self._ended = not piece
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)
