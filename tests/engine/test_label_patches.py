"""Pictures made of single objects, and the boxes that these are cut by."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import EngineError
from engine.labels.boxes import Box, read_boxes
from engine.labels.importing import import_truth
from engine.labels.patches import GREY, Patch, PatchSettings, compose, find_patches, plan, write
from engine.workspace import Workspace
from tests.catalogues import scored_workspace, wnid_of

NAMES = ("ant", "bee", "cat", "dog")
COLOURS = {"ant": (250, 0, 0), "bee": (0, 250, 0), "cat": (0, 0, 250), "dog": (250, 250, 0)}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Four classes with two pictures each: white, with a coloured object of 40 x 20 at (10, 5)."""
    made = scored_workspace(tmp_path / "work", {"thing": {name: [0.1, 0.2] for name in NAMES}})
    folder = tmp_path / "pictures"
    with made.opened().writing() as cursor:
        cursor.execute("UPDATE image_root SET path = $path", {"path": str(folder)})
    for name in NAMES:
        for number in range(2):
            picture = Image.new("RGB", (64, 48), "white")
            picture.paste(COLOURS[name], (10, 5, 50, 25))
            path = folder / wnid_of(name) / f"{wnid_of(name)}_{number:03d}.JPEG"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, "PNG")
    return made


def _boxes() -> list[Box]:
    return [Box(1, f"{wnid_of(name)}_{number:03d}", 10, 5, 50, 25) for name in NAMES for number in range(2)]


def _patches(workspace: Workspace) -> list[Patch]:
    with workspace.opened().reading() as cursor:
        return find_patches(cursor, _boxes())[0]


def test_boxes_of_every_form(tmp_path: Path) -> None:
    (tmp_path / "n1_boxes.txt").write_text("n1_0.JPEG\t0\t10\t63\t58\n")
    (tmp_path / "val_annotations.txt").write_text("val_0.JPEG\tn03444034\t0\t32\t44\t62\n")
    (tmp_path / "v.xml").write_text(
        "<annotation><size><width>500</width><height>375</height></size><object><bndbox><xmin>1</xmin>"
        "<ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
    )
    (tmp_path / "b.csv").write_text("file,x_min,y_min,x_max,y_max\nx/c.JPEG,1,2,3.5,4\n")
    assert read_boxes(tmp_path) == [
        Box(1, "n1_0", 0, 10, 63, 58),
        Box(1, "v", 1, 2, 30, 40, 500, 375),
        Box(1, "val_0", 0, 32, 44, 62),
    ]
    assert read_boxes(tmp_path / "b.csv") == [Box(2, "c", 1, 2, 3.5, 4)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("b.csv", "file,x_min\n", "no column y_min"),
        ("b.csv", "file,x_min,y_min,x_max,y_max\na,1,2,1,4\n", "line 2: the box 1, 2, 1, 4 has no area"),
        ("b.csv", "file,x_min,y_min,x_max,y_max\na,1,2,x,4\n", "line 2"),
        ("b.csv", "file,x_min,y_min,x_max,y_max\n", "no boxes"),
        ("b_boxes.txt", "a\t1\t2\t3\n", "line 1: 4 fields"),
        ("b.xml", "<annotation>", "line 1"),
    ],
)
def test_bad_boxes_name_file_and_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(EngineError, match=said):
        read_boxes(tmp_path / name)


def test_only_objects_that_stand_alone_are_cut(workspace: Workspace, tmp_path: Path) -> None:
    twice, small = f"{wnid_of('ant')}_000", f"{wnid_of('bee')}_000"
    boxes = [box for box in _boxes() if box.file != small]
    boxes += [Box(9, twice, 0, 0, 30, 30), Box(9, small, 0, 0, 15, 30), Box(9, "nowhere", 0, 0, 30, 30)]
    lines = [f"{wnid_of('cat')}_000.JPEG,{wnid_of('cat')}", f"{wnid_of('cat')}_001.JPEG,{wnid_of('dog')}"]
    (tmp_path / "mine.csv").write_text("\n".join(["file,labels", *lines]))
    import_truth(workspace, tmp_path / "mine.csv", "csv")
    with workspace.opened().reading() as cursor:
        patches, left_out = find_patches(cursor, boxes)
        certain, _ = find_patches(cursor, boxes, "mine")
    assert [patch.wnid for patch in patches].count(wnid_of("ant")) == 1
    assert left_out == {"several boxes": 2, "no picture here, or several": 1, "a side below 16 pixels": 1}
    assert [Path(patch.path).name for patch in certain] == [f"{wnid_of('cat')}_000.JPEG"]


