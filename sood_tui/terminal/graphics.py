"""How pictures are drawn, and why so."""

from dataclasses import dataclass
from enum import StrEnum

SLOW = 0.15  # seconds from a question to the terminal's answer: beyond it a picture would lag behind the keys


class Graphics(StrEnum):
    """The ways there are."""

    HALF = "half"
    SIXEL = "sixel"
    KITTY = "kitty"
    OFF = "off"

    @property
    def is_pixels(self) -> bool:
        """Whether the terminal draws real pixels, over the half blocks that were there first."""
        return self in (Graphics.SIXEL, Graphics.KITTY)


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the terminal said of itself.

    Attributes:
        asked: whether it was asked; else `silence` says why not.
        seconds: until the last answer; None when it did not answer in time.
        sixel: whether it draws sixels.
        kitty: whether it understands Kitty's graphics protocol.
        cell: width and height of a cell in pixels; None when nobody knows.
        colours: how many colours a sixel image may have; None when it did not say.
        largest: width and height of the largest sixel image; None when it did not say.
        is_tmux: whether tmux stands between.
        silence: why it was not asked.
    """

    asked: bool = False
    seconds: float | None = None
    sixel: bool = False
    kitty: bool = False
    cell: tuple[int, int] | None = None
    colours: int | None = None
    largest: tuple[int, int] | None = None
    is_tmux: bool = False
    silence: str = ""

    def draws(self, graphics: Graphics) -> bool:
        """Whether pictures can be drawn that way."""
        match graphics:
            case Graphics.SIXEL:
                return self.sixel and self.cell is not None
            case Graphics.KITTY:
                return self.kitty and self.cell is not None
            case _:
                return True

    @property
    def ways(self) -> tuple[Graphics, ...]:
        """All ways that work here."""
        return tuple(graphics for graphics in Graphics if self.draws(graphics))


NOT_ASKED = Terminal(silence="it was not asked")


@dataclass(frozen=True, slots=True)
class Choice:
    """The way that was chosen, and why in a few words."""

    graphics: Graphics
    why: str


def choose(wanted: str, terminal: Terminal) -> Choice:
    """The way to draw pictures.

    A way that is asked for and that the terminal does not have becomes half blocks, which always work. `auto` takes
    pixels only where they are sure to be right and quick: not in tmux, which repaints without them, and not where an
    answer takes long.

    Args:
        wanted: the setting: auto, half, sixel, kitty or off.
        terminal: what it said of itself.
    """
    if wanted in (Graphics.HALF, Graphics.OFF):
        return Choice(Graphics(wanted), "as asked for")
    if not terminal.asked:
        return Choice(Graphics.HALF, terminal.silence)
    if terminal.seconds is None:
        return Choice(Graphics.HALF, "the terminal did not answer in time")
    if wanted != "auto":
        return _as_asked(Graphics(wanted), terminal)
    if terminal.is_tmux:
        return Choice(Graphics.HALF, "in tmux, where pixels are drawn only when asked for")
    if terminal.seconds > SLOW:
        return Choice(
            Graphics.HALF, f"the terminal answers after {terminal.seconds * 1000:.0f} ms, too late for pixels"
        )
    for graphics in (Graphics.KITTY, Graphics.SIXEL):  # Kitty's pictures need not be sent again after a dialog
        if terminal.draws(graphics):
            return Choice(graphics, "the terminal says that it can")
    return Choice(Graphics.HALF, _lack(terminal, "neither sixels nor Kitty's pictures"))


def _as_asked(graphics: Graphics, terminal: Terminal) -> Choice:
    if terminal.draws(graphics):
        return Choice(graphics, "as asked for")
    if terminal.is_tmux and graphics is Graphics.KITTY:
        return Choice(Graphics.HALF, "tmux would not take Kitty's pictures off again")
    return Choice(Graphics.HALF, _lack(terminal, "no sixels" if graphics is Graphics.SIXEL else "no Kitty pictures"))


def _lack(terminal: Terminal, what: str) -> str:
    if (terminal.sixel or terminal.kitty) and terminal.cell is None:
        return "the terminal does not say how large a cell is"
    return f"{'tmux' if terminal.is_tmux else 'the terminal'} says that it draws {what}"
