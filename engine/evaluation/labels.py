"""The ID labels: what the classes are called in prompts, and which of them a picture has."""

import ast
import csv
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from engine.errors import EngineError
from engine.evaluation.sets.pictures import PictureSet
from store.connection import Cursor
from store.evaluation import sets as store
from store.wordnet.lists import fetch_class_list

FORMS = "superclass, subclass, imagenet-1k, class (names of folders or of the npz) and file:PATH"


@dataclass(frozen=True, slots=True)
class Labels:
    """The ID labels of a run.

    Attributes:
        names: what prompts call them, in the order of their index.
        keys: what a picture's label is looked up by: superclass, wnid or class name.
        by: which column of the items holds the key.
        wnids: synsets that the labels stand for, for relatives and for the corpus; empty where unknown.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    by: str
    wnids: tuple[str, ...]

    def indices(self, items: pa.Table) -> pa.Array:
        """The label index of each picture, int32; null where it has none."""
        place = {key: index for index, key in enumerate(self.keys)}
        return pa.array([place.get(key) for key in items[self.by].to_pylist()], pa.int32())


def default_labels(id_set: PictureSet) -> str:
    """What an ID set is labelled by if nothing is said: superclasses where it has them, else synsets, else classes."""
    for column, kind in (("superclass", "superclass"), ("wnid", "subclass"), ("class_name", "class")):
        if id_set.items[column].null_count == 0:
            return kind
    raise EngineError(
        f"The pictures of {id_set.name} have no classes, so there are no ID labels.", f"Give --labels: {FORMS}."
    )


def make_labels(cursor: Cursor, id_set: PictureSet, kind: str) -> Labels:
    """The labels of an ID set.

    Args:
        cursor: any cursor.
        id_set: the ID set.
        kind: one of FORMS.

    Raises: EngineError when the set lacks what they are made of, or the file is not what it should be.
    """
    if kind.startswith("file:"):
        return _from_file(kind.removeprefix("file:"))
    if kind == "superclass":
        return _of_column(id_set, "superclass", tuple(sorted(id_set.wnids())))
    if kind == "class":
        return _of_column(id_set, "class_name", ())
    if kind == "subclass":
        return _of_synsets(cursor, id_set)
    if kind == "imagenet-1k":
        return _imagenet(cursor)
    raise EngineError(f"There are no labels {kind!r}.", f"Labels are {FORMS}.")


def _of_column(id_set: PictureSet, column: str, wnids: tuple[str, ...]) -> Labels:
    keys = sorted(key for key in id_set.items[column].unique().to_pylist() if key)
    if not keys:
        raise EngineError(f"The pictures of {id_set.name} have no {column}.", f"Give other labels: {FORMS}.")
    return Labels(tuple(key.replace("_", " ") for key in keys), tuple(keys), column, wnids)


def _of_synsets(cursor: Cursor, id_set: PictureSet) -> Labels:
    wnids = sorted(id_set.wnids())
    lemmas = store.fetch_lemmas(cursor, wnids)
    if not wnids or len(lemmas) < len(wnids):
        unknown = ", ".join(sorted(set(wnids) - set(lemmas))[:3])
        raise EngineError(
            f"The pictures of {id_set.name} have no synsets of WordNet{f' ({unknown})' if unknown else ''}.",
            f"Give other labels: {FORMS}.",
        )
    names = distinct_names({wnid: [lemma.replace("_", " ") for lemma in lemmas[wnid]] for wnid in wnids})
    return Labels(tuple(names[wnid] for wnid in wnids), tuple(wnids), "wnid", tuple(wnids))


def distinct_names(lemmas: dict[str, list[str]]) -> dict[str, str]:
    """The first lemma of each synset; where several share it, the first one that no other has taken."""
    taken: set[str] = set()
    found = {}
    for wnid, words in lemmas.items():
        name = next((word for word in words if word.lower() not in taken), words[0])
        taken.add(name.lower())
        found[wnid] = name
    return found


def _imagenet(cursor: Cursor) -> Labels:
    wnids = fetch_class_list(cursor, "imagenet_1k")
    names = imagenet_names()
    if len(wnids) != len(names):
        raise EngineError(
            f"The catalogue has {len(wnids)} classes of ImageNet-1k, and CLIP's names are {len(names)}.",
            "`sood-tui init` with the full lists makes a catalogue that has them.",
        )
    return Labels(tuple(names), tuple(wnids), "wnid", tuple(wnids))


def imagenet_names() -> list[str]:
    """The 1,000 names that CLIP's authors prompt ImageNet's classes with, from open_clip's package data.

    Raises: EngineError when open_clip has none.
    """
    package = importlib.util.find_spec("open_clip")
    if package is None or package.origin is None:
        raise EngineError("open_clip is not installed, and it holds the names.", "Install sood-tui with it.")
    # Read as text: importing the package would load torch into this process.
    tree = ast.parse((Path(package.origin).parent / "zero_shot_metadata.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "IMAGENET_CLASSNAMES":
            return [str(name) for name in ast.literal_eval(node.value)]
    raise EngineError("This version of open_clip has no ImageNet names.", "Give --labels file:PATH.")


def _from_file(value: str) -> Labels:
    file = Path(value).expanduser()
    try:
        rows = [row for row in csv.reader(file.read_text(encoding="utf-8").splitlines()) if row and row[0].strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"The labels {value} cannot be read: {error}.") from error
    if not rows:
        raise EngineError(f"The labels {value} are empty.", "Write a name a line, or KEY,NAME.")
    keys = tuple(row[0].strip() for row in rows)
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise EngineError(f"The labels {value} have {twice!r} twice.", "Each line names one class: KEY,NAME.")
    names = tuple((row[1] if len(row) > 1 else row[0]).strip().replace("_", " ") for row in rows)
    are_wnids = all(len(key) == 9 and key[0] == "n" and key[1:].isdigit() for key in keys)
    return Labels(names, keys, "wnid" if are_wnids else "class_name", keys if are_wnids else ())


def check_labels(labels: Labels, id_set: PictureSet) -> None:
    """Refuse labels that cannot tell the ID set's classes apart.

    Raises: EngineError that names the class.
    """
    if len(labels.names) < 2:
        raise EngineError(
            f"The ID set {id_set.name} has the one class {labels.names[0]!r}.", "A detector needs at least two."
        )
    known = set(labels.keys)
    strangers = sorted({key for key in id_set.items[labels.by].to_pylist() if key} - known)
    if strangers:
        raise EngineError(
            f"{len(strangers)} classes of {id_set.name} are missing among the labels: {', '.join(strangers[:3])}.",
            "Add them to the labels, or leave their pictures out of the ID set.",
        )


def related(cursor: Cursor, wnids: Sequence[str]) -> set[str]:
    """Synsets that an OOD set must not have: the ID synsets, what lies above them and what lies below them."""
    return store.fetch_relatives(cursor, wnids) if wnids else set()
