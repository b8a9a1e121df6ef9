"""The queue of proposed labels: events, undo and redo, what counts as settled, agreement and yield."""

from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.labels.agreement import agreements, jaccard, yields
from engine.labels.deciding import claims_of, decide, decide_each, find_image, redo, undo
from engine.labels.flags import flagged
from engine.labels.importing import import_truth
from engine.labels.queue import flagged_queue, items, proposal_queue, to_judge
from engine.labels.sources import labelled_images
from engine.review.decisions import NothingToUndo
from engine.workspace import Workspace
from store.connection import Store
from store.errors import UnknownWnid
from store.labels import decisions as label_decisions
from tests.catalogues import WHEN, add_table

CHIHUAHUA, PEKINESE, PAPILLON, BEAGLE = "n02085620", "n02086079", "n02086910", "n02088364"


@pytest.fixture
def workspace(tmp_path: Path, tiny_wordnet: Store) -> Workspace:
    """Four pictures and two models. Picture 1: own label and another by both; 2: another one only; 3: its own only."""
    root = {"root_id": 1, "name": "train", "path": "/train", "layout": "wnid", "added_at": WHEN}
    add_table(tiny_wordnet, "image_root", [root])
    owns = {1: CHIHUAHUA, 2: PEKINESE, 3: PAPILLON, 4: BEAGLE}
    images = [
        {"image_id": image, "root_id": 1, "wnid": wnid, "path": f"{wnid}/{image}.JPEG"} for image, wnid in owns.items()
    ]
    add_table(tiny_wordnet, "image", images)
    for set_id, key in ((1, "first"), (2, "second")):
        model = {
            "set_id": set_id, "model_key": key, "model": key, "pretrained": None, "weights_sha256": "ab" * 32,
            "dimensions": 2, "added_at": WHEN,
        }  # fmt: skip
        add_table(tiny_wordnet, "embedding_set", [model])
        run = {
            "label_run_id": set_id, "set_id": set_id, "job_id": f"000{set_id}-x", "class_list": "pictures",
            "classes": 4, "template": "{}", "temperature": 0.01, "least_share": 0.5, "pictures": 3, "created_at": WHEN,
        }  # fmt: skip
        add_table(tiny_wordnet, "label_run", [run])
    said = [
        (1, 1, CHIHUAHUA, 1, 1.0), (1, 1, BEAGLE, 2, 0.6),
        (1, 2, PAPILLON, 1, 1.0), (1, 2, PEKINESE, 3, 0.1),
        (1, 3, PAPILLON, 1, 1.0),
        (2, 1, CHIHUAHUA, 1, 1.0), (2, 1, BEAGLE, 2, 0.5), (2, 1, PAPILLON, 3, 0.5),
        (2, 2, PEKINESE, 1, 1.0),
    ]  # fmt: skip
    names = ("set_id", "image_id", "wnid", "rank", "share")
    add_table(tiny_wordnet, "label_proposal", [dict(zip(names, row, strict=True)) for row in said])
    return Workspace(tmp_path, tiny_wordnet)


def states(workspace: Workspace, image_id: int) -> dict[str, str]:
    with workspace.opened().reading() as cursor:
        return {claim.wnid: claim.state for claim in claims_of(cursor, image_id)}


def queued(workspace: Workspace, everything: bool = False) -> list[int]:
    with workspace.opened().reading() as cursor:
        return [row.image_id for row in proposal_queue(cursor, everything=everything)]


def test_what_is_said_of_a_picture(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"file,labels\n1.JPEG,{BEAGLE} {PAPILLON}\n")
    import_truth(workspace, tmp_path / "t.csv", "csv", "truth")
    with workspace.opened().reading() as cursor:
        own, beagle, papillon = claims_of(cursor, 1)
    assert (own.wnid, own.is_original, own.models, own.sources) == (CHIHUAHUA, True, ("first", "second"), ())
    assert (beagle.wnid, beagle.models, beagle.sources, beagle.share) == (BEAGLE, ("first", "second"), ("truth",), 0.6)
    assert (papillon.wnid, papillon.models, papillon.sources) == (PAPILLON, ("second",), ("truth",))
    assert {claim.state for claim in (own, beagle, papillon)} == {"pending"}
    assert beagle.lemma == "beagle"


