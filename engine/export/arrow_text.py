"""Text of Arrow arrays without a Python string for each."""

import numpy as np
import pyarrow as pa


def text_of(lines: pa.Array) -> memoryview:
    """The bytes of an array of text, laid end to end: how Arrow holds them already. No element may be NULL."""
    kind = np.int64 if pa.types.is_large_string(lines.type) else np.int32
    offsets = np.frombuffer(lines.buffers()[1], kind)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(lines.buffers()[2])[int(offsets[0]) : int(offsets[-1])]
