"""Files of predictions, and their numbers in a workspace."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from engine.labels.classifiers import import_predictions
from engine.labels.importing import import_truth
from engine.labels.numbers import report
from engine.labels.prediction_files import read_predictions
from engine.labels.sets import judged_set, per_class
from engine.labels.sources import labelled_images
from engine.workspace import Workspace
from store.labels import predictions as store
from store.labels.predictions import UnknownPredictions
from tests.catalogues import scored_workspace, wnid_of

NAMES = ("ant", "bee", "cat")
CLASSES = [wnid_of(name) for name in NAMES]
ANT, BEE, CAT = CLASSES


def test_csv_takes_indices_and_wnids(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f"file,ranked\nx/a.JPEG,2 {ANT}\nb.JPEG,0;1\n")
    found = read_predictions(path, CLASSES)
    assert found.files == ("a.JPEG", "b.JPEG")
    assert found.lines == (2, 3)
    assert found.ranked.tolist() == [[2, 0], [0, 1]]


def test_npz_ranks_scores_and_brings_its_own_classes(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    scores = np.asarray([[0.1, 0.7, 0.2], [0.4, 0.2, 0.4]], dtype=np.float32)
    np.savez(path, probabilities=scores, files=["a", "b"], classes=[CAT, ANT, BEE])
    found = read_predictions(path, CLASSES)
    assert found.ranked.tolist() == [[1, 2, 0], [0, 2, 1]]
    assert found.classes == (CAT, ANT, BEE)
    np.savez(path, ranked=np.asarray([[2, 0], [1, 2]]))
    names = tmp_path / "names.txt"
    names.write_text("x/a.JPEG\nb.JPEG\n")
    found = read_predictions(path, CLASSES, names)
    assert found.files == ("a.JPEG", "b.JPEG")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,labels\na,0\n", "no columns `file` and `ranked`"),
        ("file,ranked\na,0 3\n", "line 2: '3' is none of the 3 classes"),
        ("file,ranked\na,0 -1\n", "line 2: '-1'"),
        ("file,ranked\na,0 1\nb,0\n", "line 3: 1 classes are ranked"),
        ("file,ranked\na,0 0\n", "line 2: a class is ranked twice"),
        ("file,ranked\na,0\nx/a,1\n", "line 3: a stands on line 2"),
        ("file,ranked\na,\n", "line 2: a column"),
        ("file,ranked\n", "no predictions"),
    ],
)
def test_bad_csv_names_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(EngineError) as caught:
        read_predictions(path, CLASSES)
    assert said in caught.value.message
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"logits": np.zeros((2, 4)), "files": ["a", "b"]}, "`logits` of .* has 4 columns, but there are 3 classes"),
        ({"logits": np.zeros((2, 3), dtype=np.int64), "files": ["a", "b"]}, "not floats"),
        ({"logits": np.full((2, 3), np.nan), "files": ["a", "b"]}, "row 0"),
        ({"logits": np.zeros((2, 3)), "files": ["a"]}, "2 rows of logits and 1 file names"),
        ({"logits": np.zeros((2, 3)), "files": ["a", "a"]}, "line 2: a stands on line 1"),
        ({"logits": np.zeros((2, 3))}, "no array `files`"),
        ({"logits": np.zeros(3), "files": ["a"]}, "has the shape"),
        ({"ranked": np.asarray([[0, 3]]), "files": ["a"]}, "row 1: class 3"),
        ({"ranked": np.asarray([[0, 1], [1, 1]]), "files": ["a", "b"]}, "row 2: a class is ranked twice"),
        ({"ranked": np.asarray([[0.5]]), "files": ["a"]}, "not class indices"),
        ({"embeddings": np.zeros((1, 3))}, "must hold one of"),
    ],
)
def test_bad_npz_says_what_is_wrong(tmp_path: Path, arrays: dict[str, object], said: str) -> None:
    path = tmp_path / "p.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=said):
        read_predictions(path, CLASSES)


def test_damaged_and_unknown_files(tmp_path: Path) -> None:
    (tmp_path / "p.npz").write_bytes(b"PK no zip")
    for name, said in (("p.npz", "cannot be read"), ("absent.csv", "cannot be read"), ("p.json", "neither")):
        with pytest.raises(EngineError, match=said):
            read_predictions(tmp_path / name, CLASSES)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Six pictures, two of each class; truth `mine` with k = 0, 1, 2, 3."""
    made = scored_workspace(tmp_path / "work", {"thing": {name: [0.1, 0.2] for name in NAMES}})
    lines = [
        f"{ANT}_000.JPEG,{ANT}",
        f"{ANT}_001.JPEG,{ANT} {BEE}",
        f"{BEE}_000.JPEG,",
        f"{BEE}_001.JPEG,{CAT}",
        f"{CAT}_000.JPEG,{ANT} {BEE} {CAT}",
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["file,labels", *lines]) + "\n")
    import_truth(made, tmp_path / "mine.csv", "csv")
    return made


