"""Pictures in real pixels: what is encoded, decoded again by a reader of its own, and when it is drawn."""

import io
import re
import shutil
import subprocess
from base64 import standard_b64decode
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from sood_tui.terminal import kitty
from sood_tui.terminal.graphics import Graphics, Terminal
from sood_tui.terminal.half_blocks import Pixels
from sood_tui.terminal.sixel import Indexed, encode, quantised
from sood_tui.widgets.sheet.layout import LEAST_SIDE_SHARP, grid_for
from sood_tui.widgets.sheet.pixels import PixelSheet, colours_for, composed, encoded
from sood_tui.widgets.sheet.thumbnails import Picture, Recent, Thumbnails
from tests.tui.birds import draw

TOKEN = re.compile(r'"(\d+);(\d+);(\d+);(\d+)|#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|([$-])')
GROUND = (1, 2, 3)


def decode(image: str) -> tuple[NDArray[np.int64], dict[int, tuple[int, int, int]]]:
    """Read a sixel image sign by sign: the place of each pixel's colour (-1 for none), and the colours in percent."""
    assert image.startswith("\x1bP0;1;0q")
    assert image.endswith("\x1b\\")
    body, at, colour, x, band = image[8:-2], 0, -1, 0, 0
    pixels, colours = np.empty((0, 0), dtype=np.int64), {}
    while at < len(body):
        token = TOKEN.match(body, at)
        assert token, body[at : at + 20]
        at = token.end()
        _, _, width, height, defined, red, green, blue, chosen, times, counted, single, move = token.groups()
        if width:
            pixels = np.full((int(height), int(width)), -1, dtype=np.int64)
        elif defined:
            colours[int(defined)] = (int(red), int(green), int(blue))
        elif chosen:
            colour = int(chosen)
        elif move:
            x, band = 0, band + (move == "-")
        else:
            run = int(times or 1)
            for bit in range(6):
                if (ord(counted or single) - 63) >> bit & 1:
                    assert (pixels[band * 6 + bit, x : x + run] == -1).all(), "a pixel is drawn twice"
                    pixels[band * 6 + bit, x : x + run] = colour
            x += run
            assert x <= pixels.shape[1]
    return pixels, colours


@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 40)), elements=st.integers(0, 4)))
@settings(max_examples=200, deadline=None)
def test_every_pixel_comes_back(places: NDArray[np.uint8]) -> None:
    palette = np.array([(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 51), (102, 102, 255)], dtype=np.uint8)
    pixels, colours = decode(encode(Indexed(places, palette)))
    assert np.array_equal(pixels, places)
    assert colours == {0: (0, 0, 0), 1: (100, 100, 100), 2: (100, 0, 0), 3: (0, 100, 20), 4: (40, 40, 100)}


def test_long_runs_and_many_colours() -> None:
    places = np.zeros((7, 2345), dtype=np.uint8)
    places[3, 1000:] = np.arange(1345) % 64
    palette = np.arange(192, dtype=np.uint8).reshape(64, 3)
    image = encode(Indexed(places, palette))
    assert "!2345" in image
    assert np.array_equal(decode(image)[0], places)


def test_an_even_picture_costs_next_to_nothing() -> None:
    even = quantised(np.full((480, 640, 3), 90, dtype=np.uint8))
    assert len(encode(even)) < 1000


def photograph(height: int = 120, width: int = 160) -> Pixels:
    """A slope with noise: colours enough for any palette."""
    noise = np.random.default_rng(5).normal(0, 12, (height, width, 3))
    slope = np.linspace(0, 255, width)[None, :, None] + np.linspace(-60, 60, height)[:, None, None]
    return np.clip(slope * (1.0, 0.7, 0.4) + noise, 0, 255).astype(np.uint8)


def test_few_colours_are_near_enough() -> None:
    pixels = photograph()
    picture = quantised(pixels, 64)
    assert len(picture.palette) <= 64
    assert picture.places.max() < len(picture.palette)
    error = np.abs(picture.palette[picture.places].astype(int) - pixels).mean()
    assert error < 12
    assert np.abs(quantised(pixels, 8).palette[quantised(pixels, 8).places].astype(int) - pixels).mean() > error