def test_the_queue_holds_what_is_in_doubt(workspace: Workspace) -> None:
    # 3 is proposed as what it is; nobody looked at 4.
    assert queued(workspace) == [1, 2]
    assert queued(workspace, everything=True) == [1, 2, 3]
    with workspace.opened().reading() as cursor:
        first, second = items(cursor, proposal_queue(cursor))
    assert (first.image.proposed, first.image.pending) == (3, 3)
    # The own label of 2 has a share of 0.1 by one model: it is asked about all the same.
    assert [claim.wnid for claim in to_judge(second)] == [PEKINESE, PAPILLON]


def test_decisions_settle_a_picture_and_undo_opens_it_again(workspace: Workspace) -> None:
    decide(workspace, 1, [CHIHUAHUA, BEAGLE], "confirm", "anna")
    with workspace.opened().reading() as cursor:
        assert labelled_images(cursor, "own") == []
    decide(workspace, 1, [PAPILLON], "reject", "anna")
    assert queued(workspace) == [2]
    with workspace.opened().reading() as cursor:
        (image,) = labelled_images(cursor, "own")
        assert (image.image_id, image.original, image.wnids) == (1, CHIHUAHUA, (CHIHUAHUA, BEAGLE))
    step = undo(workspace, "bob")
    assert [(event.wnid, event.kind) for event in step.events] == [(PAPILLON, "reject")]
    assert queued(workspace) == [1, 2]
    assert states(workspace, 1) == {CHIHUAHUA: "confirm", BEAGLE: "confirm", PAPILLON: "pending"}
    redo(workspace, "bob")
    assert queued(workspace) == [2]
    undo(workspace, "bob")
    undo(workspace, "bob")
    assert set(states(workspace, 1).values()) == {"pending"}
    with pytest.raises(NothingToUndo):
        undo(workspace, "bob")
    assert redo(workspace, "bob").events[0].wnid == CHIHUAHUA
    decide(workspace, 2, [PAPILLON], "confirm", "anna")
    with pytest.raises(NothingToUndo):
        redo(workspace, "bob")
    with workspace.opened().reading() as cursor:
        assert len(label_decisions.fetch_label_log(cursor)) == 3 + 3 + 2 + 1


def test_many_choices_are_one_step(workspace: Workspace) -> None:
    decide_each(workspace, 2, [(PEKINESE, "reject"), (PAPILLON, "confirm")], "anna")
    assert states(workspace, 2) == {PEKINESE: "reject", PAPILLON: "confirm"}
    with workspace.opened().reading() as cursor:
        # Settled by a person, its folder's label is not valid: that is a flag like one of an imported source.
        assert [(row.image_id, row.flag) for row in flagged(cursor, "own")] == [(2, "other_label")]
    undo(workspace, "anna")
    assert states(workspace, 2) == {PEKINESE: "pending", PAPILLON: "pending"}


def test_a_label_that_nobody_proposed_can_be_marked(workspace: Workspace) -> None:
    decide(workspace, 4, [BEAGLE, CHIHUAHUA], "confirm", "anna")
    with workspace.opened().reading() as cursor:
        (image,) = labelled_images(cursor, "own")
    assert image.wnids == (CHIHUAHUA, BEAGLE)


