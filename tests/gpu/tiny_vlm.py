"""Tiny real vision-language models, built on the spot and saved as transformers saves them.

They have the architectures and processors of the real ones; only the sizes are small. `teach_red` trains one until it
says yes to red sheets and no to blue ones.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from engine.gpu.vlm import load_vlm

SENTENCES = [
    "Do all 16 pictures in this grid show a dog? Answer yes or no.",
    "Does this picture show a cat? Answer yes or no.",
    "Does all the 16 images contain red? y/n",
    "yes no Yes No YES NO y n",
]
# Two cores are shared by several test processes; more threads would only make them wait for one another.
torch.set_num_threads(1)

RED, BLUE = (200, 30, 30), (30, 30, 200)


def paligemma(folder: Path, second: bool = False) -> Path:
    """A PaliGemma, or a PaliGemma 2, with 56-pixel pictures."""
    torch.manual_seed(0)
    tokenizer = gemma_tokenizer()
    pictures = transformers.SiglipImageProcessor(size={"height": 56, "width": 56})
    pictures.image_seq_length = 16
    processor = transformers.PaliGemmaProcessor(pictures, tokenizer)
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 256,
    }  # fmt: skip
    text = (
        transformers.Gemma2Config(**sizes, sliding_window=64, query_pre_attn_scalar=16)
        if second
        else transformers.GemmaConfig(**sizes)
    )
    vision = transformers.SiglipVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14,
        vision_use_head=False,
    )  # fmt: skip
    config = transformers.PaliGemmaConfig(
        vision_config=vision.to_dict(), text_config=text.to_dict(), image_token_index=processor.image_token_id,
        vocab_size=len(tokenizer), projection_dim=32, hidden_size=32,
    )  # fmt: skip
    return save(folder, transformers.PaliGemmaForConditionalGeneration(config), processor)


def qwen(folder: Path) -> Path:
    """A Qwen2.5-VL, which is asked through a chat template."""
    torch.manual_seed(0)
    tokenizer = qwen_tokenizer()
    number = tokenizer.convert_tokens_to_ids
    processor = transformers.Qwen2_5_VLProcessor(
        transformers.Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=28 * 28 * 16),
        tokenizer,
        transformers.Qwen2VLVideoProcessor(),
        chat_template=CHAT_TEMPLATE,
    )
    config = transformers.Qwen2_5_VLConfig(
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 32,
            "fullatt_block_indexes": [1], "patch_size": 14, "window_size": 56,
        },
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 512, "bos_token_id": None,
            "eos_token_id": number("<|im_end|>"),
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]},
        },
        image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    return save(folder, transformers.Qwen2_5_VLForConditionalGeneration(config), processor)


def teach_red(folder: Path, question: str, steps: int = 120) -> Path:
    """Train a saved model until it says yes to red pictures and no to blue ones, and save it again."""
    torch.manual_seed(0)
    vlm = load_vlm(str(folder), "cpu")
    network = vlm.network.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    from engine.gpu.vlm import _prepared

    pictures = [Image.new("RGB", (224, 224), color) for color in (RED, BLUE)]
    inputs = _prepared(vlm, pictures, [question, question])
    wanted = torch.stack([vlm.yes[0], vlm.no[0]])
    for _ in range(steps):
        logits = network(**inputs, logits_to_keep=1, use_cache=False).logits[:, -1]
        loss = torch.nn.functional.cross_entropy(logits.float(), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return save(folder, network.eval(), vlm.processor)


CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def gemma_tokenizer() -> Any:
    """A tokenizer of Gemma's kind, trained on a few sentences."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
    special += [f"<0x{byte:02X}>" for byte in range(256)]
    trained = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False)
    trained.train_from_iterator(SENTENCES * 8, trainer)
    vocabulary, merges = _learned(trained)
    vocabulary.setdefault("\n", len(vocabulary))
    return transformers.GemmaTokenizer(vocab=vocabulary, merges=merges, padding_side="left")


def qwen_tokenizer(more: Sequence[str] = ()) -> Any:
    """A tokenizer of Qwen's kind, trained on a few sentences, with further marks."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    trained.train_from_iterator(SENTENCES * 8, trainer)
    vocabulary, merges = _learned(trained)
    tokenizer = transformers.Qwen2Tokenizer(
        vocab=vocabulary, merges=merges, padding_side="left", eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    marks = ("im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")
    tokenizer.add_special_tokens({"extra_special_tokens": [*(f"<|{mark}|>" for mark in marks), *more]})
    return tokenizer


def _learned(trained: Tokenizer) -> tuple[dict[str, int], list[tuple[str, str]]]:
    model = json.loads(trained.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def save(folder: Path, network: Any, processor: Any) -> Path:
    """Save a model with its processor, as transformers does."""
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
