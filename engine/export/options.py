"""What a person may choose about an export beside its formats. All of it stands in the manifest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Link = Literal["symlink", "hardlink", "copy"]

OnPictures = Callable[[int, int], None]
"""Called by a format with how many pictures are written and how many there are."""


def quiet(done: int, pictures: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class OodSet:
    """Pictures that belong to none of the classes, for formats that hold such sets.

    Attributes:
        name: as files call it.
        near_or_far: the group it is evaluated in; None: neither was said, and it counts as far.
        source: what it is made of, without a path of this machine.
        paths: of its pictures, relative to the folder that holds them, as text.
        sha256: of the paths, one a line.
    """

    name: str
    near_or_far: str | None
    source: str
    paths: tuple[str, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Options:
    """How formats that hold pictures get at them, and what is added to the lists.

    Attributes:
        link: how a folder of pictures is filled: with links to the pictures, or with copies of them.
        shard_pictures: pictures in each tar of WebDataset.
        ood: sets of pictures that belong to no class.
        check_leaks: hash every listed picture and refuse when two lists share one.
    """

    link: Link = "symlink"
    shard_pictures: int = 10_000
    ood: tuple[OodSet, ...] = ()
    check_leaks: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """How much a format writes. Links weigh nothing; holds_pixels says whether pictures themselves are in it."""

    files: int
    bytes: int
    is_exact: bool
    holds_pixels: bool
