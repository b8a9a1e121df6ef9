"""The pictures of a list one by one, for formats that hold a file or a record for each."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import EngineError
from engine.export.plan import Plan, stream_split
from store.connection import Cursor
from store.paths import path_of_text

SHOWN = 10


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """A picture that stands in a list.

    Attributes:
        path: with the name of its root before it, as text.
        file: where it lies on this machine, as the operating system takes it; empty where its root is not known.
    """

    path: str
    file: str
    wnid: str
    superclass: str
    class_id: int
    subclass: str
    split: str
    similarity: float | None
    score: float | None
    subclass_mean: float


class PicturesGone(EngineError):
    """Pictures of the lists that are not where their root says."""

    def __init__(self, paths: list[str], count: int) -> None:
        more = f"\n  and {count - len(paths)} more" if count > len(paths) else ""
        super().__init__(
            f"{count} listed picture(s) are not there:\n" + "\n".join(f"  {path}" for path in paths) + more,
            "`sood-tui images rescan` finds out what is gone; run the same export again and it goes on where it was.",
        )
        self.paths = paths


class Gone:
    """Gathers pictures that are not there, so that all of them are named at once."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._count = 0

    def add(self, path: str) -> None:
        """Note one."""
        self._count += 1
        if len(self._paths) < SHOWN:
            self._paths.append(path)

    def tell(self) -> None:
        """Raises: PicturesGone if there was one."""
        if self._count:
            raise PicturesGone(self._paths, self._count)


def listed_pictures(cursor: Cursor, plan: Plan, split: str) -> Iterator[ListedPicture]:
    """The pictures of one list in its order."""
    names = (
        "path", "root", "wnid", "superclass", "class_id", "subclass", "similarity", "score", "subclass_mean",
    )  # fmt: skip
    folders = {name: path_of_text(path) for name, path in plan.folders.items()}
    for batch in stream_split(cursor, plan, split):
        for path, root, wnid, superclass, class_id, subclass, similarity, score, mean in zip(
            *(batch[name].to_pylist() for name in names), strict=True
        ):
            below = path_of_text(path[len(root) + 1 :])
            file = os.path.join(folders[root], below) if root in folders else ""
            yield ListedPicture(path, file, wnid, superclass, class_id, subclass, split, similarity, score, mean)


def counted(plan: Plan) -> int:
    """How many pictures all lists hold."""
    return 0 if plan.counts is None else sum(plan.counts.listed.values())


def checked_folder_name(name: str, what: str) -> str:
    """The name, if a folder can be called so.

    Raises: EngineError.
    """
    if name in ("", ".", "..") or "/" in name or "\0" in name or name.startswith("."):
        raise EngineError(
            f"The {what} {name!r} cannot be the name of a folder.", "Give it another name, or leave the format out."
        )
    return name


class UniqueNames:
    """Names of files within one folder: a name that is taken gets a number before its ending."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def claim(self, folder: str, name: str) -> str:
        """The name, or one like it that is free in the folder. Case does not tell names apart, as on some disks."""
        stem, ending = os.path.splitext(name)
        number, free = 1, name
        while (folder, free.casefold()) in self._taken:
            number += 1
            free = f"{stem}~{number}{ending}"
        self._taken.add((folder, free.casefold()))
        return free

    def forget(self) -> None:
        """Start with other folders; what was claimed cannot come up any more."""
        self._taken.clear()
