"""The folder of an export: what may be replaced there, where it is written first, and how it gets into its place."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import EngineError
from engine.export.manifest import MANIFEST, canonical, read_manifest
from engine.export.trees import remove_tree


def require_room(folder: Path, names: Sequence[str], force: bool) -> None:
    """Check that nothing would be overwritten that is not ours, and nothing at all without force.

    Args:
        folder: of the export.
        names: files and trees that will be there.
        force: whether an export may be replaced.

    Raises: EngineError.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise EngineError(f"{folder} is a file.", "Name a folder.")
    there = {entry.name for entry in folder.iterdir()}
    if not there:
        return
    if not force:
        raise EngineError(
            f"{folder} is not empty.", "Name another folder, or --force to replace the export in it (and nothing else)."
        )
    ours = files_of(folder) | set(trees_in(folder))
    foreign = [name for name in names if (folder / name).exists() and name not in ours]
    if foreign:
        raise EngineError(
            f"{folder} holds {', '.join(foreign)}, which no export wrote.", "Move it away, or name another folder."
        )


def files_of(folder: Path) -> set[str]:
    """The files of the export in a folder; none where there is no export."""
    manifest = _manifest_of(folder)
    names = {str(entry["path"]) for entry in manifest.get("files", [])} | ({MANIFEST} if manifest else set())
    return {name for name in names if _is_inside(name)}


def trees_in(folder: Path) -> list[str]:
    """The trees of the export in a folder."""
    names = [str(tree["path"]) for tree in _manifest_of(folder).get("trees", [])]
    return [name for name in names if _is_inside(name) and len(PurePosixPath(name).parts) == 1]


def _manifest_of(folder: Path) -> dict[str, Any]:
    try:
        return read_manifest(folder)
    except EngineError:
        return {}


def _is_inside(name: str) -> bool:
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


@contextmanager
def partial_folder(folder: Path, identity: object, goes_on: bool) -> Iterator[Path]:
    """A folder beside the export to write in. Those of dead processes and of other contents go.

    Args:
        folder: of the export.
        identity: what decides the contents; the same export finds its folder again.
        goes_on: whether it stays when the block is left by an exception, for the next try.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}.partial-"
    own = hashlib.sha256(canonical(identity)).hexdigest()[:16] if goes_on else str(os.getpid())
    for left_over in folder.parent.glob(f"{prefix}*"):
        name = left_over.name.removeprefix(prefix)
        if name != own and not _is_alive(name):
            shutil.rmtree(left_over, ignore_errors=True)
    partial = folder.parent / f"{prefix}{own}"
    partial.mkdir(exist_ok=goes_on)
    try:
        yield partial
    except BaseException:
        if not goes_on:
            shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(partial, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return int(pid) != os.getpid()


def sync_files(partial: Path, trees: Sequence[str], copies: bool) -> None:
    """Make sure that everything is on disk; copies of pictures all at once, for one by one takes too long."""
    for file in sorted(partial.rglob("*")) if not trees else sorted(_outside(partial, trees)):
        sync(file)
    if copies:
        os.sync()
    sync(partial)


def _outside(partial: Path, trees: Sequence[str]) -> Iterator[Path]:
    for entry in partial.iterdir():
        if entry.name not in trees:
            yield entry
            if entry.is_dir():
                yield from entry.rglob("*")


def sync(path: Path) -> None:
    """Make sure that a file or folder is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(partial: Path, folder: Path, trees: Sequence[str]) -> None:
    """Put the finished files in their place.

    Where an export is replaced, its manifest goes first and the new one comes last: what was interrupted in between
    is no export.
    """
    if not folder.exists() or not any(folder.iterdir()):
        partial.rename(folder)
        sync(folder.parent)
        return
    old, old_trees = files_of(folder), trees_in(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    for tree in old_trees:
        for name in old:
            if name.startswith(f"{tree}/"):
                (folder / name).unlink(missing_ok=True)
        remove_tree(folder, tree)
    for tree in trees:
        if (folder / tree).exists():
            raise EngineError(
                f"{folder / tree} holds files that no export wrote.", "Move them away, and make the export again."
            )
        (partial / tree).rename(folder / tree)
    new = [str(file.relative_to(partial)) for file in sorted(partial.rglob("*")) if file.is_file()]
    for name in sorted(new, key=lambda name: name == MANIFEST):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).replace(folder / name)
    kept = set(new)
    for name in old:
        if name not in kept and not any(name.startswith(f"{tree}/") for tree in trees):
            (folder / name).unlink(missing_ok=True)
            _prune((folder / name).parent, folder)
    sync(folder)


def _prune(empty: Path, top: Path) -> None:
    """Take away folders that an export left empty."""
    while empty != top and empty.is_dir() and not any(empty.iterdir()):
        empty.rmdir()
        empty = empty.parent
