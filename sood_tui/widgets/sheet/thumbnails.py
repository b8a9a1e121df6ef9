"""Small pictures: made when first looked at, kept on disk, bounded, and thrown away without regret."""

import io
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from sood_tui.plain import plain
from sood_tui.terminal.half_blocks import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 96
LARGE_SIDE = 320  # for terminals that draw pixels
QUALITY = 80
FOLDER_OF = 1000  # thumbnails in one folder: what is thrown away at once
DISK_LIMIT = 2 * 1024**3
PRUNE_EVERY = 64 * 1024**2  # bytes of new thumbnails after which the folder is looked at again
MEMORY_LIMIT = 64 * 1024**2  # of tiles

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that can be shown: its id in the catalogue and where it lies (a path for the system's calls)."""

    image_id: int
    path: str

    @property
    def name(self) -> str:
        """The file name as text that can be printed, whatever bytes it holds."""
        return plain(os.path.basename(self.path))


@dataclass(frozen=True, slots=True)
class Broken:
    """A picture that cannot be shown, and why, in two or three words."""

    reason: str


class Recent(Generic[Key, Value]):
    """The values asked for last, up to a number and, where it is weighed, up to a weight; safe for several threads."""

    def __init__(self, limit: int, most: int = 0, weigh: Callable[[Value], int] = lambda value: 0) -> None:
        """Nothing is kept yet.

        Args:
            limit: so many values at most.
            most: their weight together, at most; the value put last stays, whatever it weighs.
            weigh: the weight of a value.
        """
        self._limit, self._most, self._weigh = limit, most, weigh
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    @property
    def weight(self) -> int:
        """Of everything that is kept."""
        return self._weight

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        """The value if it is still here."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def forget(self, key: Key) -> None:
        """Let a value go, if it is here."""
        with self._lock:
            self._drop(self._values.pop(key, None))

    def put(self, key: Key, value: Value) -> None:
        """Keep a value; those that were not asked for longest fall out."""
        with self._lock:
            self._drop(self._values.pop(key, None))
            self._values[key] = value
            self._weight += self._weigh(value)
            while len(self._values) > self._limit or (self._weight > self._most and len(self._values) > 1):
                self._drop(self._values.popitem(last=False)[1])

    def _drop(self, value: Value | None) -> None:
        if value is not None:
            self._weight -= self._weigh(value)


class Thumbnails:
    """The thumbnails of one workspace. Every method may be called from any thread but the screen's."""

    def __init__(self, folder: Path, disk_limit: int = DISK_LIMIT) -> None:
        self.folder = folder
        self._disk_limit = disk_limit
        self._tiles: Recent[tuple[int, int, int, tuple[int, int, int]], Pixels | Broken] = Recent(
            4096, MEMORY_LIMIT, lambda tile: 0 if isinstance(tile, Broken) else tile.nbytes
        )
        self._unpruned = 0

    def kept_tile(
        self, picture: Picture, width: int, height: int, background: tuple[int, int, int]
    ) -> Pixels | Broken | None:
        """The tile if it is in memory already; the only method that is quick enough for the screen's own thread."""
        return self._tiles.get((picture.image_id, width, height, background))

    def tile(self, picture: Picture, width: int, height: int, background: tuple[int, int, int]) -> Pixels | Broken:
        """The picture fitted into a box, with bars in the colour of the background; a large box shows the file itself.

        Returns: uint8 [height, width, 3], or why there is none.
        """
        key = (picture.image_id, width, height, background)
        kept = self._tiles.get(key)
        if kept is None:
            # A thumbnail has enough pixels for a tile, not for a picture as large as it goes.
            side = next((side for side in (SIDE, LARGE_SIDE) if max(width, height) <= side), None)
            small = self.thumbnail(picture, side) if side else decoded(picture, max(width, height))
            kept = small if isinstance(small, Broken) else letterbox(small, width, height, background)
            self._tiles.put(key, kept)
        return kept

    def thumbnail(self, picture: Picture, side: int = SIDE) -> "Image | Broken":
        """The picture at no more than so many pixels a side, 96 or 320, from disk or made now."""
        from PIL import Image

        file = self._file(picture, side)
        try:
            with Image.open(file) as kept:
                return kept.convert("RGB")
        except OSError:
            # Not made yet, or damaged by a full disk: made again below.
            pass
        made = decoded(picture, side)
        if isinstance(made, Broken):
            return made
        made.thumbnail((side, side), Image.Resampling.BICUBIC)
        packed = io.BytesIO()
        made.save(packed, "JPEG", quality=QUALITY)
        self._keep(packed.getvalue(), file)
        # Read back, so that the first look shows the very pixels that all later ones show.
        with Image.open(packed) as kept:
            return kept.convert("RGB")

    def prune(self) -> int:
        """Keep the folder below its limit by throwing away what was not touched longest; bytes thrown away."""
        sizes: list[tuple[float, int, Path]] = []
        if not self.folder.is_dir():
            return 0
        for entry in os.scandir(self.folder):
            if entry.is_dir(follow_symlinks=False):
                sizes.append((entry.stat().st_mtime, _size_of(entry.path), Path(entry.path)))
        surplus = sum(size for _, size, _ in sizes) - self._disk_limit
        thrown = 0
        for _, size, folder in sorted(sizes):
            if thrown >= surplus:
                break
            shutil.rmtree(
                folder, ignore_errors=True
            )  # whoever makes a thumbnail there meanwhile makes its folder again
            thrown += size
        return thrown

    def _file(self, picture: Picture, side: int) -> Path:
        folder = str(picture.image_id // FOLDER_OF)
        return self.folder / (folder if side == SIDE else f"{folder}-{side}") / f"{picture.image_id}.jpg"

    def _keep(self, packed: bytes, file: Path) -> None:
        # A thumbnail is only there to be quick: when the disk is full or read-only, the next look decodes again.
        temporary = ""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
            with os.fdopen(handle, "wb") as out:
                out.write(packed)
            os.replace(temporary, file)
            self._unpruned += len(packed)
            if self._unpruned > PRUNE_EVERY:
                self._unpruned = 0
                self.prune()
        except OSError:
            if temporary and os.path.exists(temporary):
                os.unlink(temporary)


def _size_of(folder: str) -> int:
    """Bytes of the files in a folder; files come and go while somebody makes thumbnails."""
    size = 0
    for file in os.scandir(folder):
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def decoded(picture: Picture, side: int) -> "Image | Broken":
    """The picture as RGB, decoded no larger than needed for `side` pixels where its format allows that.

    It is shown as the file stores it: models do not turn it by its EXIF note either.
    """
    from PIL import Image

    try:
        with Image.open(picture.path) as image:
            image.draft("RGB", (side, side))
            return _as_rgb(image)
    except Exception as error:  # decoders raise whatever the bytes lead them to, and none of it may end the screen
        return Broken(_reason(error, picture.path))


def _as_rgb(image: "Image") -> "Image":
    from PIL import Image

    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image, dtype=np.float64)
        low, high = float(values.min()), float(values.max())
        scaled = (values - low) * (255 / (high - low)) if high > low else values * 0
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")


def _reason(error: Exception, path: str) -> str:
    from PIL import Image, UnidentifiedImageError

    match error:
        case UnidentifiedImageError():
            return "not a picture" if os.path.getsize(path) else "empty file"
        case FileNotFoundError():
            return "file is gone"
        case PermissionError():
            return "may not be read"
        case IsADirectoryError():
            return "is a folder"
        case Image.DecompressionBombError():
            return "too large"
        case OSError() if "truncated" in str(error).lower():
            return "cut off"
        case _:
            return "damaged"


def letterbox(image: "Image", width: int, height: int, background: tuple[int, int, int]) -> Pixels:
    """A picture in the middle of a box, as large as it goes.

    Returns: uint8 [height, width, 3].
    """
    from PIL import Image

    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    box = np.empty((height, width, 3), dtype=np.uint8)
    box[:] = background
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    box[top : top + size[1], left : left + size[0]] = np.asarray(fitted)
    return box
