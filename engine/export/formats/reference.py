"""The three lists in the order and with the names of SOOD's own scripts, for byte-by-byte comparison.

Superclasses come in the order of their class ids, subclasses as the imported statistics have them (else by mean),
pictures as the scripts met them. A subclass name that two superclasses share stands together where it comes first, as
the scripts group by name. Pictures that no import knows come in the order of their paths.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from engine.export.arrow_text import text_of
from engine.export.formats import sood
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, PlannedSubclass, list_name
from store import export as store
from store.connection import Cursor
from store.reference import ImportedSubclass, fetch_subclasses

NAME = "reference"
SENTENCE = "reference/train_iid.txt ...: the lists as SOOD's scripts order them, to compare with theirs byte by byte."
FOLDER = "reference"


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return [f"{FOLDER}/{list_name(split)}.txt" for split in plan.splits]


def check(cursor: Cursor, plan: Plan) -> None:
    """Look at every name, as the format sood does.

    Raises: UnlistableNames.
    """
    sood.check(cursor, plan)


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to, told by the lists of the format sood, whose names may be others."""
    return Size(len(files(plan)), sood.size(cursor, plan).bytes, False, False)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Write the lists.

    Raises: UnlistableNames.
    """
    check(cursor, plan)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    known = {(one.superclass, one.wnid): one for one in fetch_subclasses(cursor, plan.prepared.run.run_id)}
    names = [_name(sub, known) for sub in plan.subclasses]
    tails = pa.array(
        [f" {sub.class_id} {sub.superclass} {name}\n" for sub, name in zip(plan.subclasses, names, strict=True)],
        pa.string(),
    )
    root_ids = pa.array(list(plan.roots), pa.int32())
    heads = pa.array([f"{name}/" for name in plan.roots.values()], pa.string())
    for split, name in zip(plan.splits, files(plan), strict=True):
        order = _order(plan, split, names, known)
        with (folder / name).open("wb") as opened:
            for batch in store.stream_in_order(cursor, split, order, plan.prepared.run.run_id):
                head = heads.take(pc.index_in(batch["root_id"], value_set=root_ids))
                opened.write(text_of(pc.binary_join_element_wise(head, batch["path"], tails.take(batch["place"]), "")))


def _name(sub: PlannedSubclass, known: dict[tuple[str, str], ImportedSubclass]) -> str:
    one = known.get((sub.superclass, sub.wnid))
    return one.name if one else sub.subclass


def _order(plan: Plan, split: str, names: Sequence[str], known: dict[tuple[str, str], ImportedSubclass]) -> pa.Table:
    """Where the pictures of each place come in a list."""

    def key(place: int) -> tuple[int, float, float, str]:
        sub = plan.subclasses[place]
        one = known.get((sub.superclass, sub.wnid))
        # Without statistics the scripts' order of subclasses is that of their means.
        position = float(one.position) if one and one.mean is not None else -1.0
        return int(sub.class_id or 0), position, sub.mean or 0.0, sub.wnid

    places = sorted((place for place, sub in enumerate(plan.subclasses) if sub.split == split), key=key)
    first: dict[str, int] = {}
    for position, place in enumerate(places):
        first.setdefault(names[place], position)
    ordered = sorted(places, key=lambda place: first[names[place]])
    return pa.table({"place": pa.array(ordered, pa.int32()), "position": pa.array(range(len(ordered)), pa.int32())})
