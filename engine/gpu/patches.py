"""Patch embeddings of an open_clip ViT, for GL-MCM."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.transformer import ResidualAttentionBlock
from torch.nn import functional

from engine.errors import EngineError
from engine.gpu.clip import ClipModel


def encode_patches(clip: ClipModel, pixels: torch.Tensor) -> NDArray[np.float32]:
    """L2-normalised embeddings of the patches, float32 [n, patches, dimensions].

    In the last block the value path alone is taken (no mixing by attention), then the block's own residual and MLP, the
    final norm, and the projection of the picture.

    Args:
        clip: whose picture tower is open_clip's own VisionTransformer.
        pixels: uint8 [n, 3, height, width] in the model's size.

    Raises: EngineError when the picture tower is of another kind.
    Source: GL-MCM, IJCV 2025, local features as its code takes them.
    """
    tower: Any = clip.network.visual
    if not _has_patches(tower):
        raise EngineError(
            f"{clip.model} is no ViT of open_clip's own, so it gives no patches for GL-MCM.",
            "Leave gl-mcm out, or use a model such as ViT-B-16.",
        )
    scaled = _prepared(clip, pixels)
    with torch.inference_mode():
        tokens = _tokens_before_last(tower, scaled)
        block = tower.transformer.resblocks[-1]
        mixed = tokens + block.ls_1(_value_path(block, block.ln_1(tokens)))
        found = tower.ln_post(mixed + block.ls_2(block.mlp(block.ln_2(mixed))))[:, 1:]
        if tower.proj is not None:
            found = found @ tower.proj
    patches: NDArray[np.float32] = functional.normalize(found.float(), dim=-1).cpu().numpy()
    return patches


def _has_patches(tower: Any) -> bool:
    parts = ("conv1", "class_embedding", "positional_embedding", "ln_pre", "transformer", "ln_post")
    if not all(hasattr(tower, part) for part in parts) or getattr(tower, "attn_pool", None) is not None:
        return False
    return isinstance(tower.transformer.resblocks[-1], ResidualAttentionBlock)


def _prepared(clip: ClipModel, pixels: torch.Tensor) -> torch.Tensor:
    mean = torch.tensor(clip.pictures.mean, device=clip.device).view(1, 3, 1, 1)
    std = torch.tensor(clip.pictures.std, device=clip.device).view(1, 3, 1, 1)
    return pixels.to(clip.device).float().div_(255).sub_(mean).div_(std)


def _tokens_before_last(tower: Any, pixels: torch.Tensor) -> torch.Tensor:
    grid = tower.conv1(pixels).flatten(2).transpose(1, 2)
    first = tower.class_embedding.to(grid.dtype).expand(len(grid), 1, -1)
    tokens: torch.Tensor = tower.ln_pre(torch.cat([first, grid], dim=1) + tower.positional_embedding.to(grid.dtype))
    batch_first = getattr(tower.transformer, "batch_first", True)
    for block in tower.transformer.resblocks[:-1]:
        tokens = block(tokens) if batch_first else block(tokens.transpose(0, 1)).transpose(0, 1)
    return tokens


def _value_path(block: Any, tokens: torch.Tensor) -> torch.Tensor:
    attention = block.attn
    width = tokens.shape[-1]
    weight, bias = attention.in_proj_weight[2 * width :], attention.in_proj_bias[2 * width :]
    mixed: torch.Tensor = attention.out_proj(functional.linear(tokens, weight, bias))
    return mixed
