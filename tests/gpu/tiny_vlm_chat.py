"""Tiny real models of the families that are asked through a chat template, each with its own processor and its marks.

Qwen2.5-VL stands in ``tiny_vlm``. The templates are shortened; the marks around pictures and turns are the real ones.
"""

from pathlib import Path
from typing import Any

import torch
import transformers

from tests.gpu.tiny_vlm import CHAT_TEMPLATE, gemma_tokenizer, qwen_tokenizer, save

TEXT: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 512,
}  # fmt: skip
VISION: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56,
    "patch_size": 14,
}  # fmt: skip


def gemma3(folder: Path) -> Path:
    """A Gemma 3 that pools 16 patches into 4 tokens."""
    torch.manual_seed(0)
    tokenizer = gemma_tokenizer()
    marks = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    tokenizer.add_special_tokens({"extra_special_tokens": list(marks.values())})
    tokenizer = _with_marks(tokenizer, marks, folder)
    number = tokenizer.convert_tokens_to_ids
    processor = transformers.Gemma3Processor(
        transformers.Gemma3ImageProcessor(size={"height": 56, "width": 56}), tokenizer,
        chat_template=_turns("<start_of_turn>", "<end_of_turn>", "model", marks["boi_token"]), image_seq_length=4,
    )  # fmt: skip
    config = transformers.Gemma3Config(
        text_config={**TEXT, "vocab_size": len(tokenizer), "sliding_window": 64, "query_pre_attn_scalar": 16},
        vision_config={**VISION, "model_type": "siglip_vision_model", "vision_use_head": False},
        mm_tokens_per_image=4, image_token_index=number(marks["image_token"]),
        boi_token_index=number(marks["boi_token"]), eoi_token_index=number(marks["eoi_token"]),
    )  # fmt: skip
    return save(folder, transformers.Gemma3ForConditionalGeneration(config), processor)


def smolvlm(folder: Path) -> Path:
    """A SmolVLM, which cuts a picture into tiles and adds the whole of it."""
    return _smol(
        folder, transformers.SmolVLMForConditionalGeneration, transformers.SmolVLMConfig,
        lambda tokenizer, **more: transformers.SmolVLMProcessor(
            transformers.SmolVLMImageProcessor(size={"longest_edge": 112}, max_image_size={"longest_edge": 56}),
            tokenizer,
            transformers.SmolVLMVideoProcessor(),
            **more,
        ),
    )  # fmt: skip


def idefics3(folder: Path) -> Path:
    """An Idefics3, the family of the first SmolVLM."""
    return _smol(
        folder, transformers.Idefics3ForConditionalGeneration, transformers.Idefics3Config,
        lambda tokenizer, **more: transformers.Idefics3Processor(
            transformers.Idefics3ImageProcessor(size={"longest_edge": 112}, max_image_size={"longest_edge": 56}),
            tokenizer,
            **more,
        ),
    )  # fmt: skip


def internvl(folder: Path) -> Path:
    """An InternVL, which cuts a picture into tiles of its own choice."""
    torch.manual_seed(0)
    tokenizer = qwen_tokenizer(["<img>", "</img>", "<IMG_CONTEXT>", "<video>"])
    marks = {
        "start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }  # fmt: skip
    tokenizer = _with_marks(tokenizer, marks, folder)
    processor = transformers.InternVLProcessor(
        transformers.GotOcr2ImageProcessor(size={"height": 56, "width": 56}, max_patches=4), tokenizer,
        transformers.InternVLVideoProcessor(size={"height": 56, "width": 56}),
        chat_template=_turns("<|im_start|>", "<|im_end|>", "assistant", "<IMG_CONTEXT>"), image_seq_length=4,
    )  # fmt: skip
    config = transformers.InternVLConfig(
        vision_config={**VISION, "image_size": [56, 56], "patch_size": [14, 14]},
        text_config={
            **TEXT, "model_type": "qwen2", "vocab_size": len(tokenizer), "bos_token_id": None,
            "eos_token_id": tokenizer.convert_tokens_to_ids("<|im_end|>"),
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"), image_seq_length=4,
    )  # fmt: skip
    return save(folder, transformers.InternVLForConditionalGeneration(config), processor)


def qwen3(folder: Path) -> Path:
    """A Qwen3-VL, whose vision layers reach into those of the language model."""
    torch.manual_seed(0)
    tokenizer = qwen_tokenizer()
    number = tokenizer.convert_tokens_to_ids
    processor = transformers.Qwen3VLProcessor(
        transformers.Qwen2VLImageProcessor(
            patch_size=14, min_pixels=28 * 28, max_pixels=28 * 28 * 16, image_mean=[0.5] * 3, image_std=[0.5] * 3
        ),
        tokenizer,
        transformers.Qwen3VLVideoProcessor(),
        chat_template=CHAT_TEMPLATE,
    )
    config = transformers.Qwen3VLConfig(
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 32,
            "patch_size": 14, "num_position_embeddings": 64, "deepstack_visual_indexes": [0],
        },
        text_config={
            **TEXT, "vocab_size": len(tokenizer), "bos_token_id": None, "eos_token_id": number("<|im_end|>"),
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]},
        },
        image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    return save(folder, transformers.Qwen3VLForConditionalGeneration(config), processor)


def _smol(folder: Path, network: Any, config: Any, processor: Any) -> Path:
    torch.manual_seed(0)
    rows = [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
    marks = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", "<video>"]
    tokenizer = qwen_tokenizer([*marks, *rows])
    template = _turns("<|im_start|>", "<end_of_utterance>", "assistant", "<image>")
    made = processor(tokenizer, image_seq_len=4, chat_template=template)
    sizes = config(
        text_config={
            **TEXT, "model_type": "llama", "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config=VISION, image_token_id=tokenizer.convert_tokens_to_ids("<image>"), scale_factor=2,
    )  # fmt: skip
    return save(folder, network(sizes), made)


def _with_marks(tokenizer: Any, marks: dict[str, str], folder: Path) -> Any:
    """The tokenizer as it comes back from a folder that names its marks, as those on the hub do."""
    place = folder / "tokenizer"
    tokenizer.save_pretrained(place)
    return transformers.AutoTokenizer.from_pretrained(place, extra_special_tokens=marks)


def _turns(begin: str, end: str, answerer: str, image: str) -> str:
    """A chat template with these marks."""
    return (
        "{% for message in messages %}" + begin + "{{ message['role'] }}\n"
        "{% for part in message['content'] %}{% if part['type'] == 'image' %}" + image + "{% else %}"
        "{{ part['text'] }}{% endif %}{% endfor %}" + end + "\n{% endfor %}"
        "{% if add_generation_prompt %}" + begin + answerer + "\n{% endif %}"
    )
