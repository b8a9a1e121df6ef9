"""The parts of a job: one Parquet file a finished shard, and files that belong to it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.jobs.files import remove_drafts, sha256_of

MARKER = ".parquet"
FILES_KEY = "sood.files"


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file beside the Parquet file of a part.

    Attributes:
        path: where it lies.
        sha256: of its bytes, taken when it was written.
    """

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """The results of one shard; that its Parquet file is there means that all its files are.

    Attributes:
        number: number of the shard.
        path: the Parquet file.
    """

    number: int
    path: Path

    @property
    def name(self) -> str:
        """File name of the Parquet file; names the part among those of its job."""
        return self.path.name

    @property
    def rows(self) -> int:
        """Rows of the Parquet file."""
        import pyarrow.parquet as parquet

        return int(parquet.read_metadata(self.path).num_rows)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the kind's function gave to ``Shard.commit``."""
        return {key: value for key, value in self._texts().items() if key != FILES_KEY}

    @property
    def files(self) -> Mapping[str, PartFile]:
        """Suffix, such as ``.npy``, to the further file with that suffix."""
        hashes = json.loads(self._texts().get(FILES_KEY, "{}"))
        return {suffix: PartFile(self.path.with_suffix(suffix), sha256) for suffix, sha256 in hashes.items()}

    def sha256(self) -> str:
        """The SHA-256 of the Parquet file, in hexadecimal."""
        return sha256_of(self.path)

    def _texts(self) -> dict[str, str]:
        import pyarrow.parquet as parquet

        found = parquet.read_schema(self.path).metadata or {}
        return {key.decode(): value.decode() for key, value in found.items() if key != b"ARROW:schema"}


@dataclass(frozen=True, slots=True)
class PartNames:
    """How the files of one job's parts are called: plainly in its own folder, with its number in a shared one.

    Attributes:
        folder: where they lie.
        prefix: what stands before the number of the shard.
    """

    folder: Path
    prefix: str

    def path(self, shard: int, suffix: str = MARKER) -> Path:
        """Where a file of that shard is or would be."""
        return self.folder / f"{self.prefix}{shard:05d}{suffix}"

    def finished(self) -> list[Part]:
        """The parts that are there, in the order of their shards."""
        pattern = re.compile(re.escape(self.prefix) + r"(\d{5,})" + re.escape(MARKER))
        matches = ((entry, pattern.fullmatch(entry.name)) for entry in _entries(self.folder))
        return sorted(
            (Part(int(match[1]), entry) for entry, match in matches if match is not None), key=lambda part: part.number
        )

    def remove_orphans(self) -> None:
        """Remove the half-written files of a worker that was killed."""
        remove_drafts(self.folder, self.prefix)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
