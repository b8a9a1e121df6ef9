"""Reading a root from the outside: which layout it has, which folders it holds, and what each of them shows."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa

from engine.errors import EngineError
from engine.images.classes import resolve_classes
from store.connection import Cursor
from store.paths import text_of_path

Layout = Literal["wnid", "class", "list"]

# n02084071, and what others make of it: n02085620-Chihuahua.
WNID_FOLDER = re.compile(r"([nvasr][0-9]{8})(?:[-_. ].*)?", re.DOTALL)
# ImageNet's archives put the wnid folders up to three folders down: ILSVRC/Data/CLS-LOC/train.
_SEARCH_DEPTH = 3
# How many folders are looked into for the inner folder: enough for every release, not a walk of a whole disk.
_SEARCH_LIMIT = 200

WORK_SCHEMA = pa.schema(
    [("folder", pa.string()), ("wnid", pa.string()), ("issue", pa.string()), ("detail", pa.string())]
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scan of a root is to do.

    Attributes:
        folder: absolute; the paths of the pictures are relative to it.
        layout: wnid, class or list.
        list_path: absolute path of the list file, None for the other layouts.
        mapping: absolute path of the CSV of classes, or None.
        classes: class in a list -> wnid, for lists whose lines name classes.
        work: one row a folder: folder (text), wnid (None: see issue), issue and detail (None: nothing the matter).
        remarks: what the person should know, such as which layout was guessed.
    """

    folder: Path
    layout: Layout
    list_path: Path | None
    mapping: Path | None
    work: pa.Table
    classes: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def wnid_of_name(name: str) -> str | None:
    """The wnid that a folder's name is or begins with; None if there is none."""
    found = WNID_FOLDER.fullmatch(name)
    return found[1] if found else None


def plan_folders(cursor: Cursor, folder: Path, layout: Layout | None, mapping: Path | None) -> Plan:
    """Look at a root of folders, and list what a scan of it is to read.

    Args:
        cursor: of a catalogue with WordNet in it.
        folder: absolute.
        layout: wnid or class; None to guess.
        mapping: CSV of ``class,wnid``; None to take the folders' names for words of WordNet.

    Raises: EngineError if the folder cannot be read or holds nothing of that layout, saying which folder may be meant.
    """
    names = _list_folders(folder)
    visible = [name for name in names if not name.startswith(".")]
    chosen: Layout = layout or _guess(visible, mapping)
    remarks = () if layout else (f"Layout {chosen} (guessed; --layout says otherwise).",)
    if chosen == "wnid":
        if not any(wnid_of_name(name) for name in visible):
            raise _no_wnid_folder(folder, visible)
        work = _wnid_work(names)
    else:
        work = _class_work(cursor, folder, names, mapping, guessed=layout is None)
    return Plan(folder, chosen, None, mapping, work, remarks=remarks)


def _guess(names: Sequence[str], mapping: Path | None) -> Layout:
    if mapping is not None:
        return "class"
    return "wnid" if any(wnid_of_name(name) for name in names) else "class"


