"""Importing the work of SOOD's scripts: keyed by wnid, its damage told, its lists made again to the byte."""

import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineError
from engine.export.run import run
from engine.images.roots import add_root
from engine.reference.importing import import_folder
from engine.reference.scoring import place_of, stream_logits
from engine.reference.stages import read_work, wnid_of_folder
from engine.reference.streams import NotReadable, stream_json, stream_yaml
from engine.reference.tables import BadTable, import_table
from engine.review.decisions import replicas
from engine.splits.prepare import prepare
from engine.splits.settings import MAIN
from engine.workspace import Workspace
from sood_tui.workspace import create_workspace
from store.candidates.proposed import fetch_candidates
from store.candidates.superclasses import fetch_superclasses
from store.connection import open_store
from store.filters import fetch_decided, fetch_verdicts
from tests.fixtures_wordnet import load_tiny_wordnet
from tests.reference_work import ReferenceWork
from tests.tui.birds import BALD_EAGLE, BEAGLE, CHIHUAHUA, CRANE, LION, PAPILLON, PARROT, PEKINESE, SIAMESE, TABBY

NAMES = {
    CHIHUAHUA: "chihuahua", PEKINESE: "pekinese", PAPILLON: "papillon", BEAGLE: "beagle", SIAMESE: "siamese_cat",
    TABBY: "tabby", LION: "lion", CRANE: "crane", PARROT: "parrot", BALD_EAGLE: "bald_eagle",
}  # fmt: skip
COUNTS = {
    "bird": {CRANE: 6, PARROT: 9, BALD_EAGLE: 7},
    "cat": {SIAMESE: 8, TABBY: 5, LION: 12},
    "dog": {CHIHUAHUA: 20, PEKINESE: 6, PAPILLON: 11, BEAGLE: 17},
}


def made_up_logits() -> dict[str, dict[str, list[float]]]:
    """Logits as half precision gives them, with an outlier in each larger subclass."""
    draw = np.random.default_rng(5)
    found: dict[str, dict[str, list[float]]] = {}
    for superclass, subs in COUNTS.items():
        for place, (wnid, count) in enumerate(subs.items()):
            values = (24 + place + draw.normal(0, 0.5, count)).astype(np.float16)
            if count > 8:
                values[3] = np.float16(19.5)
            found.setdefault(superclass, {})[wnid] = [float(value) for value in values]
    return found


@pytest.fixture
def work(tmp_path: Path) -> ReferenceWork:
    return ReferenceWork(tmp_path / "scripts", tmp_path / "resized" / "imagenet21k_train", made_up_logits(), NAMES)


@pytest.fixture
def workspace(tmp_path: Path, work: ReferenceWork) -> Workspace:
    made = create_workspace(tmp_path / "work")
    store = open_store(made.catalogue)
    opened = replace(made, store=store, seed=7)
    load_tiny_wordnet(store)
    add_root(opened, work.pictures)
    return opened


def write_everything(work: ReferenceWork, lists_base: str | None = None) -> None:
    whole = {
        name: work.checked(name, list(subs), ["y"] * len(subs), [True] * len(subs))
        for name, subs in work.logits.items()
    }
    work.write_mapping(whole, "work_out_dict.yaml")
    work.write_mapping(whole, "work_human_checked_dict.yaml")
    selected = {
        name: {
            "classes": info["classes"],
            "folders": [f"imagenet21k_train/{wnid}" for wnid in work.logits[name]],
            "scores": info["scores"],
        }
        for name, info in whole.items()
    }
    work.write_mapping(selected, "work_sub_3.yaml")
    work.write_mapping(
        {name: info | {"equalization_filter": [True] * len(info["classes"])} for name, info in selected.items()},
        "work_sub_3_equalized.yaml",
    )
    work.write_scores()
    work.write_lists("work", lists_base)