def test_decisions_that_cannot_be(workspace: Workspace) -> None:
    with pytest.raises(EngineError, match="no picture 99"):
        decide(workspace, 99, [BEAGLE], "confirm", "anna")
    with pytest.raises(UnknownWnid):
        decide(workspace, 1, ["n99999999"], "confirm", "anna")
    with pytest.raises(EngineError, match="No label"):
        decide(workspace, 1, [], "confirm", "anna")
    with pytest.raises(EngineError, match="needs a name"):
        decide(workspace, 1, [BEAGLE], "confirm", " ")
    with workspace.opened().reading() as cursor:
        assert label_decisions.fetch_label_log(cursor) == []


def test_pictures_are_found_by_number_and_by_the_end_of_their_path(workspace: Workspace) -> None:
    with workspace.opened().reading() as cursor:
        assert find_image(cursor, "3") == 3
        assert find_image(cursor, "3.JPEG") == 3
        assert find_image(cursor, f"train/{PAPILLON}/3.JPEG") == 3
        for text in ("JPEG", "9.JPEG", "99"):
            with pytest.raises(EngineError, match="No picture has a path"):
                find_image(cursor, text)


def test_flagged_pictures_can_be_judged(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"file,labels\n3.JPEG,{BEAGLE}\n4.JPEG,{BEAGLE}\n")
    import_truth(workspace, tmp_path / "t.csv", "csv", "truth")
    with workspace.opened().reading() as cursor:
        (row,) = flagged_queue(cursor, "truth", [flag.image_id for flag in flagged(cursor, "truth", ["other_label"])])
    assert (row.image_id, row.pending, row.own_is_proposed) == (3, 2, False)
    decide(workspace, 3, [BEAGLE], "reject", "anna")
    with workspace.opened().reading() as cursor:
        (row,) = flagged_queue(cursor, "truth", [3])
    assert row.pending == 1


def test_yield_and_agreement(workspace: Workspace, tmp_path: Path) -> None:
    decide_each(workspace, 1, [(CHIHUAHUA, "confirm"), (BEAGLE, "confirm"), (PAPILLON, "reject")], "anna")
    decide_each(workspace, 1, [(BEAGLE, "confirm"), (PAPILLON, "confirm")], "bob")
    decide(workspace, 1, [PAPILLON], "reject", "anna")
    decide(workspace, 2, [PEKINESE], "reject", "anna")
    (tmp_path / "t.csv").write_text(f"file,labels\n1.JPEG,{CHIHUAHUA} {PAPILLON}\n2.JPEG,{PEKINESE}\n")
    import_truth(workspace, tmp_path / "t.csv", "csv", "truth")
    with workspace.opened().reading() as cursor:
        first, second, together = yields(cursor)
        models, people, *sources = agreements(cursor)
    # The first model proposes beagle for 1 (confirmed) and papillon for 2 (open), the second beagle and papillon for 1.
    assert (first.pictures, first.proposed, first.pictures_with_more) == (3, 2, 2)
    assert (first.judged, first.confirmed, first.precision, first.own_rejected) == (1, 1, 1.0, 1)
    assert (second.proposed, second.judged, second.confirmed, second.precision) == (2, 2, 1, 0.5)
    assert (together.model, together.proposed, together.judged) == ("all models together", 3, 2)
    # Pictures 1 and 2: {chihuahua, beagle} against the same and papillon, {papillon} against {pekinese}.
    assert (models.kind, models.items, models.same) == ("models", 2, 0.0)
    assert models.overlap == pytest.approx((2 / 3 + 0) / 2)
    assert (people.first, people.second, people.items, people.same) == ("anna", "bob", 2, 0.5)
    by_first = sources[0]
    assert (by_first.first, by_first.second, by_first.items) == ("first", "truth", 2)
    # It says three labels, one of which is true; three are true.
    assert (by_first.precision, by_first.recall) == pytest.approx((1 / 3, 1 / 3))


def test_jaccard() -> None:
    assert jaccard(frozenset("ab"), frozenset("bc")) == pytest.approx(1 / 3)
    assert jaccard(frozenset(), frozenset()) == 1.0
