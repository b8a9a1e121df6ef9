"""Labels: one key for each proposed label, and the numbers behind pictures with several."""

from pathlib import Path

import pyarrow as pa
import pytest

from engine.labels.importing import import_truth
from engine.splits.change import change_settings
from engine.splits.settings import Change
from engine.workspace import Workspace
from sood_tui.screens.labels import LabelsScreen
from sood_tui.screens.picture import PictureScreen
from sood_tui.widgets.lines import Lines
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from store.labels import predictions as store
from store.labels.claims import fetch_claims
from store.labels.decisions import fetch_label_log
from store.labels.predictions import PredictionRun
from tests.catalogues import WHEN, add_table
from tests.tui.birds import BEAGLE, CHIHUAHUA, PAPILLON, PEKINESE
from tests.tui.desk_of import keys, opened, press, seen, told

CLASSES = (CHIHUAHUA, PEKINESE, PAPILLON, BEAGLE)


@pytest.fixture
def labelled(scored: Workspace, tmp_path: Path) -> Workspace:
    """Proposals for two Chihuahuas; truth `mine` for 40 of them, half with two labels; predictions `net`."""
    catalogue = scored.opened()
    with catalogue.reading() as cursor:
        rows = cursor.execute(
            "SELECT image_id, path FROM image WHERE wnid = $wnid ORDER BY path", {"wnid": CHIHUAHUA}
        ).fetchall()
        (set_id,) = cursor.execute("SELECT min(set_id) FROM embedding_set").fetchone() or (1,)
    said = [
        (rows[0][0], CHIHUAHUA, 1, 1.0), (rows[0][0], BEAGLE, 2, 0.9), (rows[0][0], PAPILLON, 3, 0.6),
        (rows[1][0], PEKINESE, 1, 1.0),
    ]  # fmt: skip
    proposals = [
        {"image_id": image, "wnid": wnid, "set_id": set_id, "rank": rank, "share": share}
        for image, wnid, rank, share in said
    ]
    add_table(catalogue, "label_proposal", proposals)
    lines = [
        f"{path.rsplit('/', 1)[-1]},{CHIHUAHUA}{f' {BEAGLE}' if place % 2 else ''}"
        for place, (_, path) in enumerate(rows)
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["file,labels", *lines]))
    import_truth(scored, tmp_path / "mine.csv", "csv")
    run = PredictionRun("net", "csv", "/net.csv", "ab" * 32, "{}", CLASSES, 4, 40, 40, WHEN)
    ranked = pa.array([[0, 1, 2, 3]] * len(rows), pa.list_(pa.int32()))
    with catalogue.writing() as cursor:
        store.insert_prediction_run(cursor, run)
        store.insert_predictions(cursor, "net", pa.table({"image_id": [row[0] for row in rows], "ranked": ranked}))
    return scored


def states(workspace: Workspace, image_id: int) -> dict[str, str]:
    with workspace.opened().reading() as cursor:
        return {claim.wnid: claim.state for claim in fetch_claims(cursor, [image_id])}


