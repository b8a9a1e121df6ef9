"""How large files of rows will be, told from a sample of them."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from engine.export.options import Size
from engine.export.plan import Plan, sample_rows
from store.connection import Cursor

SAMPLE = 20_000


def sampled_size(cursor: Cursor, plan: Plan, write: Callable[[pa.RecordBatchReader, Path], None]) -> Size:
    """The size of one file of rows.

    Args:
        cursor: with the rows laid out.
        plan: of the export, with its counts.
        write: writes rows to a file in a folder.
    """
    counts = plan.counts
    whole = 0 if counts is None else sum(counts.listed.values()) + sum(counts.left_out.values())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows = sample_rows(cursor, plan, SAMPLE).read_all()
        write(rows.to_reader(), folder)
        written = sum(file.stat().st_size for file in folder.iterdir())
    is_whole = rows.num_rows == whole
    return Size(1, written if is_whole else round(written / max(rows.num_rows, 1) * whole), is_whole, False)
