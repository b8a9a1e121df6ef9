"""Statements of the room export."""

from pathlib import Path

import pyarrow as pa

from store import export
from tests.catalogues import WHEN, add_table, scored_workspace, wnid_of


def test_rows_stand_in_the_order_of_places_and_say_what_became_of_each_picture(tmp_path: Path) -> None:
    store = scored_workspace(tmp_path, {"dog": {"a": [0.5, 0.25, 0.3], "b": [0.75]}}).opened()
    issue = {"root_id": 1, "wnid": wnid_of("a"), "path": "x", "detail": "", "found_at": WHEN}
    add_table(store, "image_issue", [issue | {"image_id": 1002, "kind": "undecodable"}])
    places = pa.table({"place": [0, 1], "wnid": [wnid_of("b"), wnid_of("a")], "split": ["train", "hard"]})
    scored = pa.table(
        {
            "image_id": [1000, 1001, 1002],
            "similarity": pa.array([0.5, 0.25, 0.3], pa.float32()),
            "score": [1.0, 0.0, 0.2],
            "is_outlier": [False, True, False],
            "exclusion": pa.array([None, None, None], pa.string()),
        }
    )
    with store.reading() as cursor:
        export.create_rows(cursor, places, scored)
        rows = export.stream_rows(cursor).read_all().to_pylist()
        assert [(row["place"], row["path"][-8:-5], row["split"], row["issue"]) for row in rows] == [
            (0, "000", None, None),
            (1, "000", "hard", None),
            (1, "001", None, None),
            (1, "002", None, "undecodable"),
        ]
        assert rows[0]["similarity"] is None
        counts = export.count_rows(cursor)
        assert [(one.place, one.issue, one.is_scored, one.is_outlier, one.images) for one in counts] == [
            (0, None, False, False, 1),
            (1, "undecodable", True, False, 1),
            (1, None, True, False, 1),
            (1, None, True, True, 1),
        ]
        assert export.stream_listed(cursor, "hard").read_all().num_rows == 1
        assert export.fetch_root_names(cursor) == {1: "imagenet21k_train"}


def test_exports_are_numbered_and_kept(tmp_path: Path) -> None:
    store = scored_workspace(tmp_path, {"dog": {"a": [0.5]}}).opened()
    with store.writing() as cursor:
        export.insert_export(cursor, "/out", "main", "ab", 7, WHEN)
        export.insert_export(cursor, "/out2", "main", "cd", 8, WHEN)
        assert [(one.export_id, one.path, one.images) for one in export.fetch_exports(cursor)] == [
            (1, "/out", 7),
            (2, "/out2", 8),
        ]
