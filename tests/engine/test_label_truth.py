"""Files of multi-label truth."""

import os
from collections import Counter
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.labels.truth import read_truth, timm_real_file

CLASSES = [f"n{index:08d}" for index in range(1000)]


def test_timms_real_file_has_the_published_counts() -> None:
    entries = read_truth(timm_real_file(), "real", CLASSES)
    assert len(entries) == 50_000
    assert entries[0].file == "ILSVRC2012_val_00000001.JPEG"
    assert entries[1].wnids == ("n00000795", "n00000970")
    counts = Counter(len(entry.wnids) for entry in entries)
    assert counts == {0: 3163, 1: 39394, 2: 5408, 3: 1319, 4: 411, 5: 161, 6: 88, 7: 41, 8: 13, 9: 2}
    multi = sum(n for k, n in counts.items() if k >= 2)
    assert multi == 7443
    assert multi / (50_000 - counts[0]) == pytest.approx(0.1589, abs=5e-5)


def test_imagenetv2s_file_has_the_published_counts() -> None:
    folder = os.environ.get("SOOD_TEST_LABELS")
    if not folder:
        pytest.skip("$SOOD_TEST_LABELS names no folder with imagenetv2_multilabel.json")
    entries = read_truth(Path(folder) / "imagenetv2_multilabel.json", "imagenetv2", CLASSES)
    counts = Counter(len(entry.wnids) for entry in entries)
    assert sum(counts.values()) - counts[0] == 9871
    multi = sum(n for k, n in counts.items() if k >= 2)
    assert multi == 4788
    assert multi / 9871 == pytest.approx(0.4851, abs=5e-5)


def test_csv_takes_wnids_and_indices(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("file,labels\na/b.JPEG,n00000003;7\nc.JPEG,\n")
    first, second = read_truth(path, "csv", CLASSES)
    assert (first.line, first.file, first.wnids) == (2, "b.JPEG", ("n00000003", "n00000007"))
    assert second.wnids == ()


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("real", "[[1], [1000]]", "line 2: the label 1000"),
        ("real", "[[-1]]", "line 1: the label -1"),
        ("real", "[[true]]", "line 1: the label True"),
        ("real", '{"a": [1]}', "no list of label lists"),
        ("real", "[[1], 2]", "line 2"),
        ("real", "[[], []]", "no valid label"),
        ("real", "[[1],\n[2]", "line 2"),
        ("imagenetv2", "[[1]]", "no object"),
        ("imagenetv2", '{"a": ["x"]}', "line 1: the label 'x'"),
        ("imagenetv2", '{"a": ["1"], "a": ["2"]}', "line 2: a stands on line 1 already"),
        ("csv", "picture,labels\na,1\n", "no columns"),
        ("csv", "file,labels\na.JPEG\n", "line 2: a column is missing"),
        ("csv", "file,labels\na.JPEG,1\nx/a.JPEG,2\n", "line 3: a.JPEG stands on line 2"),
        ("csv", "file,labels\na.JPEG,n99999999\n", "line 2: the label 'n99999999'"),
    ],
)
def test_bad_files_name_file_and_line(tmp_path: Path, kind: str, text: str, said: str) -> None:
    path = tmp_path / "truth"
    path.write_text(text)
    with pytest.raises(EngineError) as caught:
        read_truth(path, kind, CLASSES)
    assert said in caught.value.message
    assert str(path) in caught.value.message
