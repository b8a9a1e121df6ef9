"""Whole pictures, upright and in RGB, as a contact sheet shows them to a model."""

import threading
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.gpu.pictures import LARGE_PIXELS, UnreadablePicture, read_picture

_large = threading.Lock()


def read_upright(path: str) -> Image.Image:
    """The picture in RGB, its first frame and upright.

    Greys of more than 8 bits are scaled: converted plainly they would be white. Transparency is dropped. Very large
    pictures are decoded one at a time.

    Args:
        path: of the file, as the operating system takes it.

    Raises: UnreadablePicture.
    """
    data = read_picture(path)
    try:
        with Image.open(BytesIO(data)) as picture:
            if picture.width * picture.height <= LARGE_PIXELS:
                return _upright(picture)
            with _large:
                return _upright(picture)
    except UnidentifiedImageError as error:
        raise UnreadablePicture("undecodable", "the file is no picture of a known format") from error
    except MemoryError as error:
        raise UnreadablePicture("undecodable", "the picture does not fit into memory") from error
    except Exception as error:
        # Pillow's decoders raise whatever their bytes lead them to; each of them means that this file is damaged.
        lines = str(error).strip().splitlines()
        raise UnreadablePicture("undecodable", lines[0] if lines else type(error).__name__) from error


def _upright(picture: Image.Image) -> Image.Image:
    turned = ImageOps.exif_transpose(picture)
    return (_eight_bits(turned) if turned.mode[:1] in "IF" else turned).convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture).astype(np.float64)
    scaled = values // 257 if values.max(initial=0) > 255 else values
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
