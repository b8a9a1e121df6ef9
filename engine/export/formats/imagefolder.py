"""A folder for each list, and in it a folder for each superclass, as torchvision's ImageFolder reads them.

ImageFolder numbers classes by their sorted names, and so are class ids given. A list without a picture of some class
has an empty folder for it, so that ImageFolder says so instead of numbering the others otherwise.
"""

from pathlib import Path

from engine.export.listed import ListedPicture, UniqueNames, checked_folder_name
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, list_name
from engine.export.trees import index_name, picture_name, tree_size, write_tree
from store.connection import Cursor

NAME = "imagefolder"
SENTENCE = "imagefolder/LIST/SUPERCLASS/: links to the pictures, or copies (--link), for torchvision's ImageFolder."
TREE = "imagefolder"


def files(plan: Plan) -> list[str]:
    """The files that the format writes beside its tree."""
    return [index_name(TREE)]


def check(cursor: Cursor, plan: Plan) -> None:
    """Look at the names of superclasses.

    Raises: EngineError.
    """
    for name in plan.prepared.superclasses:
        checked_folder_name(name, "superclass")


def warnings(plan: Plan) -> list[str]:
    """Lists in which a class has no picture."""
    return [
        f"{list_name(split)} has no picture of {', '.join(missing)}; ImageFolder needs allow_empty=True there."
        for split, missing in empty_classes(plan).items()
    ]


def empty_classes(plan: Plan) -> dict[str, list[str]]:
    """Superclasses without a picture, for each list that lacks some."""
    there = {(sub.split, sub.superclass) for sub in plan.subclasses if sub.split is not None}
    missing = {
        split: [name for name in plan.prepared.superclasses if (split, name) not in there] for split in plan.splits
    }
    return {split: names for split, names in missing.items() if names}


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to."""
    return tree_size(cursor, plan)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Fill the tree.

    Raises: EngineError if a picture is gone or a link cannot be made.
    """
    check(cursor, plan)
    for split in plan.splits:
        for name in plan.prepared.superclasses:
            (folder / TREE / list_name(split) / name).mkdir(parents=True, exist_ok=True)
    write_tree(cursor, plan, folder, TREE, _place, tell)


def _place(picture: ListedPicture, names: UniqueNames) -> str:
    folder = f"{list_name(picture.split)}/{picture.superclass}"
    return f"{folder}/{names.claim(folder, picture_name(picture))}"
