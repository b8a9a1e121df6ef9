"""Marks on single pictures: what they leave out, how they are taken back, and how they travel."""

from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.review.decisions import decide, export_events, import_events, redo, undo
from engine.review.journal import BadJournal
from engine.review.pictures import find_picture, mark, toggle
from engine.splits.prepare import prepare
from engine.workspace import Workspace
from store.connection import memory_store
from store.review.log import fetch_history, fetch_log
from store.review.pictures import fetch_marked_pictures, fetch_marks
from store.scoring.runs import fetch_similarities
from tests.catalogues import add_pictures, add_superclasses, add_synsets, scored_workspace, wnid_of

SCORES = {"dog": {"husky": [0.1, 0.2, 0.3], "pug": [0.4, 0.5]}}
HUSKY, PUG = wnid_of("husky"), wnid_of("pug")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return scored_workspace(tmp_path, SCORES)


def marks(workspace: Workspace, wnid: str = HUSKY) -> dict[int, str]:
    with workspace.opened().reading() as cursor:
        return dict(fetch_marks(cursor, wnid))


def test_a_mark_is_one_step_that_undo_takes_back(workspace: Workspace) -> None:
    step = mark(workspace, [1000, 1002], "bad", "anna", "blurred")
    assert (step.kinds, step.wnids, len(step.pictures), step.reviewer) == (("bad",), (HUSKY,), 2, "anna")
    assert marks(workspace) == {1000: "bad", 1002: "bad"}
    assert undo(workspace, "ben").step_id == step.step_id
    assert marks(workspace) == {}
    assert redo(workspace, "ben").pictures == step.pictures
    assert marks(workspace) == {1000: "bad", 1002: "bad"}


def test_the_last_word_on_a_picture_counts(workspace: Workspace) -> None:
    mark(workspace, [1000], "bad", "anna")
    mark(workspace, [1000], "several", "ben")
    assert marks(workspace) == {1000: "several"}
    mark(workspace, [1000], "clear", "anna")
    assert marks(workspace) == {}
    undo(workspace, "anna")
    assert marks(workspace) == {1000: "several"}


def test_the_same_mark_again_takes_it_off(workspace: Workspace) -> None:
    toggle(workspace, 1001, "bad", "anna")
    toggle(workspace, 1001, "several", "anna")
    assert marks(workspace) == {1001: "several"}
    toggle(workspace, 1001, "several", "anna")
    assert marks(workspace) == {}


def test_bad_pictures_are_left_out_of_scores_and_splits(workspace: Workspace) -> None:
    before = prepare(workspace)
    assert [(row.lemma, row.pictures) for row in before.subclasses] == [("husky", 3), ("pug", 2)]
    mark(workspace, [1002], "bad", "anna")
    after = prepare(workspace)
    # Similarities 0.1 0.2 | 0.4 0.5, stretched over the four that are left: 0, 1/4 | 3/4, 1.
    assert [(row.lemma, row.pictures) for row in after.subclasses] == [("husky", 2), ("pug", 2)]
    assert [row.mean for row in after.subclasses] == pytest.approx([0.125, 0.875], abs=1e-6)
    assert after.unreadable == 1
    with workspace.opened().reading() as cursor:
        left = fetch_similarities(cursor, 1, "dog", ["accept"])
    assert left.column("image_id").to_pylist() == [1000, 1001, 1003, 1004]


def test_pictures_with_several_objects_stay_in_scores(workspace: Workspace) -> None:
    mark(workspace, [1002], "several", "anna")
    assert [row.pictures for row in prepare(workspace).subclasses] == [3, 2]


def test_one_history_for_candidates_and_pictures(workspace: Workspace) -> None:
    decide(workspace, "dog", [HUSKY], "unsure", "ben")
    mark(workspace, [1000], "bad", "anna", "a cat")
    with workspace.opened().reading() as cursor:
        newest, before, *_ = fetch_history(cursor, HUSKY)
        assert [(entry.kind, entry.path, entry.note) for entry in (newest, before)] == [
            ("bad", f"imagenet21k_train/{HUSKY}/{HUSKY}_000.JPEG", "a cat"),
            ("unsure", None, None),
        ]
        assert [entry.kind for entry in fetch_log(cursor, limit=2)] == ["bad", "unsure"]
        assert [entry.kind for entry in fetch_log(cursor, "dog", limit=2)] == ["unsure", "accept"]


def test_marks_travel_by_root_and_path(workspace: Workspace, tmp_path: Path) -> None:
    mark(workspace, [1000], "bad", "anna", "a cat")
    mark(workspace, [1004], "several", "anna")
    undo(workspace, "anna")
    journal = tmp_path / "anna.jsonl"
    assert export_events(workspace, journal) == 5  # two accepts, two marks, one undo
    other = Workspace(tmp_path / "other", memory_store())
    add_synsets(other.opened(), ["husky", "pug"])
    add_superclasses(other.opened(), {"dog": ["husky", "pug"]})
    assert import_events(other, journal).added == 5
    with other.opened().reading() as cursor:
        assert fetch_marked_pictures(cursor) == []
    # The same pictures come with other numbers; the mark finds them.
    add_pictures(other.opened(), [("husky", f"{HUSKY}/{HUSKY}_001.JPEG"), ("husky", f"{HUSKY}/{HUSKY}_000.JPEG")])
    with other.opened().reading() as cursor:
        found = fetch_marked_pictures(cursor)
    assert [(one.image_id, one.mark, one.note) for one in found] == [(1001, "bad", "a cat")]
    report = import_events(other, journal)
    assert (report.added, report.known) == (0, 5)
    again = tmp_path / "again.jsonl"
    export_events(other, again)
    assert again.read_bytes() == journal.read_bytes()


def test_a_line_about_a_picture_is_checked(workspace: Workspace, tmp_path: Path) -> None:
    journal = tmp_path / "odd.jsonl"
    mark(workspace, [1000], "bad", "anna")
    export_events(workspace, journal)
    line = journal.read_text(encoding="utf-8").splitlines()[-1]
    journal.write_text(line.replace('"bad"', '"ugly"') + "\n" + line.replace(HUSKY, "husky"), encoding="utf-8")
    with pytest.raises(BadJournal) as refused:
        import_events(workspace, journal)
    assert refused.value.problems == [
        "line 1: kind 'ugly' of a picture is none of bad, several, clear",
        "line 2: wnid 'husky' is no WordNet id",
    ]


def test_a_picture_is_found_by_path_and_by_number(workspace: Workspace) -> None:
    with workspace.opened().reading() as cursor:
        assert find_picture(cursor, f"imagenet21k_train/{PUG}/{PUG}_001.JPEG").image_id == 1004
        assert find_picture(cursor, "1004").wnid == PUG
        with pytest.raises(EngineError, match="no picture imagenet21k_train/nothing"):
            find_picture(cursor, "imagenet21k_train/nothing")
    with pytest.raises(EngineError, match="No such picture: 77"):
        mark(workspace, [1000, 77], "bad", "anna")
    assert marks(workspace) == {}
