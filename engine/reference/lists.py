"""The lists that the scripts wrote, and the pictures in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.reference.stages import WNID

_NAME = re.compile(r"(train_iid|test_easy_ood|test_hard_ood)(?:_(?P<data_id>.+))?\.txt")
SPLITS = {"train_iid": "train", "test_easy_ood": "easy", "test_hard_ood": "hard"}


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list; kind is classification or segmentation."""

    path: Path
    split: str
    kind: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list. mask is None in lists for classification."""

    path: str
    root: str
    wnid: str
    file: str
    class_id: int
    superclass: str
    name: str
    mask: str | None


def find_lists(folder: Path, data_id: str | None = None) -> list[ListFile]:
    """The lists below a folder, by path.

    Args:
        folder: the lists folder.
        data_id: only lists of this work, or without a name of a work; None takes all.
    """
    found = []
    for path in sorted(folder.rglob("*.txt")):
        known = _NAME.fullmatch(path.name)
        if known and (data_id is None or known["data_id"] in (None, data_id)):
            kind = "segmentation" if "segmentation" in path.relative_to(folder).parts else "classification"
            found.append(ListFile(path, SPLITS[known[1]], kind))
    return found


def read_list(file: ListFile) -> Iterator[Line | str]:
    """The lines of a list; one that cannot be understood comes as its text."""
    fields = 4 if file.kind == "segmentation" else 3
    with file.path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as opened:
        for text in opened:
            line = text.rstrip("\r\n")
            yield _line(line, fields) or line


def _line(text: str, fields: int) -> Line | None:
    parts = text.rsplit(" ", fields)
    if len(parts) != fields + 1 or not parts[-3].isdigit():
        return None
    steps = parts[0].split("/")
    if len(steps) < 2 or not WNID.fullmatch(steps[-2]):
        return None
    root = "/".join(steps[:-2])
    mask = parts[1] if fields == 4 else None
    return Line(parts[0], root, steps[-2], steps[-1], int(parts[-3]), parts[-2], parts[-1], mask)