@pytest.mark.parametrize("kept", ["both", "logits", "statistics"])
def test_the_split_of_imported_work_is_byte_for_byte_the_scripts(
    workspace: Workspace, work: ReferenceWork, tmp_path: Path, kept: str
) -> None:
    write_everything(work)
    if kept != "both":
        name = "statistics.json" if kept == "logits" else "logit_dict_total_test.json"
        (work.folder / "scoring" / name).unlink()
    report = import_folder(workspace, work.folder, "anna")
    assert report.split == "work"
    assert {one.superclass: one.wnid is not None for one in report.roots} == {"bird": True, "cat": True, "dog": True}
    assert (report.candidates, report.decisions, report.verdicts) == (10, {"accept": 10}, 10)
    assert report.pictures is not None
    assert (report.pictures.incoming, report.pictures.found) == (101, 101)
    assert [one.is_identical for one in report.lists] == [True, True, True], report.lists
    run(workspace, tmp_path / "out", ["reference", "sood"], split="work")
    for split in ("train_iid", "test_easy_ood", "test_hard_ood"):
        theirs = (work.folder / "lists" / "classification" / f"{split}_work.txt").read_bytes()
        assert (tmp_path / "out" / "reference" / f"{split}.txt").read_bytes() == theirs
        ours = (tmp_path / "out" / f"{split}.txt").read_text().lower().splitlines()
        assert sorted(line.rsplit(" ", 1)[0] for line in ours) == sorted(
            line.rsplit(" ", 1)[0].lower() for line in theirs.decode().splitlines()
        )
    assert not [one for one in report.damage if one.bug in (5, 6, 7, 9, 12)]


def test_a_second_import_changes_nothing(workspace: Workspace, work: ReferenceWork) -> None:
    write_everything(work)
    first = import_folder(workspace, work.folder, "anna")
    again = import_folder(workspace, work.folder, "anna")
    assert again.run_id == first.run_id
    assert (again.candidates, again.decisions, again.verdicts, again.roots) == (0, {}, 0, ())
    assert [one.is_identical for one in again.lists] == [True, True, True]


def test_a_dry_run_tells_and_takes_nothing(workspace: Workspace, work: ReferenceWork) -> None:
    write_everything(work)
    report = import_folder(workspace, work.folder, "anna", dry_run=True)
    assert (report.candidates, report.stages) == (10, {"equalised": 3})
    with workspace.opened().reading() as cursor:
        assert fetch_superclasses(cursor) == []


def test_outliers_that_another_spelling_of_the_root_kept_are_counted(workspace: Workspace, work: ReferenceWork) -> None:
    write_everything(work, lists_base=str(work.pictures.parent / "." / "imagenet21k_train") + "/.")
    report = import_folder(workspace, work.folder, "anna")
    kept = {one.superclass: one.what for one in report.damage if one.bug == 5}
    outliers = Counter(name for name, subs in work.statistics.items() for sub in subs for _ in sub["outliers"])
    assert set(kept) == set(outliers)
    for name, what in kept.items():
        assert what.startswith(f"{outliers[name]} outliers stand in the lists")
    assert not any(one.is_identical for one in report.lists if one.split == "train")


def replica_work(work: ReferenceWork) -> None:
    """tabby is kept under cat and dog; dog was chosen, and the filter cleared cat's entry 0 instead of tabby."""
    cat = work.checked("cat", [SIAMESE, TABBY, LION], ["y", "yes", "y"], [True, True, True])
    dog = work.checked("dog", [CHIHUAHUA, TABBY, BEAGLE], ["y", " yes", "y"], [True, True])
    dog = work.checked("dog", [CHIHUAHUA, TABBY, BEAGLE], ["y", "y", "Yes."], [True, True])
    filtered = {
        "cat": cat | {"human_checked_classes": ["siamese_cat", "tabby", "lion"], "replica_filter": [False, True, True]},
        "dog": dog | {"human_checked_classes": ["chihuahua", "tabby"], "replica_filter": [True, True]},
    }
    work.write_mapping(
        {"cat": cat, "dog": dog, "bird": work.checked("bird", [CRANE, PARROT], ["y", "n"])}, "work_out_dict.yaml"
    )
    work.write_mapping({"cat": cat, "dog": dog}, "work_human_checked_dict.yaml")
    work.write_mapping(filtered, "work_human_checked_remove_replicas_dict.yaml")


