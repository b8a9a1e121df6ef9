"""Labels in splits: flags that leave pictures out, matched numbers of labels, and the warning about crowding."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.evaluation.sets.pictures import resolve_set
from engine.export.run import run
from engine.labels.importing import import_truth
from engine.labels.numbers import PictureNumbers
from engine.splits.change import change_settings, undo_setting
from engine.splits.crowding import Crowding, at_equal_labels, check
from engine.splits.matching import match, matched_counts
from engine.splits.prepare import prepare, prepare_with_pictures
from engine.splits.settings import Change
from engine.workspace import Workspace
from store.labels import predictions as predictions_store
from store.labels.predictions import PredictionRun, UnknownPredictions
from store.labels.truth import UnknownSource
from tests.catalogues import WHEN, scored_workspace, wnid_of

SUBS = [f"sub{number}" for number in range(10)]
EACH = 10


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One superclass of ten subclasses with ten pictures each: 20 Hard, 20 Easy, 60 train; ids from 1000."""
    scores = {"thing": {name: [0.1 + place / 50] * EACH for place, name in enumerate(SUBS)}}
    return scored_workspace(tmp_path / "work", scores)


def label(workspace: Workspace, folder: Path, sizes: Mapping[int, int]) -> None:
    """A source `mine`: picture 1000 + i has so many labels, its own first; 0 for none."""
    lines = ["file,labels"]
    for image, size in sizes.items():
        own = SUBS[image // EACH]
        others = [name for name in SUBS if name != own]
        wnids = [wnid_of(name) for name in [own, *others][:size]]
        lines.append(f"{wnid_of(own)}_{image % EACH:03d}.JPEG,{' '.join(wnids)}")
    path = folder / "mine.csv"
    path.write_text("\n".join(lines) + "\n")
    import_truth(workspace, path, "csv", "mine")


def predict(workspace: Workspace, top: Sequence[str]) -> None:
    """Predictions `net`: the first prediction of each picture; the rest follow in order."""
    classes = [wnid_of(name) for name in SUBS]
    ranked = []
    for name in top:
        first = SUBS.index(name)
        ranked.append([first, *(place for place in range(len(SUBS)) if place != first)])
    record = PredictionRun("net", "csv", "/net.csv", "ab" * 32, "{}", tuple(classes), 10, len(top), len(top), WHEN)
    rows = pa.table({"image_id": [1000 + i for i in range(len(top))], "ranked": pa.array(ranked, pa.list_(pa.int32()))})
    with workspace.opened().writing() as cursor:
        predictions_store.insert_prediction_run(cursor, record)
        predictions_store.insert_predictions(cursor, "net", rows)


def checked(workspace: Workspace) -> Crowding:
    with workspace.opened().reading() as cursor:
        prepared, measured = prepare_with_pictures(cursor, workspace.seed)
        return check(cursor, prepared, measured)


def test_excluded_flags_leave_pictures_out_and_keep_the_reason(workspace: Workspace, tmp_path: Path) -> None:
    # sub0 loses a picture without label and two with three labels; sub1 all of its ten.
    label(workspace, tmp_path, {0: 0, 1: 3, 2: 4, 3: 2, **dict.fromkeys(range(10, 20), 3)})
    change_settings(workspace, [Change("label_source", "mine")], "anna")
    assert [row.kept for row in prepare(workspace).subclasses][:2] == [10, 10]
    change_settings(workspace, [Change("excluded_flags", ("clutter", "no_valid_label"))], "anna")
    prepared = prepare(workspace)
    first = prepared.subclasses[0]
    assert (first.lemma, first.pictures, first.kept, first.excluded, first.outliers) == ("sub0", 10, 7, 3, 0)
    (gone,) = prepared.removed
    assert (gone.wnid, gone.rule) == (wnid_of("sub1"), "excluded_flags")
    assert "all 10 typical pictures of sub1" in gone.reason
    report = run(workspace, tmp_path / "out")
    assert report.left_out == {"clutter": 2, "excluded_flags": 10, "no_valid_label": 1}
    assert sum(report.listed.values()) == 87
    undo_setting(workspace, "anna")
    assert sum(row.kept for row in prepare(workspace).subclasses) == 100


def test_switching_a_flag_changes_nobodys_score(workspace: Workspace, tmp_path: Path) -> None:
    label(workspace, tmp_path, dict.fromkeys(range(0, 100, 7), 3))
    before = {row.wnid: row.mean for row in prepare(workspace).subclasses}
    change_settings(workspace, [Change("label_source", "mine"), Change("excluded_flags", ("clutter",))], "anna")
    assert {row.wnid: row.mean for row in prepare(workspace).subclasses} == before


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ([Change("excluded_flags", ("clutter",))], EngineError, "needs a source"),
        ([Change("match_labels", "tests")], EngineError, "needs a source"),
        ([Change("label_source", "real")], UnknownSource, "real"),
        ([Change("label_predictions", "net")], UnknownPredictions, "net"),
        ([Change("excluded_flags", ("crowded",))], EngineError, "'crowded' is no flag"),
        ([Change("match_labels", "some")], EngineError, "match_labels cannot be some"),
    ],
)
def test_settings_that_cannot_be(workspace: Workspace, changes: list[Change], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        change_settings(workspace, changes, "anna")
    assert prepare(workspace).settings.label_source is None


def test_a_crowded_hard_set_is_told_from_a_hard_one(workspace: Workspace, tmp_path: Path) -> None:
    # Easy: 16 of 20 pictures with one label; Hard: 4 of 20. The classifier is right on single labels, wrong on two:
    # top-1 falls by 0.8 - 0.2, and all of it is composition.
    sizes = {image: 1 if image < 4 else 2 for image in range(20)}
    sizes |= {image: 1 if image < 36 else 2 for image in range(20, 40)}
    sizes |= dict.fromkeys(range(40, 100), 1)
    label(workspace, tmp_path, sizes)
    predict(workspace, [SUBS[i // EACH] if sizes[i] == 1 else "sub9" for i in range(100)])
    change_settings(workspace, [Change("label_source", "mine"), Change("label_predictions", "net")], "anna")
    found = checked(workspace)
    rows = {row.split: row for row in found.bands if not row.superclass}
    assert {name: row.multi_label_share for name, row in rows.items()} == {"hard": 0.8, "easy": 0.2, "train": 0.0}
    assert {name: row.mean_labels for name, row in rows.items()} == {"hard": 1.8, "easy": 1.2, "train": 1.0}
    assert {name: row.top1 for name, row in rows.items()} == {"hard": 0.2, "easy": 0.8, "train": 1.0}
    assert found.drop is not None
    assert found.drop_from == "easy"
    assert found.drop.drop == pytest.approx(0.6, abs=1e-12)
    assert found.drop.composition == pytest.approx(0.6, abs=1e-12)
    told = "\n".join(found.warnings)
    assert "hard is more crowded than easy: 80.0%" in told
    assert "mainly because it is more crowded: 60.0% of the 60.0%" in told
    run(workspace, tmp_path / "out", ["card"])
    card = (tmp_path / "out" / "DATACARD.md").read_text()
    assert "By the source mine, with accuracies of net" in card
    assert "mainly because it is more crowded" in card
    # At one label, the only number that all bands have, no band is harder.
    assert [rows[name].accuracy_at_equal_labels for name in ("hard", "easy", "train")] == [1.0, 1.0, 1.0]


def test_a_set_that_is_hard_at_equal_labels_gets_no_warning(workspace: Workspace, tmp_path: Path) -> None:
    sizes = {image: 1 + image % 2 for image in range(100)}
    label(workspace, tmp_path, sizes)
    predict(workspace, ["sub9" if i < 20 else SUBS[i // EACH] for i in range(100)])
    change_settings(workspace, [Change("label_source", "mine"), Change("label_predictions", "net")], "anna")
    found = checked(workspace)
    assert found.drop is not None
    assert found.drop.within == pytest.approx(1.0, abs=1e-12)
    assert found.warnings == ()


def test_matching_makes_the_test_bands_alike(workspace: Workspace, tmp_path: Path) -> None:
    sizes = {image: 1 if image < 4 else 2 for image in range(20)}
    sizes |= {image: 1 if image < 36 else 2 for image in range(20, 40)}
    sizes |= dict.fromkeys(range(40, 100), 1)
    label(workspace, tmp_path, sizes)
    change_settings(workspace, [Change("label_source", "mine")], "anna")
    before = {row.split: row for row in checked(workspace).matching}
    # The least shares are 4/20 of k = 1 and 4/20 of k = 2: half and half, 8 pictures each.
    assert (before["hard"].pictures, before["hard"].pictures_matched) == (20, 8)
    assert (before["easy"].pictures_matched, before["train"].pictures_matched) == (8, 60)
    assert before["hard"].mean_labels_matched == before["easy"].mean_labels_matched == 1.5
    change_settings(workspace, [Change("match_labels", "tests")], "anna")
    after = checked(workspace)
    rows = {row.split: row for row in after.bands if not row.superclass}
    assert {name: row.pictures for name, row in rows.items()} == {"hard": 8, "easy": 8, "train": 60}
    assert rows["hard"].mean_labels == rows["easy"].mean_labels == 1.5
    assert {row.split: row for row in after.matching} == before
    report = run(workspace, tmp_path / "out")
    assert dict(report.listed) == {"train": 60, "easy": 8, "hard": 8}
    assert report.left_out == {"matched_labels": 24}
    with workspace.opened().reading() as cursor:
        assert len(resolve_set(workspace, cursor, "hard", "split:hard", "id")) == 8


def test_matching_is_drawn_by_the_seed_and_twice_is_once(workspace: Workspace, tmp_path: Path) -> None:
    label(workspace, tmp_path, {image: 1 + (image * image) % 3 for image in range(100)})
    change_settings(workspace, [Change("label_source", "mine"), Change("match_labels", "all")], "anna")

    def drawn() -> list[int]:
        with workspace.opened().reading() as cursor:
            prepared, measured = prepare_with_pictures(cursor, workspace.seed)
            once = match(cursor, prepared, prepared.retune(), measured)
            again = match(cursor, prepared, prepared.retune(), once)
        assert again.pictures.exclusion.tolist() == once.pictures.exclusion.tolist()
        return [int(image) for image in once.pictures.image_id[~once.pictures.is_kept]]

    first = drawn()
    assert drawn() == first
    change_settings(workspace, [Change("seed", 11)], "anna")
    assert drawn() != first
    assert len(drawn()) == len(first)


@given(st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), min_size=2, max_size=4))
def test_matched_counts_have_the_same_shares(rows: list[list[int]]) -> None:
    counts = np.asarray(rows, dtype=np.int64)
    kept = matched_counts(counts)
    assert (kept >= 0).all()
    assert (kept <= counts).all()
    filled = kept[counts.sum(axis=1) > 0]
    if len(filled) < 2 or (filled.sum(axis=1) == 0).any():
        return
    # Rounding down takes less than one picture of each k away, so products across bands differ by less than sums.
    for one in filled:
        for other in filled:
            difference = one * other.sum() - other * one.sum()
            assert np.abs(difference).max() <= (one.sum() + other.sum()) * counts.shape[1]


def test_bands_without_a_common_number_of_labels_match_nothing() -> None:
    assert matched_counts(np.asarray([[5, 0], [0, 5]])).tolist() == [[0, 0], [0, 0]]
    assert matched_counts(np.asarray([[5, 1], [0, 0]])).tolist() == [[5, 1], [0, 0]]
    assert matched_counts(np.asarray([[90, 10], [50, 50]])).tolist() == [[50, 10], [50, 10]]


def test_accuracy_at_equal_labels_weighs_all_bands_together() -> None:
    def numbers(pairs: Sequence[tuple[int, bool]]) -> PictureNumbers:
        sizes = np.asarray([size for size, _ in pairs])
        real = np.asarray([hit for _, hit in pairs])
        return PictureNumbers(sizes, real, real, real.astype(np.float64), real)

    first = numbers([(1, True), (1, True), (2, False)])
    second = numbers([(1, True), (2, False), (2, True)])
    # Three pictures of each k together: (1.0 + 0.0) / 2 and (1.0 + 0.5) / 2.
    assert at_equal_labels([first, None, second]) == [0.5, None, 0.75]
    assert at_equal_labels([numbers([(1, True)]), numbers([(2, True)])]) == [None, None]
