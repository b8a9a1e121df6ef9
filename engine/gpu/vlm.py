"""A vision-language model from transformers that is asked yes-or-no questions about pictures."""

import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.utils.hub import cached_file, extract_commit_hash

from engine.errors import EngineError, first_line
from engine.filters.answers import YesNo, yes_no
from engine.gpu.encoding import is_out_of_memory
from engine.gpu.placing import choose_device, precision_on
from engine.jobs.failures import is_lost_device
from engine.jobs.timing import Spend

YES_WORDS = ("yes", "Yes", "YES")
NO_WORDS = ("no", "No", "NO")
WITHOUT_CHAT = "paligemma"
"""The type of models, PaliGemma 2 among them, that have no chat template by design."""
WEIGHT_SUFFIXES = (".safetensors", ".bin")


@dataclass(frozen=True, slots=True)
class Vlm:
    """A model that is ready to be asked.

    Attributes:
        model: id or folder, as the user wrote it.
        revision: the hub's commit, or the SHA-256 over the weights of a local folder.
        chat: whether questions go through a chat template.
        yes, no: token ids that mean yes and no as the first token of an answer.
        control_tokens: texts that the tokenizer would take for marks of its own.
    """

    model: str
    revision: str
    device: torch.device
    network: Any
    processor: Any
    chat: bool
    yes: torch.Tensor
    no: torch.Tensor
    control_tokens: tuple[str, ...]


def load_vlm(model: str, device: str = "auto", in_words: bool = False) -> Vlm:
    """Load a vision-language model with its weights.

    Args:
        model: transformers id or local folder.
        device: auto, cpu, cuda or cuda:N.
        in_words: whether its answers will be read as texts; then it need not have single tokens for yes and no.

    Raises: EngineError that says what is missing or does not fit.
    """
    where = choose_device(device)
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # nobody sees it in a log
    try:
        processor, network = _fetched(model, precision_on(where))
    except ImportError as error:
        first = first_line(error)
        hint = "Install what is missing, then resume the job; sood-tui[smolvlm] has what SmolVLM needs."
        raise EngineError(f"The vision-language model {model} cannot be loaded: {first}", hint) from error
    except Exception as error:
        # A damaged or foreign folder makes these libraries raise whatever it leads them to.
        if is_out_of_memory(error) or is_lost_device(error) or isinstance(error, EngineError):
            raise
        raise EngineError(
            f"The vision-language model {model} cannot be loaded: {_reason(error)}",
            "Name a transformers id or a local folder with config, weights and processor; without a network (or with "
            "HF_HUB_OFFLINE=1) the files must be on this machine already. A damaged folder has to be fetched again.",
        ) from error
    tokenizer = processor.tokenizer
    tokenizer.padding_side = "left"
    yes, no = _first_tokens(tokenizer, YES_WORDS), _first_tokens(tokenizer, NO_WORDS)
    if not in_words and (not yes or not no or set(yes) & set(no)):
        raise EngineError(
            f"{model} has no single tokens for yes and no.", "Use another model, or --compat, which reads text."
        )
    network = _placed(network.eval().requires_grad_(False), model, where)
    return Vlm(
        model=model,
        revision=_revision(model),
        device=where,
        network=network,
        processor=processor,
        chat=bool(getattr(processor, "chat_template", None)),
        yes=torch.tensor(yes, device=where),
        no=torch.tensor(no, device=where),
        control_tokens=_control_tokens(tokenizer),
    )


def _fetched(model: str, precision: torch.dtype) -> tuple[Any, Any]:
    """Processor and network; the network of cables is asked only where the files are not all on this machine.

    Asked first, a hub that cannot be reached would be waited for file by file, minutes long, for nothing.
    """
    try:
        found = _loaded(model, precision, local_files_only=True)
    except OSError:
        if Path(model).is_dir():
            raise
        return _loaded(model, precision, local_files_only=False)
    processor, network = found
    if Path(model).is_dir() or getattr(processor, "chat_template", None) or network.config.model_type == WITHOUT_CHAT:
        return found
    with suppress(OSError):  # the template may be the one file that was never fetched
        return _loaded(model, precision, local_files_only=False)
    return found


def _loaded(model: str, precision: torch.dtype, local_files_only: bool) -> tuple[Any, Any]:
    processor = AutoProcessor.from_pretrained(model, local_files_only=local_files_only)  # type: ignore[no-untyped-call]
    return processor, AutoModelForImageTextToText.from_pretrained(
        model, dtype=precision, local_files_only=local_files_only
    )


