"""Roots from end to end: real scan jobs, taken in, scanned again."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.images.roots import add_root, read_report, remove_root, rescan, start_add
from engine.jobs.ingest import ingest_ready
from engine.jobs.runner import cancel, resume
from engine.jobs.waiting import wait_for
from engine.workspace import Workspace
from store.images.pictures import fetch_count, fetch_issues
from store.images.roots import UnknownRoot, fetch_root_summaries, fetch_roots
from tests.catalogue_rows import pictures_of
from tests.picture_roots import BEAGLE, DOG, PAPILLON, TABBY, WOLF, plant, plant_bytes, tiny_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with tiny_workspace(tmp_path / "workspace") as made:
        yield made


def paths(workspace: Workspace, wnid: str) -> list[str]:
    with workspace.opened().reading() as cursor:
        return [image.path for image in pictures_of(cursor, wnid)]


def test_two_roots_are_scanned_counted_and_scanned_again(workspace: Workspace, tmp_path: Path) -> None:
    train = plant(tmp_path / "train", {BEAGLE: 3, PAPILLON: 2, "n99999999": 1, TABBY: 0})
    val = plant(tmp_path / "val", {BEAGLE: 1})
    report = add_root(workspace, train)
    assert (report.root, report.images, report.synsets, report.added, report.removed) == ("train", 5, 2, 5, 0)
    assert report.issues == {"empty_folder": 1, "unknown_wnid": 1}
    assert add_root(workspace, val, name="validation").images == 1
    with workspace.opened().reading() as cursor:
        assert fetch_count(cursor, DOG).subtree_images == 6
        files = [image.file(fetch_roots(cursor)[image.root_id]) for image in pictures_of(cursor, BEAGLE)]
        assert [row.name for row in fetch_root_summaries(cursor)] == ["train", "validation"]
    assert all(file.is_file() for file in files)

    (train / BEAGLE / f"{BEAGLE}_0.JPEG").unlink()
    shutil.rmtree(train / PAPILLON)
    plant(train, {TABBY: 4})
    reports = rescan(workspace)
    assert [(item.root, item.added, item.removed, item.images) for item in reports] == [
        ("train", 4, 3, 6),
        ("validation", 0, 0, 1),
    ]
    assert reports[0].issues == {"unknown_wnid": 1}
    assert read_report(workspace, reports[0].job_id) == reports[0]


def test_names_of_all_sorts_come_through_the_whole_way(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"odd \xff root")
    folder = root / BEAGLE
    folder.mkdir(parents=True)
    names = [b"a b.jpg", b"'\".jpg", b"line\nbreak.jpg", b"back\\slash.jpg", b"\xff\xfe.jpg", "ü.jpg".encode()]
    for name in names:
        plant_bytes(folder, name)
    assert add_root(workspace, root, name="odd").images == len(names)
    with workspace.opened().reading() as cursor:
        known = fetch_roots(cursor)[1]
        files = {os.fsencode(image.file(known)) for image in pictures_of(cursor, BEAGLE)}
    assert files == {os.fsencode(folder) + b"/" + name for name in names}
    assert rescan(workspace, "odd")[0].added == 0


def test_a_list_is_a_root_and_what_another_root_has_is_not_taken_twice(workspace: Workspace, tmp_path: Path) -> None:
    train = plant(tmp_path / "data" / "train", {BEAGLE: 2, WOLF: 1})
    add_root(workspace, train)
    plant(tmp_path / "data", {"extra": 0})
    (tmp_path / "data" / "extra" / "x.jpg").touch()
    listed = tmp_path / "list.txt"
    listed.write_text(
        f"train/{BEAGLE}/{BEAGLE}_0.JPEG 0 dog beagle\nextra/x.jpg {PAPILLON}\nextra/y.jpg n99999999\n",
        encoding="utf-8",
    )
    report = add_root(workspace, listed, base=tmp_path / "data")
    assert (report.root, report.images, report.issues) == ("data", 1, {"duplicate_picture": 1, "unknown_wnid": 1})
    assert paths(workspace, PAPILLON) == ["extra/x.jpg"]
    with workspace.opened().reading() as cursor:
        assert [issue.detail for issue in fetch_issues(cursor, "duplicate_picture")] == ["taken in with the root train"]
    listed.write_text(f"extra/x.jpg {TABBY}\n", encoding="utf-8")
    report = rescan(workspace, "data")[0]
    assert (report.added, report.removed) == (1, 1)
    assert (paths(workspace, PAPILLON), paths(workspace, TABBY)) == ([], ["extra/x.jpg"])


def test_roots_must_not_overlap_and_names_must_differ(workspace: Workspace, tmp_path: Path) -> None:
    train = plant(tmp_path / "data" / "train", {BEAGLE: 1, f"{WOLF}/{TABBY}": 1})
    add_root(workspace, train)
    link = tmp_path / "link"
    link.symlink_to(train)
    plant(tmp_path / "other" / "train", {BEAGLE: 1})
    plant(tmp_path / "data", {PAPILLON: 1})
    for path, message in (
        (train, "is the root train already"),
        (link, "is the root train already"),
        (train / WOLF, "overlap"),
        (tmp_path / "data", "overlap"),
        (tmp_path / "other" / "train", "a root named train already"),
        (tmp_path / "nowhere", "There is no folder"),
    ):
        with pytest.raises(EngineError, match=message) as caught:
            start_add(workspace, path)
        assert caught.value.hint
    with workspace.opened().reading() as cursor:
        assert list(fetch_roots(cursor)) == [1]


def test_bad_lists_and_names_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(EngineError, match="No line of"):
        start_add(workspace, listed)
    listed.write_text(f"a.jpg {BEAGLE}\n", encoding="utf-8")
    with pytest.raises(EngineError, match="None of the first pictures"):
        start_add(workspace, listed)
    train = plant(tmp_path / "train", {BEAGLE: 1})
    with pytest.raises(EngineError, match="cannot be the name"):
        start_add(workspace, train, name="a/b")
    with pytest.raises(EngineError, match="--base"):
        start_add(workspace, train, base=tmp_path)
    with pytest.raises(UnknownRoot):
        rescan(workspace, "train")
    with pytest.raises(EngineError, match="no root to scan"):
        rescan(workspace)


def test_a_root_that_is_away_loses_nothing(workspace: Workspace, tmp_path: Path) -> None:
    train = plant(tmp_path / "train", {BEAGLE: 2})
    add_root(workspace, train)
    train.rename(tmp_path / "unmounted")
    with pytest.raises(EngineError, match="There is no folder"):
        rescan(workspace)
    train.mkdir()  # an empty mount point
    with pytest.raises(EngineError, match="holds no folder"):
        rescan(workspace)
    assert len(paths(workspace, BEAGLE)) == 2


def test_a_cancelled_scan_takes_nothing_in_until_it_is_resumed(workspace: Workspace, tmp_path: Path) -> None:
    train = plant(tmp_path / "train", {f"{BEAGLE}-{number}": 2 for number in range(300)})
    started = start_add(workspace, train)
    try:
        cancel(started.job)
    except EngineError:
        pytest.skip("the scan was faster than its cancelling")
    if started.job.state() == "finished":
        pytest.skip("the scan was faster than its cancelling")
    ingest_ready(workspace)
    assert paths(workspace, BEAGLE) == []
    with pytest.raises(EngineError, match="has not come in"):
        read_report(workspace, started.job.id)
    resume(started.job)
    wait_for(started.job)
    ingest_ready(workspace)
    assert read_report(workspace, started.job.id).images == 600


def test_a_root_whose_scan_never_came_in_can_be_added_anew(workspace: Workspace, tmp_path: Path) -> None:
    train = plant(tmp_path / "train", {BEAGLE: 1, "toy dog": 2})
    started = start_add(workspace, train, layout="wnid")
    wait_for(started.job)  # finished, and not taken in
    report = add_root(workspace, train, layout="class")
    assert (report.images, report.added) == (2, 2)
    with workspace.opened().reading() as cursor:
        assert [row.layout for row in fetch_root_summaries(cursor)] == ["class"]


def test_a_root_is_forgotten_and_its_ids_are_not_given_again(workspace: Workspace, tmp_path: Path) -> None:
    train = plant(tmp_path / "train", {BEAGLE: 2, TABBY: 1})
    val = plant(tmp_path / "val", {BEAGLE: 1, "notes": 1})
    add_root(workspace, train)
    add_root(workspace, val)
    assert remove_root(workspace, "val", dry_run=True).images == 1
    assert len(paths(workspace, BEAGLE)) == 3
    assert remove_root(workspace, "val").images == 1
    with workspace.opened().reading() as cursor:
        assert [row.name for row in fetch_root_summaries(cursor)] == ["train"]
        assert fetch_count(cursor, DOG).subtree_images == 2
        assert fetch_issues(cursor) == []
    assert add_root(workspace, val, name="again").added == 1
    with workspace.opened().reading() as cursor:
        newest = pictures_of(cursor, BEAGLE)[-1]
    assert (newest.root_id, newest.image_id) == (3, 5)


def test_the_real_photographs_are_taken_in(workspace: Workspace, photographs: Path) -> None:
    report = add_root(workspace, photographs, name="photographs")
    folders = [folder for folder in photographs.iterdir() if folder.is_dir()]
    unknown = report.issues.get("unknown_wnid", 0)
    assert report.synsets + unknown == len(folders)
