"""Which pictures are alike: hashes, neighbours, and who stays."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import EngineError
from engine.likeness.hashes import Hashed, near_pairs
from engine.likeness.neighbours import BLOCK, MOST_NEIGHBOURS, Neighbours, neighbours
from engine.likeness.prints import print_of, print_or_reason
from engine.likeness.settling import stand_ins
from store.likeness.prints import PictureFile
from tests.photographs import scene

ORIENTATION = 0x0112


def saved(folder: Path, name: str, picture: Image.Image, **options: Any) -> PictureFile:
    picture.save(folder / name, **options)
    return PictureFile(1, str(folder), name)


def prints(*files: PictureFile) -> list[dict[str, Any]]:
    found = [print_of(file, decode=True) for file in files]
    assert all(one is not None and one["dhash"] is not None for one in found)
    return [one for one in found if one is not None]


def bits(one: dict[str, Any], other: dict[str, Any]) -> int:
    return int(np.bitwise_count(np.uint64(one["dhash"]) ^ np.uint64(other["dhash"])))


@pytest.mark.parametrize("seed", range(8))
def test_copies_that_were_encoded_anew_are_near_and_others_are_not(tmp_path: Path, seed: int) -> None:
    original = scene(seed)
    first, poor, smaller, square, png, other = prints(
        saved(tmp_path, "a.jpg", original, quality=92),
        saved(tmp_path, "poor.jpg", original, quality=30),
        saved(tmp_path, "smaller.jpg", original.resize((160, 120), Image.Resampling.LANCZOS), quality=80),
        saved(tmp_path, "square.webp", original.resize((224, 224), Image.Resampling.BILINEAR), quality=80),
        saved(tmp_path, "lossless.png", original),
        saved(tmp_path, "other.jpg", scene(seed + 100), quality=92),
    )
    for copy in (poor, smaller, square, png):
        assert bits(first, copy) <= 5
        assert first["pixels"] != copy["pixels"]
    assert bits(first, other) > 7


def test_the_same_pixels_are_the_same_whatever_the_file(tmp_path: Path) -> None:
    original = scene(1)
    turned = original.transpose(Image.Transpose.ROTATE_90)
    note = Image.Exif()
    note[ORIENTATION] = 6  # to be turned by 90 degrees clockwise to be seen
    plain, packed_less, noted, bitmap, wider = prints(
        saved(tmp_path, "a.png", original),
        saved(tmp_path, "b.png", original, compress_level=1),
        saved(tmp_path, "noted.png", turned, exif=note),
        saved(tmp_path, "bitmap.bmp", original),
        saved(tmp_path, "wider.png", original.resize((640, 120), Image.Resampling.NEAREST)),
    )
    assert plain["pixels"] == packed_less["pixels"] == noted["pixels"] == bitmap["pixels"]
    assert (noted["width"], noted["height"]) == (320, 240)
    assert plain["sha256"] != packed_less["sha256"]
    assert wider["pixels"] != plain["pixels"]


def test_deep_pictures_are_not_all_white(tmp_path: Path) -> None:
    one, other = (Image.fromarray(np.full((40, 40), value, np.uint16)) for value in (1000, 60000))
    first, second = prints(saved(tmp_path, "one.png", one), saved(tmp_path, "other.png", other))
    assert first["pixels"] != second["pixels"]


def test_what_is_transparent_counts_as_it_is_seen(tmp_path: Path) -> None:
    original = scene(6)
    opaque, shape = original.convert("RGBA"), Image.new("RGBA", original.size, (0, 0, 0, 0))
    shape.paste((0, 0, 0, 255), (20, 20, 90, 90))
    other = Image.new("RGBA", original.size, (0, 0, 0, 0))
    plain, layered, one, two = prints(
        saved(tmp_path, "a.png", original), saved(tmp_path, "b.png", opaque), saved(tmp_path, "c.png", shape),
        saved(tmp_path, "d.png", other),
    )  # fmt: skip
    assert plain["pixels"] == layered["pixels"]
    assert one["pixels"] != two["pixels"]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_note_of_the_camera_does_not_hide_the_picture(tmp_path: Path) -> None:
    original = scene(2)
    clean, broken = prints(
        saved(tmp_path, "a.png", original), saved(tmp_path, "b.png", original, exif=b"Exif\x00\x00II*\x00garbage")
    )
    assert clean["pixels"] == broken["pixels"]


def test_what_cannot_be_read_has_a_reason(tmp_path: Path) -> None:
    whole = saved(tmp_path, "a.jpg", scene(3), quality=90)
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:3000])
    (tmp_path / "words.jpg").write_bytes(b"no picture")
    assert print_or_reason(whole)[1:] == ("", "")
    found, kind, reason = print_or_reason(PictureFile(2, str(tmp_path), "cut.jpg"))
    assert (found, kind) == (None, "undecodable")
    assert "truncated" in reason
    words = PictureFile(3, str(tmp_path), "words.jpg")
    assert print_or_reason(words) == (None, "undecodable", "the file is no picture of a known format")
    assert print_or_reason(PictureFile(4, str(tmp_path), "gone.jpg")) == (
        None,
        "missing_file",
        "the file is not there",
    )
    os.mkfifo(tmp_path / "pipe.jpg")
    assert print_or_reason(PictureFile(5, str(tmp_path), "pipe.jpg"))[1:] == ("undecodable", "this is no ordinary file")
    (tmp_path / "folder.jpg").mkdir()
    assert print_or_reason(PictureFile(6, str(tmp_path), "folder.jpg"))[1:] == (
        "undecodable",
        "this is no ordinary file",
    )
    half = print_of(words, decode=True)
    assert half is not None
    assert half.keys() == {"image_id", "bytes", "sha256"}


@pytest.mark.parametrize("most", [0, 1, 3, 4, 7])
def test_near_hashes_are_those_that_comparing_each_with_each_finds(most: int) -> None:
    rng = np.random.default_rng(most)
    hashes = np.repeat(rng.integers(0, 2**64, 80, dtype=np.uint64), 5)
    for row in range(len(hashes)):
        for bit in rng.integers(0, 64, rng.integers(0, 6)):
            hashes[row] ^= np.uint64(1) << np.uint64(bit)
    found = near_pairs(hashes, most)
    distance = np.bitwise_count(hashes[:, None] ^ hashes[None])
    first, second = np.nonzero(np.triu(distance <= most, 1))
    assert len(first) > 10
    assert found.first.tolist() == first.tolist()
    assert found.second.tolist() == second.tolist()
    assert found.distance.tolist() == distance[first, second].tolist()


def test_more_bits_than_are_looked_for_are_refused() -> None:
    with pytest.raises(EngineError, match="0 to 7 of 64 bits, not in 8"):
        near_pairs(np.zeros(3, np.uint64), 8)
    assert len(near_pairs(np.zeros(0, np.uint64), 3).first) == 0


def all_neighbours(vectors: np.ndarray, first: int, last: int, floor: float) -> Neighbours:
    found = list(neighbours(lambda start, stop: vectors[start:stop], first, last, len(vectors), floor))
    columns = [np.concatenate([getattr(one, name) for one in found]) for name in ("first", "second", "cosine")]
    return Neighbours(*columns)


def test_neighbours_are_found_across_blocks_and_depend_on_their_two_rows_only() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(BLOCK + 700, 24)).astype(np.float32)
    vectors[BLOCK + 5] = vectors[3] * 2 + 0.01  # across blocks, of another length
    vectors[10] = vectors[9]
    found = all_neighbours(vectors, 0, len(vectors), 0.9)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = np.nonzero(np.triu(unit @ unit.T >= 0.9, 1))
    assert {(3, BLOCK + 5), (9, 10)} <= set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert sorted(zip(found.first, found.second, strict=True)) == sorted(zip(first, second, strict=True))
    assert float(found.cosine[(found.first == 9)][0]) == pytest.approx(1.0)
    # The later rows alone, as a second job would be asked for them: the same pairs, with the same cosines to the bit.
    some = all_neighbours(vectors[9:11], 0, 2, 0.9)
    assert some.cosine.tolist() == found.cosine[found.first == 9].tolist()


def test_a_thousand_copies_make_no_million_pairs() -> None:
    vectors = np.ones((600, 8), np.float32)
    found = all_neighbours(vectors, 0, 600, 0.9)
    assert np.bincount(found.first).max() == MOST_NEIGHBOURS
    assert found.second[found.first == 0].tolist() == list(range(1, MOST_NEIGHBOURS + 1))


def test_likeness_is_not_handed_on() -> None:
    # A chain 0 - 1 - 2 - 3: who stays depends on the rank alone.
    first, second = np.array([0, 1, 2]), np.array([1, 2, 3])
    assert stand_ins(first, second, np.array([0, 1, 2, 3])).tolist() == [-1, 0, -1, 2]
    assert stand_ins(first, second, np.array([1, 0, 2, 3])).tolist() == [1, -1, 1, -1]
    assert stand_ins(first, second, np.array([3, 2, 1, 0])).tolist() == [1, -1, 3, -1]


def test_who_stays_is_who_going_through_one_by_one_keeps() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        count = int(rng.integers(2, 25))
        first, second = rng.integers(0, count, (2, int(rng.integers(1, 60))))
        first, second = first[first != second], second[first != second]
        rank = rng.permutation(count)
        assert stand_ins(first, second, rank).tolist() == one_by_one(first, second, rank)


def one_by_one(first: np.ndarray, second: np.ndarray, rank: np.ndarray) -> list[int]:
    stands = [-1] * len(rank)
    stays: list[int] = []
    for row in np.argsort(rank).tolist():
        pairs = {tuple(pair) for pair in np.stack([first, second], 1).tolist()}
        keeper = next((kept for kept in stays if (kept, row) in pairs or (row, kept) in pairs), None)
        if keeper is None:
            stays.append(row)
        else:
            stands[row] = keeper
    return stands


def test_a_picture_that_goes_makes_none_be_compared_anew() -> None:
    hashes = np.array([7, 5, 1 << 40, 7], np.uint64) | np.uint64(0b1111 << 20)
    ids = np.array([10, 20, 30, 40])
    whole = Hashed(ids, hashes, near_pairs(hashes, 3))
    assert whole.pairs.first.tolist() == [0, 0, 1, 1]
    left = whole.among(ids[[0, 2, 3]], hashes[[0, 2, 3]])
    assert left is not None
    assert (left.pairs.first.tolist(), left.pairs.second.tolist(), left.pairs.distance.tolist()) == ([0], [2], [0])
    assert whole.among(np.array([10, 25]), hashes[:2]) is None
    assert whole.among(ids, hashes[::-1].copy()) is None


def test_photographs_that_were_encoded_anew_are_found_and_no_others(photographs: Path, tmp_path: Path) -> None:
    files = sorted(photographs.rglob("*.JPEG"))[::40][:200]
    found = prints(*(PictureFile(1, str(file.parent), file.name) for file in files))
    hashes = np.array([one["dhash"] for one in found], np.uint64)
    assert len(near_pairs(hashes, 7).first) == 0
    for place, file in enumerate(files[:60]):
        with Image.open(file) as photograph:
            seen = photograph.convert("RGB")
        larger = seen.resize((seen.width * 2, seen.height * 2), Image.Resampling.LANCZOS)
        again, copy = prints(
            saved(tmp_path, f"{place}a.jpg", seen, quality=75), saved(tmp_path, f"{place}b.jpg", larger, quality=85)
        )
        assert bits(found[place], again) <= 5
        assert bits(found[place], copy) <= 7
