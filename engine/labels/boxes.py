"""Reading boxes around objects: ImageNet's XML, Tiny ImageNet's text files, and plain CSV."""

import csv
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError

COLUMNS = ("file", "x_min", "y_min", "x_max", "y_max")


@dataclass(frozen=True, slots=True)
class Box:
    """One object: left, top, right and bottom in pixels, of a picture of width x height.

    Attributes:
        line: line of its file, or number of the object in it, from 1.
        file: name of the picture's file without folders and ending, as ImageNet's XML gives it.
        width, height: of the picture that was annotated; None where the file does not say.
    """

    line: int
    file: str
    x_min: float
    y_min: float
    x_max: float
    y_max: float
    width: int | None = None
    height: int | None = None


def read_boxes(path: Path) -> list[Box]:
    """The boxes of a file, or of all files below a folder.

    Args:
        path: a CSV with the columns file, x_min, y_min, x_max, y_max; Tiny ImageNet's `*_boxes.txt` (file and four
            numbers) or `val_annotations.txt` (file, wnid and four numbers); ImageNet's XML; or a folder with such
            text and XML files.

    Raises: EngineError naming file and line for anything that is not as it should be, and for a folder without boxes.
    """
    if path.is_dir():
        files = sorted([*path.rglob("*.xml"), *path.rglob("*_boxes.txt"), *path.rglob("val_annotations.txt")])
    elif path.is_file():
        files = [path]
    else:
        raise EngineError(f"{path} is not there.", "Name a file with boxes, or a folder of such files.")
    boxes = [box for file in files for box in _of_file(file)]
    if not boxes:
        raise EngineError(f"{path} has no boxes.", "XML of ImageNet, *_boxes.txt of Tiny ImageNet and CSV are read.")
    return boxes


def _of_file(file: Path) -> Iterator[Box]:
    try:
        if file.suffix.lower() == ".xml":
            yield from _of_xml(file)
        elif file.suffix.lower() == ".csv":
            yield from _of_csv(file)
        else:
            yield from _of_text(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EngineError(f"{file} cannot be read: {error}") from error


def _of_xml(file: Path) -> Iterator[Box]:
    try:
        root = ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise EngineError(f"{file}, line {error.position[0]}: this is no XML.") from error
    width, height = (root.findtext(f"size/{name}") for name in ("width", "height"))
    for number, found in enumerate(root.iter("object"), start=1):
        where = f"{file}, object {number}"
        numbers = [found.findtext(f"bndbox/{name}") for name in ("xmin", "ymin", "xmax", "ymax")]
        yield _box(number, file.stem, numbers, where, _whole(width), _whole(height))


def _of_csv(file: Path) -> Iterator[Box]:
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
            raise EngineError(f"{file} has no column {missing[0]}.", f"Columns are {', '.join(COLUMNS)}.")
        for row in rows:
            numbers = [row[name] for name in COLUMNS[1:]]
            yield _box(rows.line_num, Path(row["file"] or "").stem, numbers, f"{file}, line {rows.line_num}")


def _of_text(file: Path) -> Iterator[Box]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split("\t")
        if not line.strip():
            continue
        if len(fields) not in (5, 6):
            raise EngineError(f"{file}, line {number}: {len(fields)} fields; file, maybe a wnid, and four numbers.")
        yield _box(number, Path(fields[0]).stem, list(fields[-4:]), f"{file}, line {number}")


def _box(
    line: int,
    name: str,
    numbers: list[str | None],
    where: str,
    width: int | None = None,
    height: int | None = None,
) -> Box:
    try:
        x_min, y_min, x_max, y_max = (float(number or "") for number in numbers)
    except ValueError:
        raise EngineError(f"{where}: {numbers} are no four numbers.") from None
    if not (0 <= x_min < x_max and 0 <= y_min < y_max):
        raise EngineError(f"{where}: the box {x_min:g}, {y_min:g}, {x_max:g}, {y_max:g} has no area, or lies outside.")
    if not name:
        raise EngineError(f"{where}: no file is named.")
    return Box(line, name, x_min, y_min, x_max, y_max, width, height)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and int(text) else None
