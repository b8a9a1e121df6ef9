"""The renderer: codes, bytes, pieces, and the way without Textual's private parts."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from sood_tui.terminal import half_blocks
from sood_tui.terminal.half_blocks import Pixels, PixelStrip, colour_codes, depth_of, encode, grey, paint

RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


def pixels(*rows: list[tuple[int, int, int]]) -> Pixels:
    return np.array(rows, dtype=np.uint8)


def cells(text: str) -> list[tuple[str, str]]:
    """What a terminal would show: (foreground, background) of each cell, upper pixel first."""
    fore = back = ""
    shown = []
    for code, character in re.findall(r"\x1b\[([\d;]*)m|(.)", text):
        if character:
            shown.append((back, back) if character == " " else (fore, back) if character == "▀" else (back, fore))
            continue
        parts = code.split(";")
        while parts and parts != ["0"]:
            if parts[0] == "38":
                fore, parts = ";".join(parts[2:5]), parts[5:]
            else:
                back, parts = ";".join(parts[2:5]), parts[5:]
    return shown


def test_a_colour_is_named_only_where_it_changes() -> None:
    strip = paint(pixels([RED, RED, BLUE], [GREEN, GREEN, BLUE]), "truecolor")[0]
    line = strip.render(Console(file=io.StringIO()))
    assert line == "\x1b[38;2;255;0;0;48;2;0;255;0m▀▀\x1b[48;2;0;0;255m \x1b[0m"


def test_swapped_colours_are_the_lower_half() -> None:
    assert encode([1, 2], [2, 1], "256") == "\x1b[38;5;1;48;5;2m▀▄\x1b[0m"


@given(
    st.lists(
        st.tuples(st.sampled_from((RED, GREEN, BLUE, BLACK)), st.sampled_from((RED, GREEN, BLUE, BLACK))), min_size=1
    )
)
def test_a_terminal_shows_every_pixel(columns: list[tuple[tuple[int, int, int], tuple[int, int, int]]]) -> None:
    picture = pixels([above for above, _ in columns], [below for _, below in columns])
    line = paint(picture, "truecolor")[0].render(Console(file=io.StringIO()))
    wanted = [(";".join(map(str, above)), ";".join(map(str, below))) for above, below in columns]
    assert cells(line) == wanted


def test_the_palette_of_256() -> None:
    # 16 + 36*5 is pure red of the cube; 244 is the grey 8 + 10*12 = 128; white and black are corners of the cube.
    picture = pixels([RED, (128, 128, 128), (255, 255, 255), BLACK])
    assert colour_codes(picture, "256").tolist() == [[196, 244, 231, 16]]


def test_sixteen_colours() -> None:
    picture = pixels([(250, 5, 5), (0, 0, 0), (130, 130, 130)])
    assert colour_codes(picture, "standard").tolist() == [[9, 0, 8]]
    assert encode([9], [0], "standard") == "\x1b[91;40m▀\x1b[0m"


def test_grey_keeps_the_luma() -> None:
    assert grey(pixels([RED, GREEN, (80, 80, 80)])).tolist() == [[[54] * 3, [182] * 3, [80] * 3]]


def test_pieces_show_the_same_pixels() -> None:
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (2, 30, 3), dtype=np.uint8)
    strip = paint(picture, "truecolor")[0]
    console = Console(file=io.StringIO())
    pieces = strip.divide([7, 20, 30])
    assert [piece.cell_length for piece in pieces] == [7, 13, 10]
    assert [cell for piece in pieces for cell in cells(piece.render(console))] == cells(strip.render(console))
    assert cells(strip.crop(5, 9).render(console)) == cells(strip.render(console))[5:9]
    assert list(strip.divide([])) == []
    assert strip.crop(9, 9).cell_length == 0


def test_segments_are_made_only_when_asked_for() -> None:
    strip = paint(pixels([RED], [BLUE]), "truecolor")[0]
    assert isinstance(strip, PixelStrip)
    assert strip._made is None
    assert [segment.text for segment in strip] == ["▀"]
    (segment,) = list(strip)
    assert str(segment.style) == "#ff0000 on #0000ff"


def test_a_joined_line_keeps_its_bytes() -> None:
    console = Console(file=io.StringIO())
    left, right = paint(pixels([RED], [BLUE]), "truecolor")[0], Strip([Segment("ab")])
    right.render(console)
    joined = Strip.join([left, right])
    assert joined.render(console) == left.render(console) + "ab"


def test_textual_still_has_what_the_fast_way_needs() -> None:
    assert half_blocks.PRE_ENCODED
    strip = paint(pixels([RED], [BLUE]), "truecolor")[0]
    assert strip._render_cache is not None


def test_without_them_pictures_are_painted_by_segments() -> None:
    picture = pixels([RED, GREEN], [BLUE, BLUE])
    plain = paint(picture, "truecolor", pre_encoded=False)[0]
    assert type(plain) is Strip
    assert list(plain) == list(paint(picture, "truecolor")[0])


@pytest.mark.parametrize(
    ("system", "depth"),
    [
        ("truecolor", "truecolor"),
        ("256", "256"),
        ("standard", "standard"),
        ("windows", "standard"),
        (None, "truecolor"),
    ],
)
def test_depth_of_the_terminal(system: str | None, depth: str) -> None:
    console = Console(file=io.StringIO(), color_system=system, force_terminal=True)  # type: ignore[arg-type]
    assert depth_of(console) == depth
