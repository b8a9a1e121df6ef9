"""The scripts' lists beside those that this workspace makes of the imported work."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from engine.export.formats import reference as reference_format
from engine.export.manifest import fingerprint, line_checks
from engine.export.options import Options
from engine.export.plan import build_plan, lay_out
from engine.reference.found import Found
from engine.reference.lists import ListFile
from engine.splits.after import leave_out
from engine.splits.prepare import prepare_with_pictures
from engine.workspace import Workspace
from store import export as export_store


@dataclass(frozen=True, slots=True)
class ListComparison:
    """A list of the scripts beside the one that this workspace makes of the imported work.

    Attributes:
        lines: of the scripts' list.
        same: lines that stand in both, in any order.
        is_identical: whether every byte is the same.
        reason: why it is not, where that is known.
    """

    file: str
    split: str
    lines: int
    same: int
    is_identical: bool
    reason: str


def compare_lists(workspace: Workspace, found: Found, name: str) -> Iterator[ListComparison]:
    """Each list of classes beside the one that a split of this workspace makes; that one is not kept."""
    files = [file for file in found.lists if file.kind == "classification"]
    if not files:
        return
    with workspace.opened().reading() as cursor, tempfile.TemporaryDirectory() as temporary:
        try:
            prepared, measured = prepare_with_pictures(cursor, workspace.seed, name)
        except EngineError as error:
            yield from (ListComparison(file.path.name, file.split, 0, 0, False, error.message) for file in files)
            return
        measured = leave_out(cursor, prepared, prepared.retune(), measured)
        plan = build_plan(prepared, measured, export_store.fetch_root_names(cursor), {}, Options())
        plan = replace(plan, counts=lay_out(cursor, plan))
        reference_format.write(cursor, plan, Path(temporary))
        for file in files:
            names = dict(zip(plan.splits, reference_format.files(plan), strict=True))
            yield _comparison(file, Path(temporary), names[file.split], len(prepared.replicas))


def _comparison(file: ListFile, folder: Path, name: str, replicas: int) -> ListComparison:
    _, checks = fingerprint(folder, name)
    theirs = file.path.read_bytes()
    found = line_checks(theirs)
    same = int(np.isin(found, checks if checks is not None else np.zeros(0, np.uint32)).sum())
    is_identical = (folder / name).read_bytes() == theirs
    reason = ""
    if not is_identical:
        lines = 0 if checks is None else len(checks)
        if same == len(found) == lines:
            reason = "the same lines in another order: the folders are listed in another order here"
        elif replicas:
            reason = f"{replicas} subclasses stand under two superclasses"
        else:
            reason = f"{len(found) - same} of its lines are not here, {lines - same} of ours are not there"
    return ListComparison(file.path.name, file.split, len(found), same, is_identical, reason)
