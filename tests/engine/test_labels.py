"""Multi-label truth in a workspace: matching, flags, refusals."""

from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.labels.flags import flagged
from engine.labels.importing import import_truth
from engine.workspace import Workspace
from store.connection import Cursor, Store
from store.labels import truth as labels

# Classes of the tiny ImageNet-1k list: Chihuahua 0, Shih-Tzu 1, papillon 2, beagle 3.
CHIHUAHUA, SHIH_TZU, PAPILLON, BEAGLE = "n02085620", "n02086079", "n02086910", "n02088364"


@pytest.fixture
def workspace(tmp_path: Path, tiny_wordnet: Store) -> Workspace:
    rows = [
        (1, 1, CHIHUAHUA, f"{CHIHUAHUA}/a.JPEG"),
        (2, 1, SHIH_TZU, f"{SHIH_TZU}/b.JPEG"),
        (3, 1, PAPILLON, f"{PAPILLON}/c.JPEG"),
        (4, 2, BEAGLE, "beagle/c.JPEG"),
        (5, 2, BEAGLE, "beagle/d.JPEG"),
    ]
    with tiny_wordnet.writing() as cursor:
        for root_id, name in ((1, "train"), (2, "val")):
            cursor.execute(
                "INSERT INTO image_root (root_id, name, path, layout, added_at) "
                "VALUES ($id, $name, $name, 'wnid', now())",
                {"id": root_id, "name": name},
            )
        cursor.executemany("INSERT INTO image (image_id, root_id, wnid, path) VALUES (?, ?, ?, ?)", rows)
    return Workspace(tmp_path, tiny_wordnet)


def _csv(folder: Path, *lines: str) -> Path:
    path = folder / "truth.csv"
    path.write_text("\n".join(["file,labels", *lines]) + "\n")
    return path


def labels_of(cursor: Cursor, image_id: int) -> list[tuple[str, str]]:
    """Source and wnid of every label that any source gives a picture."""
    sources = [found.source for found in labels.fetch_sources(cursor)]
    seen = [row for source in sources for row in labels.fetch_labelled_images(cursor, source)]
    return sorted((row.source, wnid) for row in seen if row.image_id == image_id for wnid in row.wnids)


def test_what_matches_is_kept_and_what_does_not_is_listed(workspace: Workspace, tmp_path: Path) -> None:
    path = _csv(tmp_path, "a.JPEG,0 2", "b.JPEG,", "c.JPEG,2", "nowhere.JPEG,3", f"d.JPEG,{CHIHUAHUA} 1 2")
    report = import_truth(workspace, path, "csv", "mine")
    assert (report.files, report.matched, report.absent, report.ambiguous) == (5, 3, 1, 1)
    assert (report.without_label, report.multi_label) == (1, 2)
    with workspace.opened().reading() as cursor:
        assert labels.fetch_unmatched(cursor, "mine") == [
            (4, "c.JPEG", "2 pictures have this file name"),
            (5, "nowhere.JPEG", "0 pictures have this file name"),
        ]
        assert sorted(len(picture.wnids) for picture in labels.fetch_labelled_images(cursor, "mine")) == [0, 2, 3]
        assert labels_of(cursor, 1) == [("mine", CHIHUAHUA), ("mine", PAPILLON)]


def test_a_root_settles_names_that_stand_twice(workspace: Workspace, tmp_path: Path) -> None:
    report = import_truth(workspace, _csv(tmp_path, "c.JPEG,2"), "csv", root="val")
    assert report.source == "truth"
    with workspace.opened().reading() as cursor:
        (image,) = labels.fetch_labelled_images(cursor, "truth")
    assert (image.image_id, image.original, image.wnids) == (4, BEAGLE, (PAPILLON,))


def test_flags(workspace: Workspace, tmp_path: Path) -> None:
    import_truth(workspace, _csv(tmp_path, "a.JPEG,0", "b.JPEG,", "d.JPEG,0 1 2"), "csv", "mine")
    with workspace.opened().reading() as cursor:
        found = [(row.image_id, row.flag) for row in flagged(cursor, "mine")]
        assert found == [(2, "no_valid_label"), (5, "other_label"), (5, "clutter")]
        assert [row.flag for row in flagged(cursor, "mine", ["clutter"])] == ["clutter"]


def test_two_sources_stay_side_by_side(workspace: Workspace, tmp_path: Path) -> None:
    import_truth(workspace, _csv(tmp_path, "a.JPEG,0"), "csv", "one")
    import_truth(workspace, _csv(tmp_path, "a.JPEG,1"), "csv", "two")
    with workspace.opened().reading() as cursor:
        assert labels_of(cursor, 1) == [("one", CHIHUAHUA), ("two", SHIH_TZU)]
    with workspace.opened().writing() as cursor:
        labels.delete_source(cursor, "one")
        assert labels_of(cursor, 1) == [("two", SHIH_TZU)]
        with pytest.raises(labels.UnknownSource, match="one"):
            labels.fetch_source(cursor, "one")


@pytest.mark.parametrize(
    ("lines", "said"),
    [(("x.JPEG,0",), "None of the 1 file names"), (("a.JPEG,4",), "line 2"), (("a.JPEG,0", "a.JPEG,1"), "line 3")],
)
def test_nothing_is_half_imported(workspace: Workspace, tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        import_truth(workspace, _csv(tmp_path, *lines), "csv", "mine")
    with workspace.opened().reading() as cursor:
        assert labels.fetch_sources(cursor) == []
        assert cursor.execute("SELECT count(*) FROM label_image").fetchone() == (0,)


def test_a_name_that_is_taken_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    import_truth(workspace, _csv(tmp_path, "a.JPEG,0"), "csv", "mine")
    with pytest.raises(EngineError, match="mine already"):
        import_truth(workspace, _csv(tmp_path, "a.JPEG,0"), "csv", "mine")
