"""What the terminal is asked before the screens start, on a real pseudo-terminal, and what follows from its answers."""

import os
import struct
import termios
import time
from collections.abc import Iterator, Mapping
from fcntl import ioctl

import pytest
from textual._xterm_parser import XTermParser

from sood_tui.terminal import probe as terminal_probe
from sood_tui.terminal.graphics import Choice, Graphics, Terminal, choose
from sood_tui.terminal.late_answers import PatientParser
from sood_tui.terminal.probe import Question, asked, cell_by_kernel, understood
from tests.tui.scripted_terminal import CELL, DEVICE, KITTY, KITTY_ITSELF, PLAIN, XTERM, ScriptedTerminal

WAIT, WAIT_FAR = terminal_probe.WAIT, terminal_probe.WAIT_FAR
FAST = Terminal(asked=True, seconds=0.01, cell=(10, 20))


@pytest.fixture(autouse=True)
def _a_terminal_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("TMUX", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    # On a busy machine an answer of a few milliseconds may take a second.
    monkeypatch.setattr(terminal_probe, "WAIT", 10.0)
    monkeypatch.setattr(terminal_probe, "WAIT_FAR", 20.0)
    # A pseudo-terminal of a test is nobody's controlling terminal.
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp())


def probed(answers: Mapping[bytes, bytes], delay: float = 0.0) -> tuple[Terminal, bytes, float]:
    """What is learned, what was written, and how long it took."""
    terminal = ScriptedTerminal(answers, delay)
    try:
        started = time.monotonic()
        with Question(terminal.follower, terminal.follower) as question:
            told = question.answer()
        return told, terminal.seen, time.monotonic() - started
    finally:
        terminal.close()


def test_xterm_tells_everything() -> None:
    told, written, _ = probed(XTERM)
    assert (told.sixel, told.kitty, told.cell) == (True, False, (10, 20))
    assert (told.colours, told.largest) == (256, (400, 300))
    assert told.seconds is not None
    assert told.ways == (Graphics.HALF, Graphics.SIXEL, Graphics.OFF)
    assert written.endswith(b"\x1b[c\r\x1b[K")


def test_kitty_tells_that_it_has_no_sixels() -> None:
    told, _, _ = probed(KITTY_ITSELF)
    assert (told.sixel, told.kitty) == (False, True)
    assert told.ways == (Graphics.HALF, Graphics.KITTY, Graphics.OFF)


def test_a_terminal_without_pictures_keeps_nobody_waiting() -> None:
    told, _, seconds = probed(PLAIN)
    assert told.ways == (Graphics.HALF, Graphics.OFF)
    assert seconds < terminal_probe.WAIT


def test_silence_is_waited_for_no_longer_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WAIT == 0.3
    monkeypatch.setattr(terminal_probe, "WAIT", WAIT)
    expected: list[str] = []
    monkeypatch.setattr("sood_tui.terminal.late_answers.expect_late_answers", expected.append)
    told, _, seconds = probed({})
    assert told.seconds is None
    assert WAIT <= seconds < WAIT + 1.5
    assert expected == [""]
    assert choose("auto", told) == Choice(Graphics.HALF, "the terminal did not answer in time")
    assert choose("sixel", told).graphics is Graphics.HALF


def test_what_is_typed_meanwhile_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[str] = []
    monkeypatch.setattr("sood_tui.terminal.late_answers.expect_late_answers", typed.append)
    answers = {**XTERM, CELL: b"n\x1b[6;20;10tj", DEVICE: b"\x1b[A\x1b[?63;1;2;4cq"}
    told, _, _ = probed(answers)
    assert told.sixel
    assert typed == ["nj\x1b[Aq"]
    monkeypatch.setattr(PatientParser, "typed", typed[0])
    first, second = PatientParser(), PatientParser()
    assert [event.key for event in first.tick()] == ["n", "j", "up", "q"]  # type: ignore[attr-defined]
    assert list(second.tick()) == []


def test_a_network_is_given_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WAIT_FAR == 1.5
    monkeypatch.setattr(terminal_probe, "WAIT", WAIT)
    monkeypatch.setenv("SSH_CONNECTION", "one 1 other 22")
    told, _, seconds = probed(XTERM, delay=0.6)
    assert told.sixel
    assert 0.6 <= seconds < terminal_probe.WAIT_FAR
    assert "late for pixels" in choose("auto", told).why
    assert choose("auto", told).graphics is Graphics.HALF
    assert choose("sixel", told).graphics is Graphics.SIXEL


def test_tmux_is_not_asked_for_kitty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    told, written, _ = probed(XTERM)
    assert KITTY not in written
    assert told.is_tmux
    assert choose("auto", told).graphics is Graphics.HALF
    assert choose("sixel", told).graphics is Graphics.SIXEL  # a tmux that draws sixels itself, when asked for
    assert choose("kitty", told) == Choice(Graphics.HALF, "tmux would not take Kitty's pictures off again")
    older, _, _ = probed(PLAIN)
    assert choose("sixel", older) == Choice(Graphics.HALF, "tmux says that it draws no sixels")


def test_the_terminal_is_left_as_it_was() -> None:
    terminal = ScriptedTerminal(XTERM)
    try:
        before = termios.tcgetattr(terminal.follower)
        with Question(terminal.follower, terminal.follower) as question:
            assert not termios.tcgetattr(terminal.follower)[3] & (termios.ECHO | termios.ICANON)
            question.answer()
        assert termios.tcgetattr(terminal.follower) == before
    finally:
        terminal.close()


