"""What a root is taken for: layouts, classes, lists, and the folder that was meant."""

import os
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.images.classes import read_mapping, resolve_classes
from engine.images.layouts import find_inner_roots, plan_folders, wnid_of_name
from engine.images.lists import Line, read_list
from store.connection import Store
from tests.picture_roots import BEAGLE, CHIHUAHUA, PAPILLON, plant


@pytest.mark.parametrize(
    ("name", "wnid"),
    [
        ("n02088364", "n02088364"),
        ("n02085620-Chihuahua", "n02085620"),
        ("n02085620_dog", "n02085620"),
        ("a01382086", "a01382086"),
        ("n0208836", None),
        ("n020883640", None),
        ("N02088364", None),
        ("xn02088364", None),
        ("n02088364x", None),
    ],
)
def test_a_folder_is_named_by_a_wnid_or_begins_with_one(name: str, wnid: str | None) -> None:
    assert wnid_of_name(name) == wnid


def test_wnid_folders_are_guessed_and_said(tiny_wordnet: Store, tmp_path: Path) -> None:
    plant(tmp_path, {BEAGLE: 1, "misc": 1, ".git": 0})
    with tiny_wordnet.reading() as cursor:
        plan = plan_folders(cursor, tmp_path, None, None)
    assert plan.layout == "wnid"
    assert plan.remarks == ("Layout wnid (guessed; --layout says otherwise).",)
    assert [(row["folder"], row["wnid"], row["issue"]) for row in plan.work.to_pylist()] == [
        (".", None, "stray_file"),
        (".git", None, "hidden_folder"),
        ("misc", None, "unknown_folder"),
        (BEAGLE, BEAGLE, None),
    ]


def test_class_folders_are_words_with_one_noun_sense(tiny_wordnet: Store, tmp_path: Path) -> None:
    plant(tmp_path, {"Beagle": 1, "toy dog": 1, "crane": 1, "gizmo": 1})
    with tiny_wordnet.reading() as cursor:
        plan = plan_folders(cursor, tmp_path, None, None)
    found = {row["folder"]: (row["wnid"], row["issue"]) for row in plan.work.to_pylist()}
    assert plan.layout == "class"
    assert found["Beagle"] == (BEAGLE, None)
    assert found["toy dog"] == ("n02085374", None)
    assert found["crane"] == (None, "ambiguous_class")
    assert found["gizmo"] == (None, "unknown_class")
    detail = next(row["detail"] for row in plan.work.to_pylist() if row["folder"] == "crane")
    assert detail == "one of n02012849 (crane.n.05), n03126707 (crane.n.04)"


def test_a_mapping_decides_what_a_class_is(tiny_wordnet: Store, tmp_path: Path) -> None:
    plant(tmp_path / "root", {"crane": 1, "7": 1, "other": 1})
    mapping = tmp_path / "classes.csv"
    mapping.write_text("class,wnid\ncrane,crane.n.05\n7,beagle\nabsent,n02086910\n", encoding="utf-8")
    with tiny_wordnet.reading() as cursor:
        plan = plan_folders(cursor, tmp_path / "root", None, mapping)
    assert [(row["folder"], row["wnid"], row["issue"]) for row in plan.work.to_pylist()] == [
        (".", None, "stray_file"),
        ("7", BEAGLE, None),
        ("crane", "n02012849", None),
        ("other", None, "unmapped_class"),
    ]


def test_all_problems_of_a_mapping_are_told_at_once(tiny_wordnet: Store, tmp_path: Path) -> None:
    mapping = tmp_path / "classes.csv"
    mapping.write_text("a,n99999999\nb\nc,beagle\nc,papillon\nd,crane\n", encoding="utf-8")
    with tiny_wordnet.reading() as cursor, pytest.raises(EngineError) as caught:
        read_mapping(cursor, mapping)
    message = caught.value.message
    assert message.startswith(f"The mapping {mapping} has 4 problems:")
    for part in (
        "line 1:",
        "line 2: a class and a wnid",
        "line 4: c was n02088364 before",
        "line 5: 'crane' has 2 senses",
    ):
        assert part in message


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_mapping_may_separate_by_tabs_and_semicolons_and_quote(
    tiny_wordnet: Store, tmp_path: Path, delimiter: str
) -> None:
    mapping = tmp_path / "classes.csv"
    mapping.write_bytes(f'\ufeff"a{delimiter}b"{delimiter}beagle\r\n'.encode())
    with tiny_wordnet.reading() as cursor:
        assert read_mapping(cursor, mapping) == {f"a{delimiter}b": BEAGLE}
        assert resolve_classes(cursor, ["x"], mapping)["x"].issue == "unmapped_class"