def test_few_colours_stay_what_they_are() -> None:
    colours = np.array([(10, 20, 30), (200, 10, 10), (250, 250, 250)], dtype=np.uint8)
    pixels = colours[np.random.default_rng(1).integers(0, 3, (40, 50))]
    picture = quantised(pixels)
    assert np.array_equal(picture.palette[picture.places], pixels)


@pytest.mark.skipif(shutil.which("convert") is None, reason="needs ImageMagick")
def test_another_program_reads_it(tmp_path: Path) -> None:
    picture = quantised(photograph())
    (tmp_path / "a.six").write_text(encode(picture))
    subprocess.run(["convert", f"sixel:{tmp_path / 'a.six'}", str(tmp_path / "a.png")], check=True, timeout=60)
    with Image.open(tmp_path / "a.png") as read:
        seen = np.asarray(read.convert("RGB")).astype(int)
    assert np.abs(seen - picture.palette[picture.places]).max() <= 2  # colours are said in percent


def commands(text: str) -> list[tuple[dict[str, str], str]]:
    """The commands of Kitty's protocol in a text: keys and payload."""
    found = re.findall(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", text)
    return [(dict(pair.split("=") for pair in keys.split(",")), payload) for keys, payload in found]


def test_kitty_gets_a_png_in_pieces() -> None:
    picture = quantised(photograph(300, 400))
    sent = commands(kitty.send(77, kitty.packed(picture)))
    assert len(sent) > 2
    assert sent[0][0] == {"a": "t", "f": "100", "i": "77", "q": "2", "m": "1"}
    assert [keys["m"] for keys, _ in sent] == ["1"] * (len(sent) - 1) + ["0"]
    assert all(keys["q"] == "2" and len(payload) <= 4096 for keys, payload in sent)
    assert all(len(payload) % 4 == 0 for _, payload in sent)
    with Image.open(io.BytesIO(standard_b64decode("".join(payload for _, payload in sent)))) as read:
        assert np.array_equal(np.asarray(read.convert("RGB")), picture.palette[picture.places])


def test_kitty_is_told_where_and_when_to_forget() -> None:
    assert commands(kitty.place(5, 40, 18)) == [
        ({"a": "p", "i": "5", "p": "1", "c": "40", "r": "18", "C": "1", "q": "2"}, "")
    ]
    assert commands(kitty.hide(5)) == [({"a": "d", "d": "i", "i": "5", "q": "2"}, "")]
    assert commands(kitty.forget(5)) == [({"a": "d", "d": "I", "i": "5", "q": "2"}, "")]


# ---- a whole sheet ----


def sheet_of(folder: Path, graphics: Graphics, largest: tuple[int, int] | None = None) -> PixelSheet:
    """Four pictures, the last of which is broken; the first is marked."""
    pictures = []
    for place in range(4):
        file = folder / f"{place}.png"
        draw(place * 7 + 1, (80, 60)).save(file)
        pictures.append(Picture(place, str(file)))
    (folder / "3.png").write_bytes(b"no picture")
    grid = grid_for(40, 12, 4, LEAST_SIDE_SHARP)
    return PixelSheet(
        tuple(pictures), ("× bad", "", "", ""), grid, (9, 19), GROUND, (40, 40, 40), (250, 200, 50), False, graphics,
        64, largest,
    )  # fmt: skip


def test_a_sheet_is_one_picture(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, Graphics.SIXEL)
    made = encoded(sheet, Thumbnails(tmp_path / "thumbnails"))
    assert (made.columns, made.rows, len(made.pieces)) == (40, 12, 1)
    (column, row, image) = made.pieces[0]
    assert (column, row) == (0, 0)
    pixels, colours = decode(image)
    assert pixels.shape == (12 * 19, 40 * 9)
    assert len(colours) <= 64
    assert (pixels >= 0).all()


def test_tiles_marks_and_reasons_are_where_they_belong(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, Graphics.SIXEL)
    thumbnails = Thumbnails(tmp_path / "thumbnails")
    canvas = composed(sheet, thumbnails)
    ink = np.array(sheet.ink)
    for index in range(4):
        left, top = sheet.grid.corner(index)
        part = canvas[top * 19 // 2 :, left * 9 :][: sheet.grid.tile_height * 19 // 2, : sheet.grid.tile_width * 9]
        is_lettered = bool((np.abs(part.astype(int) - ink).sum(axis=2) < 60).any())
        assert is_lettered == (index in (0, 3)), index  # the mark, and why the last one is not shown
        tile = thumbnails.tile(sheet.pictures[index], part.shape[1], part.shape[0], GROUND)
        if index in (1, 2):
            assert np.array_equal(part, tile)
    assert canvas[0, 0].tolist() == list(GROUND)


def test_a_terminal_with_small_images_gets_several(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, Graphics.SIXEL, largest=(200, 100))
    made = encoded(sheet, Thumbnails(tmp_path / "thumbnails"))
    whole = np.full((12 * 19, 40 * 9), -1)
    for column, row, image in made.pieces:
        pixels, _ = decode(image)
        assert pixels.shape[1] <= 200
        assert pixels.shape[0] <= 100
        whole[row * 19 :, column * 9 :][: pixels.shape[0], : pixels.shape[1]] = pixels
    once = decode(encoded(sheet_of(tmp_path, Graphics.SIXEL), Thumbnails(tmp_path / "thumbnails")).pieces[0][2])[0]
    assert np.array_equal(whole, once)


def test_the_colours_that_a_terminal_has() -> None:
    assert colours_for(Graphics.SIXEL, Terminal(colours=256)) == 64
    assert colours_for(Graphics.SIXEL, Terminal(colours=16)) == 16
    assert colours_for(Graphics.SIXEL, Terminal()) == 64
    assert colours_for(Graphics.KITTY, Terminal(colours=16)) == 64


def test_sixteen_pictures_fit_a_small_terminal_in_pixels() -> None:
    assert grid_for(46, 18, 16).tiles == 4
    assert grid_for(46, 18, 16, LEAST_SIDE_SHARP).tiles == 16


# ---- bounds ----


def test_what_is_kept_is_bounded_by_weight() -> None:
    recent: Recent[str, bytes] = Recent(10, 100, len)
    recent.put("a", b"x" * 60)
    recent.put("b", b"x" * 30)
    assert recent.weight == 90
    assert recent.get("a") is not None
    recent.put("c", b"x" * 20)
    assert (recent.get("b"), recent.weight) == (None, 80)
    recent.put("a", b"x" * 10)
    assert recent.weight == 30
    recent.put("d", b"x" * 500)
    assert (len(recent), recent.weight) == (1, 500)  # too heavy, and still shown
    recent.forget("d")
    assert recent.weight == 0


def test_pixels_have_thumbnails_of_their_own(tmp_path: Path) -> None:
    picture = Picture(1007, str(tmp_path / "a.png"))
    Image.fromarray(photograph(600, 800)).save(picture.path)
    thumbnails = Thumbnails(tmp_path / "thumbnails")
    thumbnails.tile(picture, 160, 120, GROUND)
    thumbnails.tile(picture, 16, 16, GROUND)
    kept = {
        str(file.relative_to(thumbnails.folder)): Image.open(file).size for file in thumbnails.folder.rglob("*.jpg")
    }
    assert kept == {"1-320/1007.jpg": (320, 240), "1/1007.jpg": (96, 72)}
    Path(picture.path).unlink()
    assert isinstance(Thumbnails(thumbnails.folder).tile(picture, 300, 100, GROUND), np.ndarray)


def test_the_folder_is_pruned_while_thumbnails_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sood_tui.widgets.sheet.thumbnails.PRUNE_EVERY", 20_000)
    thumbnails = Thumbnails(tmp_path / "thumbnails", disk_limit=30_000)
    picture_file = tmp_path / "a.png"
    Image.fromarray(photograph(300, 300)).save(picture_file)
    for number in range(40):
        thumbnails.thumbnail(Picture(number * 1000, str(picture_file)))
    left = sum(file.stat().st_size for file in thumbnails.folder.rglob("*.jpg"))
    assert left <= 30_000 + 20_000 + 4_000