def test_the_replica_bug_is_told_one_by_one_and_repaired_when_asked(workspace: Workspace, work: ReferenceWork) -> None:
    replica_work(work)
    report = import_folder(workspace, work.folder, "anna")
    told = [(one.superclass, one.wnid, one.remedy) for one in report.damage if one.bug == 1]
    assert told == [
        ("cat", SIAMESE, f"sood-tui review accept cat {SIAMESE}"),
        ("cat", TABBY, f"sood-tui review assign {TABBY} cat"),
    ]
    answers = [(one.superclass, one.wnid) for one in report.damage if one.title == "answer of the model"]
    assert answers == [("dog", BEAGLE)]
    with workspace.opened().reading() as cursor:
        states = fetch_decided(cursor)
        verdicts = {(one.superclass, one.wnid): one.outcome for one in fetch_verdicts(cursor)}
        crane = {one.wnid: one for one in fetch_candidates(cursor, "bird")}[CRANE]
    assert states == {
        ("cat", SIAMESE): "reject", ("cat", TABBY): "accept", ("cat", LION): "accept", ("dog", CHIHUAHUA): "accept",
        ("dog", TABBY): "accept",
    }  # fmt: skip
    assert crane.state == "pending"  # bird was not checked by a person yet
    assert verdicts["bird", PARROT] == "reject"
    assert verdicts["dog", BEAGLE] == "reject"
    import_folder(workspace, work.folder, "anna", repair=True)
    with workspace.opened().reading() as cursor:
        assert fetch_decided(cursor)["cat", SIAMESE] == "accept"
        assert set(replicas(cursor)) == {TABBY}  # still to be settled by a person


def test_lists_alone_make_a_split_in_which_everything_is_placed(workspace: Workspace, work: ReferenceWork) -> None:
    write_everything(work)
    for file in (*(work.folder / "mapping").iterdir(), *(work.folder / "scoring").iterdir()):
        file.unlink()
    report = import_folder(workspace, work.folder, "anna", split="published")
    assert report.decisions == {"accept": 10}
    assert "Nothing was scored yet" in report.unread[-1]
    assert report.split is None


