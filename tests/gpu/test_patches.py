"""Patch embeddings of a real, small ViT of open_clip, against its own blocks with attention that cannot mix tokens."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from engine.errors import EngineError
from engine.gpu.clip import ClipModel, encode_pictures, load_model
from engine.gpu.patches import encode_patches
from tests.tiny_clip import PICTURES, TINY


def make_clip(folder: Path, vision: dict[str, Any]) -> ClipModel:
    """A CLIP with random weights whose picture tower is as given, loaded as a user's model is."""
    settings = {**TINY, "vision_cfg": vision}
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": settings, "preprocess_cfg": PICTURES}))
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = open_clip.CLIP(**settings).eval()
        for parameter in network.visual.parameters():
            # The usual beginnings are so small that residuals would hide a missing piece.
            parameter.data += 0.1 * torch.randn_like(parameter)
    weights = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return load_model(f"local-dir:{folder}", None, "cpu")


def pictures(count: int, side: int) -> torch.Tensor:
    generator = np.random.default_rng(2)
    return torch.from_numpy(generator.integers(0, 256, (count, 3, side, side), dtype=np.uint8))


@pytest.mark.parametrize("scale", [None, 0.3])
def test_patches_are_the_last_block_with_each_token_attending_to_itself(tmp_path: Path, scale: float | None) -> None:
    vision = {"image_size": 32, "layers": 3, "width": 32, "head_width": 16, "patch_size": 8, "ls_init_value": scale}
    clip = make_clip(tmp_path / "vit", vision)
    pixels = pictures(3, 32)
    found = encode_patches(clip, pixels)
    assert found.shape == (3, 16, 24)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, atol=1e-5)

    tower: Any = clip.network.visual
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PICTURES["mean"], PICTURES["std"]))
    with torch.inference_mode():
        tokens = tower._embeds((pixels.float() / 255 - mean) / std)
        for block in tower.transformer.resblocks[:-1]:
            tokens = block(tokens)
        alone = torch.full((17, 17), -torch.inf).fill_diagonal_(0)
        last = tower.ln_post(tower.transformer.resblocks[-1](tokens, attn_mask=alone))[:, 1:] @ tower.proj
        expected = torch.nn.functional.normalize(last, dim=-1).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-6)
    # Without the mask tokens are mixed, so this checks something.
    with torch.inference_mode():
        mixed = tower.ln_post(tower.transformer.resblocks[-1](tokens))
    assert not np.allclose(mixed[:, 1:] @ tower.proj, last, atol=1e-2)
    # The same tokens, mixed and pooled, are the picture's own embedding: nothing before the last block differs.
    whole = torch.nn.functional.normalize(mixed[:, 0] @ tower.proj, dim=-1)
    np.testing.assert_allclose(encode_pictures(clip, pixels), whole, atol=2e-6)


def test_a_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "resnet", {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16})
    with pytest.raises(EngineError, match="is no ViT of open_clip's own"):
        encode_patches(clip, pictures(1, 32))
