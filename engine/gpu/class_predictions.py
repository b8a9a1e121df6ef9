"""The job that runs a timm or torchvision classifier over pictures and keeps its logits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from engine.errors import EngineError
from engine.gpu.clip import choose_device
from engine.gpu.pictures import allow_large_pictures
from engine.jobs.shards import ShardRun
from engine.jobs.spec import JsonValue
from store.paths import path_of_text

TIMM, TORCHVISION = "timm:", "torchvision:"


@dataclass(frozen=True)
class Classifier:
    """A classifier with its own preparation of pictures."""

    network: torch.nn.Module
    prepare: Callable[[Image.Image], torch.Tensor]
    device: torch.device


def run(run: ShardRun) -> Mapping[str, JsonValue]:
    """Logits of the pictures of the work list; called in the worker.

    Settings: model (timm:NAME or torchvision:NAME), checkpoint, classes, batch_size. Work: path. Parts: path, row
    (null: unreadable), and an array float32 [read, classes].
    """
    settings = run.settings
    classes = settings.get("classes")
    classifier = load_classifier(str(settings["model"]), settings.get("checkpoint"), classes, run.device or "auto")
    unreadable = 0
    for shard in run.shards():
        rows: list[int | None] = []
        logits: list[np.ndarray] = []
        read = 0
        for batch in shard.batches(int(settings["batch_size"])):
            pixels = []
            for path in batch["path"].to_pylist():
                tensor = _pixels(classifier, path, run)
                rows.append(None if tensor is None else read)
                if tensor is None:
                    unreadable += 1
                else:
                    pixels.append(tensor)
                    read += 1
            if pixels:
                with torch.inference_mode():
                    logits.append(classifier.network(torch.stack(pixels).to(classifier.device)).float().cpu().numpy())
            run.advance(batch.num_rows)
        array = np.concatenate(logits) if logits else np.empty((0, 0), dtype=np.float32)
        shard.write_file(".npy", lambda stream, array=array: np.save(stream, array))  # type: ignore[misc]
        shard.commit(pa.table({"path": shard.table["path"], "row": pa.array(rows, pa.int32())}))
    return {"model": str(settings["model"]), "unreadable": unreadable}


def load_classifier(model: str, checkpoint: str | None, classes: int | None, device: str) -> Classifier:
    """A classifier with weights: the library's own, or those of a checkpoint.

    Raises: EngineError when it is unknown, or its weights are not on this machine.
    """
    where = choose_device(device)
    try:
        if model.startswith(TIMM):
            network, prepare = _timm(model.removeprefix(TIMM), checkpoint, classes)
        elif model.startswith(TORCHVISION):
            network, prepare = _torchvision(model.removeprefix(TORCHVISION), checkpoint, classes)
        else:
            raise EngineError(f"{model!r} is no classifier.", "Write timm:NAME or torchvision:NAME.")
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        lines = str(error).strip().splitlines()
        raise EngineError(
            f"The classifier {model} cannot be loaded: {lines[0] if lines else type(error).__name__}",
            "Its weights may not be on this machine: give --checkpoint FILE, or fetch them once with a network.",
        ) from error
    network.eval().requires_grad_(False).to(where)
    return Classifier(network, prepare, where)


def _timm(name: str, checkpoint: str | None, classes: int | None) -> tuple[torch.nn.Module, Any]:
    import timm
    from timm.data.config import resolve_model_data_config
    from timm.data.transforms_factory import create_transform

    extra: dict[str, Any] = {"num_classes": classes} if classes else {}
    if checkpoint:
        network = timm.create_model(name, pretrained=False, checkpoint_path=str(Path(checkpoint).expanduser()), **extra)
    else:
        network = timm.create_model(name, pretrained=True, **extra)
    return network, create_transform(**resolve_model_data_config(network), is_training=False)


def _torchvision(name: str, checkpoint: str | None, classes: int | None) -> tuple[torch.nn.Module, Any]:
    from torchvision.models import get_model, get_model_weights

    weights = get_model_weights(name).DEFAULT
    if not checkpoint:
        return get_model(name, weights=weights), weights.transforms()
    network = get_model(name, weights=None, **({"num_classes": classes} if classes else {}))
    state = torch.load(Path(checkpoint).expanduser(), map_location="cpu", weights_only=True)
    network.load_state_dict(state.get("state_dict", state))
    return network, weights.transforms()


def _pixels(classifier: Classifier, path: str, run: ShardRun) -> torch.Tensor | None:
    allow_large_pictures()
    try:
        with Image.open(path_of_text(path)) as picture:
            return classifier.prepare(picture.convert("RGB"))
    except Exception as error:
        # Pillow's decoders raise whatever their bytes lead them to; each of them means that this file is damaged.
        run.warn(f"A picture was left out: {error}.", subject=path)
        return None