def test_files_that_are_damaged_are_named(workspace: Workspace, work: ReferenceWork, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds nothing"):
        import_folder(workspace, tmp_path, "anna")
    write_everything(work)
    file = work.folder / "scoring" / "statistics.json"
    file.write_text(file.read_text()[:-40])
    with pytest.raises(NotReadable, match="was the script stopped"):
        import_folder(workspace, work.folder, "anna")
    info = work.checked("dog", [CHIHUAHUA, BEAGLE], ["y", "y"], [True])
    info["folders_paths"] = ["/x/imagenet21k_train/n02085620", "/x/elsewhere"]
    work.write_mapping({"dog": info}, "odd_human_checked_dict.yaml")
    file.unlink()
    report = import_folder(workspace, work.folder, "anna", data_id="odd", dry_run=True)
    assert [(one.superclass, one.what) for one in report.unkeyed] == [
        ("dog", "beagle: the folder /x/elsewhere names no synset"),
        ("dog", "2 classes were accepted by the model but 1 decided on"),
    ]


def test_pictures_that_are_not_here_stop_the_scores_with_a_hint(tmp_path: Path, work: ReferenceWork) -> None:
    write_everything(work)
    made = create_workspace(tmp_path / "bare")
    store = open_store(made.catalogue)
    load_tiny_wordnet(store)
    with pytest.raises(EngineError, match="None of the scored pictures") as refused:
        import_folder(replace(made, store=store), work.folder, "anna")
    assert "images add" in refused.value.hint


def test_nan_and_empty_lists_are_told(workspace: Workspace, work: ReferenceWork) -> None:
    write_everything(work)
    data = json.loads((work.folder / "scoring" / "statistics.json").read_text())
    data["dog"][0]["std_normalized_logit"] = float("nan")
    (work.folder / "scoring" / "statistics.json").write_text(json.dumps(data))
    assert "NaN" in (work.folder / "scoring" / "statistics.json").read_text()
    (work.folder / "lists" / "classification" / "test_hard_ood_work.txt").write_text("")
    masks = work.folder / "lists" / "segmentation"
    masks.mkdir()
    train = (work.folder / "lists" / "classification" / "train_iid_work.txt").read_text().splitlines()
    rows = [line.split(" ") for line in train[:5]]
    (masks / "train_iid_work.txt").write_text("".join(f"{a} mask.png {int(b) + 1} {c} {d}\n" for a, b, c, d in rows))
    (masks / "test_easy_ood_work.txt").write_text("")
    report = import_folder(workspace, work.folder, "anna", dry_run=True)
    bugs = Counter(one.bug for one in report.damage)
    assert (bugs[12], bugs[6], bugs[7], bugs[9], bugs[10]) == (1, 0, 1, 1, 1)
    empty = [one.superclass for one in report.damage if one.bug == 11 and "hard" in one.what]
    assert empty == ["bird", "cat", "dog"]
    told = next(one.what for one in report.damage if one.bug == 7)
    assert told.startswith(f"train_iid_work.txt has 5 of {len(train)} pictures")


def test_names_that_several_synsets_share_are_listed(workspace: Workspace, work: ReferenceWork) -> None:
    with workspace.opened().writing() as cursor:
        cursor.execute("INSERT INTO membership VALUES ('imagenet_21k_p_fall11', 99999, 'n03126707')")
    write_everything(work)
    report = import_folder(workspace, work.folder, "anna", dry_run=True)
    (collision,) = [one for one in report.collisions if "n03126707" in one.others]
    assert (collision.superclass, collision.name, collision.wnid) == ("bird", "crane", CRANE)
    assert "which the scripts could not reach" in next(one.what for one in report.damage if one.wnid == CRANE)


def test_large_files_are_streamed(tmp_path: Path) -> None:
    file = tmp_path / "logits.json"
    with file.open("w") as opened:
        opened.write("{")
        for superclass in range(4):
            opened.write(f'{"," if superclass else ""}"class_{superclass}": [')
            for number in range(20_000):
                entry = {
                    "image_path": f"/d/imagenet21k_train/n0000000{superclass}/x_{number}.JPEG",
                    "logit": 20.5,
                    "prompt_specific": "x",
                }
                opened.write(("," if number else "") + json.dumps(entry, indent=4))
            opened.write("]")
        opened.write("}")
    assert file.stat().st_size > 8_000_000
    tracemalloc.start()
    count = sum(1 for _ in stream_logits(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 80_000
    assert peak < 6_000_000
    names = tmp_path / "x.yaml"
    names.write_text("a: {classes: [x], n: 1}\nb:\n- 1\n- ~\n")
    assert list(stream_yaml(names)) == [("a", {"classes": ["x"], "n": 1}), ("b", [1, None])]
    names.write_text("")
    assert list(stream_yaml(names)) == []
    names.write_text("a: [1\n")
    with pytest.raises(NotReadable):
        list(stream_yaml(names))
    file.write_text("{}")
    assert list(stream_json(file)) == []


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (
            "/media/data/imagenet21k_resized/imagenet21k_train/n02085620/n02085620_1.JPEG",
            ("imagenet21k_train", "n02085620", "n02085620_1.JPEG"),
        ),
        ("n02085620/a b.JPEG", ("", "n02085620", "a b.JPEG")),
        (r"D:\data\imagenet21k_val\n02085620\x.JPEG", ("imagenet21k_val", "n02085620", "x.JPEG")),
        ("/media/data/dogs/x.JPEG", None),
    ],
)
def test_places_are_read_out_of_paths(path: str, place: Any) -> None:
    assert place_of(path) == place
    assert wnid_of_folder("/x/n02085620/") == "n02085620"
    assert wnid_of_folder("/x/n0208562") is None
    assert read_work({}).entries == {}


def test_a_table_brings_decisions_and_places(workspace: Workspace, work: ReferenceWork, tmp_path: Path) -> None:
    write_everything(work)
    import_folder(workspace, work.folder, "anna")
    table = tmp_path / "mine.csv"
    table.write_text(
        "superclass,wnid,decision,split,reviewer,note\n"
        f"dog,{BEAGLE},reject,,bob,not a dog in half of them\n"
        f"dog,{CHIHUAHUA},accept,hard,,\n"
        f"cat,{LION},,out,,\n"
    )
    assert import_table(workspace, table, "anna", dry_run=True).decisions == {"reject": 1}
    report = import_table(workspace, table, "anna")
    assert (report.rows, report.decisions, report.placed, report.split) == (3, {"reject": 1}, 2, MAIN)
    assert import_table(workspace, table, "anna").decisions == {}
    prepared = prepare(workspace)
    tuned = prepared.retune()
    places = {row.wnid: tuned.bands[band] for row, band in zip(prepared.subclasses, tuned.band.tolist(), strict=True)}
    assert places[CHIHUAHUA] == "hard"
    assert LION not in places
    assert BEAGLE not in places
    table.write_text(
        f"superclass,wnid,decision\nfish,{LION},accept\ncat,{CRANE},accept\ncat,lion,accept\ncat,{LION},maybe\n"
    )
    with pytest.raises(BadTable) as refused:
        import_table(workspace, table, "anna")
    assert refused.value.problems == [
        "line 2: there is no superclass 'fish'", f"line 3: {CRANE} is no candidate of cat",
        "line 4: 'lion' is no wnid of a noun", "line 5: 'maybe' is none of accept, reject, unsure",
    ]  # fmt: skip
    table.write_text("name,decision\nx,accept\n")
    with pytest.raises(EngineError, match="has the columns name, decision"):
        import_table(workspace, table, "anna")
