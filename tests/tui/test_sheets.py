"""Layout of sheets, thumbnails, and what is said of pictures that cannot be shown."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip

from sood_tui.widgets.sheet import thumbnails
from sood_tui.widgets.sheet.layout import LEAST_SIDE, compose, grid_for
from sood_tui.widgets.sheet.painting import Look, in_the_middle, in_words
from sood_tui.widgets.sheet.thumbnails import Broken, Picture, Recent, Thumbnails, letterbox
from tests.tui.birds import draw

GROUND = (1, 2, 3)


@pytest.mark.parametrize(
    ("columns", "rows", "pictures", "across", "down"),
    [
        (46, 18, 16, 2, 2),  # the sheet of Review at 80x24
        (67, 34, 16, 4, 4),  # at 120x40: exactly sixteen pixels a tile
        (112, 54, 16, 4, 4),  # at 200x60
        (66, 34, 16, 3, 4),  # a column too narrow for four
        (112, 54, 1, 1, 1),
        (60, 12, 16, 3, 1),
        (5, 2, 16, 1, 1),
    ],
)
def test_density_follows_the_space(columns: int, rows: int, pictures: int, across: int, down: int) -> None:
    grid = grid_for(columns, rows, pictures)
    assert (grid.across, grid.down) == (across, down)


@given(st.integers(1, 300), st.integers(1, 100), st.integers(0, 40))
def test_tiles_are_inside_apart_and_large_enough(columns: int, rows: int, pictures: int) -> None:
    grid = grid_for(columns, rows, pictures)
    taken = np.zeros((2 * rows, columns), dtype=int)
    for index in range(grid.tiles):
        left, top = grid.corner(index)
        assert left >= 0
        assert top >= 0
        taken[top : top + grid.tile_height, left : left + grid.tile_width] += 1
        assert (
            taken[top : top + grid.tile_height, left : left + grid.tile_width].size
            == grid.tile_width * grid.tile_height
        )
    assert taken.max() <= 1
    if grid.tiles > 1:
        assert grid.side >= LEAST_SIDE


def lines_of(strips: list[Strip]) -> list[str]:
    return [strip.text for strip in strips]


def look(columns: int, rows: int) -> Look:
    return Look(Size(columns, rows), "truecolor", False, GROUND, GROUND, GROUND, Style())


def test_in_words_a_mark_is_never_cut_and_a_name_keeps_its_end() -> None:
    pictures = [Picture(1, "/root/n02099267/n02099267_retriever_1.JPEG"), Picture(2, "/root/n02099267/n_2.JPEG")]
    lines = lines_of(in_words(pictures, ("× bad", ""), look(30, 3), Style()))
    assert lines == ["  1  × bad  …_retriever_1.JPEG", "  2  n02099267/n_2.JPEG".ljust(30), " " * 30]


def test_a_note_goes_on_in_the_next_line() -> None:
    lines = lines_of(in_the_middle("No synset is accepted under two superclasses", look(30, 6), Style()))
    assert [line.strip() for line in lines] == ["", "", "No synset is accepted under", "two superclasses", "", ""]


def test_a_click_finds_its_tile() -> None:
    grid = grid_for(67, 34, 16)
    for index in range(16):
        left, top = grid.corner(index)
        assert grid.tile_at(left + 8, (top + 8) // 2) == index
    assert grid_for(67, 34, 16).tile_at(16, 5) is None  # the gap between two tiles


def test_compose_places_tiles_on_the_ground() -> None:
    grid = grid_for(46, 18, 4)
    tile = np.full((grid.tile_height, grid.tile_width, 3), 200, dtype=np.uint8)
    canvas = compose(grid, [tile, None], GROUND, (9, 9, 9))
    left, top = grid.corner(0)
    assert canvas[top, left].tolist() == [200] * 3
    left, top = grid.corner(1)
    assert canvas[top, left].tolist() == [9] * 3
    left, top = grid.corner(3)
    assert canvas[top, left].tolist() == list(GROUND)


def test_letterbox_keeps_the_shape() -> None:
    box = letterbox(Image.new("RGB", (40, 20), (255, 255, 255)), 16, 16, GROUND)
    white = (box == 255).all(axis=2)
    assert white.sum() == 16 * 8
    assert white[4:12].all()
    assert box[0, 0].tolist() == list(GROUND)


def saved(image: Image.Image, file: Path, **how: object) -> Picture:
    image.save(file, **how)  # type: ignore[arg-type]
    return Picture(7, str(file))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "LA", "YCbCr"])
def test_pictures_of_any_mode(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100)
    elif mode == "F":
        image = Image.fromarray(np.linspace(-1, 1, 600, dtype=np.float32).reshape(20, 30))
    else:
        image = draw(3, (30, 20)).convert("L" if mode == "LA" else mode)
        image = image.convert("LA") if mode == "LA" else image
    picture = saved(image, tmp_path / "a.tif")
    tile = Thumbnails(tmp_path / "thumbnails").tile(picture, 16, 16, GROUND)
    assert not isinstance(tile, Broken)
    assert tile.shape == (16, 16, 3)
    assert tile[3:13].std() > 1


def test_transparency_is_white(tmp_path: Path) -> None:
    picture = saved(Image.new("RGBA", (20, 20), (255, 0, 0, 0)), tmp_path / "a.png")
    tile = Thumbnails(tmp_path / "thumbnails").tile(picture, 16, 16, GROUND)
    assert not isinstance(tile, Broken)
    assert tile.min() > 250


def test_reasons(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jpg"
    draw(1, (64, 64)).save(whole)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    text = tmp_path / "text.jpg"
    text.write_bytes(b"hello")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    thumbs = Thumbnails(tmp_path / "thumbnails")
    reasons = [
        thumbs.tile(Picture(place, str(file)), 16, 16, GROUND)
        for place, file in enumerate((cut, text, empty, tmp_path / "gone.jpg", tmp_path))
    ]
    told = ("cut off", "not a picture", "empty file", "file is gone", "is a folder")
    assert reasons == [Broken(reason) for reason in told]


def test_a_thumbnail_is_made_once_and_read_from_then_on(tmp_path: Path) -> None:
    picture = saved(draw(5, (200, 100)), tmp_path / "a.jpg")
    folder = tmp_path / "thumbnails"
    Thumbnails(folder).tile(picture, 16, 16, GROUND)
    assert [str(file.relative_to(folder)) for file in folder.rglob("*.*")] == ["0/7.jpg"]
    with Image.open(folder / "0" / "7.jpg") as kept:
        assert kept.size == (96, 48)
    os.unlink(tmp_path / "a.jpg")
    again = Thumbnails(folder).tile(picture, 16, 16, GROUND)
    assert not isinstance(again, Broken)


def test_the_first_look_shows_what_later_looks_show(tmp_path: Path) -> None:
    picture = Picture(3, str(tmp_path / "slope.jpg"))
    Image.linear_gradient("L").resize((300, 200)).convert("RGB").save(picture.path)
    looks = [Thumbnails(tmp_path / "thumbs").tile(picture, 40, 30, (0, 0, 0)) for _ in range(2)]
    assert isinstance(looks[0], np.ndarray)
    assert np.array_equal(*looks)


def test_a_damaged_thumbnail_is_made_again(tmp_path: Path) -> None:
    picture = saved(draw(5, (200, 100)), tmp_path / "a.jpg")
    folder = tmp_path / "thumbnails"
    Thumbnails(folder).thumbnail(picture)
    (folder / "0" / "7.jpg").write_bytes(b"")
    assert not isinstance(Thumbnails(folder).thumbnail(picture), Broken)
    assert (folder / "0" / "7.jpg").stat().st_size > 100


def test_a_large_box_shows_the_file_and_not_the_thumbnail(tmp_path: Path) -> None:
    checks = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    picture = saved(Image.fromarray(checks).convert("RGB"), tmp_path / "a.png")
    tile = Thumbnails(tmp_path / "thumbnails").tile(picture, 256, 256, GROUND)
    assert not isinstance(tile, Broken)
    assert tile.std() > 120  # a thumbnail of single-pixel checks would be an even grey


def test_no_place_for_thumbnails_is_no_reason_to_show_nothing(tmp_path: Path) -> None:
    picture = saved(draw(5, (200, 100)), tmp_path / "a.jpg")
    (tmp_path / "thumbnails").write_text("a file, not a folder")
    assert not isinstance(Thumbnails(tmp_path / "thumbnails").tile(picture, 16, 16, GROUND), Broken)


def test_the_folder_stays_below_its_limit(tmp_path: Path) -> None:
    folder = tmp_path / "thumbnails"
    for place, name in enumerate(("0", "1", "2")):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.jpg").write_bytes(b"x" * 1000)
        os.utime(folder / name, (place, place))
    assert Thumbnails(folder, disk_limit=2000).prune() == 1000
    assert sorted(os.listdir(folder)) == ["1", "2"]
    assert Thumbnails(tmp_path / "none").prune() == 0


def test_recent_forgets_what_was_not_asked_for_longest() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert recent.get("b") is None
    assert (recent.get("a"), recent.get("c"), len(recent)) == (1, 3, 2)


def test_names_that_hold_anything_can_be_printed() -> None:
    assert Picture(1, "/data/caf\udce9\x1b[2J.jpg").name == "caf\\udce9\ufffd[2J.jpg"
    assert thumbnails.SIDE == 96
