"""Pictures in the catalogue: pages, counts over a graph, ids, and what a scan changes."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.images.scan import ScanReport, take_in
from store.connection import Store, memory_store
from store.images.pictures import Image, fetch_count, fetch_issues, fetch_places, fetch_subtree_counts, has_image
from store.images.roots import Root, UnknownRoot, fetch_root, fetch_root_summaries, fetch_roots
from store.scoring.embeddings import append_read_issues, delete_read_issues
from tests.catalogue_rows import pictures_of
from tests.fixtures_wordnet import load_tiny_wordnet
from tests.picture_roots import (
    BEAGLE,
    CANINE,
    CAT,
    DOG,
    DOMESTIC_ANIMAL,
    ENTITY,
    MAYFLOWER,
    PAPILLON,
    SHIP,
    SIAMESE,
    TABBY,
    TOY_DOG,
    WHEN,
    WOLF,
    put_pictures,
    put_root,
)  # fmt: skip


def scan(
    store: Store, root: Root, scratch: Path, rows: Sequence[tuple[str, str | None, str | None]], job: str
) -> ScanReport:
    """Take in a scan that found these: path, wnid, issue."""
    part = scratch / f"{job}.parquet"
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(3)]
    names = ["path", "wnid", "issue", "detail"]
    parquet.write_table(pa.table([*columns, pa.nulls(len(rows), pa.string())], names=names), part)
    with store.writing() as cursor:
        return take_in(cursor, root, [str(part)], job, WHEN)


def test_a_picture_below_two_hypernyms_counts_once_above_both(tiny_wordnet: Store, tmp_path: Path) -> None:
    """Dog lies below canine and below domestic animal, domestic cat below cat and below domestic animal."""
    put_pictures(tiny_wordnet, tmp_path, {DOG: 5, BEAGLE: 3, TABBY: 2, SIAMESE: 4, WOLF: 1})
    with tiny_wordnet.reading() as cursor:
        subtree = {wnid: fetch_count(cursor, wnid) for wnid in (DOG, CANINE, DOMESTIC_ANIMAL, CAT, ENTITY)}
    assert (subtree[DOG].images, subtree[DOG].subtree_images, subtree[DOG].subtree_synsets) == (5, 8, 2)
    assert (subtree[CANINE].images, subtree[CANINE].subtree_images) == (0, 9)
    assert subtree[DOMESTIC_ANIMAL].subtree_images == 14
    assert subtree[CAT].subtree_images == 6
    assert (subtree[ENTITY].subtree_images, subtree[ENTITY].subtree_synsets) == (15, 5)


def test_an_instance_counts_below_its_class(tiny_wordnet: Store, tmp_path: Path) -> None:
    put_pictures(tiny_wordnet, tmp_path, {MAYFLOWER: 2})
    with tiny_wordnet.reading() as cursor:
        assert fetch_count(cursor, SHIP).subtree_images == 2
        assert fetch_count(cursor, MAYFLOWER).images == 2
        assert fetch_count(cursor, SHIP).images == 0


@pytest.fixture(scope="module")
def below() -> dict[str, set[str]]:
    """Each noun of the tiny WordNet with itself and all that lies below, found by walking the hypernym table."""
    store = memory_store()
    load_tiny_wordnet(store)
    with store.reading() as cursor:
        nouns = [row[0] for row in cursor.execute("SELECT wnid FROM synset WHERE pos = 'n' ORDER BY wnid").fetchall()]
        steps = cursor.execute("SELECT hypernym_wnid, wnid FROM hypernym").fetchall()
    store.close()

    def walk(wnid: str) -> set[str]:
        return {wnid}.union(*(walk(lower) for upper, lower in steps if upper == wnid))

    return {wnid: walk(wnid) for wnid in nouns}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_counts_of_any_pictures_are_those_of_a_walk_over_the_graph(
    below: dict[str, set[str]], tmp_path: Path, data: st.DataObject
) -> None:
    counts = data.draw(st.dictionaries(st.sampled_from(sorted(below)), st.integers(1, 4), max_size=12))
    store = memory_store()
    load_tiny_wordnet(store)
    put_pictures(store, tmp_path, counts)
    with store.reading() as cursor:
        for wnid, inside in below.items():
            found = fetch_count(cursor, wnid)
            expected = [number for item, number in counts.items() if item in inside]
            assert found.images == counts.get(wnid, 0)
            assert (found.subtree_images, found.subtree_synsets) == (sum(expected), len(expected))
    store.close()


def test_ids_follow_root_and_path(tiny_wordnet: Store, tmp_path: Path) -> None:
    put_pictures(tiny_wordnet, tmp_path, {PAPILLON: 12, BEAGLE: 2})
    put_pictures(tiny_wordnet, tmp_path, {PAPILLON: 2}, root_id=2, name="val")
    with tiny_wordnet.reading() as cursor:
        papillons = pictures_of(cursor, PAPILLON)
        stored = cursor.execute("SELECT wnid, root_id, path FROM image").fetchall()
    assert len(papillons) == 14
    # n02086910 sorts before n02088364, so papillons of the first scan have the ids 1 to 12; _10 and _11 sort before _2.
    assert papillons[:4] == [
        Image(1, 1, PAPILLON, f"{PAPILLON}/{PAPILLON}_0.JPEG"),
        Image(2, 1, PAPILLON, f"{PAPILLON}/{PAPILLON}_1.JPEG"),
        Image(3, 1, PAPILLON, f"{PAPILLON}/{PAPILLON}_10.JPEG"),
        Image(4, 1, PAPILLON, f"{PAPILLON}/{PAPILLON}_11.JPEG"),
    ]
    assert [image.image_id for image in papillons[12:]] == [15, 16]  # the second root's, after the two beagles
    assert stored == sorted(stored)


def test_a_rescan_moves_what_is_gone_and_never_gives_an_id_twice(tiny_wordnet: Store, tmp_path: Path) -> None:
    root = put_pictures(tiny_wordnet, tmp_path, {BEAGLE: 3})
    without_last = [(f"{BEAGLE}/{BEAGLE}_{number}.JPEG", BEAGLE, None) for number in (0, 1)]
    report = scan(tiny_wordnet, root, tmp_path, without_last, "0002-scan")
    assert (report.images, report.added, report.removed) == (2, 0, 1)
    report = scan(tiny_wordnet, root, tmp_path, [*without_last, (f"{BEAGLE}/new.png", BEAGLE, None)], "0003-scan")
    assert (report.images, report.added, report.removed) == (3, 1, 0)
    with tiny_wordnet.reading() as cursor:
        assert [image.image_id for image in pictures_of(cursor, BEAGLE)] == [1, 2, 4]
        gone = cursor.execute("SELECT image_id, path FROM image_gone").fetchall()
        assert not has_image(cursor, 3)
        assert [place.path for place in fetch_places(cursor, [3, 4])] == [f"{BEAGLE}/new.png"]
        assert fetch_count(cursor, DOG).subtree_images == 3
    assert gone == [(3, f"{BEAGLE}/{BEAGLE}_2.JPEG")]


def test_the_same_scan_taken_in_twice_changes_nothing(tiny_wordnet: Store, tmp_path: Path) -> None:
    root = put_pictures(tiny_wordnet, tmp_path, {BEAGLE: 2})
    rows: list[tuple[str, str | None, str | None]] = [
        (f"{BEAGLE}/{BEAGLE}_{number}.JPEG", BEAGLE, None) for number in (0, 1)
    ]
    rows.append(("notes.txt", None, "not_a_picture"))
    for job in ("0002-scan", "0003-scan"):
        report = scan(tiny_wordnet, root, tmp_path, rows, job)
        assert (report.images, report.added, report.removed, report.issues) == (2, 0, 0, {"not_a_picture": 1})


def test_pictures_in_a_folder_that_cannot_be_read_are_kept(tiny_wordnet: Store, tmp_path: Path) -> None:
    root = put_pictures(tiny_wordnet, tmp_path, {BEAGLE: 3, TABBY: 2})
    report = scan(tiny_wordnet, root, tmp_path, [(BEAGLE, None, "unreadable_folder")], "0002-scan")
    assert (report.images, report.removed) == (3, 2)


def test_wnids_that_are_no_noun_synsets_become_issues_with_their_number(tiny_wordnet: Store, tmp_path: Path) -> None:
    rows = [
        ("n99999999/a.jpg", "n99999999", None),
        ("n99999999/b.jpg", "n99999999", None),
        ("a01382086/large.jpg", "a01382086", None),
    ]
    with tiny_wordnet.writing() as cursor:
        root = put_root(cursor)
    report = scan(tiny_wordnet, root, tmp_path, rows, "0001-scan")
    assert (report.images, report.issues) == (0, {"not_a_noun": 1, "unknown_wnid": 1})
    with tiny_wordnet.reading() as cursor:
        issues = fetch_issues(cursor)
    assert [(issue.kind, issue.path, issue.wnid, issue.detail) for issue in issues] == [
        ("not_a_noun", "a01382086", "a01382086", "1 pictures left out"),
        ("unknown_wnid", "n99999999", "n99999999", "2 pictures left out"),
    ]


def test_an_issue_of_a_job_stays_until_its_picture_goes(tiny_wordnet: Store, tmp_path: Path) -> None:
    root = put_pictures(tiny_wordnet, tmp_path, {BEAGLE: 2})
    part = pa.table({"image_id": [2], "row": pa.nulls(1, pa.int64()), "status": ["undecodable"], "reason": ["x"]})
    with tiny_wordnet.writing() as cursor:
        for _ in range(2):
            delete_read_issues(cursor, part)
            append_read_issues(cursor, part, WHEN)
    both = [(f"{BEAGLE}/{BEAGLE}_{number}.JPEG", BEAGLE, None) for number in (0, 1)]
    assert scan(tiny_wordnet, root, tmp_path, both, "0002-scan").issues == {"undecodable": 1}
    assert scan(tiny_wordnet, root, tmp_path, both[:1], "0003-scan").issues == {}


def test_roots_are_told_apart_by_name(tiny_wordnet: Store, tmp_path: Path) -> None:
    put_pictures(tiny_wordnet, tmp_path, {BEAGLE: 2, TOY_DOG: 1})
    put_pictures(tiny_wordnet, tmp_path, {BEAGLE: 1}, root_id=2, name="val")
    with tiny_wordnet.reading() as cursor:
        rows = fetch_root_summaries(cursor)
        assert fetch_root(cursor, "val").root_id == 2
        with pytest.raises(UnknownRoot, match="test"):
            fetch_root(cursor, "test")
        image = pictures_of(cursor, BEAGLE)[2]
        assert image.file(fetch_roots(cursor)[image.root_id]) == Path(f"/pictures/val/{BEAGLE}/{BEAGLE}_0.JPEG")
        assert [row.wnid for row in fetch_subtree_counts(cursor, DOG)] == [TOY_DOG, BEAGLE]
    assert [(row.name, row.images, row.synsets, row.issues) for row in rows] == [("train", 3, 2, 0), ("val", 1, 1, 0)]
