"""Sets of pictures that belong to no class, for formats that hold them: named once, read when the export is made."""

import hashlib
import os
from collections.abc import Sequence

from engine.errors import EngineError
from engine.evaluation.sets.pictures import resolve_set
from engine.evaluation.sets.sources import named_argument
from engine.export.options import OodSet
from engine.workspace import Workspace
from store.connection import Cursor
from store.export import fetch_listed_names
from store.paths import text_of_path


def read_ood_sets(workspace: Workspace, cursor: Cursor, texts: Sequence[str]) -> tuple[OodSet, ...]:
    """The sets that texts name.

    Args:
        workspace: open.
        cursor: any.
        texts: NAME=SOURCE, or the name of a set of the room evaluation.

    Raises: EngineError if a set is not there, empty, or has no files that a list can name.
    """
    sets = [_read(workspace, cursor, *named_argument(text)) for text in texts]
    names = [one.name for one in sets]
    if len(set(names)) < len(names):
        raise EngineError("Two OOD sets have the same name.", "Name them: --ood places=folder:/data/places")
    return tuple(sets)


def _read(workspace: Workspace, cursor: Cursor, name: str, text: str) -> OodSet:
    found = resolve_set(workspace, cursor, name, text, "ood")
    if not name or not name.replace("_", "").replace("-", "").isalnum():
        raise EngineError(f"The OOD set {name!r} cannot name a file.", "Use letters, digits and _: --ood places=SOURCE")
    kind, value = found.source.kind, found.source.value
    if kind == "npz":
        raise EngineError(f"The set {name} has embeddings but no pictures.", "A list needs pictures.")
    if found.source.in_catalogue:
        paths = fetch_listed_names(cursor, found.items["image_id"].to_pylist())
        source = found.source.text
    else:
        top = text_of_path(os.path.abspath(os.path.expanduser(value)))
        # A list is relative to the folder above a folder of pictures, or to that of the list file.
        base = os.path.dirname(top)
        paths = [os.path.relpath(path, base) for path in found.items["path"].to_pylist()]
        source = f"{kind}:{os.path.basename(top)}"
        if outside := [path for path in paths if path.startswith("..")]:
            raise EngineError(
                f"{len(outside)} pictures of the set {name} lie outside {base}.", "Put them below one folder."
            )
    paths = sorted(paths)
    digest = hashlib.sha256("".join(f"{path}\n" for path in paths).encode()).hexdigest()
    return OodSet(name, found.near_or_far, source, tuple(paths), digest)