def ask(
    vlm: Vlm,
    pictures: Sequence[Image.Image],
    questions: Sequence[str],
    spend: Spend = lambda phase, seconds: None,
) -> YesNo:
    """Ask one question about each picture; the answer is read from the logits of its first token.

    Args:
        vlm: the model.
        pictures: as its processor takes them.
        questions: one for each.
        spend: gets the seconds of the phases prepare, copy and encode.

    Returns: float32 arrays [n], and as many texts.
    Raises: torch.OutOfMemoryError.
    """
    inputs = _inputs(vlm, pictures, questions, spend)
    start = time.perf_counter()
    with torch.inference_mode():
        logits = vlm.network(**inputs, logits_to_keep=1, use_cache=False).logits[:, -1].float()
        found = yes_no(logits, vlm.yes, vlm.no)
        likeliest = logits.argmax(-1).tolist()
    margin, p_yes, mass = (np.asarray(part.cpu(), dtype=np.float32) for part in (found.margin, found.p_yes, found.mass))
    answers = YesNo(margin, p_yes, mass, [str(vlm.processor.tokenizer.decode([token])) for token in likeliest])
    spend("encode", time.perf_counter() - start)
    return answers


def answer_texts(
    vlm: Vlm,
    pictures: Sequence[Image.Image],
    questions: Sequence[str],
    longest: int = 20,
    spend: Spend = lambda phase, seconds: None,
) -> list[str]:
    """The answers as text, without the questions; greedy, at most so many tokens; ``spend`` as ``ask``."""
    inputs = _inputs(vlm, pictures, questions, spend)
    start = time.perf_counter()
    asked = inputs["input_ids"].shape[1]
    with torch.inference_mode():
        tokens = vlm.network.generate(**inputs, max_new_tokens=longest, do_sample=False)
    decoded: list[str] = vlm.processor.batch_decode(tokens[:, asked:], skip_special_tokens=True)
    spend("encode", time.perf_counter() - start)
    return decoded


def _inputs(vlm: Vlm, pictures: Sequence[Image.Image], questions: Sequence[str], spend: Spend) -> Any:
    """What the network takes, on its device: resized pictures and tokens."""
    start = time.perf_counter()
    inputs = _prepared(vlm, pictures, questions)
    prepared = time.perf_counter()
    inputs = inputs.to(vlm.device)
    if "pixel_values" in inputs:
        inputs["pixel_values"] = inputs["pixel_values"].to(vlm.network.dtype)
    spend("prepare", prepared - start)
    spend("copy", time.perf_counter() - prepared)
    return inputs


def _prepared(vlm: Vlm, pictures: Sequence[Image.Image], questions: Sequence[str]) -> Any:
    """The same in main memory."""
    if vlm.chat:
        talks = [
            [
                {
                    "role": "user",
                    "content": [{"type": "image", "image": picture}, {"type": "text", "text": _plain(vlm, text)}],
                }
            ]
            for picture, text in zip(pictures, questions, strict=True)
        ]
        inputs = vlm.processor.apply_chat_template(
            talks,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )
    else:
        inputs = vlm.processor(
            images=[[picture] for picture in pictures],
            text=["<image>" + _plain(vlm, text) for text in questions],
            return_tensors="pt",
            padding="longest",
        )
    inputs.pop("labels", None)  # PaliGemma's processor gives labels even without an answer to learn
    return inputs


def _plain(vlm: Vlm, text: str) -> str:
    """The text with every control token of the model broken up: names and glosses are data."""
    for token in vlm.control_tokens:
        text = text.replace(token, " ".join(token))
    return text


def _placed(network: Any, model: str, where: torch.device) -> Any:
    try:
        return network.to(where)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    raise EngineError(
        f"{model} does not fit into the memory of {where}.",
        "Free memory there, or use a smaller model or --device cpu; then resume the job.",
    )


def _control_tokens(tokenizer: Any) -> tuple[str, ...]:
    """What must not stand in a question: special tokens, and others that look like marks; the longest first."""
    marks = {
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if token.special or (token.content[:1] in "<[" and token.content[-1:] in ">]")
    }
    marks |= {"<image>", *tokenizer.all_special_tokens}
    return tuple(sorted((mark for mark in marks if len(mark) > 1), key=lambda mark: (-len(mark), mark)))


def _first_tokens(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """Tokens that are a whole word at the start of an answer; a token that only begins one would catch others too."""
    found = set()
    for text in (form for word in words for form in (word, " " + word)):
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(tokens) == 2 and not tokenizer.decode(tokens[:1]).strip():
            tokens = tokens[1:]
        if len(tokens) == 1:
            found.add(tokens[0])
    return sorted(found)


def _reason(error: Exception) -> str:
    first = first_line(error)
    if "ignore_mismatched_sizes" in first:
        return "its weights do not have the shapes that its config tells."
    return first if isinstance(error, (OSError, ValueError)) else f"{type(error).__name__}: {first}"


def _revision(model: str) -> str:
    """The hub's commit, or the SHA-256 over the weights of a local folder."""
    folder = Path(model).expanduser()
    if not folder.is_dir():
        config = cached_file(model, "config.json", local_files_only=True)
        if commit := extract_commit_hash(config, None):
            return str(commit)
        folder = Path(str(config)).parent
    digest = hashlib.sha256()
    for path in sorted(entry for entry in folder.iterdir() if entry.suffix in WEIGHT_SUFFIXES):
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
