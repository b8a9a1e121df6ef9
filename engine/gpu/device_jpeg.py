"""Decoding JPEG pictures on the device (nvJPEG, through torchvision), for machines whose cores cannot keep up.

The files are read and looked at by threads as always. What the threads would give to torchvision's JPEG decoder goes to
the device's instead; all other pictures are prepared by the processor. nvJPEG smooths colours a little differently, so
that values differ by a few steps of 255; before it is used it is held against the processor's decoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg

from engine.gpu.clip import PictureFormat
from engine.gpu.pictures import fit, prepare_data, read_picture, suits_torchvision

_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
LARGEST_DIFFERENCE = 2.0
"""Mean over a smooth picture, in steps of 255; a decoder that is further off does something else."""


@dataclass(frozen=True, slots=True)
class Undecoded:
    """The bytes of a JPEG file that waits for the device."""

    data: bytearray


def read_or_prepare(path: str, wanted: PictureFormat) -> torch.Tensor | Undecoded:
    """A JPEG as its bytes, anything else as ``pictures.prepare`` gives it.

    Raises: UnreadablePicture.
    """
    data = read_picture(path)
    # A file without its end is the processor's, which says that it is truncated; nvJPEG may fill it up with grey.
    if data[:2] == _BEGIN and data.rstrip(b"\0")[-2:] == _END and _is_ordinary(data, wanted):
        return Undecoded(data)
    return prepare_data(data, wanted)


def decode_batch(
    batch: Sequence[torch.Tensor | Undecoded], wanted: PictureFormat, device: torch.device
) -> torch.Tensor:
    """All pictures of a batch on the device, uint8 [n, 3, height, width].

    Raises: RuntimeError when the device cannot decode one of them.
    """
    waiting = [number for number, picture in enumerate(batch) if isinstance(picture, Undecoded)]
    bytes_ = [torch.frombuffer(batch[number].data, dtype=torch.uint8) for number in waiting]
    decoded = decode_jpeg(bytes_, ImageReadMode.RGB, device=device) if bytes_ else []
    places = dict(zip(waiting, decoded, strict=True))
    pixels = [
        fit(places[number], wanted) if number in places else picture.to(device)  # type: ignore[union-attr]
        for number, picture in enumerate(batch)
    ]
    return torch.stack(pixels)


def works_on(device: torch.device) -> bool:
    """Whether the device decodes a picture as the processor does, within what rounding and colour smoothing explain."""
    across = np.linspace(0, 255, 256)
    smooth = np.stack([np.tile(across, (256, 1)), np.tile(across[:, None], (1, 256)), np.full((256, 256), 128)], -1)
    stream = BytesIO()
    Image.fromarray(smooth.astype(np.uint8)).save(stream, "JPEG", quality=92)
    data = torch.frombuffer(bytearray(stream.getvalue()), dtype=torch.uint8)
    try:
        (there,) = decode_jpeg([data], ImageReadMode.RGB, device=device)
    except (RuntimeError, NotImplementedError, TypeError):
        return False
    here = decode_jpeg(data, ImageReadMode.RGB)
    same_shape = there.shape == here.shape
    return bool(same_shape and (there.cpu().float() - here.float()).abs().mean() <= LARGEST_DIFFERENCE)


def _is_ordinary(data: bytearray, wanted: PictureFormat) -> bool:
    try:
        with Image.open(BytesIO(data)) as picture:
            return picture.format == "JPEG" and suits_torchvision(picture, wanted)
    except Exception:  # what is wrong with it is found out, and said, where it is decoded
        return False