def _list_folders(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted.

    Raises: EngineError if it is missing, is a file or cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except FileNotFoundError as error:
        raise EngineError(
            f"There is no folder {shown(folder)}.", "Check the spelling, and whether its disk is mounted."
        ) from error
    except NotADirectoryError as error:
        raise EngineError(f"{shown(folder)} is a file.", "A list of pictures is added with --layout list.") from error
    except OSError as error:
        raise EngineError(
            f"{shown(folder)} cannot be read: {error.strerror}.", "Check its permissions (ls -ld) and its disk."
        ) from error


def _wnid_work(names: Sequence[str]) -> pa.Table:
    rows = [_root_row()]
    for name in names:
        wnid = wnid_of_name(name)
        issue = None if wnid else "hidden_folder" if name.startswith(".") else "unknown_folder"
        rows.append({"folder": text_of_path(name), "wnid": wnid, "issue": issue, "detail": None})
    return pa.Table.from_pylist(rows, schema=WORK_SCHEMA)


def _class_work(cursor: Cursor, folder: Path, names: Sequence[str], mapping: Path | None, guessed: bool) -> pa.Table:
    visible = [name for name in names if not name.startswith(".")]
    classes = resolve_classes(cursor, [text_of_path(name) for name in visible], mapping)
    known = [found for found in classes.values() if found.wnid or found.issue == "ambiguous_class"]
    # Some folder of any disk is called like a noun; a root of classes mostly is.
    if guessed and mapping is None and 2 * len(known) < len(visible):
        raise _no_wnid_folder(folder, visible)
    if not any(found.wnid for found in classes.values()):
        if guessed and mapping is None and not visible:
            raise _no_wnid_folder(folder, visible)
        of_what = f"in {shown(mapping)}" if mapping else "one word of WordNet with one noun sense"
        raise EngineError(
            f"No folder in {shown(folder)} is named by a class {of_what}.",
            "Write a CSV with the columns class,wnid (class: the folder's name) and give it with --mapping.",
        )
    rows = [_root_row()]
    for name in names:
        text = text_of_path(name)
        if found := classes.get(text):
            rows.append({"folder": text, "wnid": found.wnid, "issue": found.issue, "detail": found.detail})
        else:
            rows.append({"folder": text, "wnid": None, "issue": "hidden_folder", "detail": None})
    return pa.Table.from_pylist(rows, schema=WORK_SCHEMA)


def _root_row() -> dict[str, str | None]:
    # The root itself is looked at too, not its folders: files beside the folders must not go unseen.
    return {"folder": ".", "wnid": None, "issue": "stray_file", "detail": None}


def _no_wnid_folder(folder: Path, names: Sequence[str]) -> EngineError:
    inner = find_inner_roots(folder)
    if inner:
        listed = ", ".join(f"{shown(path)} ({count:,} wnid folders)" for path, count in inner[:4])
        return EngineError(
            f"{shown(folder)} itself holds no wnid folder; they are one level or more further in: {listed}.",
            f"Add the inner folder: sood-tui images add {shown(inner[0][0])}",
        )
    if wnid_of_name(folder.name):
        return EngineError(
            f"{shown(folder)} is the folder of one wnid.",
            f"Add the folder that holds all of them: sood-tui images add {shown(folder.parent)}",
        )
    if not names:
        return EngineError(
            f"{shown(folder)} holds no folder.",
            "Pictures lie in one folder per wnid or class; for a flat folder add a list of `path wnid` lines.",
        )
    sample = ", ".join(repr(name) for name in names[:3])
    return EngineError(
        f"The folders in {shown(folder)} are not named by wnids, nor most of them by words of WordNet: {sample} ...",
        "For class folders give --layout class --mapping CSV with the columns class,wnid.",
    )


def find_inner_roots(folder: Path) -> list[tuple[Path, int]]:
    """Folders further in that hold wnid folders, the one with most of them first, each with their number."""
    found: list[tuple[Path, int]] = []
    level = [folder]
    looked = 0
    for _ in range(_SEARCH_DEPTH):
        below: list[Path] = []
        for outer in level:
            for name in _quiet_list(outer):
                inner = outer / name
                names = _quiet_list(inner)
                looked += 1
                count = sum(1 for item in names if wnid_of_name(item))
                if count:
                    found.append((inner, count))
                else:
                    below.append(inner)
                if looked >= _SEARCH_LIMIT:
                    return sorted(found, key=lambda item: (-item[1], str(item[0])))
        level = below
    return sorted(found, key=lambda item: (-item[1], str(item[0])))


def _quiet_list(folder: Path) -> list[str]:
    try:
        return [name for name in _list_folders(folder) if not name.startswith(".")]
    except EngineError:  # only a hint is looked for here; the root's own error is raised by the caller
        return []


def shown(path: Path | str | None) -> str:
    """A path for a message: printable, whatever bytes it holds."""
    return text_of_path(str(path))
