"""A folder that several machines reach, named by a URL that fsspec understands: file://, s3:// and others.

It lies beside the workspace and mirrors its layout for one job: the machines of a cluster leave their files there, and
the leader fetches each into the workspace, whole.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from engine.errors import EngineError
from engine.jobs.files import write_whole

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Storage:
    """The files of one job in a shared place.

    Attributes:
        url: of the folder, as the user wrote it.
        job_id: names the folder in it that is this job's.
    """

    url: str
    job_id: str

    def put(self, root: Path, names: Iterable[str]) -> None:
        """Copy files from below a folder, in that order; each appears whole.

        Raises:
            EngineError: the storage cannot be reached or written to.
        """
        with _Explained(self.url):
            system, base = self._open()
            for name in names:
                target = f"{base}/{name}"
                draft = f"{base}/.{uuid4().hex}.tmp"
                system.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
                if _renames(system):
                    system.put_file(str(root / name), draft)
                    system.mv(draft, target)
                else:  # an object appears when all of it has arrived
                    system.put_file(str(root / name), target)

    def get(self, root: Path, names: Iterable[str]) -> None:
        """Copy files to below a folder, in that order; each appears whole. What is there already stays.

        Raises:
            EngineError: the storage cannot be reached, or a file is not there.
        """
        with _Explained(self.url):
            system, base = self._open()
            for name in names:
                place = _below(root, name)
                if place.exists():
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                with system.open(f"{base}/{name}", "rb") as source:
                    write_whole(place, partial(_copy, source))

    def names(self) -> list[str]:
        """The files that are there, relative and sorted.

        Raises:
            EngineError: the storage cannot be reached.
        """
        with _Explained(self.url):
            system, base = self._open()
            found = system.find(base) if system.exists(base) else []
            return sorted(path[len(base) + 1 :] for path in found if not path.endswith(".tmp"))

    def remove(self) -> None:
        """Remove all of this job's files.

        Raises:
            EngineError: the storage cannot be reached.
        """
        with _Explained(self.url):
            system, base = self._open()
            if system.exists(base):
                system.rm(base, recursive=True)

    def _open(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        # Files come and go here under the eyes of several machines: what was listed before says nothing.
        options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": False}
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if self.url.startswith("s3://") and endpoint:
            options["endpoint_url"] = endpoint
        system, path = url_to_fs(f"{self.url.rstrip('/')}/{self.job_id}", **options)
        return system, str(path).rstrip("/")


def files_below(root: Path, patterns: Iterable[str]) -> list[str]:
    """Files of a workspace that match, relative and sorted."""
    return sorted(path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern))


def new_files(root: Path, known: set[str]) -> list[str]:
    """Whole files below a folder that are not known, in the order in which they were written."""
    found = [
        path
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.relative_to(root).as_posix() not in known
    ]
    # Of files written in the same instant the table of a part is the last one: it makes the others count.
    found.sort(key=lambda path: (path.stat().st_mtime_ns, path.suffix == ".parquet", path.name))
    return [path.relative_to(root).as_posix() for path in found]


def _copy(source: Any, stream: Any) -> None:
    while chunk := source.read(_CHUNK):
        stream.write(chunk)


def _renames(system: Any) -> bool:
    protocol = system.protocol if isinstance(system.protocol, str) else system.protocol[0]
    return protocol in ("file", "local", "sftp", "ssh", "smb", "hdfs", "memory")


def _below(root: Path, name: str) -> Path:
    """A place below a folder; a name from another machine that points elsewhere is a bug or an attack."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts:
        raise EngineError(f"The storage names a file outside of the workspace: {name!r}.")
    return root.joinpath(*parts)


class _Explained:
    """Says which storage it was that failed, and what to look at."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        if error is None or isinstance(error, EngineError) or not isinstance(error, Exception):
            return
        hint = "Check that it exists and that its credentials (for s3:// those of boto3) are there on every machine."
        if isinstance(error, ImportError):
            hint = "pip install 'sood-tui[ray]', here and on every machine."
        raise EngineError(f"The storage {self._url} cannot be used: {type(error).__name__}: {error}", hint) from error
