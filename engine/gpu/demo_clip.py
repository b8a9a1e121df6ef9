"""The demo's CLIP: a small one, trained in a minute on pictures that it draws itself, saved as an open_clip checkpoint.

Two subclasses of each superclass are never shown to it. It has to recognise them by what they share with their kin, and
so they get lower similarities: the demo has something to grade.
"""

import json
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file
from torch.nn import functional

from engine.demo.classes import SUBCLASSES, DemoClass, classes_from
from engine.demo.pictures import draw_picture
from engine.jobs.shards import ShardRun

PICTURE_SIZE = 48
NEVER_SHOWN = 2
PICTURES_PER_CLASS = 40
PEAK_LEARNING_RATE = 2e-3
WARM_UP_STEPS = 30
SUPERCLASS_WEIGHT = 0.7
MAX_THREADS = 4
CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 64,
        "vision_cfg": {"image_size": PICTURE_SIZE, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bilinear"},
}
# Each caption with how often it is drawn; the last ones speak of the superclass alone.
CAPTIONS = (
    ("a photo of a {subclass}", 0.25),
    ("{subclass}", 0.15),
    ("a picture of a {subclass}", 0.1),
    ("a photo of a {subclass}, a kind of {superclass}", 0.25),
    ("a {subclass}, which is a {superclass}", 0.25),
)
SUPERCLASS_CAPTIONS = ("{superclass}", "a photo of a {superclass}")


def run(run: ShardRun) -> dict[str, Any]:
    """Train and save; settings are classes (see ``as_settings``), steps, seed, and target, the checkpoint's folder."""
    classes = classes_from(run.settings["classes"])
    target, steps, seed = Path(run.settings["target"]), int(run.settings["steps"]), int(run.settings["seed"])
    run.expect(steps)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(min(MAX_THREADS, os.cpu_count() or 1))
    network = open_clip.CLIP(**CONFIG["model_cfg"])
    tokenizer = open_clip.SimpleTokenizer(context_length=CONFIG["model_cfg"]["text_cfg"]["context_length"])
    lesson = make_lesson(run, classes, seed, tokenizer)
    loss = train(run, network, lesson, steps, seed)
    save(network, target)
    return {"checkpoint": str(target), "loss": loss, "classes_shown": len(lesson.superclass_of)}


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learned from.

    Attributes:
        pictures: uint8 [n_shown, PICTURES_PER_CLASS, 3, PICTURE_SIZE, PICTURE_SIZE].
        captions: int64 [n_shown, len(CAPTIONS), context length], tokens.
        superclass_captions: int64 [len(SUPERCLASS_CAPTIONS), n_superclasses, context length], tokens.
        superclass_of: int64 [n_shown], index of the superclass of each subclass.
    """

    pictures: torch.Tensor
    captions: torch.Tensor
    superclass_captions: torch.Tensor
    superclass_of: torch.Tensor


def make_lesson(run: ShardRun, classes: Sequence[DemoClass], seed: int, tokenizer: Any) -> Lesson:
    """Draw the pictures of all subclasses but the oddest, none of them a picture of the demo's folders."""
    shown = [kind for kind in classes if kind.position < SUBCLASSES - NEVER_SHOWN]
    superclasses = list(dict.fromkeys(kind.superclass for kind in shown))
    pictures = np.empty((len(shown), PICTURES_PER_CLASS, 3, PICTURE_SIZE, PICTURE_SIZE), dtype=np.uint8)
    for row, kind in enumerate(shown):
        run.check()
        for number in range(PICTURES_PER_CLASS):
            picture = draw_picture(kind, seed, f"lesson-{number}", (PICTURE_SIZE, PICTURE_SIZE))
            pictures[row, number] = np.asarray(picture).transpose(2, 0, 1)
    return Lesson(
        pictures=torch.from_numpy(pictures),
        captions=torch.stack([tokenizer(captions_of(kind)) for kind in shown]),
        superclass_captions=torch.stack(
            [tokenizer([text.format(superclass=name) for name in superclasses]) for text in SUPERCLASS_CAPTIONS]
        ),
        superclass_of=torch.tensor([superclasses.index(kind.superclass) for kind in shown]),
    )


def captions_of(kind: DemoClass) -> list[str]:
    """Every caption of a subclass."""
    return [text.format(subclass=kind.word, superclass=kind.superclass) for text, _ in CAPTIONS]


def train(run: ShardRun, network: torch.nn.Module, lesson: Lesson, steps: int, seed: int) -> float:
    """Train for a number of steps, whatever time they take; returns the last loss.

    A batch holds one picture of every subclass, so that no picture fits the caption of another.
    """
    chance = torch.Generator().manual_seed(seed)
    contrast = open_clip.ClipLoss()
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=0.05, betas=(0.9, 0.98))
    loss = torch.zeros(())
    network.train()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate(step, steps)
        loss = batch_loss(network, contrast, lesson, chance)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            network.logit_scale.clamp_(0, math.log(100))  # type: ignore[operator]
        run.advance(1, loss=round(loss.item(), 3))
    return float(loss.item())


def learning_rate(step: int, steps: int) -> float:
    """A linear warm-up, then half a cosine down to a hundredth."""
    return (
        PEAK_LEARNING_RATE
        * min(1.0, (step + 1) / WARM_UP_STEPS)
        * (0.5 + 0.5 * math.cos(math.pi * step / steps) + 0.01)
    )


def batch_loss(network: Any, contrast: Any, lesson: Lesson, chance: torch.Generator) -> torch.Tensor:
    """CLIP's loss on one picture and caption of each subclass, plus the cross entropy over the superclasses."""
    shown = len(lesson.superclass_of)
    rows = torch.arange(shown)
    numbers = torch.randint(PICTURES_PER_CLASS, (shown,), generator=chance)
    weights = torch.tensor([weight for _, weight in CAPTIONS])
    captions = lesson.captions[rows, torch.multinomial(weights, shown, replacement=True, generator=chance)]
    asked = lesson.superclass_captions[int(torch.randint(len(SUPERCLASS_CAPTIONS), (1,), generator=chance))]
    images = network.encode_image(augment(lesson.pictures[rows, numbers], chance), normalize=True)
    texts = network.encode_text(torch.cat([captions, asked]), normalize=True)
    scale = network.logit_scale.exp()
    superclass_logits = scale * images @ texts[shown:].T
    loss: torch.Tensor = contrast(images, texts[:shown], scale)
    return loss + SUPERCLASS_WEIGHT * functional.cross_entropy(superclass_logits, lesson.superclass_of)


def augment(pictures: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Normalised pictures, shifted a few pixels, each with a contrast of its own: float32 [n, 3, height, width]."""
    normalised = (pictures.float() / 255 - 0.5) / 0.25
    down, right = torch.randint(-3, 4, (2,), generator=chance).tolist()
    contrast = 1 + 0.15 * torch.randn(len(pictures), 1, 1, 1, generator=chance)
    return torch.roll(normalised, (down, right), (2, 3)) * contrast


def save(network: torch.nn.Module, target: Path) -> None:
    """Write the folder that open_clip's local-dir: expects, with weights in half precision; replaces an earlier one."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    try:
        (draft / "open_clip_config.json").write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")
        state = {
            name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()
        }
        save_file({name: value.contiguous() for name, value in state.items()}, draft / "open_clip_model.safetensors")
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
