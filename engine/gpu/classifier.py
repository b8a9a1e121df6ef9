"""timm and torchvision classifiers: loading them with weights that fit, and their logits for pictures."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError, first_line
from engine.gpu import fitting
from engine.gpu.clip import PictureFormat
from engine.gpu.encoding import is_out_of_memory
from engine.gpu.pictures import Key, Prepared, prepare_all
from engine.gpu.placing import choose_device
from engine.jobs.files import sha256_of
from engine.jobs.timing import Spend

Built = tuple[torch.nn.Module, PictureFormat, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Classifier:
    """A classifier that is ready.

    Attributes:
        name: `timm:NAME` or `torchvision:NAME`.
        pictures: how pictures are resized; the centre of the result is cut to `size`.
        size: height and width that the network takes, in pixels.
        weights_sha256: of the checkpoint's file, or of all weights where the library brought them.
    """

    name: str
    network: torch.nn.Module
    device: torch.device
    pictures: PictureFormat
    size: tuple[int, int]
    weights_sha256: str


def load_classifier(name: str, checkpoint: str | None, classes: int, device: str) -> Classifier:
    """Load a classifier with its weights, and the preparation of pictures that belongs to it.

    The library's own weights keep their own outputs: a head of another width is an error, never a random one.

    Args:
        name: `timm:NAME` or `torchvision:NAME`.
        checkpoint: weights as a state dictionary; None: the library's own.
        classes: how many outputs it must have.
        device: auto, cpu, cuda or cuda:N.

    Raises: EngineError that says what is missing or does not fit.
    """
    library, _, model = name.partition(":")
    build = {"timm": _timm, "torchvision": _torchvision}.get(library)
    if build is None or not model:
        raise EngineError(f"{name!r} is no classifier.", "Write timm:NAME or torchvision:NAME.")
    where = choose_device(device)
    try:
        network, pictures, size = build(model, checkpoint is None, classes)
    except EngineError:
        raise
    except Exception as error:  # each library, and the network behind it, has errors of its own
        raise EngineError(
            f"{name} cannot be built with its weights: {first_line(error)}",
            "Check the name; without a network give --checkpoint FILE.",
        ) from error
    if checkpoint is not None:
        _load(network, name, Path(checkpoint), classes)
    digest = sha256_of(Path(checkpoint)) if checkpoint else _digest(network)
    network.eval().requires_grad_(False).to(where)
    with torch.inference_mode():
        outputs = network(torch.zeros((1, 3, *size), device=where)).shape[-1]
    if outputs != classes:
        raise _wrong_width(name, outputs, classes)
    return Classifier(name, network, where, pictures, size, digest)


def prepared(
    model: Classifier, files: Iterable[tuple[Key, str]], ahead: int, threads: int | None = None
) -> Iterator[Prepared[Key]]:
    """The pictures of files as the classifier takes them, uint8 [3, height, width], in order; see `prepare_all`."""
    for picture in prepare_all(files, model.pictures, threads, ahead):
        if picture.pixels is None:
            yield picture
        else:
            yield replace(picture, pixels=_centre(picture.pixels, model.size))


class Logits:
    """Gives the logits of prepared pictures; when memory runs out it halves the batch, says so, and goes on.

    Args:
        model: the classifier.
        batch_size: pictures in a batch, until memory runs out.
        tell: gets a sentence when the batch is halved.
        spend: gets the seconds of the phases copy and encode.
    """

    def __init__(
        self,
        model: Classifier,
        batch_size: int,
        tell: Callable[[str], None],
        spend: Spend = lambda phase, seconds: None,
    ) -> None:
        self.model = model
        self.batch_size = max(1, batch_size)
        self._tell = tell
        self._spend = spend

    def try_batch(self, left: int, cores: int) -> None:
        """Look at black pictures, so that a batch that does not fit is made smaller before the work begins.

        Args:
            left: pictures that are to be looked at.
            cores: that this process may use.

        Raises: EngineError when not even one picture fits.
        """
        black = torch.zeros(3, *self.model.size, dtype=torch.uint8)
        fitting.try_batch(self, self.model.device, left, cores, lambda count: self.of([black] * count), self._tell)

    @property
    def memory(self) -> str:
        """The most that was in use on the device, of what there is; empty where nobody can tell."""
        return fitting.memory_text(self.model.device)

    def of(self, pictures: list[torch.Tensor]) -> torch.Tensor:
        """The logits, float32 [n, classes], in main memory.

        Args:
            pictures: uint8 [3, height, width] each, in the model's size; at least one.

        Raises: EngineError when a single picture does not fit, or the network gives no numbers.
        """
        rows: list[torch.Tensor] = []
        start = 0
        while start < len(pictures):
            batch = pictures[start : start + self.batch_size]
            fitted = False
            try:
                rows.append(self._batch(torch.stack(batch)))
                fitted = True
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the except block, where the traceback no longer holds the tensors that did not fit.
            if fitted:
                start += len(batch)
            else:
                self._halve(len(batch))
        return torch.cat(rows)

    def _batch(self, pixels: torch.Tensor) -> torch.Tensor:
        model, wanted = self.model, self.model.pictures
        start = time.perf_counter()
        with torch.inference_mode():
            mean = torch.tensor(wanted.mean, device=model.device).view(1, 3, 1, 1)
            std = torch.tensor(wanted.std, device=model.device).view(1, 3, 1, 1)
            moved = pixels.to(model.device)
            copied = time.perf_counter()
            logits: torch.Tensor = model.network(moved.float().div_(255).sub_(mean).div_(std)).float().cpu()
        self._spend("copy", copied - start)
        self._spend("encode", time.perf_counter() - copied)
        if not torch.isfinite(logits).all():
            raise EngineError(f"{model.name} gives numbers that are not finite.", "Are its weights whole?")
        return logits

    def _halve(self, tried: int) -> None:
        if tried == 1:
            raise EngineError(
                f"A single picture does not fit into the memory of {self.model.device}.",
                "Free memory there, or use --device cpu; then resume the job.",
            )
        self.batch_size = tried // 2
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()
        self._tell(f"Memory ran out on {self.model.device}: batches now have {self.batch_size} pictures.")


def _timm(name: str, pretrained: bool, classes: int) -> Built:
    import timm
    from timm.data.config import resolve_model_data_config

    if not timm.is_model(name.split(".")[0]):
        raise EngineError(f"timm knows no model {name}.", "Its names are those of timm.list_models().")
    options: dict[str, Any] = {"pretrained": True} if pretrained else {"pretrained": False, "num_classes": classes}
    network: torch.nn.Module = timm.create_model(name, **options)
    config: dict[str, Any] = resolve_model_data_config(network)  # type: ignore[no-untyped-call]
    height, width = (int(side) for side in config["input_size"][1:])
    ratio = float(config.get("crop_pct") or 1.0)
    # timm resizes the shorter side to the size divided by crop_pct, rounded down, and cuts the centre.
    resized = (int(height / ratio), int(width / ratio))
    mode = "squash" if config.get("crop_mode") == "squash" else "shortest"
    interpolation = "bilinear" if config.get("interpolation") == "bilinear" else "bicubic"
    pictures = PictureFormat(resized, _three(config["mean"]), _three(config["std"]), interpolation, mode)
    return network, pictures, (height, width)


def _torchvision(name: str, pretrained: bool, classes: int) -> Built:
    from torchvision import models

    if name not in models.list_models():
        raise EngineError(f"torchvision knows no model {name}.", "Its names are those of torchvision.models.")
    chosen: Any = models.get_model_weights(name).DEFAULT
    options: dict[str, Any] = {"weights": chosen} if pretrained else {"weights": None, "num_classes": classes}
    network: torch.nn.Module = models.get_model(name, **options)
    preset = chosen.transforms()
    if not hasattr(preset, "crop_size"):
        raise EngineError(f"torchvision's {name} is no classifier of pictures.", "Name one that is.")
    crop, resize = int(preset.crop_size[0]), int(preset.resize_size[0])
    interpolation = "bicubic" if preset.interpolation.value == "bicubic" else "bilinear"
    pictures = PictureFormat((resize, resize), _three(preset.mean), _three(preset.std), interpolation, "shortest")
    return network, pictures, (crop, crop)


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)


def _load(network: torch.nn.Module, name: str, path: Path, classes: int) -> None:
    found = _read(path)
    expected = network.state_dict()
    missing = sorted(set(expected) - set(found))
    strange = sorted(set(found) - set(expected))
    if missing or strange:
        which = f"they lack {missing[0]}" if missing else f"{name} has no {strange[0]}"
        raise EngineError(
            f"The weights {path} do not belong to {name}: {which} ({len(missing)} missing, {len(strange)} too many).",
            "Name the model that they were trained with.",
        )
    for key, value in expected.items():
        theirs, ours = tuple(found[key].shape), tuple(value.shape)
        if theirs == ours:
            continue
        # Only the head has as many rows as there are classes.
        if theirs and ours and ours[0] == classes and theirs[1:] == ours[1:]:
            raise _wrong_width(f"The checkpoint {path}", theirs[0], classes)
        raise EngineError(
            f"The weights {path} do not belong to {name}: {key} is {list(theirs)} and not {list(ours)}.",
            "Name the model that they were trained with.",
        )
    network.load_state_dict(found)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: dict[str, Any] = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
            found = found.get("state_dict", found.get("model", found))
        return {key.removeprefix("module."): value for key, value in found.items() if hasattr(value, "shape")}
    except Exception as error:  # every serialisation library has errors of its own
        raise EngineError(
            f"The weights {path} cannot be loaded: {first_line(error)}",
            "They may be damaged, or be no state dictionary.",
        ) from error


def _wrong_width(what: str, outputs: int, classes: int) -> EngineError:
    return EngineError(
        f"{what} has {outputs} outputs, but there are {classes} classes.",
        "Give its classes, one a line in the order of its outputs: --classes FILE.",
    )


def _digest(network: torch.nn.Module) -> str:
    digest = sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _centre(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    height, width = pixels.shape[-2:]
    top, left = round((height - size[0]) / 2.0), round((width - size[1]) / 2.0)
    return pixels[:, top : top + size[0], left : left + size[1]]


def as_array(logits: torch.Tensor) -> NDArray[np.float32]:
    """The logits as a NumPy array."""
    found: NDArray[np.float32] = logits.numpy()
    return found
