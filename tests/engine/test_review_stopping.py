"""When to stop: precision from second looks, and what is left among the undecided."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.filters.audit import draw
from engine.filters.calibration import fit, spread_of
from engine.filters.intervals import finite_interval
from engine.review.decisions import decide
from engine.review.disputes import adjudicate
from engine.review.second_looks import accepted_at_first, basis_of
from engine.review.stopping import Goal, Progress, progress
from engine.review.undecided import Labelled, Sampled, good_left, labels_for, platt_fits
from engine.workspace import Workspace
from store import filters
from store.review.evidence import Draw, Look
from tests.catalogues import WHEN, scored_workspace, wnid_of
from tests.verdict_rows import verdict_table

NAMES = [f"dog{number}" for number in range(100)]
AT = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = Sampled(np.array([], np.bool_), np.array([], np.float64))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return scored_workspace(tmp_path, {"dog": {name: [0.1] for name in NAMES}}, accept=False)


def judge(workspace: Workspace) -> None:
    """Odd numbers are surely dogs for the filter, even ones surely not."""
    p_yes = {wnid_of(name): 0.95 if number % 2 else 0.05 for number, name in enumerate(NAMES)}
    with workspace.opened().writing() as cursor:
        run = filters.insert_run(cursor, "vlm", "sheet", "one", "{}", None, WHEN)
        filters.insert_verdicts(cursor, run, verdict_table("dog", p_yes))


def say(workspace: Workspace, numbers: range, kind: str, reviewer: str = "anna") -> None:
    decide(workspace, "dog", [wnid_of(NAMES[number]) for number in numbers], kind, reviewer)  # type: ignore[arg-type]


def seen(workspace: Workspace, goal: Goal | None = None) -> Progress:
    with workspace.opened().reading() as cursor:
        (row,) = progress(cursor, goal or Goal(), "dog")
    return row


def look(kind: str, reviewer: str, minute: int, is_adjudication: bool = False) -> Look:
    return Look("dog", "n1", kind, reviewer, AT + timedelta(minutes=minute), is_adjudication)  # type: ignore[arg-type]


# ---- the exact interval of a finite whole ----


def test_the_finite_interval_by_hand() -> None:
    # 20 of 30 drawn, all right. With 27 right ones in the whole that happens with C(27,20)/C(30,20) = 0.0296, above
    # 0.025; with 26 with 0.0077, below it.
    assert math.comb(27, 20) / math.comb(30, 20) == pytest.approx(0.0296, abs=1e-4)
    assert finite_interval(20, 20, 30) == (27, 30)
    assert finite_interval(29, 30, 30) == (29, 29)  # everything was drawn: nothing is left to guess
    assert finite_interval(0, 20, 30) == (0, 3)


@given(st.integers(1, 60), st.data())
def test_the_finite_interval_holds_what_was_seen_and_mirrors(population: int, data: st.DataObject) -> None:
    drawn = data.draw(st.integers(1, population))
    right = data.draw(st.integers(0, drawn))
    low, high = finite_interval(right, drawn, population)
    assert right <= low <= high <= population - (drawn - right)
    assert low <= right / drawn * population + 1e-9
    assert high >= right / drawn * population - 1e-9
    assert finite_interval(drawn - right, drawn, population) == (population - high, population - low)


@pytest.mark.parametrize("truth", [30, 55, 60])
def test_the_finite_interval_covers_the_truth(truth: int) -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        low, high = finite_interval(int(rng.hypergeometric(truth, 60 - truth, 15)), 15, 60)
        inside += low <= truth <= high
    assert inside >= 0.95 * 400 - 3 * math.sqrt(400 * 0.05 * 0.95)


@pytest.mark.parametrize("numbers", [(3, 2, 10), (1, 11, 10), (0, 0, 10), (-1, 2, 10)])
def test_numbers_that_cannot_be_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        finite_interval(*numbers)


# ---- second looks ----


@pytest.mark.parametrize(("looks", "is_right"), [
    ([("accept", "anna")], None),
    ([("accept", "anna"), ("accept", "anna")], None),
    ([("accept", "anna"), ("accept", "ben")], True),
    ([("accept", "anna"), ("reject", "ben")], False),
    ([("accept", "anna"), ("unsure", "ben")], False),
    ([("accept", "anna"), ("reject", "ben"), ("accept", "anna")], False),
    ([("accept", "anna"), ("reject", "ben"), ("accept", "ben")], True),
    ([("accept", "anna"), ("accept", "ben"), ("reject", "cleo")], False),
    ([("reject", "anna"), ("accept", "ben")], None),
])  # fmt: skip
def test_what_a_second_look_tells(looks: list[tuple[str, str]], is_right: bool | None) -> None:
    found = accepted_at_first([look(kind, who, minute) for minute, (kind, who) in enumerate(looks)], None)
    assert found is not None
    assert found.is_right is is_right


def test_a_ruling_is_the_truth_and_putting_back_begins_anew() -> None:
    looks = [look("accept", "anna", 0), look("reject", "ben", 1), look("accept", "carol", 2, is_adjudication=True)]
    found = accepted_at_first(looks, None)
    assert found is not None
    assert found.is_right is True
    assert accepted_at_first([*looks, look("clear", "anna", 3)], None) is None
    assert accepted_at_first([look("reject", "anna", 0)], None) is None


def test_the_same_reviewer_checks_themselves_once_an_audit_drew_it() -> None:
    drawn = Draw("dog", "n1", 4.0, AT + timedelta(minutes=5))
    looks = [look("accept", "anna", 0), look("reject", "anna", 9)]
    found = accepted_at_first(looks, drawn)
    assert found is not None
    assert (found.is_right, found.weight) == (False, 4.0)
    early = accepted_at_first([look("accept", "anna", 0), look("accept", "anna", 1)], drawn)
    assert early is not None
    assert early.is_right is None  # that was before the draw
    late = accepted_at_first([look("accept", "anna", 7), look("accept", "ben", 8)], drawn)
    assert late is not None
    assert late.weight is None  # drawn before it was accepted: that is no random check of what was accepted
    assert basis_of([found, early, late])[0] == "audit"
    assert basis_of([early, late])[0] == "chosen"
    assert basis_of([late])[0] == "census"
    assert basis_of([early])[0] == "none"


# ---- precision ----


def test_nothing_is_claimed_before_anything_is_known(workspace: Workspace) -> None:
    told = seen(workspace)
    assert (told.precision, told.left, told.is_reached) == (None, None, False)
    assert (told.accepted, told.undecided) == (0, 100)
    say(workspace, range(1, 20, 2), "accept")
    assert seen(workspace).left is None  # no filter and no audit


def test_what_a_second_look_overturned_counts_against_the_precision(workspace: Workspace) -> None:
    say(workspace, range(20), "accept", "anna")
    say(workspace, range(10), "accept", "ben")
    say(workspace, range(10, 12), "reject", "ben")
    told = seen(workspace)
    # 20 were accepted, 12 looked at again, 2 of them wrong and no longer accepted: 10 of 12 right. Of the 20 then
    # 16.7 are right, and those are among the 18 that are accepted now.
    low, high = finite_interval(10, 12, 20)
    assert (told.accepted, told.checked, told.basis) == (18, 12, "chosen")
    assert told.precision is not None
    assert told.precision.value == pytest.approx(20 * 10 / 12 / 18)
    assert (told.precision.low, told.precision.high) == pytest.approx((low / 18, high / 18))
    assert not told.is_precise  # what people chose to look at again proves nothing about the rest


def test_what_its_own_reviewer_took_back_is_no_error_of_what_stands(workspace: Workspace) -> None:
    say(workspace, range(20), "accept", "anna")
    say(workspace, range(5), "reject", "anna")
    say(workspace, range(5, 20), "accept", "ben")
    told = seen(workspace)
    assert (told.accepted, told.checked, told.basis) == (15, 15, "census")
    assert told.precision is not None
    assert (told.precision.low, told.precision.high) == (1.0, 1.0)
    assert told.is_precise


def test_an_audit_counts_each_by_what_it_stands_for(workspace: Workspace) -> None:
    judge(workspace)
    say(workspace, range(60), "accept", "anna")
    draw(workspace, 40, seed=1)
    with workspace.opened().reading() as cursor:
        drawn = [row for row in filters.fetch_audit(cursor) if row.state == "accept"]
    # Ben, who was not drawn for anything, confirms all that was drawn but one.
    wrong = drawn[0]
    decide(workspace, "dog", [row.wnid for row in drawn], "accept", "ben")
    decide(workspace, "dog", [wrong.wnid], "reject", "ben")
    told = seen(workspace)
    assert (told.basis, told.checked, told.accepted) == ("audit", len(drawn), 59)
    weights = np.array([row.weight for row in drawn])
    share = 1 - wrong.weight / weights.sum()
    assert told.precision is not None
    assert told.precision.value == pytest.approx(min(1.0, share * 60 / 59), abs=0.01)
    assert told.precision.low < told.precision.value


def test_a_ruling_is_what_the_precision_rests_on(workspace: Workspace) -> None:
    say(workspace, range(4), "accept", "anna")
    adjudicate(workspace, "dog", [wnid_of(NAMES[number]) for number in range(3)], "accept", "carol")
    adjudicate(workspace, "dog", [wnid_of(NAMES[3])], "reject", "carol")
    told = seen(workspace)
    assert (told.basis, told.checked, told.accepted) == ("census", 4, 3)
    assert told.precision is not None
    assert told.precision.low == told.precision.high == 1.0  # the wrong one has left


# ---- what is left ----


def test_what_is_left_shrinks_as_the_good_ones_are_taken(workspace: Workspace) -> None:
    judge(workspace)
    say(workspace, range(1, 21, 2), "accept")
    say(workspace, range(0, 20, 2), "reject")
    early = seen(workspace)
    # 40 good and 40 bad ones are open, 10 are accepted: 4 of 5 are left.
    assert early.left is not None
    assert early.left.value == pytest.approx(0.8, abs=0.02)
    assert early.left.low <= early.left.value <= early.left.high
    assert (early.judged, early.sampled, early.unknown) == (80, 0, 0)
    say(workspace, range(21, 99, 2), "accept")
    late = seen(workspace)
    assert late.left is not None
    assert late.left.high < 0.15
    assert seen(workspace) == late  # the same seed, the same interval
    say(workspace, range(99, 100), "unsure")
    assert seen(workspace).undecided == late.undecided  # an unsure one is not settled


def test_without_a_filter_the_audit_tells_what_is_left(workspace: Workspace) -> None:
    draw(workspace, 20, seed=1)
    with workspace.opened().reading() as cursor:
        drawn = [row.wnid for row in filters.fetch_audit(cursor)]
    decide(workspace, "dog", drawn[:5], "accept", "anna")
    assert seen(workspace).unknown == 95
    decide(workspace, "dog", drawn[5:], "reject", "anna")
    told = seen(workspace)
    # A quarter of those drawn is good: 20 of the 80 that are left, beside 5 that are accepted.
    assert told.left is not None
    assert told.left.value == pytest.approx(20 / 25)
    assert told.left.low < 0.8 < told.left.high
    assert (told.judged, told.sampled, told.unknown) == (0, 80, 0)


def test_the_goal_asks_for_the_whole_interval(workspace: Workspace) -> None:
    judge(workspace)
    say(workspace, range(1, 100, 2), "accept")
    say(workspace, range(0, 100, 2), "reject")
    assert seen(workspace).is_complete
    assert not seen(workspace).is_reached  # nobody has checked
    say(workspace, range(1, 90, 2), "accept", "ben")
    told = seen(workspace)
    assert told.left is not None
    assert (told.checked, told.left.value, told.basis) == (45, 0.0, "chosen")
    assert not told.is_precise
    say(workspace, range(91, 100, 2), "accept", "ben")
    assert seen(workspace).is_reached
    assert not seen(workspace, Goal(precision=1.01)).is_reached


def test_all_superclasses_come_by_name_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    scores = {"dog": {"akita": [0.1]}, "cat": {"tabby": [0.1]}}
    workspace = scored_workspace(tmp_path, scores, accept=False)
    with workspace.opened().reading() as cursor:
        assert [row.superclass for row in progress(cursor, Goal())] == ["cat", "dog"]
        with pytest.raises(EngineError, match="no superclass cow"):
            progress(cursor, Goal(), "cow")


# ---- the calibration and its resamples ----


def labels(size: int, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    margin = rng.normal(0, 2, size)
    return Labelled(margin, rng.random(size) < 1 / (1 + np.exp(-margin)), rng.choice([1.0, 3.0], size))


@pytest.mark.parametrize("size", [12, 80, 400])
def test_resampled_fits_are_those_of_scikit_learn(size: int) -> None:
    known = labels(size, seed=size)
    rng = np.random.default_rng(0)
    times = rng.multinomial(size, np.full(size, 1 / size), 3) * known.weight
    intercept, slope = platt_fits(known, times)
    asked = np.array([-3.0, 0.0, 2.5])
    for row in range(3):
        counted = times[row] > 0
        theirs = (
            fit(
                known.margin[counted], known.accepted[counted], times[row][counted], spread=spread_of(known.margin)
            ).probabilities(asked)
            if (counted.sum() >= 10)
            else None
        )
        if theirs is not None:
            ours = 1 / (1 + np.exp(-(intercept[row] + slope[row] * asked)))
            assert ours == pytest.approx(theirs, abs=2e-3)


def test_the_interval_of_what_is_left_covers_the_truth() -> None:
    inside = 0
    for seed in range(60):
        known = labels(120, seed)
        rng = np.random.default_rng(1000 + seed)
        margins = rng.normal(0, 2, 100)
        good = int((rng.random(100) < 1 / (1 + np.exp(-margins))).sum())
        left = good_left(list(margins), known, NOTHING, NOTHING, seed)
        low, high = np.percentile(left.draws, [2.5, 97.5])
        inside += bool(low <= good <= high)
    assert inside >= 52  # 57 of 60 are expected at 95 %


def test_isotonic_calibration_is_resampled_too() -> None:
    left = good_left([-4.0, 4.0, None], labels(1200, 3), NOTHING, NOTHING, 1)
    assert left.expected == pytest.approx(1.0, abs=0.2)
    assert (left.judged, left.unknown) == (2, 1)
    assert set(left.draws) <= {0.0, 1.0, 2.0}


def test_a_superclass_with_few_labels_borrows_those_of_all() -> None:
    few, many = labels(20, 1), labels(200, 2)
    assert labels_for(few, many) is many
    assert labels_for(many, few) is many
