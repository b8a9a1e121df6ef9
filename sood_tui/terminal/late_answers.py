"""Keeps answers of the terminal that come too late from being read as keys, and keys from being taken for answers.

Textual reads an escape sequence that it does not know letter by letter, and in "ESC _Gi=31;OK" there is an i: unsure.
"""

import re
import time
from collections.abc import Iterable
from typing import ClassVar

from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

from sood_tui.terminal.probe import ANSWER

_BEGUN = re.compile(r"\x1b(?:_(?:G[^\x1b]*\x1b?)?|\[\??[\d;]*)?\Z")
_NEVER_A_KEY = ("\x1b_G", "\x1b[?")
HOLD = 0.1  # seconds for the other half of an answer, when the first half could as well be a key


class PatientParser(XTermParser):
    """Textual's reader of keys, without the answers to questions that Textual did not ask."""

    typed: ClassVar[str] = ""
    """What was typed before there was a reader; the first one takes it, and later ones (after a ctrl+z) do not."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._held, PatientParser.typed = PatientParser.typed, ""
        self._held_at = 0.0

    def feed(self, data: str) -> Iterable[Message]:
        """The keys and events in what was read; an answer that is cut in two waits for its other half."""
        if not data:
            yield from super().feed(data)
            return
        text = ANSWER.sub("", self._held + data)
        begun = _BEGUN.search(text)
        self._held, self._held_at = text[begun.start() :] if begun else "", time.monotonic()
        if text := text[: begun.start()] if begun else text:
            yield from super().feed(text)

    def tick(self) -> Iterable[Message]:
        """Called again and again: what was held for too long was a key."""
        if self._held and not self._held.startswith(_NEVER_A_KEY) and time.monotonic() - self._held_at > HOLD:
            held, self._held = self._held, ""
            yield from super().feed(held)
        yield from super().tick()


def expect_late_answers(typed: str) -> None:
    """Read keys with patience from now on; for terminals that did not answer in time, and for hasty people.

    Args:
        typed: what was typed while the answers were awaited; it comes first.
    """
    PatientParser.typed = typed
    linux_driver.XTermParser = PatientParser  # type: ignore[attr-defined]  # the driver's name for it
