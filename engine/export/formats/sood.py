"""The three lists of SOOD-ImageNet: a picture a line, as the reference's loader reads them.

The loader splits a line at any blank and wants exactly path, class id, superclass, subclass. So no name may hold a
blank, and no path may hold bytes that are not UTF-8.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import EngineError
from engine.export.arrow_text import text_of
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, list_name
from store import export as store
from store.connection import Cursor
from store.paths import path_of_text

NAME = "sood"
SENTENCE = "train_iid.txt, test_easy_ood.txt, test_hard_ood.txt: path, class id, superclass, subclass."

SHOWN = 10

# What str.split() takes for a blank.
_BLANK = re.compile(r"\s|[\x1c-\x1f\x85]")
_NEWLINE, _SPACE, _LAST_ASCII, _BACKSLASH = 0x0A, 0x20, 0x7F, 0x5C
_BLANKS_IN_A_LINE = 4  # three between the fields and the end


class UnlistableNames(EngineError):
    """Names that a line of four fields cannot hold."""

    def __init__(self, names: list[str], count: int, format_name: str = "sood") -> None:
        more = f"\n  and {count - len(names)} more" if count > len(names) else ""
        super().__init__(
            f"The format {format_name} cannot hold {count} name(s), for their blanks or bytes that are not UTF-8:\n"
            + "\n".join(f"  {name!r}" for name in names)
            + more,
            f"Rename them, reject their subclass, or leave {format_name} out: "
            "--formats parquet,csv,jsonl holds any name.",
        )
        self.names = names


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return [f"{list_name(split)}.txt" for split in plan.splits]


def check(cursor: Cursor, plan: Plan) -> None:
    """Look at every name without writing anything.

    Raises: UnlistableNames.
    """
    for _ in _lines(cursor, plan):
        pass


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to, to the byte."""
    return Size(len(files(plan)), sum(len(text) for _, text in _lines(cursor, plan)), True, False)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Write the lists.

    Raises: UnlistableNames.
    """
    with ExitStack() as stack:
        opened = {
            split: stack.enter_context((folder / name).open("wb"))
            for split, name in zip(plan.splits, files(plan), strict=True)
        }
        for split, text in _lines(cursor, plan):
            opened[split].write(text)


def _lines(cursor: Cursor, plan: Plan) -> Iterator[tuple[str, memoryview]]:
    """Pieces of the lists in their order; all unlistable names are gathered before one of them is an error."""
    unlistable = Unlistable()
    for sub in plan.subclasses:
        if sub.split is not None:
            unlistable.look(sub.superclass)
            unlistable.look(sub.subclass)
    tails = pa.array([f" {sub.class_id} {sub.superclass} {sub.subclass}\n" for sub in plan.subclasses], pa.string())
    root_ids = pa.array(list(plan.roots), pa.int32())
    heads = pa.array([f"{name}/" for name in plan.roots.values()], pa.string())
    for split in plan.splits:
        for batch in store.stream_listed(cursor, split):
            head, tail = heads.take(pc.index_in(batch["root_id"], value_set=root_ids)), tails.take(batch["place"])
            text = text_of(pc.binary_join_element_wise(head, batch["path"], tail, ""))
            if _is_suspicious(text, batch.num_rows):
                paths = pc.binary_join_element_wise(head, batch["path"], "").to_pylist()
                written = pa.array([unlistable.look(path, is_path=True) for path in paths], pa.string())
                text = text_of(pc.binary_join_element_wise(written, tail, ""))
            if not unlistable.count:
                yield split, text
    unlistable.tell()


class Unlistable:
    """Gathers the names that cannot stand in a line, so that all of them are told at once."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.count = 0

    def look(self, name: str, is_path: bool = False) -> str:
        """The name as it stands in the line: a path as the file system has it."""
        real = path_of_text(name) if is_path else name
        if not real or _BLANK.search(real) or any("\udc80" <= letter <= "\udcff" for letter in real):
            self.count += 1
            if len(self.names) < SHOWN:
                self.names.append(name)
            return name
        return real

    def tell(self, format_name: str = NAME) -> None:
        """Raises: UnlistableNames if there was one."""
        if self.count:
            raise UnlistableNames(self.names, self.count, format_name)


def _is_suspicious(text: memoryview, lines: int) -> bool:
    """Whether a name among the lines has to be looked at: blanks of its own, a backslash, or letters beyond ASCII."""
    codes = np.frombuffer(text, np.uint8)
    return bool(
        np.count_nonzero(codes <= _SPACE) != lines * _BLANKS_IN_A_LINE
        or codes.max() > _LAST_ASCII
        or np.any(codes == _BACKSLASH)
    )
