"""Vision-language models: loading, asking, and the whole job on a small workspace."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import EngineError
from engine.gpu.vlm import answer_texts, ask, ask_within_memory, load_vlm
from tests.gpu.tiny_vlm import BLUE, FAMILIES, RED, teach_red

QUESTION = "Do all 16 pictures in this grid show a dog? Answer yes or no."


@pytest.fixture(scope="module", params=list(FAMILIES))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    evil = QUESTION.replace("dog", "dog " + " ".join(vlm.processor.tokenizer.all_special_tokens[:6]) + " <image>")
    answers = ask(vlm, [_sheet(RED)], [evil])
    assert np.isfinite(answers.margin[0])


def test_texts_come_without_the_question(folder: Path) -> None:
    (text,) = answer_texts(load_vlm(str(folder), "cpu"), [_sheet(RED)], [QUESTION], longest=3)
    assert "grid" not in text


def test_training_makes_it_answer(folder: Path) -> None:
    taught = load_vlm(str(teach_red(folder, QUESTION)), "cpu")
    answers = ask(taught, [_sheet(RED), _sheet(BLUE)], [QUESTION, QUESTION])
    assert answers.mass.min() > 0.9
    assert answers.p_yes[0] > 0.9
    assert answers.p_yes[1] < 0.1


def test_memory_that_runs_out_halves_the_batch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = load_vlm(str(folder), "cpu")
    from engine.gpu import vlm as module

    real = module.ask

    def small_memory(*arguments: object) -> object:
        if len(arguments[1]) > 2:  # type: ignore[arg-type]
            raise torch.OutOfMemoryError("the batch does not fit")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "ask", small_memory)
    pictures = [_sheet((value, 0, 0)) for value in range(0, 250, 50)]
    answers, size = ask_within_memory(vlm, pictures, [QUESTION] * 5, batch_size=5)
    assert size == 2
    assert answers.margin == pytest.approx(real(vlm, pictures, [QUESTION] * 5).margin, abs=1e-4)


def test_a_model_that_is_not_there_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EngineError, match="cannot be loaded") as caught:
        load_vlm(str(tmp_path / "nothing"), "cpu")
    assert "local folder" in caught.value.hint