def _predict(workspace: Workspace, folder: Path, lines: list[str]) -> None:
    (folder / "classes.txt").write_text("\n".join(CLASSES))
    (folder / "net.csv").write_text("\n".join(["file,ranked", *lines]) + "\n")
    import_predictions(workspace, folder / "net.csv", "net", str(folder / "classes.txt"))


def test_numbers_of_a_set(workspace: Workspace, tmp_path: Path) -> None:
    _predict(
        workspace,
        tmp_path,
        [
            f"{ANT}_000.JPEG,0 1 2",  # right
            f"{ANT}_001.JPEG,1 2 0",  # valid, not its own; one of the two among the first two
            f"{BEE}_000.JPEG,1 0 2",  # its own, which is not valid
            f"{BEE}_001.JPEG,0 1 2",  # wrong
            f"{CAT}_000.JPEG,2 1 0",  # right
            "nowhere.JPEG,0 1 2",
        ],
    )
    with workspace.opened().reading() as cursor:
        judged = judged_set(workspace, cursor, "net", "mine")
        rows = per_class(labelled_images(cursor, "mine"), {ANT: "ant"}, judged)
        (run,) = store.fetch_prediction_runs(cursor)
    assert (run.rows, run.matched, run.depth) == (6, 5, 3)
    found = report(judged.numbers)
    assert (found.images, found.images_without_label) == (5, 1)
    assert found.top1 == pytest.approx(3 / 5)
    assert found.real_accuracy == pytest.approx(3 / 4)
    # k = 1: (1 + 0) / 2, k = 2: 1 / 2, k = 3: 1.
    assert {group.labels: group.recall for group in found.subgroups} == {"1": 0.5, "2": 0.5, "3": 1.0}
    assert found.aggregates["macro_recall"] == pytest.approx(2 / 3)
    ant = next(row for row in rows if row.wnid == ANT)
    assert (ant.lemma, ant.images, ant.multi_label_share, ant.mean_labels) == ("ant", 2, 0.5, 1.5)
    assert (ant.top1, ant.real_accuracy, ant.gap) == (0.5, 1.0, 0.5)
    bee = next(row for row in rows if row.wnid == BEE)
    assert (bee.without_label, bee.own_label_valid) == (1, 0.0)


def test_labels_that_are_no_classes_do_not_count(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text(f"{ANT}\n{BEE}\n")
    (tmp_path / "net.csv").write_text(f"file,ranked\n{CAT}_000.JPEG,1 0\n{BEE}_001.JPEG,1 0\n")
    import_predictions(workspace, tmp_path / "net.csv", "net", str(tmp_path / "classes.txt"))
    with workspace.opened().reading() as cursor:
        judged = judged_set(workspace, cursor, "net", "mine")
    assert (judged.with_truth, judged.not_predicted, judged.outside, judged.labels_outside) == (5, 3, 1, 1)
    assert judged.numbers.sizes.tolist() == [2]
    assert judged.numbers.recall.tolist() == [1.0]


def test_sets_by_root_and_band(workspace: Workspace, tmp_path: Path) -> None:
    _predict(workspace, tmp_path, [f"{wnid}_00{place}.JPEG,0 1 2" for wnid in CLASSES for place in (0, 1)])
    with workspace.opened().reading() as cursor:
        assert len(judged_set(workspace, cursor, "net", "mine@root:imagenet21k_train").image_ids) == 5
        # All means are equal, so that every subclass reaches the thresholds.
        assert judged_set(workspace, cursor, "net", "mine@split:train").originals == (ANT, ANT, BEE, BEE, CAT)
        with pytest.raises(EngineError, match="no band 'medium'"):
            judged_set(workspace, cursor, "net", "mine@split:medium")
        with pytest.raises(EngineError, match="no picture has labels"):
            judged_set(workspace, cursor, "net", "own")
        with pytest.raises(UnknownPredictions, match="other"):
            judged_set(workspace, cursor, "other", "mine")


def test_nothing_is_half_imported(workspace: Workspace, tmp_path: Path) -> None:
    for lines, said in ((["x.JPEG,0 1 2"], "None of the 1"), ([f"{ANT}_000.JPEG,0 7"], "line 2")):
        with pytest.raises(EngineError, match=said):
            _predict(workspace, tmp_path, lines)
    _predict(workspace, tmp_path, [f"{ANT}_000.JPEG,0 1 2"])
    with pytest.raises(EngineError, match="net already"):
        _predict(workspace, tmp_path, [f"{ANT}_000.JPEG,0 1 2"])
    with workspace.opened().reading() as cursor:
        assert len(store.fetch_prediction_runs(cursor)) == 1
    (tmp_path / "classes.txt").write_text(f"{ANT}\nn99999999\n")
    with pytest.raises(EngineError, match="line 2: n99999999"):
        import_predictions(workspace, tmp_path / "net.csv", "other", str(tmp_path / "classes.txt"))
