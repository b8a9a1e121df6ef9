"""A folder that Hugging Face's datasets loads as imagefolder: a data folder a list, metadata.jsonl, and a card.

load_dataset(folder) gives one split a list. The pictures are links unless copies were asked for; pushed to a hub, a
folder of links becomes a folder of pictures, which ImageNet's terms do not allow: the card says so.
"""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from engine.export.card import card_body
from engine.export.listed import ListedPicture, UniqueNames, checked_folder_name, counted
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, list_name
from engine.export.trees import Entry, index_name, picture_name, tree_size, write_tree
from store.connection import Cursor

NAME = "huggingface"
SENTENCE = "huggingface/: data/LIST/ with metadata.jsonl, and README.md with the YAML header that load_dataset reads."
TREE = "huggingface"
METADATA = "metadata.jsonl"
_RECORD = 300
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def files(plan: Plan) -> list[str]:
    """The files that the format writes beside its tree."""
    metadata = [f"{TREE}/data/{list_name(split)}/{METADATA}" for split in plan.splits]
    return [index_name(TREE), f"{TREE}/README.md", *metadata]


def check(cursor: Cursor, plan: Plan) -> None:
    """Look at the names of superclasses.

    Raises: EngineError.
    """
    for name in plan.prepared.superclasses:
        checked_folder_name(name, "superclass")


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to."""
    return tree_size(cursor, plan, _RECORD)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Fill the tree, write a line of metadata for each picture, and the card.

    Raises: EngineError if a picture is gone or a link cannot be made.
    """
    check(cursor, plan)
    with ExitStack() as stack:
        opened = {}
        for split in plan.splits:
            place = folder / TREE / "data" / list_name(split)
            place.mkdir(parents=True, exist_ok=True)
            opened[split] = stack.enter_context((place / METADATA).open("w", encoding="utf-8", newline="\n"))
        write_tree(
            cursor,
            plan,
            folder,
            TREE,
            _place,
            tell,
            lambda picture, entry: _describe(opened[picture.split], picture, entry),
        )
    (folder / TREE / "README.md").write_text(_header(plan) + card_body(cursor, plan), encoding="utf-8", newline="\n")


def _place(picture: ListedPicture, names: UniqueNames) -> str:
    folder = f"data/{list_name(picture.split)}/{picture.superclass}"
    return f"{folder}/{names.claim(folder, picture_name(picture))}"


def _describe(file: TextIO, picture: ListedPicture, entry: Entry) -> None:
    record = {
        "file_name": entry.file.split("/", 3)[3],
        "superclass": picture.superclass,
        "class_id": picture.class_id,
        "wnid": picture.wnid,
        "subclass": picture.subclass,
        "path": picture.path,
        "similarity": picture.similarity,
        "score": picture.score,
        "subclass_mean": picture.subclass_mean,
    }
    file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _header(plan: Plan) -> str:
    """The YAML that the hub and load_dataset read. Names of lists hold letters, digits and underscores only."""
    pictures = counted(plan)
    category = next((name for most, name in _SIZES if pictures < most), "1M<n<10M")
    lines = [
        "---",
        "pretty_name: Semantic out-of-distribution lists over ImageNet-21K",
        "license: other",
        "license_name: imagenet-terms-of-access",
        "license_link: https://image-net.org/download",
        "task_categories:",
        "- image-classification",
        "tags:",
        "- out-of-distribution",
        "- semantic-shift",
        "- imagenet",
        "size_categories:",
        f"- {category}",
        "configs:",
        "- config_name: default",
        "  data_files:",
    ]
    for split in plan.splits:
        lines += [f"  - split: {list_name(split)}", f"    path: data/{list_name(split)}/**"]
    return "\n".join([*lines, "---", "", ""])
