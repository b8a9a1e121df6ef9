"""Loading models and encoding with them, against open_clip itself."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from engine.errors import EngineError
from engine.gpu.checkpoints import Checkpoint
from engine.gpu.clip import ClipModel, _build, encode_pictures, encode_texts, load_model
from engine.gpu.encoding import Encoder, is_out_of_memory
from engine.gpu.pictures import prepare
from engine.gpu.placing import choose_device
from engine.jobs.files import sha256_of
from tests.tiny_clip import TINY, make_network, make_tiny_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_clip(tmp_path_factory.mktemp("models") / "tiny clip")


@pytest.fixture(scope="module", autouse=True)
def _architecture(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("architectures") / "sood-tiny.json"
    path.write_text(json.dumps(TINY))
    open_clip.add_model_config(path)


def tower(clip: ClipModel) -> Any:
    """The part of the network that sees pictures."""
    return clip.network.visual


def test_embeddings_are_open_clips_own(folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        Image.fromarray(rng.integers(0, 256, (60 + 9 * number, 90, 3), dtype=np.uint8)).save(file)
    network, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    network.eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.inference_mode():
        texts = network.encode_text(tokenizer(["dog", "tabby cat"]), normalize=True).numpy()
        batch = torch.stack([transform(Image.open(file)) for file in files])
        images = network.encode_image(batch, normalize=True).numpy()
    clip = load_model(f"local-dir:{folder}", "openai", "cpu")
    assert clip.pretrained is None
    assert clip.dimensions == 24
    assert clip.pictures.mean == (0.5, 0.4, 0.3)
    np.testing.assert_allclose(encode_texts(clip, ["dog", "tabby cat"], batch_size=1), texts, atol=1e-6)
    pixels = torch.stack([prepare(str(file), clip.pictures) for file in files])
    # One step of 255 in a pixel moves a component by a few ten-thousandths.
    np.testing.assert_allclose(encode_pictures(clip, pixels), images, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(encode_pictures(clip, pixels), axis=1), 1, atol=1e-6)


def test_the_key_names_the_model_and_follows_its_weights(folder: Path, tmp_path: Path) -> None:
    clip = load_model(f"local-dir:{folder}", device="cpu")
    moved = shutil.copytree(folder, tmp_path / "tiny clip")
    assert clip.model_key.startswith("tiny-clip--")
    assert load_model(f"local-dir:{moved}", device="cpu").model_key == clip.model_key
    assert clip.weights_sha256 == sha256_of(folder / "open_clip_model.safetensors")
    make_tiny_clip(moved, seed=1)
    other = load_model(f"local-dir:{moved}", device="cpu")
    assert other.model_key != clip.model_key
    assert other.model_key[:11] == clip.model_key[:11]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::torch.jit.TracerWarning")
def test_a_checkpoint_file_is_loaded_in_every_format(folder: Path, tmp_path: Path) -> None:
    network = make_network()
    torch.save({"state_dict": network.state_dict()}, tmp_path / "a.pt")
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, tmp_path / "b.safetensors")
    with torch.inference_mode():
        example = (torch.zeros(1, 3, 32, 32), torch.zeros(1, 16, dtype=torch.long))
        torch.jit.trace(network.half().float(), example).save(  # type: ignore[no-untyped-call]
            str(tmp_path / "c.pt")
        )
    expected = encode_texts(load_model(f"local-dir:{folder}", device="cpu"), ["a lion"])
    for name, tolerance in (("a.pt", 1e-7), ("b.safetensors", 1e-7), ("c.pt", 2e-3)):
        clip = load_model("sood-tiny", str(tmp_path / name), "cpu")
        assert clip.model_key.startswith(f"sood-tiny--{Path(name).stem}--")
        np.testing.assert_allclose(encode_texts(clip, ["a lion"]), expected, atol=tolerance)


def test_weights_decide_the_activation() -> None:
    def activations(quick: bool) -> set[str]:
        network = _build(Checkpoint("sood-tiny", "openai", Path("unused"), "tiny", quick_gelu=quick))
        return {type(module).__name__ for module in network.modules() if "GELU" in type(module).__name__}

    assert activations(quick=True) == {"QuickGELU"}
    assert activations(quick=False) == {"GELU"}


def test_a_text_tower_of_the_folders_own_needs_no_absolute_path(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    folder = tmp_path / "with-bert"
    text = BertConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=16,
    )  # fmt: skip
    BertModel(text).save_pretrained(folder)
    (folder / "model.safetensors").unlink()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "dog", "cat"]
    (folder / "vocab.txt").write_text("\n".join(words))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    tower = {"hf_model_name": "somewhere/else", "hf_tokenizer_name": "somewhere/else", "hf_proj_type": "linear",
             "hf_pooler_type": "mean_pooler", "context_length": 8}  # fmt: skip
    settings = {**TINY, "text_cfg": tower, "custom_text": True}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": settings}))
    built = open_clip.CustomTextCLIP(
        24, TINY["vision_cfg"], {**tower, "hf_model_name": str(folder), "hf_model_pretrained": False}
    )
    save_file({k: v.contiguous() for k, v in built.state_dict().items()}, folder / "open_clip_model.safetensors")
    clip = load_model(f"local-dir:{folder}", device="cpu")
    dog, cat = encode_texts(clip, ["dog", "cat"])
    assert float(dog @ dog) == pytest.approx(1, abs=1e-6)
    assert float(dog @ cat) < 0.9999


def test_a_model_without_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    with pytest.raises(EngineError, match=r"no open_clip_config\.json"):
        load_model(f"local-dir:{bare}")
    shutil.copy(folder / "open_clip_config.json", bare)
    with pytest.raises(EngineError, match="has no weights") as missing:
        load_model(f"local-dir:{bare}")
    assert "random" in missing.value.hint
    (bare / "open_clip_model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(EngineError, match="cannot be loaded") as damaged:
        load_model(f"local-dir:{bare}")
    assert "damaged" in damaged.value.hint
    for name in ("one.pt", "two.pt"):
        (bare / name).write_bytes(b"")
    (bare / "open_clip_model.safetensors").unlink()
    with pytest.raises(EngineError, match=r"several weights: one\.pt, two\.pt"):
        load_model(f"local-dir:{bare}")


def test_what_is_wrong_with_a_name_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="does not exist"):
        load_model(f"local-dir:{tmp_path / 'nowhere'}")
    with pytest.raises(EngineError, match="names nothing"):
        load_model("local-dir:")
    with pytest.raises(EngineError, match="no architecture ViT-B32") as near:
        load_model("ViT-B32", "openai")
    assert near.value.hint.startswith("Did you mean ViT-B-32")
    with pytest.raises(EngineError, match="No weights were named"):
        load_model("ViT-B-32", None)
    with pytest.raises(EngineError, match="neither a tag") as tags:
        load_model("ViT-B-32", "openay")
    assert "laion2b_s34b_b79k" in tags.value.hint
    torch.save({"state_dict": {"other": torch.zeros(1)}}, tmp_path / "other.pt")
    with pytest.raises(EngineError, match="cannot be loaded"):
        load_model("sood-tiny", str(tmp_path / "other.pt"))


def test_devices_that_are_not_there() -> None:
    with pytest.raises(EngineError, match="no device nonsense"):
        choose_device("nonsense")
    with pytest.raises(EngineError, match="not supported"):
        choose_device("meta")
    with pytest.raises(EngineError, match="no device cuda:99"):
        choose_device("cuda:99")
    assert choose_device("cpu").type == "cpu"


def test_the_hub_is_not_asked_when_it_must_not_be(folder: Path, tmp_path: Path) -> None:
    # The layout of the Hugging Face cache: a commit, and what the branch main points to.
    commit = "0123456789abcdef0123456789abcdef01234567"
    model = tmp_path / "hub" / "models--somebody--tiny"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(commit)
    shutil.copytree(folder, model / "snapshots" / commit)
    program = (
        "import sys; from engine.errors import EngineError; from engine.gpu.clip import load_model\n"
        "for name, tag in (('hf-hub:somebody/tiny', None), ('hf-hub:somebody/none', None), ('ViT-B-32', 'openai')):\n"
        "    try: print(load_model(name, tag, 'cpu').model_key)\n"
        "    except EngineError as error: print(error.message)\n"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", program], env=environment, text=True, capture_output=True, check=True)
    cached, hub, tag = done.stdout.splitlines()
    key = load_model(f"local-dir:{folder}", device="cpu").model_key
    assert cached == f"somebody-tiny--{key.rpartition('--')[2]}"
    assert hub.endswith("somebody/none: not in the cache of this machine, and HF_HUB_OFFLINE forbids fetching.")
    assert tag.startswith("The weights openai of ViT-B-32: not in the cache of this machine")


def test_batches_are_halved_until_they_fit(folder: Path) -> None:
    clip = load_model(f"local-dir:{folder}", device="cpu")
    tried: list[int] = []

    def refuse(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        tried.append(len(inputs[0]))
        if len(inputs[0]) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")

    generator = torch.Generator().manual_seed(2)
    pictures = [torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8, generator=generator) for _ in range(10)]
    expected = Encoder(clip, 10, pytest.fail).encode(pictures)
    told: list[str] = []
    handle = tower(clip).register_forward_pre_hook(refuse)
    encoder = Encoder(clip, 10, told.append)
    vectors = encoder.encode(pictures)
    handle.remove()
    assert tried == [10, 5, 2, 2, 2, 2, 2]
    assert told == [f"Memory ran out on cpu: batches now have {size} pictures." for size in (5, 2)]
    assert encoder.batch_size == 2
    assert vectors.dtype == np.float16
    np.testing.assert_allclose(vectors.astype(np.float32), expected.astype(np.float32), atol=2e-3)


def test_a_batch_is_begun_before_the_one_before_has_landed(folder: Path) -> None:
    clip = load_model(f"local-dir:{folder}", device="cpu")
    generator = torch.Generator().manual_seed(3)
    pictures = [torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8, generator=generator) for _ in range(12)]
    spent: dict[str, float] = {}
    encoder = Encoder(clip, 4, pytest.fail, lambda phase, seconds: spent.update({phase: spent.get(phase, 0) + seconds}))
    first, second = encoder.begin(pictures[:8]), encoder.begin(pictures[8:])
    assert [len(flight.pixels) for flight in (*first, *second)] == [4, 4, 4]
    found = np.concatenate([encoder.finish(first), encoder.finish(second)])
    assert found.tobytes() == encoder.encode(pictures).tobytes()
    assert spent.keys() == {"copy", "encode"}
    assert encoder.encode([]).shape == (0, clip.dimensions)


def test_a_picture_that_never_fits_ends_with_a_sentence(folder: Path) -> None:
    clip = load_model(f"local-dir:{folder}", device="cpu")

    def refuse(*_: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes")

    tower(clip).register_forward_pre_hook(refuse)
    with pytest.raises(EngineError, match="single picture does not fit"):
        Encoder(clip, 4, lambda _: None).encode([torch.zeros(3, 32, 32, dtype=torch.uint8)] * 4)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


def test_numbers_that_overflow_half_precision_are_computed_again(folder: Path) -> None:
    clip = load_model(f"local-dir:{folder}", device="cpu")
    pixels = torch.full((2, 3, 32, 32), 200, dtype=torch.uint8)
    expected = encode_pictures(clip, pixels)

    def overflow(_: torch.nn.Module, __: object, output: torch.Tensor) -> torch.Tensor:
        return output * torch.inf if output.dtype == torch.bfloat16 else output

    tower(clip).conv1.register_forward_hook(overflow)
    half = replace(clip, precision=torch.bfloat16)
    np.testing.assert_allclose(encode_pictures(half, pixels), expected, atol=1e-6)
    landed = Encoder(half, 1, pytest.fail).encode(list(pixels))
    np.testing.assert_allclose(landed.astype(np.float32), expected, atol=1e-3)
    tower(clip).conv1.register_forward_hook(lambda *parts: parts[-1] * torch.nan)
    with pytest.raises(EngineError, match="no numbers"):
        encode_pictures(clip, pixels)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_gives_the_same_embeddings(folder: Path) -> None:
    pixels = torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8)
    cpu, cuda = load_model(f"local-dir:{folder}", device="cpu"), load_model(f"local-dir:{folder}", device="cuda")
    assert cpu.model_key == cuda.model_key
    assert cuda.precision in (torch.bfloat16, torch.float16)
    products = (encode_pictures(cpu, pixels) * encode_pictures(cuda, pixels)).sum(axis=1)
    np.testing.assert_allclose(products, 1, atol=1e-3)
