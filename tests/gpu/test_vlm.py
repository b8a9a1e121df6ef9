"""Vision-language models: loading and asking, for every family that the manual names."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import EngineError
from engine.filters.answers import YesNo
from engine.gpu import fitting
from engine.gpu import vlm as vlm_module
from engine.gpu.vlm import Vlm, _prepared, answer_texts, ask, load_vlm
from engine.gpu.vlm_batches import Asker, Refused
from engine.jobs.devices import usable_cores
from tests.gpu.tiny_vlm import BLUE, RED, paligemma, qwen, teach_red
from tests.gpu.tiny_vlm_chat import gemma3, idefics3, internvl, qwen3, smolvlm

FAMILIES: dict[str, Callable[[Path], Path]] = {
    "paligemma": paligemma,
    "paligemma2": lambda folder: paligemma(folder, second=True),
    "qwen2_5_vl": qwen,
    "qwen3_vl": qwen3,
    "smolvlm": smolvlm,
    "idefics3": idefics3,
    "gemma3": gemma3,
    "internvl": internvl,
}
QUESTION = "Do all 16 pictures in this grid show a dog? Answer yes or no."


@pytest.fixture(scope="module", params=list(FAMILIES))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "smolvlm":
        pytest.importorskip("num2words", reason="SmolVLM's processor needs it: pip install 'sood-tui[smolvlm]'")
    return FAMILIES[request.param](tmp_path_factory.mktemp("vlm") / request.param)


def _sheet(color: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (224, 224), color)


def test_random_weights_do_not_answer(folder: Path) -> None:
    answers = ask(load_vlm(str(folder), "cpu"), [_sheet(RED)], [QUESTION])
    assert answers.mass[0] < 0.2, "yes and no together are a small part of a random vocabulary"
    assert answers.p_yes[0] == pytest.approx(1 / (1 + np.exp(-answers.margin[0])), abs=1e-6)


def test_a_batch_answers_as_each_alone(folder: Path) -> None:
    vlm = load_vlm(str(folder), "cpu")
    pictures = [_sheet(RED), _sheet(BLUE), _sheet((0, 200, 0))]
    questions = [QUESTION, "Does this picture show a cat? Answer yes or no.", "yes or no?"]
    together = ask(vlm, pictures, questions)
    alone = [float(ask(vlm, [picture], [text]).margin[0]) for picture, text in zip(pictures, questions, strict=True)]
    assert together.margin == pytest.approx(alone, abs=1e-4)


def test_control_tokens_in_a_name_stay_text(folder: Path) -> None:
    vlm = load_vlm(str(folder), "cpu")
    marks = [token.content for token in vlm.processor.tokenizer.added_tokens_decoder.values() if token.special]
    evil = QUESTION.replace("dog", "dog " + " ".join(marks) + " <image>")
    plain, told = (_prepared(vlm, [_sheet(RED)], [text])["input_ids"][0].tolist() for text in (QUESTION, evil))
    assert len(told) > len(plain)
    numbers = [vlm.processor.tokenizer.convert_tokens_to_ids(mark) for mark in marks]
    of_plain, of_told = (Counter(number for number in ids if number in numbers) for ids in (plain, told))
    unknown = vlm.processor.tokenizer.unk_token_id  # a letter that a tiny vocabulary lacks
    of_plain.pop(unknown, None)
    of_told.pop(unknown, None)
    assert of_told == of_plain
    assert np.isfinite(ask(vlm, [_sheet(RED)], [evil]).margin[0])


def test_texts_come_without_the_question(folder: Path) -> None:
    (text,) = answer_texts(load_vlm(str(folder), "cpu"), [_sheet(RED)], [QUESTION], longest=3)
    assert "grid" not in text


def test_training_makes_it_answer(folder: Path) -> None:
    taught = load_vlm(str(teach_red(folder, QUESTION)), "cpu")
    answers = ask(taught, [_sheet(RED), _sheet(BLUE)], [QUESTION, QUESTION])
    assert answers.mass.min() > 0.9
    assert answers.p_yes[0] > 0.9
    assert answers.p_yes[1] < 0.1
    assert [text.strip().lower() for text in answers.answer] == ["yes", "no"]


def _hungry(vlm: Vlm, fits: int) -> None:
    """Let the model ask for 16 TiB more than there are whenever a batch has more pictures than that."""

    def eat(module: object, given: object, named: dict[str, Any]) -> None:
        if len(named["input_ids"]) > fits:
            torch.empty(1 << 44, dtype=torch.uint8)

    vlm.network.register_forward_pre_hook(eat, with_kwargs=True)


@pytest.fixture(scope="module")
def paligemma_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paligemma(tmp_path_factory.mktemp("vlm") / "paligemma")


def test_memory_that_runs_out_halves_the_batch(paligemma_folder: Path) -> None:
    pictures = [_sheet((value, 0, 0)) for value in range(0, 250, 50)]
    whole = ask(load_vlm(str(paligemma_folder), "cpu"), pictures, [QUESTION] * 5)
    vlm = load_vlm(str(paligemma_folder), "cpu")
    _hungry(vlm, fits=2)
    told: list[str] = []
    asker = Asker(vlm, 5, told.append)
    answers = asker.measure(pictures, [QUESTION] * 5)
    assert [answer.margin for answer in answers if isinstance(answer, YesNo)] == pytest.approx(whole.margin, abs=1e-4)
    assert (asker.batch_size, asker.refused) == (2, 0)
    assert told == ["Memory ran out on cpu: batches now have 2 pictures."]
    texts = Asker(vlm, 4, told.append).read(pictures[:4], [QUESTION] * 4)
    assert [type(text) for text in texts] == [str] * 4


def test_a_batch_is_tried_before_the_work_begins(paligemma_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = load_vlm(str(paligemma_folder), "cpu")
    told: list[str] = []
    asker = Asker(vlm, 64, told.append)
    asker.try_batch(512, 5, cores=1)
    assert (asker.batch_size, told) == (64, [])  # five are no more work than trying is
    monkeypatch.setattr(fitting, "_bytes_each", lambda wanted, attempt: attempt(2) or 1e9)
    monkeypatch.setattr(fitting, "free_memory", lambda: 10e9 * usable_cores())
    asker.try_batch(512, 1000, cores=1)
    assert (asker.batch_size, asker.answered) == (8, 0)
    assert told == ["64 pictures at once would take 64 GB of memory, and 9 GB are free: batches have 8."]
    monkeypatch.setattr(fitting, "free_memory", lambda: 1e9 * usable_cores())
    with pytest.raises(EngineError, match="A single picture does not fit into memory: it takes 1 GB"):
        asker.try_batch(512, 1000, cores=1, in_words=True)


def test_memory_that_is_too_small_for_one_picture_ends_the_job(paligemma_folder: Path) -> None:
    vlm = load_vlm(str(paligemma_folder), "cpu")
    _hungry(vlm, fits=0)
    with pytest.raises(EngineError, match="does not fit into the memory of cpu with one picture") as caught:
        Asker(vlm, 4, lambda _: None).measure([_sheet(RED)] * 3, [QUESTION] * 3)
    assert "resume the job" in caught.value.hint


def test_a_picture_that_the_processor_refuses_costs_only_its_own_answer(tmp_path: Path) -> None:
    vlm = load_vlm(str(qwen(tmp_path / "qwen")), "cpu")
    strip = Image.new("RGB", (3000, 10), RED)  # Qwen's processor takes no picture longer than 200 times its width
    asker = Asker(vlm, 4, lambda _: None)
    first, odd, last = asker.measure([_sheet(RED), strip, _sheet(BLUE)], [QUESTION] * 3)
    alone = ask(vlm, [_sheet(BLUE)], [QUESTION])
    assert isinstance(first, YesNo)
    assert isinstance(odd, Refused)
    assert "aspect ratio" in odd.reason
    assert isinstance(last, YesNo)
    assert last.margin == pytest.approx(alone.margin[0], abs=1e-4)
    with pytest.raises(EngineError, match="cannot be asked: absolute aspect ratio"):
        Asker(vlm, 4, lambda _: None).measure([strip] * 64, [QUESTION] * 64)


def test_a_model_that_is_not_there_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EngineError, match="cannot be loaded") as caught:
        load_vlm(str(tmp_path / "nothing"), "cpu")
    assert "local folder" in caught.value.hint


def test_a_model_of_the_hub_is_known_by_its_commit_and_the_hub_is_not_asked(
    paligemma_folder: Path, tmp_path: Path
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "hub" / "models--tiny--pali"
    shutil.copytree(paligemma_folder, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    nowhere = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    told = "from engine.gpu.vlm import load_vlm; print(load_vlm('tiny/pali', 'cpu').revision)"
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=60, env={**os.environ, **nowhere}
    )
    assert done.stdout.strip() == commit, done.stderr


def test_a_model_without_words_for_yes_and_no_is_read_as_text(
    paligemma_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vlm_module, "YES_WORDS", ("affirmative kitchens",))
    with pytest.raises(EngineError, match="no single tokens for yes and no") as caught:
        load_vlm(str(paligemma_folder), "cpu")
    assert "--compat" in caught.value.hint
    assert answer_texts(load_vlm(str(paligemma_folder), "cpu", in_words=True), [_sheet(RED)], [QUESTION], longest=2)


def test_a_damaged_folder_is_no_bug(paligemma_folder: Path, tmp_path: Path) -> None:
    cut, other = (Path(shutil.copytree(paligemma_folder, tmp_path / name)) for name in ("cut", "other"))
    os.truncate(cut / "model.safetensors", 1000)
    with pytest.raises(EngineError, match="cannot be loaded: SafetensorError"):
        load_vlm(str(cut), "cpu")
    config = (other / "config.json").read_text()
    (other / "config.json").write_text(config.replace('"projection_dim": 32', '"projection_dim": 64'))
    with pytest.raises(EngineError, match="do not have the shapes that its config tells"):
        load_vlm(str(other), "cpu")
    blind = Path(shutil.copytree(paligemma_folder, tmp_path / "blind"))
    (blind / "processor_config.json").unlink()
    with pytest.raises(EngineError, match="Can't load image processor"):
        load_vlm(str(blind), "cpu")
