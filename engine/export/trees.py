"""Folders of pictures: links or copies, each named in an index, so that a run that was cut off goes on where it was."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.export.listed import Gone, ListedPicture, UniqueNames, counted, listed_pictures
from engine.export.options import Link, OnPictures, Size
from engine.export.plan import Plan
from store.connection import Cursor
from store.paths import path_of_text

PIECE = 1 << 20
TOLD_EVERY = 500
WEIGHED = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree. file is below the export, picture as in the lists; bytes and sha256 are of copies only."""

    file: str
    picture: str
    bytes: int | None = None
    sha256: str | None = None

    @property
    def line(self) -> str:
        """As it stands in the index."""
        given = {key: value for key, value in asdict(self).items() if value is not None}
        return json.dumps(given, ensure_ascii=False) + "\n"


OnEntry = Callable[[ListedPicture, Entry], None]
Places = Callable[[ListedPicture, UniqueNames], str]


def index_name(tree: str) -> str:
    """The file that names everything in a tree."""
    return f"{tree}.jsonl"


def write_tree(
    cursor: Cursor,
    plan: Plan,
    folder: Path,
    tree: str,
    place: Places,
    tell: OnPictures,
    on_entry: OnEntry | None = None,
) -> None:
    """Fill a tree with the pictures of all lists, and write its index.

    Args:
        cursor: with the rows laid out.
        plan: of the export.
        folder: of the export.
        tree: name of the folder to fill.
        place: where a picture goes below the tree, with slashes.
        tell: how far it is.
        on_entry: called for each picture after it is in its place.

    Raises: EngineError if a picture is gone or a link cannot be made; what is written stays for the next try.
    """
    done, whole, gone = 0, counted(plan), Gone()
    with (folder / index_name(tree)).open("w", encoding="utf-8", newline="\n") as index:
        for split in plan.splits:
            names = UniqueNames()
            for picture in listed_pictures(cursor, plan, split):
                below = f"{tree}/{place(picture, names)}"
                target = os.path.join(os.fspath(folder), path_of_text(below))
                try:
                    size, digest = put(picture.file, target, plan.options.link)
                except FileNotFoundError:
                    gone.add(picture.path)
                    continue
                entry = Entry(below, picture.path, size, digest)
                index.write(entry.line)
                if on_entry is not None:
                    on_entry(picture, entry)
                done += 1
                if done % TOLD_EVERY == 0:
                    tell(done, whole)
    tell(done, whole)
    gone.tell()


def put(source: str, target: str, link: Link) -> tuple[int | None, str | None]:
    """Make a link or a copy of a picture; what stands there whole is kept.

    Returns: bytes and SHA-256 of a copy; nothing of a link.
    Raises: FileNotFoundError if there is no such picture; EngineError where a hard link is not possible.
    """
    if not source or not os.path.isfile(source):
        raise FileNotFoundError(source)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if link == "copy":
        return _copy(source, target)
    try:
        if link == "symlink":
            os.symlink(source, target)
        else:
            os.link(source, target)
    except FileExistsError:
        if not os.path.exists(target) or not os.path.samefile(source, target):
            os.unlink(target)
            return put(source, target, link)
    except OSError as error:
        if link == "hardlink" and error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise EngineError(
                f"{source} cannot be hard-linked into the export: {error.strerror}.",
                "Hard links work within one file system only: --link symlink, or --link copy.",
            ) from error
        raise
    return None, None


def _copy(source: str, target: str) -> tuple[int, str]:
    if os.path.isfile(target) and not os.path.islink(target) and _alike(source, target):
        return file_print(target)
    part = f"{target}.part"
    digest, size = hashlib.sha256(), 0
    with open(source, "rb") as reading, open(part, "wb") as writing:
        while piece := reading.read(PIECE):
            digest.update(piece)
            writing.write(piece)
            size += len(piece)
    shutil.copystat(source, part)
    os.replace(part, target)
    return size, digest.hexdigest()


def _alike(source: str, target: str) -> bool:
    """Whether a copy that stands there is of the picture as it is now."""
    one, other = os.stat(source), os.stat(target)
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def file_print(file: str) -> tuple[int, str]:
    """Bytes and SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with open(file, "rb") as opened:
        while piece := opened.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def read_index(folder: Path, tree: str) -> Iterator[Entry]:
    """The entries of a tree.

    Raises: EngineError if the index is damaged.
    """
    name = index_name(tree)
    with (folder / name).open(encoding="utf-8", newline="\n") as opened:
        for number, line in enumerate(opened, start=1):
            try:
                yield Entry(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise EngineError(f"{folder / name}, line {number} is damaged.", "Make the export again.") from error


def remove_tree(folder: Path, tree: str) -> None:
    """Take away what the index of a tree names, and the folders that are empty then. Other files stay."""
    top = folder / tree
    if (folder / index_name(tree)).is_file():
        for entry in read_index(folder, tree):
            parts = Path(entry.file).parts
            if parts[:1] == (tree,) and ".." not in parts:
                Path(path_of_text(str(folder / entry.file))).unlink(missing_ok=True)
    for found, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(found)
        except OSError:
            continue  # something that is not ours


def tree_size(cursor: Cursor, plan: Plan, records: int = 0) -> Size:
    """What a tree comes to: links weigh only their index; the weight of copies is told from a sample.

    Args:
        records: bytes that the format writes for each picture beside the tree and its index.
    """
    whole, copies = counted(plan), plan.options.link == "copy"
    index = records
    seen = 0
    for split in plan.splits:
        for picture in listed_pictures(cursor, plan, split):
            index += 2 * len(picture.path) + 30
            seen += 1
            if seen >= WEIGHED:
                break
    lines = index // max(seen, 1) * whole
    return Size(whole + 1, lines + (weigh(cursor, plan) if copies else 0), not whole, copies)


def weigh(cursor: Cursor, plan: Plan, block: int = 1, extra: int = 0) -> int:
    """About how many bytes all listed pictures have, from a sample spread evenly.

    Args:
        block: sizes are rounded up to a multiple of this.
        extra: bytes more for each.
    """
    whole, total, seen = counted(plan), 0, 0
    step = max(whole // WEIGHED, 1)
    position = 0
    for split in plan.splits:
        for picture in listed_pictures(cursor, plan, split):
            if position % step == 0 and picture.file and os.path.isfile(picture.file):
                total += -(-os.stat(picture.file).st_size // block) * block + extra
                seen += 1
            position += 1
    return round(total / seen * whole) if seen else 0


def picture_name(picture: ListedPicture) -> str:
    """The last part of a picture's path, as text."""
    return picture.path.rsplit("/", 1)[-1]