def test_a_patch_is_cut_by_its_box_and_centred_in_its_cell(workspace: Workspace) -> None:
    settings = PatchSettings(images=1, cells=2, cell_size=60, least_labels=1, most_labels=1, blank=True)
    ((placed,),) = plan(_patches(workspace), settings)
    canvas, ((wnid, box, _),) = compose([placed], settings)
    row, column = divmod(placed.cell, 2)
    # 40 x 20 becomes 60 x 30, which leaves 15 rows free above and below.
    assert box == [column * 60, row * 60 + 15, column * 60 + 60, row * 60 + 45]
    pixels = np.asarray(canvas)
    name = next(name for name in NAMES if wnid_of(name) == wnid)
    left, top, right, bottom = box
    assert (pixels[top:bottom, left:right] == COLOURS[name]).all()
    pixels = pixels.copy()
    pixels[top:bottom, left:right] = GREY
    assert (pixels == GREY).all()


def test_boxes_are_scaled_where_the_annotated_picture_was_larger(workspace: Workspace) -> None:
    patch = _patches(workspace)[0]
    large = Patch(patch.wnid, patch.path, Box(1, "x", 20, 10, 100, 50, 128, 96))
    settings = PatchSettings(images=1, cells=1, cell_size=60, most_labels=1)
    ((one,),) = plan([patch], settings)
    small = compose([one], settings)[0]
    assert np.array_equal(np.asarray(compose([type(one)(one.cell, large)], settings)[0]), np.asarray(small))


@pytest.mark.parametrize("blank", [True, False])
def test_every_number_of_labels_occurs_and_labels_are_those_shown(
    workspace: Workspace, tmp_path: Path, blank: bool
) -> None:
    settings = PatchSettings(images=9, cells=2, cell_size=32, least_labels=2, most_labels=4, blank=blank, seed=3)
    report = write(tmp_path / "out", _patches(workspace), {}, settings)
    assert report.by_labels == {2: 3, 3: 3, 4: 3}
    with (tmp_path / "out" / "labels.csv").open() as file:
        labels = {row["file"]: set(row["labels"].split()) for row in csv.DictReader(file)}
    with (tmp_path / "out" / "boxes.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name, wnids in labels.items():
        shown = [row["wnid"] for row in rows if row["file"] == name]
        assert set(shown) == wnids
        assert len(shown) == (len(wnids) if blank else 4)
        assert Image.open(tmp_path / "out" / "images" / name).size == (64, 64)
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert (record["layout"], record["seed"], record["blank"]) == ("sood-tui grid 1", 3, blank)


def test_the_same_seed_makes_the_same_bytes_and_more_pictures_change_none(workspace: Workspace, tmp_path: Path) -> None:
    patches = _patches(workspace)
    for folder, images in (("one", 4), ("two", 4), ("more", 6)):
        write(tmp_path / folder, patches, {}, PatchSettings(images, cell_size=32, seed=5))
    for path in sorted((tmp_path / "one").rglob("*")):
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.is_dir() or path.read_bytes() == other.read_bytes()
    for path in (tmp_path / "one" / "images").iterdir():
        assert path.read_bytes() == (tmp_path / "more" / "images" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (PatchSettings(1, cells=1, most_labels=2), "do not fit"),
        (PatchSettings(1, least_labels=3, most_labels=2), "do not fit"),
        (PatchSettings(1, cells=3, most_labels=5), "4 classes, but 5 labels"),
        (PatchSettings(0), "At least one picture"),
    ],
)
def test_settings_that_cannot_be(workspace: Workspace, settings: PatchSettings, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        plan(_patches(workspace), settings)


def test_a_folder_that_is_there_is_not_touched(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    with pytest.raises(EngineError, match="not an empty folder"):
        write(tmp_path / "out", _patches(workspace), {}, PatchSettings(1))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
