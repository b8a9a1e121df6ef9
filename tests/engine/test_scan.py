"""What the scan makes of a folder: names of all sorts, nested folders, links, and what is no picture."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.images.scan import Findings, scan_folder
from store.paths import path_of_text
from tests.picture_roots import BEAGLE, TABBY, plant, plant_bytes

FOLDER = {"folder": BEAGLE, "wnid": BEAGLE, "issue": None, "detail": None}
NAMES = [
    b"plain.JPEG",
    b"with space.jpg",
    b"quote'\".jpg",
    b"line\nbreak.png",
    b"back\\slash.webp",
    b"like\\x41.jpg",
    b"caf\xe9.jpg",
    "Grüße.jpeg".encode(),
    b"-n.jpg",
    b"$(rm) [bold]{}%s.jpg",
]


def scanned(root: Path, work: Mapping[str, str | None] = FOLDER, by_wnid: bool = True) -> Findings:
    found = Findings()
    scan_folder(root, work, by_wnid, found)
    return found


def pictures(found: Findings) -> dict[str, str | None]:
    return {path: wnid for path, wnid, issue in zip(found.paths, found.wnids, found.issues, strict=True) if not issue}


def issues(found: Findings) -> set[tuple[str, str]]:
    return {(issue, path) for path, issue in zip(found.paths, found.issues, strict=True) if issue}


def test_any_file_name_is_found_and_leads_back_to_its_file(tmp_path: Path) -> None:
    (tmp_path / BEAGLE).mkdir()
    for name in NAMES:
        plant_bytes(tmp_path / BEAGLE, name)
    found = scanned(tmp_path)
    assert len(pictures(found)) == len(NAMES)
    assert issues(found) == set()
    assert all(path.isascii() or path.encode() for path in found.paths)  # each can be written as UTF-8
    assert {os.fsencode(path_of_text(path)) for path in found.paths} == {
        os.fsencode(BEAGLE) + b"/" + name for name in NAMES
    }
    assert all(os.path.exists(tmp_path / path_of_text(path)) for path in found.paths)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    plant(tmp_path, {BEAGLE: 1})
    folder = tmp_path / BEAGLE
    for name in ("Thumbs.db", "._n02088364_0.JPEG", "notes", "a.jpg.part", ".jpg"):
        (folder / name).touch()
    (folder / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (folder / "found.jpg").symlink_to(folder / f"{BEAGLE}_0.JPEG")
    os.mkfifo(folder / "pipe.jpg")
    (folder / ".cache").mkdir()
    found = scanned(tmp_path)
    assert set(pictures(found)) == {f"{BEAGLE}/{BEAGLE}_0.JPEG", f"{BEAGLE}/found.jpg"}
    assert issues(found) == {
        ("not_a_picture", f"{BEAGLE}/Thumbs.db"),
        ("not_a_picture", f"{BEAGLE}/._n02088364_0.JPEG"),
        ("not_a_picture", f"{BEAGLE}/notes"),
        ("not_a_picture", f"{BEAGLE}/a.jpg.part"),
        ("not_a_picture", f"{BEAGLE}/.jpg"),
        ("not_a_picture", f"{BEAGLE}/pipe.jpg"),
        ("broken_link", f"{BEAGLE}/lost.jpg"),
        ("hidden_folder", f"{BEAGLE}/.cache"),
    }


def test_folders_further_in_belong_to_their_folder_unless_they_name_a_wnid(tmp_path: Path) -> None:
    plant(tmp_path, {f"{BEAGLE}/images/deep.er": 2, f"{BEAGLE}/{TABBY}": 1, f"{BEAGLE}/looks_like.jpg": 1})
    assert set(pictures(scanned(tmp_path)).values()) == {BEAGLE, TABBY}
    by_wnid = list(pictures(scanned(tmp_path)).values())
    assert (by_wnid.count(BEAGLE), by_wnid.count(TABBY)) == (3, 1)
    by_class = list(pictures(scanned(tmp_path, by_wnid=False)).values())
    assert by_class == [BEAGLE] * 4


def test_a_link_in_a_circle_ends(tmp_path: Path) -> None:
    plant(tmp_path, {f"{BEAGLE}/inner": 1})
    (tmp_path / BEAGLE / "inner" / "again").symlink_to(tmp_path / BEAGLE)
    found = scanned(tmp_path)
    assert len(pictures(found)) == 1
    assert issues(found) == {("folder_loop", f"{BEAGLE}/inner/again")}


def test_a_linked_folder_is_followed(tmp_path: Path) -> None:
    elsewhere = plant(tmp_path / "disk2", {"beagles": 3})
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / BEAGLE).symlink_to(elsewhere / "beagles")
    assert len(pictures(scanned(tmp_path / "root"))) == 3


def test_an_empty_folder_and_one_that_went_away_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / BEAGLE).mkdir()
    assert issues(scanned(tmp_path)) == {("empty_folder", BEAGLE)}
    (tmp_path / BEAGLE).rmdir()
    assert issues(scanned(tmp_path)) == {("vanished_folder", BEAGLE)}


def test_a_folder_that_cannot_be_read_is_no_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {BEAGLE: 1})

    def refuse(path: object) -> object:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("engine.images.scan.os.scandir", refuse)  # the tests may run as root, whom nothing is denied
    assert issues(scanned(tmp_path)) == {("unreadable_folder", BEAGLE)}


def test_pictures_that_nothing_names_are_counted(tmp_path: Path) -> None:
    plant(tmp_path, {"misc": 4})
    found = scanned(tmp_path, {"folder": "misc", "wnid": None, "issue": "unknown_folder", "detail": None})
    assert (found.paths, found.issues, found.details) == (["misc"], ["unknown_folder"], ["4 pictures left out"])


def test_files_beside_the_folders_are_named(tmp_path: Path) -> None:
    plant(tmp_path, {BEAGLE: 1})
    (tmp_path / "stray.jpg").touch()
    (tmp_path / "README").touch()
    found = scanned(tmp_path, {"folder": ".", "wnid": None, "issue": "stray_file", "detail": None})
    assert issues(found) == {("stray_file", "stray.jpg"), ("not_a_picture", "README")}
