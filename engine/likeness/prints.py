"""Reading picture files once: hashes that tell copies and near-copies, and size and colour in numbers."""

import hashlib
import io
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.splits.formulas import Integers
from engine.workspace import Workspace
from store.likeness import prints as store
from store.likeness.prints import PictureFile
from store.paths import path_of_text

if TYPE_CHECKING:
    from PIL.Image import Image

OnProgress = Callable[[int, int], None]
"""Called with how many pictures are read, and how many there are to read."""

BATCH = 1000
READERS = 8
SMALL = 256
"""Colour is measured on a picture reduced to about so many pixels a side."""

LARGE_PIXELS = 32_000_000

_large = threading.Lock()


def read_prints(workspace: Workspace, image_ids: Integers, decode: bool, on_progress: OnProgress | None = None) -> int:
    """Read the files of pictures that have no print yet.

    Every thousand pictures are kept by themselves, so that a run that is cut off goes on where it was.

    Args:
        workspace: open.
        image_ids: int64 [n].
        decode: whether to look into the pictures as well; else only the files are hashed.
        on_progress: how far it is.

    Returns: how many files could not be read.
    """
    with workspace.opened().reading() as cursor:
        files = store.fetch_unprinted(cursor, image_ids, decode)
    tell = on_progress or (lambda done, whole: None)
    done = missing = 0
    tell(0, len(files))
    with ThreadPoolExecutor(READERS) as pool:
        for batch in batched_files(files):
            rows = [row for row in pool.map(lambda file: print_of(file, decode), batch) if row is not None]
            missing += len(batch) - len(rows)
            if rows:
                with workspace.opened().writing() as cursor:
                    store.insert_prints(cursor, pa.Table.from_pylist(rows, schema=store.SCHEMA))
            done += len(batch)
            tell(done, len(files))
    return missing


def batched_files(files: Sequence[PictureFile]) -> Iterator[Sequence[PictureFile]]:
    """The files, a thousand at a time."""
    for start in range(0, len(files), BATCH):
        yield files[start : start + BATCH]


def print_of(file: PictureFile, decode: bool) -> dict[str, Any] | None:
    """The print of one picture; None where its file cannot be read. What cannot be decoded has hashes only."""
    try:
        content = _content(file)
    except OSError:
        return None
    try:
        return _of_file(file, content) | (_seen(content) if decode else {})
    except Exception:  # decoders raise whatever the bytes lead them to
        return _of_file(file, content)


def print_or_reason(file: PictureFile) -> tuple[dict[str, Any] | None, str, str]:
    """The whole print of one picture, or why there is none: print, kind of the issue, reason.

    Returns: the print is None where there is an issue; else both texts are empty.
    """
    try:
        content = _content(file)
    except FileNotFoundError:
        return None, "missing_file", "the file is not there"
    except OSError as error:
        return None, "undecodable", _reason(error)
    try:
        return _of_file(file, content) | _seen(content), "", ""
    except Exception as error:  # decoders raise whatever the bytes lead them to
        return None, "undecodable", _reason(error)


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "the file is no picture of a known format"  # its own words name an address in memory
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _content(file: PictureFile) -> bytes:
    # A pipe that nobody writes to would be waited for without O_NONBLOCK.
    place = os.path.join(path_of_text(file.folder), path_of_text(file.path))
    handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("this is no ordinary file")
        with os.fdopen(handle, "rb", closefd=False) as opened:
            return opened.read()
    finally:
        os.close(handle)


def _of_file(file: PictureFile, content: bytes) -> dict[str, Any]:
    return {"image_id": file.image_id, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _seen(content: bytes) -> dict[str, Any]:
    """What is seen in a picture, turned as its EXIF note says: a copy that was turned for good is the same picture."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture, _turn_of(picture):
        return _measured(picture)


def _turn_of(picture: "Image") -> AbstractContextManager[object]:
    """Large pictures one after the other: a thread for each core would hold several of them at once."""
    return _large if picture.width * picture.height > LARGE_PIXELS else nullcontext()


def _measured(picture: "Image") -> dict[str, Any]:
    from PIL import Image

    picture.load()
    turned = _turned(picture)
    seen = _flat(turned)
    # Sixteen bits and floats would be cut off at white, and all bright pictures be the same one.
    raw = turned.tobytes() if turned.mode in ("I", "F") or turned.mode.startswith("I;16") else seen.tobytes()
    small = seen.copy()
    small.thumbnail((SMALL, SMALL), Image.Resampling.BOX)
    grey = small.convert("L").resize((9, 8), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float64) / 255
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    red, green, blue = np.moveaxis(pixels, 2, 0)  # a reduction over an axis of three takes ten times as long
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    saturation = np.divide(most - least, most, out=np.zeros_like(most), where=most > 0)
    return {
        "dhash": difference_hash(np.asarray(grey)),
        "pixels": pixel_hash(seen.size, raw),
        "width": seen.width,
        "height": seen.height,
        "luminance": float(luma.mean()),
        "contrast": float(luma.std()),
        "saturation": float(saturation.mean()),
    }


def _flat(picture: "Image") -> "Image":
    """The picture in RGB, above white where it is transparent: what its hidden pixels hold makes no difference."""
    from PIL import Image

    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    ground = Image.new("RGBA", layered.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, layered).convert("RGB")


def _turned(picture: "Image") -> "Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a broken note says nothing of the picture
        return picture


def pixel_hash(size: tuple[int, int], pixels: bytes) -> str:
    """128 bits as 32 hexadecimal digits over the sides and the RGB bytes, row by row (BLAKE2b)."""
    found = hashlib.blake2b(f"{size[0]}x{size[1]}:".encode(), digest_size=16)
    found.update(pixels)
    return found.hexdigest()


def difference_hash(grey: npt.NDArray[np.uint8]) -> int:
    """64 bits: whether each pixel of a [8, 9] picture is darker than its right neighbour, row by row."""
    bits = (grey[:, :-1] < grey[:, 1:]).ravel()
    return int(np.packbits(bits).view(">u8")[0])
