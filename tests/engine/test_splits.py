"""Splits from a catalogue: statistics, rules, settings with a history, degenerate cases."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineError
from engine.review.decisions import NothingToUndo, assign, undo
from engine.splits.change import change_settings, redo_setting, undo_setting
from engine.splits.prepare import prepare, prepare_with_pictures
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.rules import apply_rules, drawn_order, equalise_pictures, equalise_subclasses
from engine.splits.settings import Change, SplitSettings, check_percentiles
from engine.splits.show import degenerate_cases, subclass_cuts, superclass_cuts, total_cut
from engine.workspace import Workspace
from tests.catalogues import (
    WHEN,
    add_pictures,
    add_scores,
    add_superclasses,
    add_synsets,
    add_table,
    scored_workspace,
    wnid_of,
)

CRANE = {
    "tower_crane": [30, 29, 28.5, 29.5, 20],
    "gantry": [27, 26.5, 27.5, 26],
    "derrick": [24, 23.5, 24.5],
    "davit": [21, 20.5, 22],
}


def crane(folder: Path) -> Workspace:
    # A thirty-second keeps these exact in float32 and changes nothing about a min-max.
    return scored_workspace(
        folder, {"crane": {name: [value / 32 for value in values] for name, values in CRANE.items()}}
    )


def placed(prepared: PreparedSplit, tuned: Tuned) -> dict[str, str]:
    return {row.lemma: row.split for row in subclass_cuts(prepared, tuned)}


def even(subclasses: int, pictures: int, start: float = 0.1) -> dict[str, list[float]]:
    """Subclasses with means that rise evenly, each of as many pictures with one value."""
    return {f"sub{number}": [start + number / 100] * pictures for number in range(subclasses)}


def test_golden_chain_of_one_superclass(tmp_path: Path, golden: dict[str, Any]) -> None:
    expected = golden["engine_end_to_end_one_superclass"]["expected"]
    workspace = crane(tmp_path)
    with workspace.opened().reading() as cursor:
        prepared, measured = prepare_with_pictures(cursor, workspace.seed)
    tuned = prepared.retune()
    names = [row.lemma for row in prepared.subclasses]
    assert names == expected["order_low_to_high"]
    assert {row.lemma: row.mean for row in prepared.subclasses} == pytest.approx(
        expected["mean_with_outliers(reference)"], abs=1e-12
    )
    assert {row.lemma: row.kept for row in prepared.subclasses} == expected["kept_counts"]
    assert tuned.thresholds[0].tolist() == pytest.approx([expected["p20"], expected["p40"]], abs=1e-12)
    assert placed(prepared, tuned) == expected["assignment"]
    assert dict(zip(tuned.bands, tuned.pictures[0].tolist(), strict=True)) == expected["images"]
    for place, pair in enumerate(measured.pairs):
        name = prepared.labels[pair.wnid].lemma
        rows = measured.pictures.place == place
        assert measured.pictures.normalised[rows].tolist() == pytest.approx(expected["normalized"][name], abs=1e-12)
        assert measured.pictures.is_outlier[rows].tolist() == expected["outliers"][name]
    change_settings(workspace, [Change("mean_over", "kept")], "anna")
    without = {row.lemma: row.mean for row in prepare(workspace).subclasses}
    assert without == pytest.approx(expected["mean_without_outliers(proposal)"], abs=1e-12)


def test_outlier_settings_change_what_weighs(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    change_settings(workspace, [Change("outlier_tails", "none")], "anna")
    assert [row.outliers for row in prepare(workspace).subclasses] == [0, 0, 0, 0]
    change_settings(workspace, [Change("outlier_tails", "low"), Change("outlier_factor", 100.0)], "anna")
    assert [row.outliers for row in prepare(workspace).subclasses] == [0, 0, 0, 0]
    change_settings(workspace, [Change("outlier_factor", 1.5)], "anna")
    assert {row.lemma: row.outliers for row in prepare(workspace).subclasses}["tower_crane"] == 1


def test_golden_minimum_and_equalisation(golden: dict[str, Any]) -> None:
    case = golden["min_subclasses_and_equalise"]
    pictures = {
        name: {wnid_of(f"{name}{number}"): 3 for number in range(count)}
        for name, count in case["inputs"]["subclass_counts"].items()
    }
    settings = SplitSettings(
        minimum_subclasses=case["inputs"]["min"], equalise_by="subclasses", equalise_factor=case["inputs"]["factor"]
    )
    removed = apply_rules(pictures, settings)
    left = {name: len(subs) - sum(one.superclass == name for one in removed) for name, subs in pictures.items()}
    assert {name: count for name, count in left.items() if count} == case["expected"]["after"]
    assert sorted(name for name, count in left.items() if count) == case["expected"]["kept"]
    assert {one.rule for one in removed if one.superclass == "seed"} == {"minimum_subclasses"}
    assert {one.reason for one in removed if one.superclass == "dog"} == {"dog has 118 subclasses, the cap is 48"}


def test_equalisation_is_drawn_by_the_seed_and_one_more_subclass_shuffles_nobody() -> None:
    pictures = {"dog": {wnid_of(str(number)): 5 for number in range(30)}, "ant": {wnid_of("ant"): 5}}
    first = equalise_subclasses(pictures, 4, seed=1)
    assert first == equalise_subclasses(pictures, 4, seed=1)
    assert first != equalise_subclasses(pictures, 4, seed=2)
    before = drawn_order("dog", pictures["dog"], 1)
    after = drawn_order("dog", {**pictures["dog"], "n99999999": 5}, 1)
    assert [wnid for wnid in after if wnid != "n99999999"] == before


def test_equalisation_by_pictures_takes_whole_subclasses_and_leaves_one() -> None:
    pictures = {"dog": {"n00000001": 30, "n00000002": 30, "n00000003": 40}, "ant": {"n00000004": 10}}
    left = 100
    for one in equalise_pictures(pictures, 4, seed=3):
        left -= pictures["dog"][one.wnid]
    assert 0 < left <= 40
    assert [one.superclass for one in equalise_pictures({"dog": {"n1": 99}, "ant": {"n2": 1}}, 2, seed=3)] == []


def test_rules_are_reversible_steps_with_their_reasons(tmp_path: Path) -> None:
    scores = {"dog": even(12, 5), "ant": {f"ant{number}": [0.3 + number / 50] * 5 for number in range(4)}}
    workspace = scored_workspace(tmp_path, scores)
    start = prepare(workspace)
    assert start.superclasses == ("ant", "dog")
    change_settings(workspace, [Change("minimum_subclasses", 10)], "anna", note="as in the paper")
    assert prepare(workspace).superclasses == ("dog",)
    assert {one.superclass for one in prepare(workspace).removed} == {"ant"}
    change_settings(
        workspace,
        [Change("minimum_subclasses", 1), Change("equalise_by", "subclasses"), Change("equalise_factor", 2)],
        "anna",
    )
    assert len(prepare(workspace).removed) == 4  # the cap is 2 x 4, dog has 12
    taken_back = undo_setting(workspace, "anna")
    assert [event.key for event in taken_back] == ["minimum_subclasses", "equalise_by", "equalise_factor"]
    assert prepare(workspace).superclasses == ("dog",)
    undo_setting(workspace, "anna")
    assert prepare(workspace).subclasses == start.subclasses
    redo_setting(workspace, "anna")
    redo_setting(workspace, "anna")
    with pytest.raises(NothingToUndo):
        redo_setting(workspace, "anna")
    assert len(prepare(workspace).removed) == 4
    undo_setting(workspace, "anna")
    change_settings(workspace, [Change("remedy", "greedy")], "anna")
    with pytest.raises(NothingToUndo):
        redo_setting(workspace, "anna")


def test_a_rule_that_takes_everything_leaves_an_empty_split_and_not_a_crash(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    change_settings(workspace, [Change("minimum_subclasses", 99)], "anna")
    prepared = prepare(workspace)
    tuned = prepared.retune()
    assert (prepared.superclasses, total_cut(prepared, tuned).pictures) == ((), 0)
    assert len(prepared.removed) == 4


def test_overrides_hold_for_one_superclass_and_show_in_the_wanted_shares(tmp_path: Path) -> None:
    scores = {"dog": even(10, 4), "cat": {f"cat{number}": [0.2 + number / 40] * 4 for number in range(10)}}
    workspace = scored_workspace(tmp_path, scores)
    change_settings(workspace, [Change("percentiles", (10, 50), "dog")], "anna")
    prepared = prepare(workspace)
    tuned = prepared.retune()
    cat, dog = superclass_cuts(prepared, tuned)
    assert [band.wanted_share for band in cat.bands] == pytest.approx([0.2, 0.2, 0.6])
    assert [band.wanted_share for band in dog.bands] == pytest.approx([0.1, 0.4, 0.5])
    assert [band.subclasses for band in dog.bands] == [1, 4, 5]
    assert (cat.is_override, dog.is_override) == (False, True)
    assert [band.wanted_share for band in total_cut(prepared, tuned).bands] == pytest.approx([0.15, 0.3, 0.55])
    live = prepared.retune((30, 60), "cat")
    assert live.percentiles.tolist() == [[30, 60], [10, 50]]
    assert prepared.retune((30, 60)).percentiles.tolist() == [[30, 60], [10, 50]]
    with pytest.raises(EngineError, match="bands"):
        prepared.retune((10, 30, 60), "cat")
    change_settings(workspace, [Change("percentiles", None, "dog")], "anna")
    assert superclass_cuts(prepare(workspace), prepare(workspace).retune())[1].is_override is False


def test_bands_of_any_number_keep_the_class_ids(tmp_path: Path) -> None:
    workspace = scored_workspace(
        tmp_path, {"dog": even(20, 3), "cat": {f"cat{n}": [0.2 + n / 40] * 3 for n in range(20)}}
    )
    change_settings(workspace, [Change("percentiles", (20, 50), "dog")], "anna")
    names = prepare(workspace).superclasses
    settings = change_settings(workspace, [Change("percentiles", (10, 20, 40, 60))], "anna")
    assert settings.superclass_percentiles == {}  # an own value for three bands has no meaning among five
    prepared = prepare(workspace)
    tuned = prepared.retune()
    assert prepared.superclasses == names
    assert tuned.bands == ("band_4", "band_3", "band_2", "band_1", "train")
    assert tuned.subclasses.tolist() == [[2, 2, 4, 4, 8], [2, 2, 4, 4, 8]]
    undo_setting(workspace, "anna")
    assert prepare(workspace).settings.superclass_percentiles == {"dog": (20, 50)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change("percentiles", (40, 20)), "must lie below"),
        (Change("percentiles", (20, 20)), "must lie below"),
        (Change("percentiles", (0, 40)), "between 0 and 100"),
        (Change("percentiles", (20, 100)), "between 0 and 100"),
        (Change("percentiles", (20, float("nan"))), "between 0 and 100"),
        (Change("percentiles", (10, 30, 20)), "do not ascend"),
        (Change("percentiles", ()), "at least one"),
        (Change("percentiles", (10, 20, 30), "crane"), "the split has 3"),
        (Change("percentiles", (10, 20), "crnae"), "no superclass"),
        (Change("remedy", "magic"), "cannot be magic"),
        (Change("outlier_factor", -1), "at least 0"),
        (Change("outlier_factor", 2, "crane"), "not for one"),
        (Change("run_id", 9), "no scoring run 9"),
        (Change("colour", 9), "no setting colour"),
    ],
)
def test_bad_settings_are_clear_errors_and_change_nothing(tmp_path: Path, change: Change, message: str) -> None:
    workspace = crane(tmp_path)
    before = prepare(workspace)
    with pytest.raises(EngineError, match=message):
        change_settings(workspace, [Change("remedy", "greedy"), change], "anna")
    assert prepare(workspace).settings == before.settings
    with pytest.raises(EngineError):
        change_settings(workspace, [], "anna")


def test_a_large_lowest_subclass_leaves_hard_empty_and_the_remedies_are_offered(
    tmp_path: Path, golden: dict[str, Any]
) -> None:
    case = golden["split_hard_empty"]["inputs"]
    subs = {f"s{n}": [mean] * count for n, (mean, count) in enumerate(zip(case["means"], case["counts"], strict=True))}
    workspace = scored_workspace(tmp_path, {"dog": subs})
    prepared = prepare(workspace)
    (case_found,) = degenerate_cases(prepared, prepared.retune())
    assert case_found.empty == ("hard",)
    assert case_found.reason.startswith("s0 holds the pictures from 0 % to 30 %; hard would need")
    offers = {offer.remedy: offer.pictures for offer in case_found.offers}
    assert offers == {"keep": (0, 30, 70), "greedy": (30, 30, 40), "unweighted": (30, 0, 70)}
    change_settings(workspace, [Change("remedy", "greedy", "dog")], "anna")
    prepared = prepare(workspace)
    tuned = prepared.retune()
    assert tuned.pictures.tolist() == [[30, 30, 40]]
    assert placed(prepared, tuned) == {"s0": "hard", "s1": "easy", "s2": "train"}
    (case_found,) = degenerate_cases(prepared, tuned)
    assert (case_found.is_remedied, case_found.empty) == (True, ("hard",))
    change_settings(workspace, [Change("remedy", "keep", "dog"), Change("remedy", "greedy")], "anna")
    assert prepare(workspace).retune().pictures.tolist() == [[0, 30, 70]]


def test_tied_means_are_named_as_the_reason(tmp_path: Path) -> None:
    subs = {"a": [0.3] * 10, "b": [0.3] * 10, "c": [0.5] * 30, "d": [0.7] * 50}
    prepared = prepare(scored_workspace(tmp_path, {"dog": subs}))
    (found,) = degenerate_cases(prepared, prepared.retune())
    assert found.empty == ("easy",)
    assert "between 20 % and 40 %" in found.reason
    subs = {"a": [0.3] * 30, "b": [0.3] * 20, "c": [0.5] * 30, "d": [0.7] * 20}
    prepared = prepare(scored_workspace(tmp_path, {"dog": subs}))
    (found,) = degenerate_cases(prepared, prepared.retune())
    assert found.reason.startswith("a and b have the same mean and hold the pictures from 0 % to 50 %")


def test_a_remedy_leaves_superclasses_alone_that_need_none(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    plain = prepare(workspace).retune()
    change_settings(workspace, [Change("remedy", "unweighted")], "anna")
    tuned = prepare(workspace).retune()
    assert not tuned.is_remedied.any()
    assert tuned.thresholds.tolist() == plain.thresholds.tolist()


def test_what_is_not_scored_not_there_or_not_readable_does_not_weigh(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    store = workspace.opened()
    issue = {
        "root_id": 1,
        "wnid": wnid_of("davit"),
        "path": "x",
        "kind": "undecodable",
        "detail": "truncated",
        "found_at": WHEN,
    }
    add_table(store, "image_issue", [issue | {"image_id": 1012}, issue | {"image_id": 1012}])  # davit's first
    with store.writing() as cursor:
        cursor.execute("DELETE FROM image WHERE image_id = 1009")  # derrick's first
        cursor.execute("DELETE FROM similarity WHERE wnid = ?", [wnid_of("gantry")])
    prepared = prepare(workspace)
    assert {row.lemma: row.pictures for row in prepared.subclasses} == {"tower_crane": 5, "derrick": 2, "davit": 2}
    assert [(one.lemma, one.images) for one in prepared.unscored] == [("gantry", 4)]
    assert prepared.unreadable == 1


def test_an_unsettled_replica_is_reported_until_it_is_assigned(tmp_path: Path) -> None:
    scores = {"cat": {"lion": [0.3, 0.4], "lynx": [0.5, 0.6]}, "wildcat": {"lynx": [0.2, 0.3], "cougar": [0.5, 0.7]}}
    workspace = scored_workspace(tmp_path, scores)
    assert prepare(workspace).replicas == {wnid_of("lynx"): ("cat", "wildcat")}
    assign(workspace, wnid_of("lynx"), "wildcat", "anna")
    assert prepare(workspace).replicas == {}
    assert {row.lemma for row in prepare(workspace).subclasses if row.superclass == "cat"} == {"lion"}
    undo(workspace, "anna")
    assert len(prepare(workspace).replicas) == 1


def test_a_split_stays_on_the_run_it_was_made_on(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    change_settings(workspace, [Change("percentiles", (25, 50))], "anna")
    add_scores(workspace.opened(), [("crane", "davit", 1012, 0.5)], ["crane"], run_id=2)
    prepared = prepare(workspace)
    assert (prepared.run.run_id, prepared.newest_run) == (1, 2)
    change_settings(workspace, [Change("run_id", 2)], "anna")
    assert prepare(workspace).run.run_id == 2
    undo_setting(workspace, "anna")
    assert prepare(workspace).run.run_id == 1


def test_superclasses_that_were_scored_one_by_one_come_together(tmp_path: Path) -> None:
    workspace = scored_workspace(
        tmp_path, {"dog": even(3, 2), "cat": {f"cat{n}": [0.2 + n / 40] * 2 for n in range(3)}}
    )
    with workspace.opened().writing() as cursor:
        cursor.execute(
            "INSERT INTO score_run SELECT 2, set_id, template, keep_underscores, job_id, created_at FROM score_run"
        )
        cursor.execute(
            "INSERT INTO score_run "
            "SELECT 3, set_id, 'a {}', keep_underscores, job_id, created_at FROM score_run LIMIT 1"
        )
        cursor.execute("UPDATE similarity SET run_id = 2 WHERE superclass = 'cat'")
        cursor.execute("UPDATE score_run_superclass SET run_id = 2 WHERE superclass = 'cat'")
    change_settings(workspace, [Change("run_id", 1)], "anna")
    prepared = prepare(workspace)
    assert {name: prompt.run_id for name, prompt in prepared.prompts.items()} == {"cat": 2, "dog": 1}
    assert prepared.superclasses == ("cat", "dog")
    change_settings(workspace, [Change("run_id", 3)], "anna")
    with pytest.raises(EngineError, match="no picture of an accepted subclass"):
        prepare(workspace)


def test_splits_have_names_and_defaults_are_written_down_when_one_is_made(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    own = SplitSettings(percentiles=(30, 60), seed=workspace.seed)
    assert prepare(workspace, defaults=own).settings.percentiles == (30, 60)
    change_settings(workspace, [Change("remedy", "greedy")], "anna", split="strict", defaults=own)
    assert prepare(workspace, "strict").settings == replace(own, remedy="greedy")
    assert prepare(workspace).settings == SplitSettings(seed=7)
    with pytest.raises(EngineError, match="no split lax"):
        prepare(workspace, "lax")
    with pytest.raises(EngineError, match="no name"):
        change_settings(workspace, [Change("remedy", "greedy")], "anna", split=" a/b")


def test_what_is_missing_before_a_split_is_said(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    undo(workspace, "anna")
    with pytest.raises(EngineError, match="No subclass was accepted"):
        prepare(workspace)
    with workspace.opened().writing() as cursor:
        cursor.execute("DELETE FROM score_run")
    with pytest.raises(EngineError, match="Nothing was scored") as missing:
        prepare(workspace)
    assert "scoring run" in missing.value.hint


def test_constant_scores_are_zeros_and_are_named(tmp_path: Path) -> None:
    prepared = prepare(scored_workspace(tmp_path, {"dog": {"a": [0.5, 0.5], "b": [0.5]}}))
    assert prepared.constant == ("dog",)
    assert [row.mean for row in prepared.subclasses] == [0.0, 0.0]
    assert set(placed(prepared, prepared.retune()).values()) == {"train"}


def test_percentiles_are_numbers_in_their_order() -> None:
    assert check_percentiles([10, 20.5]) == (10.0, 20.5)


def test_statistics_do_not_depend_on_the_order_in_which_rows_were_stored(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    one = prepare(workspace)
    with workspace.opened().writing() as cursor:
        cursor.execute("CREATE TABLE shuffled AS SELECT * FROM similarity ORDER BY hash(image_id)")
        cursor.execute("DELETE FROM similarity")
        cursor.execute("INSERT INTO similarity SELECT * FROM shuffled")
    other = prepare(workspace)
    assert one.subclasses == other.subclasses
    assert np.array_equal(one.retune().thresholds, other.retune().thresholds)


def test_a_split_without_pictures_of_accepted_subclasses_says_so(tmp_path: Path) -> None:
    workspace = crane(tmp_path)
    add_synsets(workspace.opened(), ["wolf"])
    add_superclasses(workspace.opened(), {"canine": ["wolf"]})
    add_pictures(workspace.opened(), [("wolf", "w/1.jpg")], "other", 2)
    with workspace.opened().writing() as cursor:
        cursor.execute("DELETE FROM similarity")
    with pytest.raises(EngineError, match="no picture of an accepted subclass"):
        prepare(workspace)
