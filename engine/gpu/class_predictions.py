"""The job that ranks the classes of pictures with a timm or torchvision classifier."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.gpu.checkpoints import sha256_of
from engine.gpu.clip import PictureFormat, choose_device
from engine.gpu.encoding import is_out_of_memory
from engine.gpu.pictures import allow_large_pictures, prepare_all
from engine.jobs.shards import Shard, ShardRun
from engine.jobs.spec import JsonValue
from engine.labels.classifiers import ModelSettings
from engine.labels.formulas import ranking
from store.paths import path_of_text

TOLD_ONE_BY_ONE = 20

Built = tuple[torch.nn.Module, PictureFormat, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class RankingModel:
    """A classifier that is ready.

    Attributes:
        pictures: how pictures are resized; the centre of the result is cut to `size`.
        size: height and width that the network takes, in pixels.
        weights_sha256: of the checkpoint's file, or of all weights where the library brought them.
    """

    network: torch.nn.Module
    device: torch.device
    pictures: PictureFormat
    size: tuple[int, int]
    weights_sha256: str


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Rank the classes of every picture. Parts: image_id, ranked (class indices, best first)."""
    settings = ModelSettings(**run.settings)
    allow_large_pictures()
    _check_roots(settings.roots)
    model = load_ranking_model(settings.model, settings.checkpoint, len(settings.wnids), run.device or "auto")
    run.check()
    work = _Work(run, settings, model, settings.batch_size)
    for shard in run.shards():
        work.do(shard)
    return {
        "unreadable": work.unreadable,
        "weights_sha256": model.weights_sha256,
        "size": list(model.size),
        "mean": list(model.pictures.mean),
        "std": list(model.pictures.std),
        "interpolation": model.pictures.interpolation,
    }


def load_ranking_model(model: str, checkpoint: str | None, classes: int, device: str) -> RankingModel:
    """Load a classifier with its weights, and the preparation of pictures that belongs to it.

    The library's own weights keep their own outputs: a head of another width is an error, never a random one.

    Args:
        model: `timm:NAME` or `torchvision:NAME`.
        checkpoint: weights as a state dictionary; None: the library's own.
        classes: how many outputs it must have.
        device: auto, cpu, cuda or cuda:N.

    Raises: EngineError that says what is missing or does not fit.
    """
    library, _, name = model.partition(":")
    where = choose_device(device)
    build = _timm if library == "timm" else _torchvision
    try:
        network, pictures, size = build(name, checkpoint is None, classes)
    except EngineError:
        raise
    except Exception as error:  # each library, and the network behind it, has errors of its own
        raise EngineError(
            f"{model} cannot be built with its weights: {_first_line(error)}",
            "Check the name; without a network give --checkpoint FILE.",
        ) from error
    if checkpoint is not None:
        _load(network, Path(checkpoint))
    digest = sha256_of(Path(checkpoint)) if checkpoint else _digest(network)
    network.eval().requires_grad_(False).to(where)
    with torch.inference_mode():
        outputs = network(torch.zeros((1, 3, *size), device=where)).shape[-1]
    if outputs != classes:
        raise EngineError(
            f"{model} has {outputs} outputs, but there are {classes} classes.", "Give its classes: --classes FILE."
        )
    return RankingModel(network, where, pictures, size, digest)


def logits_of(model: RankingModel, pixels: torch.Tensor) -> torch.Tensor:
    """The outputs for prepared pictures, float32 [n, classes], on the device.

    Args:
        pixels: uint8 [n, 3, height, width] in the model's size.
    """
    wanted = model.pictures
    with torch.inference_mode():
        mean = torch.tensor(wanted.mean, device=model.device).view(1, 3, 1, 1)
        std = torch.tensor(wanted.std, device=model.device).view(1, 3, 1, 1)
        scaled = pixels.to(model.device).float().div_(255).sub_(mean).div_(std)
        logits: torch.Tensor = model.network(scaled).float()
    return logits


