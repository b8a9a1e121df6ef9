"""Made-up photographs: soft light, some shapes, grain; every seed another scene."""

import numpy as np
from PIL import Image, ImageDraw


def scene(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture with enough in it that its hashes tell it from others."""
    rng = np.random.default_rng(seed)
    light = Image.fromarray(rng.integers(0, 255, (4, 5, 3)).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    drawn = ImageDraw.Draw(light)
    for _ in range(6):
        left, top = rng.integers(0, max(size[0] - 60, 1)), rng.integers(0, max(size[1] - 60, 1))
        wide, high = rng.integers(20, 120, 2)
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        drawn.ellipse((int(left), int(top), int(left + wide), int(top + high)), fill=colour)
    grain = np.asarray(light, np.int16) + rng.integers(-6, 7, (size[1], size[0], 3))
    return Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))
