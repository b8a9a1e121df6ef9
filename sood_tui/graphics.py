"""How pictures are drawn."""

from enum import StrEnum


class Graphics(StrEnum):
    """The ways there are: the seam at which others than half blocks come in."""

    HALF = "half"
    OFF = "off"


def graphics_of(name: str) -> Graphics:
    """The way that a setting names. Half blocks stand in for what is not there yet."""
    return Graphics.OFF if name == "off" else Graphics.HALF
