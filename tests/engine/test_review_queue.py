"""Orders, selections, and the story of a candidate and of a picture."""

from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.filters.audit import draw
from engine.review.decisions import decide
from engine.review.opinions import filter_opinions, probability
from engine.review.pictures import mark
from engine.review.placing import Placing
from engine.review.queue import Order, queue
from engine.review.selection import parse
from engine.review.story import story
from engine.workspace import Workspace
from store import filters
from tests.catalogues import WHEN, scored_workspace, wnid_of
from tests.verdict_rows import verdict_table

LADDER = {f"dog{number}": [0.1 * number + 0.001 * k for k in range(10)] for number in range(1, 11)}
PUG = wnid_of("dog3")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Ten subclasses of dog with ten pictures each, their means one after the other; nothing is decided."""
    return scored_workspace(tmp_path, {"dog": LADDER}, accept=False)


def judge(workspace: Workspace, model: str, p_yes: dict[str, float]) -> None:
    with workspace.opened().writing() as cursor:
        run = filters.insert_run(cursor, "vlm", "sheet", model, "{}", None, WHEN)
        filters.insert_verdicts(cursor, run, verdict_table("dog", {wnid_of(name): p for name, p in p_yes.items()}))


def names(workspace: Workspace, order: Order = "name", only: str = "", seed: int = 0) -> list[str]:
    with workspace.opened().reading() as cursor:
        return [item.lemma for item in queue(cursor, "dog", order, selection=parse(only), seed=seed)]


def test_most_uncertain_first(workspace: Workspace) -> None:
    judge(workspace, "one", {"dog1": 0.95, "dog2": 0.52, "dog3": 0.3})
    assert names(workspace, "uncertain")[:3] == ["dog2", "dog3", "dog1"]
    # A second model that is sure of dog2 moves its mean to 0.75; what nobody judged stays last.
    judge(workspace, "two", {"dog2": 0.98})
    assert names(workspace, "uncertain")[:4] == ["dog3", "dog2", "dog1", "dog10"]


def test_uncertain_follows_the_calibration(workspace: Workspace) -> None:
    # The model says 0.9 of what people reject as often as not: calibrated, 0.9 is the uncertain one.
    judge(workspace, "one", {f"dog{n}": (0.99 if n <= 5 else 0.9 if n <= 9 else 0.5) for n in range(1, 11)})
    decide(workspace, "dog", [wnid_of(f"dog{n}") for n in (1, 2, 3, 4, 5, 6, 7)], "accept", "anna")
    decide(workspace, "dog", [wnid_of(f"dog{n}") for n in (8, 9, 10)], "reject", "anna")
    with workspace.opened().reading() as cursor:
        opinions = filter_opinions(cursor, "dog")
    calibrated = {name: opinions["dog", wnid_of(name)][0].calibrated for name in ("dog1", "dog6", "dog10")}
    assert opinions["dog", wnid_of("dog1")][0].calibration == "platt"
    assert calibrated["dog1"] > calibrated["dog6"] > calibrated["dog10"]  # type: ignore[operator]
    assert all(abs(calibrated["dog1"] - 0.5) >= abs(value - 0.5) or name == "dog10"  # type: ignore[operator]
               for name, value in calibrated.items())  # fmt: skip
    assert probability(opinions["dog", wnid_of("dog6")]) == calibrated["dog6"]


def test_disagreements_first(workspace: Workspace) -> None:
    judge(workspace, "one", {"dog4": 0.9, "dog5": 0.6, "dog6": 0.9})
    judge(workspace, "two", {"dog4": 0.1, "dog5": 0.4, "dog6": 0.8})
    assert names(workspace, "disagreement")[:3] == ["dog4", "dog5", "dog1"]
    assert names(workspace, only="verdict:disagree") == ["dog4", "dog5"]


def test_the_audit_is_first_and_drawn_by_the_seed(workspace: Workspace) -> None:
    drawn = draw(workspace, 4, 3)
    assert drawn.drawn == 4
    with workspace.opened().reading() as cursor:
        audit = {row.wnid for row in filters.fetch_audit(cursor)}
    order = names(workspace, "audit")
    assert {wnid_of(name) for name in order[:4]} == audit
    assert names(workspace, "audit") == order
    assert names(workspace, "audit", seed=1) != order
    assert sorted(names(workspace, only="audit")) == sorted(order[:4])


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ("state:accepted", ["dog1", "dog2"]),
        ("-state:undecided by:ben", ["dog2"]),
        ("verdict:reject", ["dog2"]),
        ("verdict:none dog1", ["dog10"]),
        ("pictures>10", []),
        ("pictures>=10 -state:open", ["dog1", "dog2"]),
        ("means dog7", ["dog7"]),
        ("inherited", []),
    ],
)
def test_selections(workspace: Workspace, only: str, expected: list[str]) -> None:
    judge(workspace, "one", {"dog1": 0.9, "dog2": 0.2})
    decide(workspace, "dog", [wnid_of("dog1")], "accept", "anna")
    decide(workspace, "dog", [wnid_of("dog2")], "accept", "ben")
    with workspace.opened().writing() as cursor:
        cursor.execute("INSERT INTO image_count SELECT wnid, count(*), count(*), 1 FROM image GROUP BY wnid")
    assert names(workspace, only=only) == expected


@pytest.mark.parametrize("word", ["state:odd", "verdict:", "colour:red", "by:"])
def test_a_word_that_selects_nothing_is_an_error(word: str) -> None:
    with pytest.raises(EngineError, match="selects nothing"):
        parse(word)


def test_the_story_of_a_candidate(workspace: Workspace) -> None:
    judge(workspace, "one", {"dog3": 0.9})
    decide(workspace, "dog", [PUG], "accept", "anna", "small")
    mark(workspace, [1020], "several", "ben")
    with workspace.opened().reading() as cursor:
        told = story(cursor, "dog", PUG, 1)
    assert (told.candidate.state, told.candidate.note, told.candidate.route) == ("accept", "small", "hyponym")
    assert told.candidate.similarity_mean == pytest.approx(0.3045, abs=1e-6)
    (opinion,) = told.opinions
    assert (opinion.verdict.question, list(opinion.verdict.image_ids)) == ("Is this a dog?", [1000, 1001])
    assert [entry.kind for entry in told.history] == ["several", "accept"]
    assert [one.image_id for one in told.marked] == [1020]
    with workspace.opened().reading() as cursor, pytest.raises(EngineError, match="no candidate of dog"):
        story(cursor, "dog", "n00000001")


def test_the_place_of_a_subclass_and_of_a_picture(workspace: Workspace) -> None:
    decide(workspace, "dog", [wnid_of(name) for name in LADDER], "accept", "anna")
    placing = Placing.read(workspace)
    # 100 pictures, 10 a subclass: Hard is what lies below the 20th percentile, Easy below the 40th.
    bands = {name: placing.subclass("dog", wnid_of(name)).band for name in LADDER}
    assert [name for name, band in bands.items() if band == "hard"] == ["dog1", "dog2"]
    assert [name for name, band in bands.items() if band == "easy"] == ["dog3", "dog4"]
    place = placing.subclass("dog", PUG)
    assert place.percentiles == pytest.approx((20.0, 30.0))
    assert place.pictures == place.kept == 10
    assert place.rule.startswith(f"Its mean {place.mean:.4f} is at or above ")
    assert place.rule.endswith(": easy.")
    picture = placing.picture("dog", PUG, 1024)
    # The fifth picture of dog3: 0.304 in [0.1, 1.009], with 24 pictures below it.
    assert picture.similarity == pytest.approx(0.304, abs=1e-6)
    assert picture.score == pytest.approx(0.204 / 0.909, abs=1e-6)
    assert picture.percentile == pytest.approx(24.0)
    assert (picture.band, picture.is_outlier, picture.is_judged) == ("easy", False, True)
    mark(workspace, [1024], "bad", "anna")
    gone = Placing.read(workspace).picture("dog", PUG, 1024)
    assert (gone.band, gone.similarity) == (None, None)
    assert "marked as bad" in gone.rule


def test_an_outlier_stands_in_no_list(tmp_path: Path) -> None:
    scores = {"dog": {**LADDER, "odd": [0.5 + 0.001 * k for k in range(9)] + [0.9]}}
    placing = Placing.read(scored_workspace(tmp_path, scores))
    picture = placing.picture("dog", wnid_of("odd"), 1109)
    assert (picture.is_outlier, picture.band) == (True, None)
    assert picture.rule == "It is an outlier of odd, and outliers stand in no list."
    with pytest.raises(EngineError, match="not accepted under dog"):
        placing.subclass("dog", "n00000001")
