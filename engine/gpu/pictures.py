"""Pictures as a model wants them: decoded, resized and cut as open_clip does it, but as uint8 and in threads.

The geometry is open_clip's own. Pictures that are made smaller with their proportions kept, which is nearly all of
them, are resized by torchvision, whose values differ by at most one step of 255 (two for a few values in ten million,
where two rounded passes add up). All others go through Pillow and do not differ at all: enlarged and squashed ones,
palettes (resized by the nearest colour, as open_clip resizes them), transparency (which is dropped), CMYK, and the
first frame of an animation. As in open_clip, the orientation that EXIF notes is not applied. One thing is different on
purpose: 16-bit greys are scaled to 8 bits, where open_clip clips most of them to white.
"""

import os
import stat
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torchvision.io import ImageReadMode, decode_jpeg, decode_png
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from engine.errors import EngineError
from engine.gpu.clip import PictureFormat
from engine.jobs.devices import usable_cores
from store.paths import path_of_text

LARGEST_FILE = 1 << 29
"""Bytes; a file beyond is not read into memory."""
LARGE_PIXELS = 32_000_000
"""Pictures beyond are decoded one at a time, so that several threads do not fill the memory together."""

_large = threading.Lock()
_PILLOW = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_TORCHVISION = {"bicubic": InterpolationMode.BICUBIC, "bilinear": InterpolationMode.BILINEAR}

Key = TypeVar("Key")
IssueKind = Literal["missing_file", "undecodable"]


class UnreadablePicture(Exception):
    """A picture that cannot be encoded.

    Attributes:
        kind: missing_file or undecodable.
        reason: what was found, in words.
    """

    def __init__(self, kind: IssueKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Prepared(Generic[Key]):
    """A picture that was asked for: its pixels, or why there are none."""

    key: Key
    pixels: torch.Tensor | None
    problem: UnreadablePicture | None


def prepare(path: str, wanted: PictureFormat) -> torch.Tensor:
    """The picture as the model wants it, before normalisation.

    Args:
        path: of the file, as the operating system takes it.

    Returns: uint8 [3, height, width].
    Raises: UnreadablePicture.
    """
    return prepare_data(read_picture(path), wanted)


def prepare_data(data: bytearray, wanted: PictureFormat) -> torch.Tensor:
    """The same for the bytes of a file.

    Returns: uint8 [3, height, width].
    Raises: UnreadablePicture.
    """
    try:
        with Image.open(BytesIO(data)) as picture:
            if picture.width * picture.height <= LARGE_PIXELS:
                return _prepare(data, picture, wanted)
            with _large:
                return _prepare(data, picture, wanted)
    except UnidentifiedImageError as error:
        raise UnreadablePicture("undecodable", "the file is no picture of a known format") from error
    except Image.DecompressionBombError as error:
        raise UnreadablePicture("undecodable", str(error)) from error
    except MemoryError as error:
        raise UnreadablePicture("undecodable", "the picture does not fit into memory") from error
    except Exception as error:
        # Pillow's decoders raise whatever their bytes lead them to; each of them means that this file is damaged.
        raise UnreadablePicture("undecodable", _reason(error)) from error


def prepare_all(
    pictures: Iterable[tuple[Key, str]],
    wanted: PictureFormat,
    threads: int | None = None,
    ahead: int = 512,
    how: Callable[[str, PictureFormat], Any] = prepare,
) -> Iterator[Prepared[Key]]:
    """Pictures in the order in which they were given, prepared by threads.

    Args:
        pictures: a key of the caller's and a path, each.
        threads: None for one a core that this process may use.
        ahead: at most so many prepared pictures wait in memory.
        how: prepares one; see also ``device_jpeg.read_or_prepare``.
    """
    pool = ThreadPoolExecutor(threads or usable_cores(), thread_name_prefix="decode", initializer=_one_core)
    waiting: deque[Future[Prepared[Key]]] = deque()
    work = iter(pictures)
    try:
        for key, path in work:
            waiting.append(pool.submit(_attempt, key, path, wanted, how))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def check_roots(roots: Iterable[str]) -> None:
    """See that the folders of pictures are there: a disk that is no longer mounted would make millions unreadable.

    Args:
        roots: folders as text, see ``store.paths``.

    Raises: EngineError where one is not.
    """
    for root in roots:
        if not os.access(path_of_text(root), os.R_OK | os.X_OK):
            raise EngineError(
                f"The picture folder {root} is not there or may not be read.",
                "Mount it or give it back its permissions, then resume the job; finished parts are kept.",
            )


def allow_large_pictures() -> None:
    """Silence Pillow's warning about large pictures and odd metadata; what is too large is refused all the same."""
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", module="PIL")


def _attempt(key: Key, path: str, wanted: PictureFormat, how: Callable[[str, PictureFormat], Any]) -> Prepared[Key]:
    try:
        return Prepared(key, how(path, wanted), None)
    except UnreadablePicture as problem:
        return Prepared(key, None, problem)


def _one_core() -> None:
    # Each thread works on a picture of its own; resizing one with several cores would only make them wait.
    torch.set_num_threads(1)


def read_picture(path: str) -> bytearray:
    """The bytes of a picture's file.

    Raises: UnreadablePicture.
    """
    try:
        # A pipe that nobody writes to would be waited for without O_NONBLOCK.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnreadablePicture("missing_file", "the file is not there") from error
    except (OSError, ValueError) as error:
        raise UnreadablePicture("undecodable", _reason(error)) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadablePicture("undecodable", "this is no ordinary file")
        if status.st_size == 0:
            raise UnreadablePicture("undecodable", "the file is empty")
        if status.st_size > LARGEST_FILE:
            raise UnreadablePicture("undecodable", f"the file has {status.st_size:,} bytes")
        with os.fdopen(handle, "rb", buffering=0, closefd=False) as file:
            return bytearray(file.read())
    except OSError as error:
        raise UnreadablePicture("undecodable", _reason(error)) from error
    finally:
        os.close(handle)


def _prepare(data: bytearray, picture: Image.Image, wanted: PictureFormat) -> torch.Tensor:
    decode = _decoder(picture) if suits_torchvision(picture, wanted) else None
    if decode is not None:
        try:
            pixels = decode(torch.frombuffer(data, dtype=torch.uint8), ImageReadMode.RGB)
        except RuntimeError:
            pixels = None  # Pillow has the last word on what is damaged, and the clearer one.
        if pixels is not None and pixels.dtype == torch.uint8:
            return fit(pixels, wanted)
    return _cut(_resize_picture(picture, wanted), wanted)


def fit(pixels: torch.Tensor, wanted: PictureFormat) -> torch.Tensor:
    """A decoded picture, uint8 [3, height, width], resized and cut; on the device that it is on."""
    return _cut(_resize_tensor(pixels, wanted), wanted)


def suits_torchvision(picture: Image.Image, wanted: PictureFormat) -> bool:
    """Whether torchvision makes the same of a picture as Pillow does."""
    return _shrinks_evenly(picture, wanted) and _decoder(picture) is not None


def _shrinks_evenly(picture: Image.Image, wanted: PictureFormat) -> bool:
    # Pillow itself decides which direction a squashed picture is resized in first, and torchvision's weights have too
    # few digits for enlarging: in both cases their values would differ visibly.
    height, width = resized_size(picture.height, picture.width, wanted)
    return wanted.resize_mode != "squash" and height <= picture.height and width <= picture.width


def _decoder(picture: Image.Image) -> Callable[..., torch.Tensor] | None:
    if picture.mode not in {"RGB", "L"} or "transparency" in picture.info:
        return None
    if picture.format == "JPEG":
        return decode_jpeg  # type: ignore[no-any-return]
    return decode_png if picture.format == "PNG" and getattr(picture, "n_frames", 1) == 1 else None


def _resize_tensor(pixels: torch.Tensor, wanted: PictureFormat) -> torch.Tensor:
    size = resized_size(pixels.shape[-2], pixels.shape[-1], wanted)
    if size == (pixels.shape[-2], pixels.shape[-1]):
        return pixels
    resized: torch.Tensor = transforms.resize(
        pixels, list(size), interpolation=_TORCHVISION[_interpolation(wanted)], antialias=True
    )
    return resized


def _resize_picture(picture: Image.Image, wanted: PictureFormat) -> torch.Tensor:
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    height, width = resized_size(picture.height, picture.width, wanted)
    if (width, height) != picture.size:
        picture = picture.resize((width, height), _PILLOW[_interpolation(wanted)])
    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)


