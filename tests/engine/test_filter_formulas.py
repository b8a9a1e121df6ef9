"""Answers and sheets of the filters."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.filters.answers import QUESTION, QUESTION_OF_THE_PAPER, outcome_of, outcome_of_the_paper, question, yes_no
from engine.filters.sheets import cells_per_side, compose, tile_boxes, tile_of

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "golden.json").read_text())


def test_answers_as_text() -> None:
    case = GOLDEN["vlm_answer_parse"]
    answers = case["inputs"]["answers"]
    assert [outcome_of_the_paper(text) == "accept" for text in answers] == case["expected"]["reference_accept"]


def test_boxes_of_a_sheet() -> None:
    case = GOLDEN["grid_boxes_4x4_of_56"]
    boxes = tile_boxes(case["inputs"]["size"], case["inputs"]["cells"])
    assert [list(box) for box in boxes] == case["expected"]["boxes"]
    assert [cells_per_side(n) for n in (0, 1, 2, 4, 5, 9, 10, 16, 17)] == [1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_yes_and_no_from_logits() -> None:
    # Two yes tokens of 1/8 each, one no token of 1/4, the rest of the probability elsewhere.
    logits = np.log(np.asarray([[0.125, 0.125, 0.25, 0.5]]))
    found = yes_no(logits, np.asarray([0, 1]), np.asarray([2]))
    assert found.margin == pytest.approx([0.0], abs=1e-12)
    assert found.p_yes == pytest.approx([0.5], abs=1e-12)
    assert found.mass == pytest.approx([0.5], abs=1e-12)


@given(st.lists(st.floats(-30, 30), min_size=5, max_size=5), st.floats(-100, 100))
def test_a_constant_added_to_all_logits_changes_nothing(row: list[float], shift: float) -> None:
    logits = np.asarray([row])
    plain, moved = (yes_no(logits + by, np.asarray([0, 1]), np.asarray([2])) for by in (0.0, shift))
    assert moved.margin == pytest.approx(plain.margin, abs=1e-9)
    assert moved.mass == pytest.approx(plain.mass, abs=1e-9)
    assert 0 <= plain.mass[0] <= 1 + 1e-12


def test_little_mass_is_unparsed() -> None:
    assert outcome_of(0.99, 0.02) == "unparsed"
    assert outcome_of(0.5, 0.9) == "accept"
    assert outcome_of(0.49, 0.9) == "reject"


def test_questions() -> None:
    asked = question(QUESTION, "aircraft_carrier", "a ship").replace("{n}", "12")
    assert asked == "Do all 12 pictures in this grid show an aircraft carrier (a ship)? Answer yes or no."
    asked = question(QUESTION_OF_THE_PAPER, "sports_car", "x").replace("{n}", "16")
    assert asked == "Does all the 16 images contain sports_car? y/n"


def test_tiles_are_letterboxed_row_after_row() -> None:
    tiles = [tile_of(Image.new("RGB", (40, 20), color), 40) for color in ((255, 0, 0), (0, 255, 0))]
    sheet = compose(tiles, tile=40)
    assert sheet.size == (80, 80)
    assert sheet.getpixel((20, 20)) == (255, 0, 0)
    assert sheet.getpixel((20, 2)) == (0, 0, 0), "letterboxed, not stretched"
    assert sheet.getpixel((60, 20)) == (0, 255, 0)
