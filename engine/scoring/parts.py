"""Parts of embeddings: a float16 array, and beside it which picture each row is.

A part is never changed once its Parquet file is there. It names the catalogue whose image ids it uses, so that a folder
that outlives its catalogue is not mistaken for another's.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from engine.jobs.files import write_whole

_KEY = b"sood.embeddings"
_SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.int64(), nullable=False),
        pa.field("row", pa.int32()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
    ]
)
READ = "ok"
"""The status of a picture that has a row; the others have the kind of their issue."""


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What a part says of itself.

    Attributes:
        catalogue_id: whose image ids these are.
        model_key: name of the folder.
        model: as the user wrote it.
        pretrained: as the user wrote it; None where the model brings its own weights.
        weights_sha256: of the file that was loaded.
        dimensions: of an embedding.
        precision: in which the pictures were encoded.
        rows: pictures that have an embedding.
        sha256: of the array's file.
    """

    catalogue_id: str
    model_key: str
    model: str
    pretrained: str | None
    weights_sha256: str
    dimensions: int
    precision: str
    rows: int = 0
    sha256: str = ""


def part_name(job_number: int, shard: int) -> str:
    """The name of a part without its endings: several jobs share the folder of a model."""
    return f"part-{job_number:04d}-{shard:05d}"


def part_table(image_ids: list[int], status: list[str], reasons: list[str | None]) -> pa.Table:
    """The table of a part: rows are counted over the pictures that were read, in order."""
    rows: list[int | None] = []
    read = 0
    for state in status:
        rows.append(read if state == READ else None)
        read += state == READ
    columns = [image_ids, rows, status, reasons]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA)


def write_part(folder: Path, name: str, vectors: NDArray[np.float16], table: pa.Table, facts: PartFacts) -> list[Path]:
    """Write both files of a part, the table last: it makes the part count.

    Args:
        folder: of the model.
        name: see ``part_name``.
        vectors: float16 [rows, dimensions].
        table: see ``part_table``.
        facts: rows and sha256 are filled in here.

    Returns: both files.
    """
    array, marker = folder / f"{name}.npy", folder / f"{name}.parquet"
    sha256 = write_whole(array, lambda stream: np.save(stream, vectors))
    known = asdict(facts) | {"rows": len(vectors), "sha256": sha256}
    marked = table.replace_schema_metadata({_KEY: json.dumps(known).encode()})
    write_whole(marker, lambda stream: parquet.write_table(marked, stream, compression="zstd"))
    return [array, marker]


def read_facts(path: Path) -> PartFacts | None:
    """What the Parquet file of a part says of it; None if it is not one of ours."""
    found = (parquet.read_schema(path).metadata or {}).get(_KEY)
    return PartFacts(**json.loads(found)) if found else None


def parts_of(folder: Path, catalogue_id: str) -> Iterator[tuple[Path, PartFacts]]:
    """The parts of a model for one catalogue, by name: the Parquet file of each with what it says."""
    for path in sorted(folder.glob("part-*.parquet")):
        facts = read_facts(path)
        if facts is not None and facts.catalogue_id == catalogue_id:
            yield path, facts


def read_part(path: Path) -> pa.Table:
    """The table of a part: image_id, row (null for a picture that could not be read), status and reason."""
    return parquet.read_table(path, schema=_SCHEMA)


def encoded_images(folder: Path, catalogue_id: str, except_job: int) -> NDArray[np.int64]:
    """The ids of the pictures that have an embedding, in ascending order.

    Args:
        folder: of the model.
        catalogue_id: whose image ids are meant.
        except_job: parts of this job's own do not count.
    """
    own = part_name(except_job, 0).removesuffix("00000")
    found = [
        parquet.read_table(path, columns=["image_id"], filters=[("status", "=", READ)])["image_id"].to_numpy()
        for path, _ in parts_of(folder, catalogue_id)
        if not path.name.startswith(own)
    ]
    return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
