"""A folder for each list that FiftyOne imports as a FiftyOneImageClassificationDataset: data/ and labels.json.

FiftyOne's format knows no tags of pictures, so each list is imported by itself and tagged with its name:

    dataset.add_dir(folder, fiftyone.types.FiftyOneImageClassificationDataset, tags="hard", include_attributes=True)
"""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from engine.export.listed import ListedPicture, UniqueNames
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, list_name
from engine.export.trees import Entry, index_name, picture_name, tree_size, write_tree
from store.connection import Cursor

NAME = "fiftyone"
SENTENCE = "fiftyone/LIST/data/ and labels.json: one FiftyOneImageClassificationDataset a list, with attributes."
TREE = "fiftyone"
_RECORD = 260


def files(plan: Plan) -> list[str]:
    """The files that the format writes beside its tree."""
    return [index_name(TREE), *(f"{TREE}/{list_name(split)}/labels.json" for split in plan.splits)]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held."""


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to."""
    return tree_size(cursor, plan, _RECORD)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Fill the tree and write the labels as the pictures come.

    Raises: EngineError if a picture is gone or a link cannot be made.
    """
    with ExitStack() as stack:
        opened = {}
        for split in plan.splits:
            place = folder / TREE / list_name(split)
            (place / "data").mkdir(parents=True, exist_ok=True)
            opened[split] = _Labels(
                stack.enter_context((place / "labels.json").open("w", encoding="utf-8", newline="\n")),
                plan.prepared.superclasses,
            )
        write_tree(
            cursor, plan, folder, TREE, _place, tell, lambda picture, entry: opened[picture.split].add(picture, entry)
        )
        for labels in opened.values():
            labels.finish()


def _place(picture: ListedPicture, names: UniqueNames) -> str:
    folder = f"{list_name(picture.split)}/data/{picture.wnid}"
    # FiftyOne finds a picture by its name without the ending, so two endings must not share a stem.
    stem, ending = os.path.splitext(picture_name(picture))
    return f"{folder}/{names.claim(folder, stem)}{ending}"


class _Labels:
    """One labels.json, written line by line."""

    def __init__(self, file: TextIO, classes: tuple[str, ...]) -> None:
        self._file = file
        self._between = "\n"
        file.write('{\n"classes": ' + json.dumps(list(classes), ensure_ascii=False) + ',\n"labels": {')

    def add(self, picture: ListedPicture, entry: Entry) -> None:
        """One picture with what is known of it."""
        key = os.path.splitext(entry.file.split("/data/", 1)[1])[0]
        attributes = {
            "wnid": picture.wnid,
            "subclass": picture.subclass,
            "split": picture.split,
            "similarity": picture.similarity,
            "score": picture.score,
            "subclass_mean": picture.subclass_mean,
        }
        label = {"label": picture.class_id, "attributes": attributes}
        self._file.write(
            f"{self._between}{json.dumps(key, ensure_ascii=False)}: {json.dumps(label, ensure_ascii=False)}"
        )
        self._between = ",\n"

    def finish(self) -> None:
        """Close the braces."""
        self._file.write("\n}\n}\n")
