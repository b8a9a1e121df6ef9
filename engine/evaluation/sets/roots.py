"""The folders that the pictures of an evaluation hang from: where one is gone, its pictures are not unreadable."""

import os
from collections.abc import Iterable

import pyarrow as pa
from pyarrow import compute

from store.connection import Cursor
from store.images.roots import fetch_roots


def roots_of(cursor: Cursor, sets: Iterable[pa.Table]) -> list[str]:
    """Folders, as text, whose absence explains why pictures cannot be read.

    They are the picture folders of the workspace, and of other pictures the folder that all of a set share.

    Args:
        cursor: of the catalogue.
        sets: tables with the column path; null where an embedding came without a file.
    """
    known = [root.path.rstrip("/") for root in fetch_roots(cursor).values()]
    found: dict[str, None] = {}
    for table in sets:
        paths = table["path"].drop_null()
        for root in known:
            here = compute.starts_with(paths, f"{root}/")
            if compute.any(here).as_py():
                found[root] = None
                paths = paths.filter(compute.invert(here))
        if len(paths):
            found[os.path.commonpath([os.path.dirname(path) for path in paths.to_pylist()])] = None
    return list(found)
