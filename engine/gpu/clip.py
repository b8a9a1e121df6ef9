"""A CLIP model from open_clip: loading it with its weights, and encoding prompts and pictures."""

import functools
import json
import logging
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg
from torch.nn import functional

from engine.errors import EngineError, first_line
from engine.gpu.checkpoints import Checkpoint, find_checkpoint
from engine.gpu.placing import choose_device, precision_on
from engine.jobs.files import sha256_of

TEXT_BATCH = 256
_KEY_DIGITS = 12


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """How a model wants its pictures.

    Attributes:
        size: height and width in pixels.
        mean: of each channel, in [0, 1].
        std: of each channel, in [0, 1].
        interpolation: bicubic or bilinear.
        resize_mode: shortest (fill the size, cut the rest off), longest (fit into it, pad) or squash.
        fill_color: what pads, 0 to 255.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0


@dataclass(frozen=True, slots=True)
class ClipModel:
    """A CLIP that is ready to encode.

    Attributes:
        model: as the user wrote it.
        pretrained: as the user wrote it; None where the model brings its own weights.
        model_key: a readable name with a hash of all that decides an embedding; the folder of its embeddings.
        weights_sha256: of the file that was loaded.
        dimensions: of an embedding.
        precision: in which pictures are encoded; prompts always in float32.
        channels_last: whether a pixel's channels lie together on the device.
    """

    model: str
    pretrained: str | None
    model_key: str
    weights_sha256: str
    dimensions: int
    device: torch.device
    precision: torch.dtype
    pictures: PictureFormat
    network: torch.nn.Module
    tokenizer: Callable[..., torch.Tensor]
    channels_last: bool = False


def load_model(model: str, pretrained: str | None = None, device: str = "auto") -> ClipModel:
    """Load a CLIP with its weights; a model without weights is an error, never a random one.

    Args:
        model: open_clip's architecture, ``local-dir:FOLDER`` or ``hf-hub:ORG/NAME``.
        pretrained: open_clip's tag or the path of a checkpoint; ignored with a prefix.
        device: auto, cpu, cuda or cuda:N.

    Raises: EngineError that says what is missing or does not fit.
    """
    where = choose_device(device)
    checkpoint = find_checkpoint(model, pretrained)
    network = _build(checkpoint)
    _load_weights(network, checkpoint.weights)
    network.eval().requires_grad_(False).to(where)
    pictures = _picture_format(network)
    weights_sha256 = sha256_of(checkpoint.weights)
    return ClipModel(
        model=model,
        pretrained=checkpoint.pretrained,
        model_key=_model_key(checkpoint, weights_sha256, pictures),
        weights_sha256=weights_sha256,
        dimensions=_dimensions(network, pictures, where),
        device=where,
        precision=precision_on(where),
        pictures=pictures,
        network=network,
        tokenizer=_tokenizer(checkpoint),
        channels_last=_lay_channels_last(network, where),
    )


def compile_model(clip: ClipModel, tell: Callable[[str], None]) -> None:
    """Compile the picture tower, and try it; where that fails, say so and leave it as it was."""
    tower: torch.nn.Module = clip.network.visual  # type: ignore[assignment]
    tower.compile(dynamic=True)
    try:
        encode_pictures(clip, torch.zeros((2, 3, *clip.pictures.size), dtype=torch.uint8))
    except Exception as error:
        # Compilers raise whatever they meet, from a missing C++ compiler to a graph that they do not understand.
        tower._compiled_call_impl = None
        tell(f"{clip.model} cannot be compiled here ({first_line(error)}); it works without, only slower.")


def encode_texts(clip: ClipModel, texts: Sequence[str], batch_size: int = TEXT_BATCH) -> NDArray[np.float32]:
    """The L2-normalised embeddings of texts, float32 [n_texts, dimensions]."""
    rows = np.empty((len(texts), clip.dimensions), dtype=np.float32)
    for start in range(0, len(texts), batch_size):
        tokens = clip.tokenizer(list(texts[start : start + batch_size])).to(clip.device)
        with torch.inference_mode():
            features = clip.network.encode_text(tokens)  # type: ignore[operator]
            # float32 before the division: a norm in half precision would cost digits of every similarity.
            rows[start : start + batch_size] = functional.normalize(features.float(), dim=-1).cpu().numpy()
    return rows


def encode_pictures(clip: ClipModel, pixels: torch.Tensor) -> NDArray[np.float32]:
    """The L2-normalised embeddings of prepared pictures.

    Args:
        pixels: uint8 [n, 3, height, width] in the model's size, on any device.

    Returns: float32 [n, dimensions].
    Raises: torch.OutOfMemoryError; EngineError when the model gives no finite numbers even in float32.
    """
    features = picture_features(clip, pixels, clip.precision)
    if clip.precision != torch.float32 and not torch.isfinite(features).all():
        features = picture_features(clip, pixels, torch.float32)
    if not torch.isfinite(features).all():
        raise EngineError(f"{clip.model} gives embeddings that are no numbers.", "Its weights may be damaged.")
    normalised: NDArray[np.float32] = functional.normalize(features, dim=-1).cpu().numpy()
    return normalised


def picture_features(clip: ClipModel, pixels: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
    """What the model makes of prepared pictures, float32 [n, dimensions] on its device, not normalised.

    A GPU may still be at it when this comes back.
    """
    format_ = clip.pictures
    with torch.inference_mode(), torch.autocast(clip.device.type, precision, enabled=precision != torch.float32):
        mean, std = (_channels(tuple(values), clip.device) for values in (format_.mean, format_.std))
        # As open_clip does it: to [0, 1] first, then less the mean, then over the deviation.
        scaled = pixels.to(clip.device, non_blocking=True).float().div_(255).sub_(mean).div_(std)
        if clip.channels_last:
            scaled = scaled.contiguous(memory_format=torch.channels_last)
        features: torch.Tensor = clip.network.encode_image(scaled, normalize=False)  # type: ignore[operator]
        return features.float()


@functools.cache
def _channels(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    # Made once: to bring numbers to a GPU is to wait for all that it is at.
    with torch.inference_mode(False):
        return torch.tensor(values, device=device).view(1, 3, 1, 1)


def _lay_channels_last(network: torch.nn.Module, device: torch.device) -> bool:
    """Lay the tower out with channels last where that is faster: on a GPU, where it is made of convolutions.

    A vision transformer has a single one, which cuts the patches and gains nothing.
    """
    tower: torch.nn.Module = network.visual  # type: ignore[assignment]
    convolutions = sum(isinstance(module, torch.nn.Conv2d) for module in tower.modules())
    if device.type != "cuda" or convolutions < 2:
        return False
    tower.to(memory_format=torch.channels_last)
    return True


def _build(checkpoint: Checkpoint) -> torch.nn.Module:
    overrides = {"text_cfg": checkpoint.text_settings} if checkpoint.text_settings else {}
    try:
        # open_clip reports a model without weights here; ours are loaded in the next step.
        with _quiet_log():
            network: torch.nn.Module = open_clip.create_model(
                checkpoint.model,
                load_weights=False,
                pretrained_text=False,
                force_quick_gelu=checkpoint.quick_gelu,
                force_preprocess_cfg=checkpoint.picture_settings or None,
                **overrides,
            )
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise EngineError(
            f"open_clip cannot build {checkpoint.model}: {first_line(error)}",
            "If its text tower comes from transformers, put that tower's config.json into the model's folder.",
        ) from error
    return network


def _load_weights(network: torch.nn.Module, path: Path) -> None:
    try:
        if _is_torchscript(path):
            # What OpenAI published are TorchScript archives in half precision, with more in them than weights.
            archive = torch.jit.load(str(path), map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
            names = network.state_dict().keys()
            network.load_state_dict({name: value for name, value in archive.items() if name in names})
        else:
            open_clip.load_checkpoint(network, str(path), strict=True, weights_only=True)
    except Exception as error:
        # Every serialisation library has errors of its own; all of them mean that this file is not the model's.
        raise EngineError(
            f"The weights {path} cannot be loaded: {first_line(error)}",
            "They may be damaged, or belong to another architecture than --model names.",
        ) from error


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _tokenizer(checkpoint: Checkpoint) -> Callable[..., torch.Tensor]:
    try:
        with _quiet_log():
            tokenizer: Callable[..., torch.Tensor] = open_clip.get_tokenizer(checkpoint.model)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise EngineError(
            f"The tokenizer of {checkpoint.model} is not on this machine: {first_line(error)}",
            "Run once with a network, or put its files into the model's folder.",
        ) from error
    return tokenizer


def _picture_format(network: torch.nn.Module) -> PictureFormat:
    settings = PreprocessCfg(**network.visual.preprocess_cfg)  # type: ignore[union-attr, arg-type]
    height, width = (settings.size, settings.size) if isinstance(settings.size, int) else settings.size[-2:]
    return PictureFormat(
        size=(int(height), int(width)),
        mean=_of_channels(settings.mean),
        std=_of_channels(settings.std),
        interpolation="bilinear" if settings.interpolation == "bilinear" else "bicubic",
        resize_mode=settings.resize_mode or "shortest",
        fill_color=settings.fill_color,
    )


def _of_channels(value: float | Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = (value,) * 3 if isinstance(value, (int, float)) else value
    return float(red), float(green), float(blue)


def _dimensions(network: torch.nn.Module, pictures: PictureFormat, device: torch.device) -> int:
    with torch.inference_mode():
        probe = torch.zeros((1, 3, *pictures.size), device=device)
        return int(network.encode_image(probe, normalize=False).shape[-1])  # type: ignore[operator]


def _model_key(checkpoint: Checkpoint, weights_sha256: str, pictures: PictureFormat) -> str:
    settings = open_clip.factory.get_model_config(checkpoint.model) or {}
    decisive = {
        "weights": weights_sha256,
        "vision": {
            key: value for key, value in settings.get("vision_cfg", {}).items() if key != "timm_model_pretrained"
        },
        "dimensions": settings.get("embed_dim"),
        "quick_gelu": bool(checkpoint.quick_gelu or settings.get("quick_gelu")),
        "pictures": [getattr(pictures, name) for name in PictureFormat.__slots__],
    }
    digest = sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", checkpoint.short_name).strip("-.")[:80] or "clip"
    return f"{readable}--{digest[:_KEY_DIGITS]}"


@contextmanager
def _quiet_log() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
