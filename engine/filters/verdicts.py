"""The columns of a verdict, as jobs write them, and what goes with them."""

import pyarrow as pa

UNREADABLE = "unreadable"
"""In the metadata of a part: its pictures that could not be read, as JSON objects of image_id, status and reason."""

VERDICT_SCHEMA = pa.schema(
    [
        pa.field("superclass", pa.string(), nullable=False),
        pa.field("wnid", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("p_yes", pa.float64()),
        pa.field("p_yes_low", pa.float64()),
        pa.field("p_yes_high", pa.float64()),
        pa.field("margin", pa.float64()),
        pa.field("mass", pa.float64()),
        pa.field("answer", pa.string()),
        pa.field("question", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("image_ids", pa.list_(pa.int64()), nullable=False),
    ]
)