def test_the_outer_folder_of_imagenet_names_the_inner_one(tiny_wordnet: Store, tmp_path: Path) -> None:
    outer = tmp_path / "imagenet21k_resized"
    plant(outer / "imagenet21k_train", {BEAGLE: 1, PAPILLON: 1})
    plant(outer / "imagenet21k_val", {BEAGLE: 1})
    with tiny_wordnet.reading() as cursor, pytest.raises(EngineError) as caught:
        plan_folders(cursor, outer, None, None)
    assert "imagenet21k_train (2 wnid folders)" in caught.value.message
    assert caught.value.hint == f"Add the inner folder: sood-tui images add {outer}/imagenet21k_train"
    deep = plant(tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "train", {BEAGLE: 1})
    assert find_inner_roots(tmp_path / "ILSVRC") == [(deep, 1)]


def test_bad_roots_say_what_is_wrong(tiny_wordnet: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    plant(tmp_path / "flat", {".": 3})
    plant(tmp_path / "other", {"gizmo": 1})
    plant(tmp_path / "wnids", {BEAGLE: 1})
    plant(tmp_path / "disk", {"init.d": 1, "apt": 1, "vehicle": 1})
    (tmp_path / "file").touch()
    with tiny_wordnet.reading() as cursor:
        for name, message in (
            ("missing", "There is no folder"),
            ("file", "is a file"),
            ("empty", "holds no folder"),
            ("flat", "holds no folder"),
            ("other", "not named by wnids"),
            (f"wnids/{BEAGLE}", "is the folder of one wnid"),
            ("disk", "nor most of them by words"),
        ):
            with pytest.raises(EngineError, match=message) as caught:
                plan_folders(cursor, tmp_path / name, None, None)
            assert caught.value.hint


def lines(
    tmp_path: Path, text: str | bytes, classes: dict[str, str] | None = None, name: str = "list.txt"
) -> list[Line]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_list(path, tmp_path, classes or {}))


def found(read: list[Line]) -> list[tuple[str, str | None, str | None]]:
    return [(line.path, line.wnid, line.issue) for line in read]


def test_a_list_of_path_and_wnid(tmp_path: Path) -> None:
    read = lines(
        tmp_path, f"a b.jpg {BEAGLE}\n\n./c/../d.png\t{PAPILLON}\r\n{tmp_path}/e.jpg {BEAGLE}\n../f.jpg {BEAGLE}\n"
    )
    assert found(read) == [
        ("a b.jpg", BEAGLE, None),
        ("d.png", PAPILLON, None),
        ("e.jpg", BEAGLE, None),
        ("../f.jpg", None, "outside_root"),
    ]


def test_a_csv_list_may_hold_anything_in_a_name(tmp_path: Path) -> None:
    read = lines(tmp_path, f'path,wnid\n"a, ""b"".jpg",{BEAGLE}\n"line\nbreak.jpg",{PAPILLON}\n', name="list.csv")
    assert found(read) == [('a, "b".jpg', BEAGLE, None), ("line\nbreak.jpg", PAPILLON, None)]
    assert found(lines(tmp_path, f"a.jpg,{BEAGLE}\n")) == [("a.jpg", BEAGLE, None)]


def test_the_lists_of_sood_take_the_wnid_of_the_folder(tmp_path: Path) -> None:
    read = lines(
        tmp_path,
        f"imagenet21k_train/{BEAGLE}/x.JPEG 3 dog beagle\n"
        f"imagenet21k_train/{PAPILLON}/y.JPEG masks/y.png 3 dog papillon\n",
    )
    assert found(read) == [
        (f"imagenet21k_train/{BEAGLE}/x.JPEG", BEAGLE, None),
        (f"imagenet21k_train/{PAPILLON}/y.JPEG", PAPILLON, None),
    ]


def test_the_lists_of_openood_need_a_mapping_for_their_classes(tmp_path: Path) -> None:
    text = "val/1.JPEG 0\nval/2.JPEG 1\nval/3.JPEG 2\n"
    assert found(lines(tmp_path, text, {"0": BEAGLE, "1": CHIHUAHUA})) == [
        ("val/1.JPEG", BEAGLE, None),
        ("val/2.JPEG", CHIHUAHUA, None),
        ("val/3.JPEG", None, "unmapped_class"),
    ]
    assert found(lines(tmp_path, f"train/{BEAGLE}/a.JPEG 0\n")) == [(f"train/{BEAGLE}/a.JPEG", BEAGLE, None)]


def test_lines_that_say_nothing_or_say_it_twice_are_issues(tmp_path: Path) -> None:
    read = lines(tmp_path, f"hello world\na.jpg\n{BEAGLE}/b.jpg\n{BEAGLE}/b.jpg {PAPILLON}\n")
    assert [(line.number, line.issue, line.detail) for line in read] == [
        (1, "unreadable_line", "line 1 names no picture"),
        (2, "unreadable_line", "line 2 says no wnid"),
        (3, None, None),
        (4, "duplicate_line", "line 4; the file stands in line 3"),
    ]


def test_bytes_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    read = lines(tmp_path, b"caf\xe9.jpg n02088364\n")
    assert found(read) == [("caf\\xe9.jpg", BEAGLE, None)]
    assert os.fsencode(read[0].path) == b"caf\\xe9.jpg"