@keys(
    "evaluate.labels", "labels.confirm", "labels.reject", "labels.confirm_all", "labels.reject_all", "labels.undo",
    "labels.redo", "labels.next", "labels.previous", "labels.down", "labels.up", "labels.large",
)  # fmt: skip
async def test_each_label_takes_one_key(labelled: Workspace) -> None:
    async with opened(labelled, "evaluate") as (app, pilot):
        await press(pilot, "l")
        screen = app.screen
        assert isinstance(screen, LabelsScreen)
        text = seen(app)
        assert "2 pictures wait" in text
        claims = screen.query_one("#claims", Lines)
        # The one whose own label nobody proposes is the more doubtful.
        second = screen._image
        assert set(states(labelled, second)) >= {CHIHUAHUA, PEKINESE}
        await press(pilot, "n")
        first = screen._image
        assert first != second
        await press(pilot, "p", "n", "a")
        assert states(labelled, first)[CHIHUAHUA] == "confirm"
        await press(pilot, "r")
        assert list(states(labelled, first).values()).count("reject") == 1
        await press(pilot, "down", "up", "A")
        assert "pending" not in states(labelled, first).values()
        await press(pilot, "u", "u")
        assert list(states(labelled, first).values()).count("pending") == len(states(labelled, first)) - 1
        await press(pilot, "U")
        assert list(states(labelled, first).values()).count("reject") == 1
        await press(pilot, "p")
        assert screen._image == second
        await press(pilot, "R")
        assert "pending" not in states(labelled, second).values()
        assert len(claims) > 0
        with labelled.opened().reading() as cursor:
            log = fetch_label_log(cursor)
        assert {event.reviewer for event in log} == {app.settings.reviewer}
        await press(pilot, "enter")
        assert isinstance(app.screen, PictureScreen)
        await press(pilot, "escape", "escape")
        assert app.current_mode == "evaluate"


@keys(
    "labels.view", "labels.source", "labels.predictions", "labels.other", "labels.page_down", "labels.page_up",
    "labels.first", "labels.last",
)  # fmt: skip
async def test_numbers_classes_and_bands(labelled: Workspace) -> None:
    async with opened(labelled, "evaluate") as (app, pilot):
        await press(pilot, "l", "tab")
        text = seen(app)
        # 40 pictures, all predicted as what they are: recall 1 at one label, 1/2 at two.
        assert "net on mine" in text
        assert "ReaL 100.0" in text
        assert "macro_recall" in text
        assert len(app.screen.query_one("#sheet", ContactSheet).pictures) == 8
        await press(pilot, "d")
        await press(pilot, "enter")
        assert "number falls by 0.0%" in " ".join(seen(app).split())
        await press(pilot, "tab")
        assert "mine by synset" in seen(app)
        assert "50.0" in seen(app)
        await press(pilot, "pagedown", "pageup", "end", "home")
        await press(pilot, "tab")
        text = seen(app)
        assert "the split by mine" in text
        assert "all together" in text
        assert "Matching numbers of labels would leave" in " ".join(text.split())
        await press(pilot, "s", "enter")
        await press(pilot, "c", "enter")
        assert "the split by mine" in seen(app)
        await press(pilot, "tab")
        assert "pictures wait" in seen(app)


async def test_without_anything_it_says_what_to_do(workspace: Workspace) -> None:
    async with opened(workspace, "evaluate") as (app, pilot):
        await press(pilot, "l")
        assert "labels propose" in seen(app)
        await press(pilot, "a")
        assert "no label to judge" in told(app)
        for said in ("labels import", "labels import", "scoring run"):
            await press(pilot, "tab")
            assert said in " ".join(seen(app).split())


async def test_splits_tell_how_crowded_the_bands_are(labelled: Workspace) -> None:
    changes = [Change("label_source", "mine"), Change("label_predictions", "net")]
    change_settings(labelled, changes, "anna")
    (labelled.root / ".place.json").write_text('{"split_superclass": "dog"}', encoding="utf-8")
    async with opened(labelled, "splits", (160, 50)) as (app, _):
        text = seen(app)
        assert "labels by mine" in text
        # Every second Chihuahua shows a beagle as well; the classifier is right on all of them.
        assert "several  50%  mean k 1.50  ReaL 100%" in text
        assert "have no known valid label" in text


async def test_one_picture_tells_its_labels_and_their_sources(labelled: Workspace) -> None:
    async with opened(labelled, "evaluate", (160, 40)) as (app, pilot):
        await press(pilot, "l", "a", "enter")
        assert isinstance(app.screen, PictureScreen)
        text = " ".join(seen(app).split())
        assert "labels: Chihuahua (folder, mine, confirmed by" in text
        assert "Pekinese (proposed by" in text
