"""The demo's drawings: the same for the same seed, and different wherever they are to be different."""

import hashlib
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, UnidentifiedImageError

from engine.demo.canvas import Brush, Pose, colour
from engine.demo.classes import SUBCLASSES, SUPERCLASSES, DemoClass
from engine.demo.decisions import SubclassScore, decide_by_score
from engine.demo.folders import FEWEST, MOST, write_folders
from engine.demo.pictures import SIZES, Shot, draw_picture, draw_thing, manner_of, shows_something_else
from engine.demo.subjects import SUBJECTS

DOGS = tuple(DemoClass("dog", f"n{place:08d}", f"dog {place}", place) for place in range(SUBCLASSES))


def pixels(kind: DemoClass, seed: int, number: int, size: tuple[int, int] = (48, 48)) -> npt.NDArray[np.int16]:
    return np.asarray(draw_picture(kind, seed, number, size), dtype=np.int16)


def digest(folder: Path) -> str:
    files = sorted(folder.rglob("*.JPEG"))
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()


def test_a_pose_turns_mirrors_and_scales() -> None:
    pose = Pose(x=10, y=20, scale=2, turn=np.pi / 2, mirrored=False)
    assert pose.place((1, 0)) == pytest.approx((10, 22))
    assert Pose(10, 20, 2, 0, mirrored=True).place((1, 3)) == pytest.approx((8, 26))


def test_a_brush_remembers_which_colour_is_where() -> None:
    red, blue = colour(0, 1, 1), colour(2 / 3, 1, 1)
    assert (red, blue) == ((255, 0, 0), (0, 0, 255))
    brush = Brush((8, 8), Pose(4, 4, 4, 0, mirrored=False))
    brush.box(-1, -1, 0, 1, red)
    brush.box(0.25, -1, 1, 1, blue)
    numbers = brush.numbers()
    assert numbers[4, 1] == brush.number_of(red) == 1
    assert numbers[4, 7] == brush.number_of(blue) == 2
    assert brush.palette().tolist() == [[0, 0, 0, 0], [255, 0, 0, 255], [0, 0, 255, 255]]


def test_equal_arguments_give_equal_pixels_and_others_do_not() -> None:
    first = pixels(DOGS[3], 0, 1)
    assert np.array_equal(first, pixels(DOGS[3], 0, 1))
    for other in (pixels(DOGS[3], 1, 1), pixels(DOGS[3], 0, 2), pixels(DOGS[4], 0, 1)):
        assert np.abs(first - other).mean() > 5


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_thing_fills_a_fair_part_of_its_picture(name: str) -> None:
    usual = Shot(scale=1.0, turn=0.0, brightness=1.0, grey=False, covers=0, noise=0.0)
    manners = [manner_of(name, place) for place in range(SUBCLASSES)]
    assert len(set(manners)) == SUBCLASSES
    for manner in manners:
        thing = draw_thing(random.Random(0), name, manner, usual, (64, 64))
        covered = (np.asarray(thing)[:, :, 3] > 127).mean()
        assert 0.05 < covered < 0.6
    assert draw_picture(DemoClass(name, "n00000001", name, 0), 0, 0).size in SIZES


def test_everything_that_can_be_drawn_has_a_synset() -> None:
    assert list(SUBJECTS) == list(SUPERCLASSES)


def test_odd_subclasses_look_less_alike_than_usual_ones() -> None:
    def spread(kind: DemoClass) -> float:
        return float(np.stack([pixels(kind, 0, number) for number in range(24)]).std(axis=0).mean())

    usual = np.mean([spread(DemoClass(name, "n00000001", name, 0)) for name in SUBJECTS])
    odd = np.mean([spread(DemoClass(name, "n00000001", name, 10)) for name in SUBJECTS])
    assert odd > usual


def test_in_one_superclass_of_three_the_oddest_folder_shows_something_else() -> None:
    wrong = [name for name in SUBJECTS if shows_something_else(DemoClass(name, "n00000001", name, SUBCLASSES - 1))]
    assert wrong == ["bird", "tree", "boat", "fruit"]
    assert not any(shows_something_else(kind) for kind in DOGS)


def test_folders_are_laid_out_as_imagenet_and_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    kinds = DOGS[:2]
    done: list[tuple[int, int]] = []
    count = write_folders(kinds, tmp_path / "a", 5, lambda now, total: done.append((now, total)))
    assert write_folders(kinds, tmp_path / "b", 5) == count
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    write_folders(kinds, tmp_path / "b", 6)
    assert digest(tmp_path / "a") != digest(tmp_path / "b")
    assert done == [(1, 2), (2, 2)]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [kind.wnid for kind in kinds]
    for kind in kinds:
        names = {path.name for path in (tmp_path / "a" / kind.wnid).iterdir()}
        assert FEWEST <= len(names) <= MOST
        assert names == {f"{kind.wnid}_{number}.JPEG" for number in range(1, len(names) + 1)}
    with pytest.raises((OSError, UnidentifiedImageError)):
        Image.open(tmp_path / "a" / kinds[0].wnid / f"{kinds[0].wnid}_1.JPEG").load()
    Image.open(tmp_path / "a" / kinds[1].wnid / f"{kinds[1].wnid}_1.JPEG").load()


def test_the_worst_are_rejected_and_one_is_left_to_look_at() -> None:
    scores = [SubclassScore("dog", f"n{i:08d}", score) for i, score in enumerate((0.9, 0.2, 0.8, 0.55, 0.7))]
    scores.append(SubclassScore("cat", "n00000009", 0.1))
    dog, cat = decide_by_score(scores)
    # The median is 0.7, so the bar is 0.525.
    assert dog.rejected == ("n00000001",)
    assert dog.pending == ("n00000003",)
    assert dog.accepted == ("n00000004", "n00000002", "n00000000")
    assert (cat.rejected, cat.pending, cat.accepted) == ((), ("n00000009",), ())
