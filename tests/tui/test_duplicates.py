"""Duplicates: two pictures beside each other, a rule that moves under the fingers, one step, one undo."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textual.widgets import OptionList

from engine.errors import EngineError
from engine.jobs.ingest import ingest_ready
from engine.jobs.runner import cancel, list_jobs, resume
from engine.jobs.waiting import wait_for
from engine.review.comparing import begin
from engine.review.decisions import decide
from engine.review.guest import sit_down
from engine.review.host import Host
from engine.workspace import Workspace
from sood_tui.benches.duplicates import DuplicatesBench
from sood_tui.screens.dialogs import ConfirmDialog
from sood_tui.screens.duplicates import DuplicatesScreen
from sood_tui.screens.picture import PictureScreen
from sood_tui.screens.why import WhyScreen
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from store.likeness.neighbours import fetch_unread, fetch_unreadable
from store.review.log import fetch_log
from store.review.pictures import fetch_marked_pictures
from store.review.queue import fetch_states_of
from tests.catalogues import add_table
from tests.photographs import scene
from tests.tui import birds
from tests.tui.birds import BEAGLE, CHIHUAHUA, PAPILLON, PEKINESE
from tests.tui.desk_of import keys, opened, press, rest, seen, told

SIZE = (192, 144)
DIMENSIONS = 64


def name(wnid: str, number: int) -> str:
    return f"{wnid}/{wnid}_{number}.JPEG"


def draw_pictures(folder: Path) -> None:
    """Every picture another scene, but for four that are like chihuahua 0: a copy, one in beagle, one encoded anew."""
    for place, file in enumerate(sorted(folder.rglob("*.JPEG"))):
        if file.name != birds.BROKEN:
            scene(place, SIZE).save(file, quality=92)
    first = folder / name(CHIHUAHUA, 0)
    for copy in (name(CHIHUAHUA, 1), name(BEAGLE, 0)):
        shutil.copy(first, folder / copy)
    with Image.open(first) as original:
        original.resize((144, 108), Image.Resampling.LANCZOS).save(folder / name(CHIHUAHUA, 2), quality=85)


def embed(workspace: Workspace) -> None:
    """Random directions, but for papillon 0, whose cosine with chihuahua 3 is near 0.95."""
    with workspace.opened().writing() as cursor:
        cursor.execute("UPDATE embedding_set SET dimensions = $dimensions", {"dimensions": DIMENSIONS})
        rows = cursor.execute("SELECT image_id, path FROM image ORDER BY image_id").fetchall()
    places = {path: row for row, (_, path) in enumerate(rows)}
    vectors = np.random.default_rng(3).normal(size=(len(rows), DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = vectors[places[name(CHIHUAHUA, 3)]]
    away = vectors[places[name(PAPILLON, 0)]]
    away = away - near * (away @ near)
    vectors[places[name(PAPILLON, 0)]] = 0.95 * near + np.sqrt(1 - 0.95**2) * away / np.linalg.norm(away)
    (workspace.root / "embeddings" / "tiny").mkdir(parents=True)
    np.save(workspace.root / "embeddings" / "tiny" / "part.npy", vectors.astype(np.float16))
    part = {"part_id": 1, "set_id": 1, "path": "embeddings/tiny/part.npy", "rows": len(rows), "sha256": "0" * 64}
    add_table(workspace.opened(), "embedding_part", [part])
    embedded = [{"set_id": 1, "image_id": image, "part_id": 1, "row": row} for row, (image, _) in enumerate(rows)]
    add_table(workspace.opened(), "embedding", embedded)


@pytest.fixture(scope="module")
def unread_template(tmp_path_factory: pytest.TempPathFactory, birds_template: Path, drawn_pictures: Path) -> Path:
    """Accepted and scored, nothing read."""
    folder = tmp_path_factory.mktemp("doubles")
    shutil.copytree(drawn_pictures, folder / "pictures")
    draw_pictures(folder / "pictures")
    made = birds.copy(birds_template, folder / "birds")
    with made.opened().writing() as cursor:
        cursor.execute("UPDATE image_root SET path = $path", {"path": str(folder / "pictures")})
    birds.score(made)
    embed(made)
    made.opened().close()
    return made.root


@pytest.fixture(scope="module")
def doubles_template(tmp_path_factory: pytest.TempPathFactory, unread_template: Path) -> Path:
    """The same, read and compared by its jobs."""
    made = birds.copy(unread_template, tmp_path_factory.mktemp("read") / "birds")
    for job in begin(made, None, "anna").jobs:
        wait_for(job)
    ingest_ready(made)
    made.opened().close()
    return made.root


@pytest.fixture
def doubles(doubles_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    made = birds.copy(doubles_template, tmp_path / "doubles")
    yield made
    made.opened().close()


@pytest.fixture
def unread(unread_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    made = birds.copy(unread_template, tmp_path / "unread")
    yield made
    made.opened().close()


def bad(workspace: Workspace) -> set[str]:
    with workspace.opened().reading() as cursor:
        return {one.path for one in fetch_marked_pictures(cursor) if one.mark == "bad"}


def bench_of(app: object) -> DuplicatesBench:
    screen = app.screen  # type: ignore[attr-defined]
    assert isinstance(screen, DuplicatesScreen)
    assert screen._bench is not None
    return screen._bench


def pairs(bench: DuplicatesBench) -> list[tuple[str, str, str]]:
    found = bench.found.comparison.duplicates(bench.settled)
    return [(one.kind, Path(one.stays_picture).stem, Path(one.goes_picture).stem) for one in found]


EXACT = [
    ("exact", f"{CHIHUAHUA}_0", f"{CHIHUAHUA}_1"),
    ("exact", f"{CHIHUAHUA}_0", f"{BEAGLE}_0"),
]
NEAR = ("near", f"{CHIHUAHUA}_0", f"{CHIHUAHUA}_2")


@keys(
    "review.duplicates", "duplicates.cosine_down", "duplicates.cosine_up", "duplicates.bits_down",
    "duplicates.bits_up", "duplicates.keep", "duplicates.filter", "duplicates.superclass",
)  # fmt: skip
async def test_the_rule_moves_the_count_and_the_two_stand_beside_each_other(doubles: Workspace) -> None:
    async with opened(doubles, "review") as (app, pilot):
        await press(pilot, "d")
        bench = bench_of(app)
        assert sorted(pairs(bench)) == sorted([*EXACT, NEAR])
        text = seen(app)
        assert "3 of 102 go: 2 exact · 1 near · 0 by embedding · 0 across" in text
        assert "1 cannot be read" in text
        sheets = {sheet.id: sheet.pictures for sheet in app.screen.query(ContactSheet)}
        assert [Path(sheets[one][0].path).stem for one in ("stays", "goes")] == [pairs(bench)[0][1], pairs(bench)[0][2]]
        # Embeddings: from 0.97 down to 0.945, which takes papillon 0 in; and out again above 1.
        await pilot.press(*["left_square_bracket"] * 5)
        await rest(pilot)
        assert "cosine ≥ 0.945" in seen(app)
        assert {kind for kind, _, _ in pairs(bench)} == {"exact", "near", "embedding"}
        await pilot.press(*["right_square_bracket"] * 12)
        await rest(pilot)
        assert "cosine off" in seen(app)
        assert bench.rule.cosine is None
        # Hashes: none at all leaves the exact ones.
        await pilot.press(*["left_curly_bracket"] * 4)
        await rest(pilot)
        assert "hash off" in seen(app)
        assert sorted(pairs(bench)) == sorted(EXACT)
        await pilot.press(*["right_curly_bracket"] * 9)
        await rest(pilot)
        assert bench.rule.near == 7
        # What stays: the smaller one has the higher score here.
        await press(pilot, "w", "w", "enter")
        assert bench.rule.keep == "score"
        assert bench_of(app) is bench
        await press(pilot, "w", "k", "enter")
        await press(pilot, "f", "f", "f", "enter")
        assert bench.rule.across == "synsets"
        assert pairs(bench) == [EXACT[1]]
        await press(pilot, "f", "k", "k", "enter")
        # Only birds: none of these.
        await press(pilot, "c", "c", "enter")
        assert bench_of(app).found.comparison.listed == 13
        assert "No picture is there twice" in seen(app)


async def test_a_threshold_is_as_quick_as_a_key(doubles: Workspace) -> None:
    async with opened(doubles, "review") as (app, pilot):
        await press(pilot, "d")
        bench = bench_of(app)
        begun = time.perf_counter()
        for cosine in np.linspace(0.9, 1.0, 20):
            bench.change(replace(bench.rule, cosine=round(float(cosine), 3)))
        assert (time.perf_counter() - begun) / 20 < 0.1


@keys("duplicates.apply", "duplicates.undo", "duplicates.redo")
async def test_leaving_out_is_one_step_and_one_undo(doubles: Workspace) -> None:
    async with opened(doubles, "review") as (app, pilot):
        await press(pilot, "d", "a")
        assert isinstance(app.screen, ConfirmDialog)
        assert "Leave out 3 pictures and keep the larger?" in seen(app)
        await press(pilot, "n")
        assert bad(doubles) == set()
        await press(pilot, "a", "y")
        assert bad(doubles) == {name(CHIHUAHUA, 1), name(CHIHUAHUA, 2), name(BEAGLE, 0)}
        assert "0 of 99 go" in seen(app)
        with doubles.opened().reading() as cursor:
            notes = sorted(entry.note or "" for entry in fetch_log(cursor) if entry.kind == "bad")
        assert [note.split(" of ")[0] for note in notes] == ["exact duplicate", "exact duplicate", "near duplicate"]
        assert all(note.endswith("kept by rule: larger") for note in notes)
        await press(pilot, "u")
        assert bad(doubles) == set()
        assert "3 of 102 go" in seen(app)
        await press(pilot, "U")
        assert len(bad(doubles)) == 3
        await press(pilot, "a")
        assert "No picture goes by this rule" in told(app)


@keys(
    "duplicates.leave_this", "duplicates.leave_other", "duplicates.spare", "duplicates.large", "duplicates.down",
    "duplicates.up", "duplicates.first", "duplicates.last", "duplicates.page_down", "duplicates.page_up",
    "duplicates.top",
)  # fmt: skip
async def test_a_line_is_decided_alone(doubles: Workspace) -> None:
    async with opened(doubles, "review") as (app, pilot):
        await press(pilot, "d")
        lines = pairs(bench_of(app))
        await press(pilot, "end", "space")
        assert "2 of 102 go" in seen(app)
        assert "1 spared" in seen(app)
        assert "stays too" in seen(app)
        await press(pilot, "space", "home", "down", "up", "pagedown", "pageup", "G", "g", "space", "a", "y")
        assert {Path(path).stem for path in bad(doubles)} == {goes for _, _, goes in lines[1:]}
        await press(pilot, "u", "space", "x")
        assert {Path(path).stem for path in bad(doubles)} == {lines[0][2]}
        await press(pilot, "u", "X")
        assert {Path(path).stem for path in bad(doubles)} == {lines[0][1]}
        await press(pilot, "u", "home", "enter", "y")
        assert isinstance(app.screen, WhyScreen)  # its synset is accepted: there is a story to tell
        await press(pilot, "y")
        assert isinstance(app.screen, PictureScreen)
        await press(pilot, "right", "x", "escape")
        assert {Path(path).stem for path in bad(doubles)} == {lines[0][2]}
        assert "of 101 go" in seen(app)


async def test_keys_that_come_fast_are_one_line_each(doubles: Workspace) -> None:
    async with opened(doubles, "review") as (_, pilot):
        await press(pilot, "d")
        await pilot.press("x", "x", "x")
        await rest(pilot)
        assert bad(doubles) == {name(CHIHUAHUA, 1), name(CHIHUAHUA, 2), name(BEAGLE, 0)}
        await pilot.press("u", "u", "u")
        await rest(pilot)
        assert bad(doubles) == set()


@keys("duplicates.view")
async def test_replicas_are_settled_in_the_same_place(doubles: Workspace) -> None:
    decide(doubles, "carnivore", [CHIHUAHUA, PEKINESE], "accept", "anna")
    async with opened(doubles, "review") as (app, pilot):
        await press(pilot, "d", "tab")
        text = seen(app)
        assert "2 synsets accepted twice: 2 settled by the rule" in text
        assert "- carnivore" in text  # dog has accepted more pictures
        assert "dog keeps it, by rule: larger" in text
        await press(pilot, "a")
        assert "Settle 2 synsets by the rule larger?" in seen(app)
        await press(pilot, "y")
        with doubles.opened().reading() as cursor:
            assert fetch_states_of(cursor, CHIHUAHUA) == {"carnivore": "reject", "dog": "accept"}
        assert "No synset is accepted under two superclasses" in seen(app)
        await press(pilot, "u")
        with doubles.opened().reading() as cursor:
            assert fetch_states_of(cursor, CHIHUAHUA) == {"carnivore": "accept", "dog": "accept"}
        await press(pilot, "x")
        assert app.screen.query_one(OptionList).option_count == 2
        await press(pilot, "k", "enter")
        with doubles.opened().reading() as cursor:
            states = [fetch_states_of(cursor, wnid) for wnid in (CHIHUAHUA, PEKINESE)]
        assert {"carnivore": "accept", "dog": "reject"} in states
        await press(pilot, "space")
        assert "no pair of pictures here" in told(app)


@keys("duplicates.read")
async def test_what_is_missing_is_read_by_a_job(unread: Workspace) -> None:
    async with opened(unread, "review") as (app, pilot):
        await press(pilot, "d")
        text = seen(app)
        assert "! 103 pictures not read yet" in text
        assert "Press r to read the pictures" in text
        await pilot.press("r", "r")  # the second one asks whether to stop what the first one has begun
        await pilot.pause(0.2)
        assert "Stop reading?" in seen(app)
        await press(pilot, "n")
        assert len(list_jobs(unread.root)) == 3  # the scan, and one of each
        ends = time.monotonic() + 60
        while not (bench := bench_of(app)).found.comparison.compared or bench.missing().startswith("!"):
            assert time.monotonic() < ends
            await pilot.pause(0.2)
            await rest(pilot)
        assert sorted(pairs(bench)) == sorted([*EXACT, NEAR])
        assert "1 cannot be read" in seen(app)
        await press(pilot, "r")
        assert "Every picture is read" in told(app)


async def test_blind_reviewers_see_nothing_of_what_others_accepted(doubles: Workspace) -> None:
    async with opened(doubles, "review") as (app, pilot):
        await press(pilot, "b", "d")
        assert "Hidden while you judge blind" in seen(app)
        assert "exact" not in seen(app)
        await press(pilot, "a")
        assert "nothing to compare here" in told(app)


async def test_a_workspace_without_anything_accepted_says_so(workspace: Workspace) -> None:
    async with opened(workspace, "review", size=(80, 24)) as (app, pilot):
        await press(pilot, "d")
        assert "0 of 0 go" in seen(app)
        assert "No picture is there twice" in seen(app)
        await press(pilot, "r", "a", "x")
        assert "Every picture is read" in told(app)
        assert "There is no pair of pictures here" in told(app)
        await press(pilot, "escape")
        assert app.current_mode == "review"


async def test_a_guest_settles_what_is_known_and_is_told_that_reading_is_the_owners(doubles: Workspace) -> None:
    host = Host(doubles)
    guest = sit_down(replace(doubles, store=None), "ben", lambda text: host.look(), patience=10)
    assert guest.guest is not None
    try:
        async with opened(guest, "review") as (app, pilot):
            await press(pilot, "d")
            assert sorted(pairs(bench_of(app))) == sorted([*EXACT, NEAR])
            await press(pilot, "r")
            assert "A guest seat cannot read pictures" in told(app)
            await press(pilot, "x")
            marked = bad(guest)
            assert len(marked) == 1
        host.look()
        assert bad(doubles) == marked
    finally:
        guest.guest.leave()
        host.close()


def test_what_was_read_is_not_read_again_unless_a_broken_file_has_changed(doubles: Workspace) -> None:
    assert begin(doubles, None, "anna").jobs == ()
    with doubles.opened().reading() as cursor:
        found = cursor.execute("SELECT path, detail FROM image_issue WHERE kind = 'undecodable'").fetchall()
        (folder,) = cursor.execute("SELECT path FROM image_root").fetchone() or ("",)
    assert found == [(f"{PEKINESE}/{birds.BROKEN}", "the file is no picture of a known format")]
    with doubles.opened().writing() as cursor:
        cursor.execute("UPDATE image_issue SET found_at = '2020-01-01 00:00:00+00'")  # its file is younger now
    begun = begin(doubles, None, "anna")
    assert begun.neighbours is None
    assert begun.prints is not None
    wait_for(begun.prints)
    assert begun.prints.progress().done == 1
    ingest_ready(doubles)
    assert Path(folder, found[0][0]).exists()
    with doubles.opened().reading() as cursor:
        assert fetch_unreadable(cursor, None) == 1
    assert begin(doubles, None, "anna").jobs == ()


def test_a_cancelled_reading_keeps_what_it_has_and_goes_on(unread: Workspace) -> None:
    first = begin(unread, "dog", "anna").prints
    assert first is not None
    try:
        cancel(first)
    except EngineError:
        pytest.fail("it had ended before it could be cancelled")
    ingest_ready(unread)
    with unread.opened().reading() as cursor:
        before = fetch_unread(cursor, "dog").num_rows
    assert first.state() == "cancelled"
    resume(first)
    wait_for(first)
    ingest_ready(unread)
    with unread.opened().reading() as cursor:
        assert (before, fetch_unread(cursor, "dog").num_rows) == (90, 1)  # the broken one
        assert fetch_unreadable(cursor, "dog") == 1