def _interpolation(wanted: PictureFormat) -> str:
    # open_clip's transform for sizes that are not square takes no notice of the setting.
    uneven = wanted.resize_mode == "shortest" and wanted.size[0] != wanted.size[1]
    return "bicubic" if uneven else wanted.interpolation


def _eight_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture).astype(np.int64)
    scaled = values // 257 if values.max(initial=0) > 255 else values
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8), mode="L")


def resized_size(height: int, width: int, wanted: PictureFormat) -> tuple[int, int]:
    """Height and width after resizing and before cutting, rounded as open_clip's own transform rounds them."""
    to_height, to_width = wanted.size
    if wanted.resize_mode == "squash":
        return wanted.size
    if wanted.resize_mode == "shortest" and to_height == to_width:
        # torchvision.transforms.Resize with one number: the longer side is rounded down.
        if width <= height:
            return int(to_width * height / width), to_width
        return to_height, int(to_height * width / height)
    choose = max if wanted.resize_mode == "longest" else min
    ratio = choose(height / to_height, width / to_width)
    return max(1, round(height / ratio)), max(1, round(width / ratio))


def _cut(pixels: torch.Tensor, wanted: PictureFormat) -> torch.Tensor:
    to_height, to_width = wanted.size
    height, width = pixels.shape[-2:]
    if height < to_height or width < to_width:
        down, across = max(to_height - height, 0), max(to_width - width, 0)
        around = [across // 2, down // 2, (across + 1) // 2, (down + 1) // 2]
        fill = wanted.fill_color if wanted.resize_mode == "longest" else 0
        pixels = transforms.pad(pixels, around, fill=fill)
        height, width = pixels.shape[-2:]
    top, left = round((height - to_height) / 2.0), round((width - to_width) / 2.0)
    return pixels[:, top : top + to_height, left : left + to_width]


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
