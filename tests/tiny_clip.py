"""A real CLIP of open_clip that is small: its weights are random, but always the same for the same seed."""

import json
from pathlib import Path
from typing import Any

TINY: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    # The tokenizer that comes with open_clip has this vocabulary.
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
PICTURES = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.25], "interpolation": "bicubic", "resize_mode": "shortest"}


def make_network(seed: int = 0) -> Any:
    """The network itself."""
    import open_clip
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return open_clip.CLIP(**TINY).eval()


def make_tiny_clip(folder: Path, seed: int = 0) -> Path:
    """Write the model as open_clip's ``local-dir:`` takes it.

    Returns: the folder.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    settings = {"model_cfg": TINY, "preprocess_cfg": PICTURES}
    (folder / "open_clip_config.json").write_text(json.dumps(settings))
    weights = {key: value.contiguous() for key, value in make_network(seed).state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return folder
