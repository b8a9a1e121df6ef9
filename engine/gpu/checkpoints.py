"""Finding the files of a CLIP model: the tag, the checkpoint or the folder that a user named."""

import difflib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import huggingface_hub
import open_clip
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from open_clip.factory import parse_model_name

from engine.errors import EngineError

CONFIG_NAME = "open_clip_config.json"
# open_clip's own order of preference among several weights in one folder.
WEIGHT_NAMES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")
HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_PICTURE_KEYS = ("mean", "std", "interpolation", "resize_mode")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model whose files are all on this machine.

    Attributes:
        model: the name to give to open_clip.
        pretrained: tag or path as the user wrote it; None where the model brings its own weights.
        weights: the file with the weights.
        short_name: what to call it in a folder name.
        picture_settings: what the tag says about preparing pictures, over open_clip's defaults.
        quick_gelu: the weights were trained with that activation, whatever the architecture's file says.
        text_settings: replaces the text tower's settings where those name files of this very folder.
    """

    model: str
    pretrained: str | None
    weights: Path
    short_name: str
    picture_settings: dict[str, Any] = field(default_factory=dict)
    quick_gelu: bool = False
    text_settings: dict[str, Any] | None = None


def find_checkpoint(model: str, pretrained: str | None) -> Checkpoint:
    """The files of a model; a tag or a hub model that is not cached is fetched unless HF_HUB_OFFLINE forbids it.

    Args:
        model: open_clip's architecture, ``local-dir:FOLDER`` or ``hf-hub:ORG/NAME``.
        pretrained: open_clip's tag or the path of a checkpoint; ignored with a prefix, which brings its own weights.

    Raises: EngineError that says what is missing.
    """
    try:
        scheme, name = parse_model_name(model)
    except ValueError as error:
        raise EngineError(f"The model {model!r} names nothing after its prefix.", "Write local-dir:FOLDER.") from error
    if scheme == "local-dir":
        return _in_folder(Path(name).expanduser())
    if scheme == "hf-hub":
        return _on_hub(model, name)
    return _of_architecture(model, pretrained)


def _in_folder(folder: Path) -> Checkpoint:
    folder = Path(os.path.abspath(folder))
    if not folder.is_dir():
        raise EngineError(f"The model folder {folder} does not exist.", "local-dir: takes the path of a folder.")
    settings = _model_settings(folder / CONFIG_NAME)
    return Checkpoint(
        model=f"local-dir:{folder}",
        pretrained=None,
        weights=_weights_in(folder),
        short_name=folder.name,
        text_settings=_text_settings_in(folder, settings["text_cfg"]),
    )


def _model_settings(path: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["model_cfg"]
        missing = {"embed_dim", "vision_cfg", "text_cfg"} - set(settings)
    except FileNotFoundError as error:
        raise EngineError(
            f"{path.parent} has no {CONFIG_NAME}, so it is not a model folder of open_clip.",
            "For a bare checkpoint give its architecture with --model and the file with --pretrained.",
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"{path} is no model description of open_clip: {error!r}.", "It needs model_cfg.") from error
    if missing:
        raise EngineError(f"{path} does not say {', '.join(sorted(missing))} in model_cfg.")
    return settings


def _weights_in(folder: Path) -> Path:
    for name in WEIGHT_NAMES:
        if (folder / name).is_file():
            return folder / name
    others = sorted(path for path in folder.iterdir() if path.suffix in WEIGHT_SUFFIXES and path.is_file())
    if not others:
        raise EngineError(
            f"The model folder {folder} has no weights.",
            f"Put them there as {WEIGHT_NAMES[0]}; a model without weights would give random scores.",
        )
    if len(others) > 1:
        names = ", ".join(path.name for path in others)
        raise EngineError(f"{folder} has several weights: {names}.", f"Rename the right one to {WEIGHT_NAMES[0]}.")
    return others[0]


def _text_settings_in(folder: Path, text: dict[str, Any]) -> dict[str, Any] | None:
    # A text tower from transformers is looked up by name; when its description lies in the model's own folder, that
    # one is meant, so that the folder works wherever it is copied to.
    if not text.get("hf_model_name") or not (folder / "config.json").is_file():
        return None
    return {**text, "hf_model_name": str(folder), "hf_tokenizer_name": str(folder), "hf_model_pretrained": False}


def _on_hub(model: str, name: str) -> Checkpoint:
    try:
        settings = _from_hub(name, (CONFIG_NAME,))
        weights = _from_hub(name, HUB_WEIGHTS)
    except (OSError, ValueError, RuntimeError) as error:
        raise _not_here(f"The model {model}", error) from error
    _model_settings(settings)
    return Checkpoint(model=model, pretrained=None, weights=weights, short_name=name.replace("/", "-"))


def _of_architecture(model: str, pretrained: str | None) -> Checkpoint:
    name = model.replace("/", "-")
    if name not in open_clip.list_models():
        near = difflib.get_close_matches(name, open_clip.list_models(), n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Or name a folder: --model local-dir:FOLDER."
        raise EngineError(f"open_clip knows no architecture {model}.", hint)
    if not pretrained:
        raise EngineError(
            f"No weights were named for {model}.",
            f"Give --pretrained: {_known_tags(name)}, or the path of a checkpoint.",
        )
    if settings := open_clip.get_pretrained_cfg(name, pretrained):
        return _of_tag(name, pretrained, settings)
    path = Path(pretrained).expanduser()
    if path.is_file():
        return Checkpoint(name, str(path), Path(os.path.abspath(path)), f"{name}--{path.stem}")
    raise EngineError(f"{pretrained} is neither a tag of {model} nor a file.", f"Its tags are: {_known_tags(name)}.")


def _of_tag(name: str, tag: str, settings: dict[str, Any]) -> Checkpoint:
    try:
        repository, _, file_name = settings["hf_hub"].rpartition("/")
        weights = _from_hub(repository, (file_name,) if file_name else HUB_WEIGHTS)
    except (OSError, ValueError, RuntimeError) as error:
        raise _not_here(f"The weights {tag} of {name}", error) from error
    pictures = {key: settings[key] for key in _PICTURE_KEYS if settings.get(key) is not None}
    return Checkpoint(name, tag, weights, f"{name}--{tag}", pictures, bool(settings.get("quick_gelu")))


def _from_hub(repository: str, names: tuple[str, ...]) -> Path:
    # What is cached is used as it is: no network is asked whether there is something newer.
    for name in names:
        if isinstance(found := huggingface_hub.try_to_load_from_cache(repository, name), str):
            return Path(found)
    for name in names[:-1]:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, name))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            continue
    return Path(huggingface_hub.hf_hub_download(repository, names[-1]))


def _known_tags(name: str) -> str:
    return ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "it has no tags"


def _not_here(what: str, error: Exception) -> EngineError:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        reason = "not in the cache of this machine, and HF_HUB_OFFLINE forbids fetching"
    else:
        reason = "not in the cache of this machine, and could not be fetched"
    return EngineError(
        f"{what}: {reason}.",
        "Run once with a network, copy the Hugging Face cache here (HF_HOME), or name a folder with local-dir:FOLDER. "
        f"The last error was: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
    )