@dataclass(slots=True)
class _Work:
    """One start of the job, with what it has met so far."""

    run: ShardRun
    settings: ModelSettings
    model: RankingModel
    batch_size: int
    unreadable: int = 0

    def do(self, shard: Shard) -> None:
        """Rank the classes of a shard's pictures; those that cannot be read have no row."""
        image_ids: list[int] = []
        ranked = [np.empty((0, self.settings.depth), dtype=np.int32)]
        batch: list[torch.Tensor] = []
        keys = shard.table["image_id"].to_pylist()
        files = ((key, path_of_text(text)) for key, text in zip(keys, shard.table["path"].to_pylist(), strict=True))
        for picture in prepare_all(files, self.model.pictures, ahead=2 * self.batch_size):
            if picture.pixels is None:
                self._note(picture.key, str(picture.problem))
            else:
                image_ids.append(picture.key)
                batch.append(_centre(picture.pixels, self.model.size))
            if len(batch) >= self.batch_size:
                ranked.append(self._rank(batch))
                batch = []
            self.run.advance(1, batch=self.batch_size)
        ranked.append(self._rank(batch))
        rows = pa.array(list(np.concatenate(ranked)), pa.list_(pa.int32()))
        shard.commit(pa.table({"image_id": pa.array(image_ids, pa.int64()), "ranked": rows}))

    def _note(self, image_id: int, problem: str) -> None:
        _check_roots(self.settings.roots)
        self.unreadable += 1
        if self.unreadable <= TOLD_ONE_BY_ONE:
            self.run.warn(f"A picture was left out: {problem}.", subject=str(image_id))

    def _rank(self, pictures: list[torch.Tensor]) -> NDArray[np.int32]:
        rows = [np.empty((0, self.settings.depth), dtype=np.int32)]
        start = 0
        while start < len(pictures):
            batch = pictures[start : start + self.batch_size]
            fitted = False
            try:
                rows.append(self._ranked(batch))
                fitted = True
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the except block, where the traceback no longer holds the tensors that did not fit.
            if fitted:
                start += len(batch)
            else:
                self._halve(len(batch))
        return np.concatenate(rows)

    def _ranked(self, batch: list[torch.Tensor]) -> NDArray[np.int32]:
        logits = logits_of(self.model, torch.stack(batch))
        if not torch.isfinite(logits).all():
            raise EngineError(f"{self.settings.model} gives numbers that are not finite.", "Are its weights whole?")
        best: NDArray[np.int32] = ranking(logits, self.settings.depth).cpu().numpy().astype(np.int32)
        return best

    def _halve(self, tried: int) -> None:
        if tried == 1:
            raise EngineError(
                f"A single picture does not fit into the memory of {self.model.device}.",
                "Free memory there, or use --device cpu; then resume the job.",
            )
        self.batch_size = tried // 2
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()
        self.run.warn(f"Memory ran out on {self.model.device}: batches now have {self.batch_size} pictures.")


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
    crop, resize = int(preset.crop_size[0]), int(preset.resize_size[0])
    interpolation = "bicubic" if preset.interpolation.value == "bicubic" else "bilinear"
    pictures = PictureFormat((resize, resize), _three(preset.mean), _three(preset.std), interpolation, "shortest")
    return network, pictures, (crop, crop)


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)


def _load(network: torch.nn.Module, path: Path) -> None:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: dict[str, Any] = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
            found = found.get("state_dict", found.get("model", found))
        network.load_state_dict({name.removeprefix("module."): value for name, value in found.items()})
    except Exception as error:  # every serialisation library has errors of its own
        raise EngineError(
            f"The weights {path} cannot be loaded: {_first_line(error)}",
            "They may be damaged, or belong to another model than was named.",
        ) from error


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


def _check_roots(roots: Sequence[str]) -> None:
    for root in roots:
        if not os.access(path_of_text(root), os.R_OK | os.X_OK):
            raise EngineError(
                f"The picture folder {root} is not there or may not be read.",
                "Mount it or give it back its permissions, then resume the job; finished parts are kept.",
            )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
