"""Rebuilding an export from its manifest, and leaks between lists."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.errors import EngineError
from engine.export.leaks import find_leaks
from engine.export.manifest import canonical, manifest_hash, read_manifest
from engine.export.options import Options
from engine.export.rebuild import rebuild
from engine.export.run import run
from engine.likeness.hashes import groups, near_pairs, same_content
from engine.likeness.prints import difference_hash
from engine.review.decisions import decide
from engine.splits.after import leave_out, train_relatives
from engine.splits.change import change_settings
from engine.splits.prepare import prepare_with_pictures
from engine.splits.settings import Change
from engine.workspace import Workspace
from tests.catalogues import add_pictures, add_table, scored_workspace, wnid_of

SCORES = {
    "dog": {f"dog{number}": [0.1 + number / 50 + k / 1000 for k in range(5)] for number in range(10)},
    "cat": {"tabby": [0.31, 0.32, 0.33], "lynx": [0.41, 0.42], "lion": [0.5, 0.52, 0.51, 0.505, 0.9]},
}
FORMATS = ("sood", "parquet", "csv", "jsonl", "card", "openood", "croissant")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return scored_workspace(tmp_path / "work", SCORES)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_rebuild_gives_the_same_bytes_whatever_was_decided_since(workspace: Workspace, tmp_path: Path) -> None:
    change_settings(workspace, [Change("percentiles", (25, 45), "dog"), Change("outlier_tails", "low")], "anna")
    run(workspace, tmp_path / "one", FORMATS)
    change_settings(workspace, [Change("percentiles", (10, 60))], "bob")
    decide(workspace, "dog", [wnid_of("dog3")], "reject", "bob")
    report = rebuild(workspace, tmp_path / "one" / "manifest.json", tmp_path / "two")
    assert report.is_same
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    elsewhere = scored_workspace(tmp_path / "elsewhere", SCORES, accept=False)
    assert rebuild(elsewhere, tmp_path / "one", tmp_path / "three").is_same
    assert contents(tmp_path / "one") == contents(tmp_path / "three")


def test_a_rebuild_says_which_pictures_and_similarities_differ(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "one")
    add_pictures(workspace.opened(), [("dog1", f"{wnid_of('dog1')}/new.JPEG")], "val", 2)
    with workspace.opened().writing() as cursor:
        cursor.execute(
            "UPDATE similarity SET similarity = similarity + 0.3 WHERE wnid = ? AND image_id % 5 = 0", [wnid_of("dog0")]
        )
    report = rebuild(workspace, tmp_path / "one", tmp_path / "two")
    found = {(one.kind, one.subject): (one.expected, one.found) for one in report.deviations}
    assert found["pictures", f"dog {wnid_of('dog1')}"] == ("5 pictures", "6 pictures, other paths")
    assert ("similarities", f"dog {wnid_of('dog0')}") in found
    assert ("similarities", f"dog {wnid_of('dog2')}") not in found
    assert ("file", "pictures.parquet") in found
    kinds = [one.kind for one in report.deviations]
    assert kinds.index("pictures") < kinds.index("file")  # causes come first


def test_a_rebuild_needs_the_same_weights_and_prompts(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "one")
    with workspace.opened().writing() as cursor:
        cursor.execute("UPDATE embedding_set SET weights_sha256 = ?", ["cd" * 32])
    with pytest.raises(EngineError, match=r"abababababab\.\.\. of tiny-clip") as refused:
        rebuild(workspace, tmp_path / "one", tmp_path / "two")
    assert "scoring run --model tiny-clip" in refused.value.hint
    manifest = read_manifest(tmp_path / "one")
    manifest["settings"]["new_rule"] = True
    manifest["manifest_sha256"] = manifest_hash(manifest)
    (tmp_path / "one" / "manifest.json").write_bytes(canonical(manifest))
    with pytest.raises(EngineError, match="does not know: new_rule"):
        rebuild(workspace, tmp_path / "one", tmp_path / "two")


@pytest.fixture
def pictured(tmp_path: Path) -> Workspace:
    """Real files: dog9's first picture is a copy of one of dog0's, its second nearly the same as another."""
    made = scored_workspace(tmp_path / "work", {"dog": SCORES["dog"]})
    root = tmp_path / "imagenet21k_train"
    with made.opened().writing() as cursor:
        cursor.execute("UPDATE image_root SET path = ?", [str(root)])
        paths = [row[0] for row in cursor.execute("SELECT path FROM image ORDER BY image_id").fetchall()]
    draw = np.random.default_rng(3)
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        coarse = draw.integers(0, 255, (8, 9, 3)).astype(np.uint8)
        Image.fromarray(coarse).resize((90, 80), Image.Resampling.NEAREST).save(root / path, quality=95)
    hard, train = root / wnid_of("dog0"), root / wnid_of("dog9")
    (train / f"{wnid_of('dog9')}_000.JPEG").write_bytes((hard / f"{wnid_of('dog0')}_002.JPEG").read_bytes())
    Image.open(hard / f"{wnid_of('dog0')}_003.JPEG").save(train / f"{wnid_of('dog9')}_001.JPEG", quality=60)
    return made


def test_copies_and_near_copies_across_lists_are_found_and_left_out(pictured: Workspace, tmp_path: Path) -> None:
    def report(near: int | None) -> list[tuple[str, str, int | None]]:
        with pictured.opened().reading() as cursor:
            prepared, measured = prepare_with_pictures(cursor, 7)
            tuned = prepared.retune()
            measured = leave_out(cursor, prepared, tuned, measured)
        found = find_leaks(pictured, prepared, tuned, measured, near)
        assert found.compared == found.listed
        assert found.shared_subclasses == ()
        return [(Path(leak.path).name, Path(leak.other_path).name, leak.distance) for leak in found.leaks]

    copy = (f"{wnid_of('dog0')}_002.JPEG", f"{wnid_of('dog9')}_000.JPEG", None)
    near = (f"{wnid_of('dog0')}_003.JPEG", f"{wnid_of('dog9')}_001.JPEG")
    with pytest.raises(EngineError, match="were not read yet"):
        run(pictured, tmp_path / "out", options=Options(check_leaks=True))
    assert report(None) == [copy]
    assert [one[:2] for one in report(3)] == [copy[:2], near]
    with pytest.raises(EngineError, match="stand in two lists"):
        run(pictured, tmp_path / "out", options=Options(check_leaks=True))
    before = run(pictured, tmp_path / "before")
    change_settings(pictured, [Change("near_duplicates", 3)], "anna")
    after = run(pictured, tmp_path / "after", options=Options(check_leaks=True))
    assert after.left_out == {"near_duplicate": 2}
    assert before.listed["train"] - after.listed["train"] == 2  # the easier list gives way
    assert before.listed["hard"] == after.listed["hard"]
    assert report(3) == []
    assert read_manifest(tmp_path / "after")["leaks"]["across_lists"] == 0


def test_training_relatives_of_test_subclasses_are_left_out(workspace: Workspace, tmp_path: Path) -> None:
    rows = [("dog9", "dog0"), ("dog1", "dog8"), ("dog5", "dog6")]  # train above Hard, Hard above train, both train
    add_table(
        workspace.opened(), "hyponym_closure",
        [{"ancestor_wnid": wnid_of(a), "wnid": wnid_of(b), "depth": 1} for a, b in rows],
    )  # fmt: skip
    with workspace.opened().reading() as cursor:
        prepared, _ = prepare_with_pictures(cursor, 7)
        found = train_relatives(cursor, prepared, prepared.retune())
    assert sorted((one.lemma, one.relation, one.other_lemma, one.other_split) for one in found) == [
        ("dog8", "descendant", "dog1", "hard"), ("dog9", "ancestor", "dog0", "hard")
    ]  # fmt: skip
    before = run(workspace, tmp_path / "one")
    change_settings(workspace, [Change("exclude_relatives", True)], "anna")
    after = run(workspace, tmp_path / "two")
    assert after.left_out["relative_in_test"] == 10
    assert (before.listed["train"] - after.listed["train"], after.listed["hard"]) == (10, before.listed["hard"])


def test_placed_subclasses_stand_where_they_were_put(workspace: Workspace, tmp_path: Path) -> None:
    change_settings(
        workspace, [Change("placed", {wnid_of("dog9"): "hard", wnid_of("dog0"): "out"}, "dog")], "anna", note="by hand"
    )
    report = run(workspace, tmp_path / "one")
    lines = (tmp_path / "one" / "test_hard_ood.txt").read_text()
    assert f"/{wnid_of('dog9')}/" in lines
    assert report.left_out["placed_out"] == 5
    assert rebuild(workspace, tmp_path / "one", tmp_path / "two").is_same
    with pytest.raises(EngineError, match="no band"):
        change_settings(workspace, [Change("placed", {wnid_of("dog9"): "midle"}, "dog")], "anna")
    change_settings(workspace, [Change("placed", None, "dog")], "anna")
    assert "placed_out" not in run(workspace, tmp_path / "three").left_out


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=40), st.integers(0, 3), st.randoms())
@settings(max_examples=60, deadline=None)
def test_near_pairs_are_those_that_comparing_each_with_each_finds(values: list[int], most: int, draw: object) -> None:
    copies = [value ^ (1 << (place * 7 % 64)) ^ (1 << (place * 13 % 64)) for place, value in enumerate(values)]
    hashes = np.array(values + copies, np.uint64)
    found = near_pairs(hashes, most)
    bits = np.bitwise_count(hashes)
    expected = [
        (one, other)
        for one in range(len(hashes))
        for other in range(one + 1, len(hashes))
        if 4 <= bits[one] <= 60 and 4 <= bits[other] <= 60 and int(hashes[one] ^ hashes[other]).bit_count() <= most
    ]
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == expected


def test_groups_and_hashes_worked_out_by_hand() -> None:
    grey = np.tile(np.arange(9, dtype=np.uint8), (8, 1))
    assert difference_hash(grey) == 2**64 - 1
    assert difference_hash(grey[:, ::-1]) == 0
    one_row = np.vstack([np.arange(9, dtype=np.uint8)[None], np.zeros((7, 9), np.uint8)])
    assert difference_hash(one_row) == 0xFF << 56
    pairs = same_content(pa.table({"sha256": ["a", "b", "a", "c", "b", "a"]}))
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([0, 1, 0], [2, 4, 5])
    assert groups(pairs, 6).tolist() == [0, 1, 0, 3, 1, 0]
    with pytest.raises(EngineError, match="0 to 7"):
        near_pairs(np.zeros(2, np.uint64), 8)
