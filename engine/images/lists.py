"""Reading list files: lines that name a picture and, in one of four ways, what it shows.

- ``path wnid`` and ``path,wnid`` (quoted where CSV needs it);
- ``path class``, where a mapping says which synset a class is: OpenOOD's image lists, whose classes are numbers;
- ``path class_id superclass subclass``, the lists of SOOD-ImageNet, and the same with a mask in second place: the wnid
  is that of the folder;
- ``path`` alone, when it lies in a folder named by a wnid.
"""

import csv
import io
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.images.issues import is_picture_name
from engine.images.layouts import wnid_of_name
from store.paths import text_of_path

_WNID = re.compile(r"[nvasr][0-9]{8}")
# path, class id, superclass, subclass; a mask may stand behind the path.
_SOOD_LINE = re.compile(r"(?P<path>.+?)(?: (?P<mask>\S+))? (?P<class_id>[0-9]+) (?P<superclass>\S+) (?P<subclass>\S+)")
_HEADERS = ("path", "file", "file_name", "filename", "image")


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says: a picture with its wnid, or an issue with its detail. The path is text (``store.paths``)."""

    number: int
    path: str
    wnid: str | None
    issue: str | None = None
    detail: str | None = None


def read_list(list_path: Path, folder: Path, classes: Mapping[str, str]) -> Iterator[Line]:
    """The lines of a list file that say something, first to last.

    Args:
        list_path: a text or CSV file in UTF-8; other bytes are kept as they are.
        folder: what the paths are relative to; absolute paths below it become relative.
        classes: class -> wnid.

    Raises: OSError when the file cannot be read.
    """
    seen: dict[str, int] = {}
    for number, fields in _fields(list_path):
        if number == 1 and fields[0].lower() in _HEADERS:
            continue
        line = _understood(number, fields, folder, classes)
        if line.issue is None:
            first = seen.setdefault(line.path, number)
            if first != number:
                detail = f"line {number}; the file stands in line {first}"
                line = Line(number, line.path, line.wnid, "duplicate_line", detail)
        yield line


def _fields(list_path: Path) -> Iterator[tuple[int, list[str]]]:
    """The number of each line that is not empty, and its fields: those of CSV, or the whole line as one field."""
    with list_path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        if not _is_csv(list_path):
            for number, raw in enumerate(stream, start=1):
                if text := raw.strip("\r\n"):
                    yield number, [text]
            return
        rows = csv.reader(stream)
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield rows.line_num, ["", str(error)]
                continue
            if any(cells):
                yield rows.line_num, [cell.strip() for cell in cells]


def _is_csv(list_path: Path) -> bool:
    """Whether the file separates by commas: by its ending, or because its first line does."""
    if list_path.suffix.lower() == ".csv":
        return True
    with list_path.open(encoding="utf-8-sig", errors="surrogateescape") as stream:
        first = next((line.strip() for line in stream if line.strip()), "")
    cells = next(csv.reader(io.StringIO(first)), [])
    return len(cells) > 1 and bool(is_picture_name(cells[0]) or cells[0].lower() in _HEADERS)


def _understood(number: int, fields: list[str], folder: Path, classes: Mapping[str, str]) -> Line:
    path, label = _split(fields, classes)
    relative = _relative(path, folder)
    text = text_of_path(relative) if relative else ""
    if not path or not is_picture_name(posixpath.basename(path)):
        shown = text_of_path(" ".join(fields))
        return Line(number, shown, None, "unreadable_line", f"line {number} names no picture")
    if relative is None:
        return Line(number, text_of_path(path), None, "outside_root", f"line {number}")
    if label is not None and label in classes:
        return Line(number, text, classes[label])
    if label is not None and _WNID.fullmatch(label):
        return Line(number, text, label)
    if classes and label is not None:
        return Line(
            number, text, None, "unmapped_class", f"line {number}: the class {text_of_path(label)} is not mapped"
        )
    wnid = next(filter(None, (wnid_of_name(part) for part in reversed(relative.split("/")[:-1]))), None)
    if wnid is None:
        return Line(number, text, None, "unreadable_line", f"line {number} says no wnid")
    return Line(number, text, wnid)


def _split(fields: list[str], classes: Mapping[str, str]) -> tuple[str, str | None]:
    """The path of a line, and its class or wnid if it has one."""
    if len(fields) > 1:
        return fields[0], fields[1] or None
    text = fields[0]
    if is_picture_name(text) and not _SOOD_LINE.fullmatch(text):
        return text, None
    if found := _SOOD_LINE.fullmatch(text):
        return found["path"], None
    path, _, label = text.replace("\t", " ").rstrip().rpartition(" ")
    return path.rstrip(), label


def _relative(path: str, folder: Path) -> str | None:
    """The path relative to the folder, POSIX style; None when it leads out of it."""
    tidy = posixpath.normpath(posixpath.join(str(folder), path))
    base = str(folder).rstrip("/") + "/"
    return tidy.removeprefix(base) if tidy.startswith(base) else None