def test_what_is_no_terminal_is_not_asked() -> None:
    reading, writing = os.pipe()
    try:
        with Question(reading, writing) as question:
            told = question.answer()
        assert not told.asked
        assert choose("auto", told) == Choice(Graphics.HALF, "there is no terminal to ask")
        os.set_blocking(reading, False)
        with pytest.raises(BlockingIOError):
            os.read(reading, 1)  # not a byte was written
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("name", ["dumb", "linux", ""])
def test_terminals_that_would_print_the_question_are_not_asked(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TERM", name)
    told, written, _ = probed(XTERM)
    assert (told.asked, written) == (False, b"")


def test_a_program_in_the_background_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp() + 1)
    assert probed(XTERM)[:2] == (Terminal(silence="the program runs in the background"), b"")


def test_what_needs_no_answer_asks_no_question() -> None:
    for wanted in ("half", "off"):
        with asked(wanted) as question:
            assert question is None


def test_answers_in_any_order_with_keys_between() -> None:
    data = b"a\x1b[?62;4;22cq\x1b[4;480;800tn\x1b_Gi=31;OK\x1b\\r"
    told = understood(data, (80, 24))
    assert (told.sixel, told.kitty, told.cell) == (True, True, (10, 20))


def test_nonsense_is_no_answer() -> None:
    told = understood(b"\x1b[6;0;0t\x1b[4;1;1t\x1b[?1;2c\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?1;1S", (80, 24))
    assert told == Terminal(asked=True)
    assert not understood(b"\x1b[?4c", (80, 24)).sixel  # 4 as the first number is a VT132, not sixels


def test_the_kernel_may_know_the_cell() -> None:
    terminal = ScriptedTerminal({})
    try:
        assert cell_by_kernel(terminal.follower) is None
        ioctl(terminal.follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 800, 480))
        assert cell_by_kernel(terminal.follower) == (10, 20)
        assert cell_by_kernel(None) is None
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("wanted", "terminal", "way"),
    [
        ("auto", Terminal(asked=True, seconds=0.01, sixel=True, kitty=True, cell=(9, 18)), Graphics.KITTY),
        ("auto", Terminal(asked=True, seconds=0.01, sixel=True, cell=(9, 18)), Graphics.SIXEL),
        ("auto", Terminal(asked=True, seconds=0.01, sixel=True), Graphics.HALF),  # cells of unknown size
        ("auto", Terminal(asked=True, seconds=0.2, sixel=True, cell=(9, 18)), Graphics.HALF),
        ("sixel", Terminal(asked=True, seconds=0.2, sixel=True, cell=(9, 18)), Graphics.SIXEL),
        ("kitty", Terminal(asked=True, seconds=0.01, sixel=True, cell=(9, 18)), Graphics.HALF),
        ("off", Terminal(asked=True, seconds=0.01, sixel=True, cell=(9, 18)), Graphics.OFF),
        ("half", Terminal(asked=True, seconds=0.01, sixel=True, cell=(9, 18)), Graphics.HALF),
    ],
)
def test_the_choice(wanted: str, terminal: Terminal, way: Graphics) -> None:
    assert choose(wanted, terminal).graphics is way


def test_the_choice_says_why() -> None:
    assert choose("kitty", FAST).why == "the terminal says that it draws no Kitty pictures"
    assert choose("auto", FAST).why == "the terminal says that it draws neither sixels nor Kitty's pictures"
    assert choose("auto", Terminal(asked=True, seconds=0.01, sixel=True)).why.endswith("how large a cell is")


LATE = "a\x1b_Gi=31;OK\x1b\\\x1b[?1;0;256S\x1b[?2;0;400;300S\x1b[6;20;10t\x1b[?63;1;4c" + "r\x1b[A\x1b[6;5~"


def read(parser: XTermParser, pieces: list[str]) -> Iterator[str]:
    """The keys that a parser finds."""
    for piece in pieces:
        for event in parser.feed(piece):
            yield getattr(event, "key", type(event).__name__)


@pytest.mark.parametrize("cut", range(1, len(LATE)))
def test_late_answers_are_no_keys(cut: int) -> None:
    found = list(read(PatientParser(), [LATE[:cut], LATE[cut:]]))
    assert found == ["a", "r", "up", "ctrl+pagedown"]


def test_the_escape_key_is_still_one() -> None:
    parser = PatientParser()
    found = list(read(parser, ["\x1b"]))
    end = time.monotonic() + 5
    while not found and time.monotonic() < end:
        time.sleep(0.05)
        found += [event.key for event in parser.tick()]  # type: ignore[attr-defined]
    assert found == ["escape"]


def test_textual_alone_would_read_them_as_keys() -> None:
    parser = XTermParser()
    list(parser.feed("\x1b_Gi=31;OK\x1b\\"))
    assert [event.key for event in parser.feed("\x1b[?63;1;4c")]  # type: ignore[attr-defined]


def test_the_end_of_the_input_ends_the_reader() -> None:
    parser = PatientParser()
    assert list(read(parser, ["q", ""])) == ["q"]


def test_questions_are_those_that_the_script_answers() -> None:
    for question in (*XTERM, CELL, DEVICE):
        assert question.decode() in terminal_probe.QUESTIONS + terminal_probe.LAST_QUESTION
