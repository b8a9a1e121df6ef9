"""The Jobs screen with real jobs: processes, pause, priority, and the form with its estimate."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from engine.errors import EngineError
from engine.jobs.events import TAIL_BYTES
from engine.jobs.runner import ACTIVE, cancel, find_job, list_jobs, submit
from engine.workspace import Workspace
from sood_tui.app import SoodApp
from sood_tui.orders.every import ORDERS
from sood_tui.orders.order import Order
from sood_tui.screens.job_form import JobForm
from sood_tui.widgets.turning import Turning
from tests.jobs.waiting import PLUGIN
from tests.tiny_clip import make_tiny_clip
from tests.tui.desk_of import keys, opened, press, rest, seen, told

LIMIT = 90.0


@pytest.fixture
def with_kinds(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace, with the jobs tests' kinds for this process and for workers; jobs left behind are ended."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PLUGIN), *filter(None, [os.environ.get("PYTHONPATH")])]))
    with workspace.opened().writing() as cursor:
        cursor.execute("CREATE TABLE squared (job_id VARCHAR, number BIGINT, square BIGINT)")
        cursor.execute("CREATE TABLE ending (job_id VARCHAR, state VARCHAR)")
    yield workspace
    for job in list_jobs(workspace.root):
        if job.state() in ACTIVE:
            with suppress(EngineError):
                cancel(job, patience=0.2)
    sys.modules.pop("jobs_for_tests", None)


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait for something to come true on the screen."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, seen(pilot.app)  # type: ignore[arg-type]
        await rest(pilot, 1)


def answer(app: SoodApp) -> str:
    """What the form says below its lines."""
    return str(app.screen.query_one("#answer", Static).render())


@keys("jobs.pause", "jobs.sooner", "jobs.later")
async def test_processes_pause_and_priority(with_kinds: Workspace) -> None:
    from jobs_for_tests import work_list

    settings = {"pauses": {"cpu:0": 0.1, "cpu:1": 0.3}, "warn_at": 3}
    first = submit(
        with_kinds.root, "shared-squares", settings, work_list(9000), "cpu:2", shard_rows=10, title="squares [b]"
    )
    second = submit(with_kinds.root, "shared-squares", {}, work_list(10), "cpu", title="later squares")
    async with opened(with_kinds, "jobs") as (app, pilot):
        await press(pilot, "down")
        await until(pilot, lambda: "▶ cpu:0" in seen(app) and "▶ cpu:1" in seen(app))
        await until(pilot, lambda: "bottleneck       encode, " in seen(app))  # told with the next event
        await until(pilot, lambda: "where the time goes" in seen(app))  # room comes a moment later
        text = seen(app)
        assert "squares [b]" in text
        assert "processes, each with its part" in text
        assert "free on the disk" in text
        await press(pilot, "up", "plus", "plus", "minus")
        await until(pilot, lambda: "has priority +1" in told(app) and second.priority() == 1)
        await until(pilot, lambda: "priority         +1" in seen(app))
        await press(pilot, "down", "p")
        await until(pilot, lambda: "‖ paused" in seen(app))
        assert first.state() == "paused"
        await until(pilot, lambda: second.state() == "finished")
        await press(pilot, "p")
        assert "does not run: it is paused" in told(app)
        await press(pilot, "R")
        await until(pilot, lambda: first.state() == "running")
        assert 0 < len(first.parts()) < 900
    cancel(first)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.key)
async def test_a_form_scrolls_on_a_small_terminal(workspace: Workspace, order: Order) -> None:
    async with opened(workspace, "jobs", (80, 24)) as (app, pilot):
        app.push_screen(JobForm(workspace, app.settings, order))
        await rest(pilot)
        first, *_, last = (field for field in order.fields(app.settings) for _ in range(2))
        assert first.help in seen(app)
        await press(pilot, "up")
        assert last.help in seen(app)
        assert last.title in seen(app)
        assert "esc leaves it" in seen(app)
        assert ("tries a small part" in seen(app)) is order.can_estimate
        await press(pilot, "escape")
        assert not isinstance(app.screen, JobForm)


async def test_a_job_without_room_goes_on_all_the_same_or_elsewhere(with_kinds: Workspace) -> None:
    from jobs_for_tests import work_list

    job = submit(with_kinds.root, "squares", {"need": 10**18}, work_list(10), title="huge squares")
    async with opened(with_kinds, "jobs") as (app, pilot):
        await until(pilot, lambda: "✗ failed" in seen(app))
        assert "The squares need about 1e+06 TB" in seen(app)
        await press(pilot, "R")
        assert "Go on all the same" in seen(app)
        assert "Go on elsewhere" not in seen(app)  # it has not spoken of devices
        await press(pilot, "escape", "R", "down", "enter")
        await until(pilot, lambda: job.state() == "finished")
        assert job.spec().force
    lost = submit(with_kinds.root, "shared-squares", {"lost": ["cpu"]}, work_list(10), "cpu", title="lost squares")
    async with opened(with_kinds, "jobs") as (app, pilot):
        await until(pilot, lambda: "was lost" in seen(app))
        await press(pilot, "R", "R", "enter")
        app.screen.query_one(Input).value = "tpu"
        await press(pilot, "enter")
        assert "names no device" in seen(app)
        app.screen.query_one(Input).value = "cpu:2"
        await press(pilot, "enter")
        await until(pilot, lambda: lost.spec().device == "cpu:2" and lost.state() not in ACTIVE)


async def test_warnings_stay_while_progress_fills_the_file(workspace: Workspace) -> None:
    folder = list_jobs(workspace.root)[0]
    assert folder.state() == "finished"
    log = folder.log()
    log.append("warned", message="A picture was left out: [broken].", subject="a.jpg", warnings=1)
    for number in range(1500):
        log.append("progress", done=number, total=1500, warnings=1, detail={"batch": 16, "memory": "1.1 of 25 GB"})
    log.append("finished", done=1500, total=1500, warnings=1)
    assert folder.events_file.stat().st_size > 2 * TAIL_BYTES
    for size in ((80, 40), (120, 40), (200, 60)):
        async with opened(workspace, "jobs", size) as (app, pilot):
            await until(pilot, lambda app=app: "A picture was left out: [broken]." in seen(app))  # type: ignore[misc]
            assert "warnings, newest first" in seen(app)
            assert "progress  1," not in seen(app)
            beside = any("done  " in line and "warned" in line for line in seen(app).splitlines())
            assert beside is (size[0] >= 160)
            log.append("warned", message="Another one.", warnings=2)
            await press(pilot, "f2", "f5")
            await until(pilot, lambda app=app: "Another one." in seen(app))  # type: ignore[misc]


@keys("jobs.log", "jobs.facts_down", "jobs.facts_up")
async def test_what_does_not_fit_is_reached_by_keys_and_a_log_begins_at_its_end(workspace: Workspace) -> None:
    folder = list_jobs(workspace.root)[0]
    for number in range(40):
        folder.log().append("warned", message=f"Warning {number}.", warnings=number + 1)
    folder.log_file.write_text("".join(f"printed {number}\n" for number in range(60)))
    async with opened(workspace, "jobs", (80, 24)) as (app, pilot):
        scroll = app.screen.query_one("#detail_scroll")
        await until(pilot, lambda: scroll.max_scroll_y > 5)
        await press(pilot, "J")
        assert scroll.scroll_y == 3
        await press(pilot, "K")
        assert scroll.scroll_y == 0
        await press(pilot, "l")
        await until(pilot, lambda: "printed 59" in seen(app) and "printed 1\n" not in seen(app))
        await press(pilot, "l")
        await until(pilot, lambda: scroll.scroll_y == 0 and "state" in seen(app))


def wrong(app: SoodApp, field: str) -> str:
    """What the form says below a field; empty where nothing is said."""
    problem = app.screen.query_one(f"#problem-{field}", Static)
    return " ".join(str(problem.render()).split()) if problem.display else ""


@pytest.mark.slow
@keys("job_form.start", "job_form.estimate", "job_form.close", "job_form.next", "job_form.previous")
async def test_the_form_says_what_is_wrong_estimates_and_starts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOOD_SCORING_MODEL", f"local-dir:{make_tiny_clip(tmp_path / 'tiny')}")
    monkeypatch.setenv("SOOD_SCORING_DEVICE", "cpu")
    jobs = len(list_jobs(workspace.root))
    async with opened(workspace, "jobs") as (app, pilot):
        await press(pilot, "n", "enter")
        form = app.screen
        assert isinstance(form, JobForm)
        assert "tries a small part" in answer(app)
        await press(pilot, "down", "down")
        assert app.screen.focused is not None
        assert app.screen.focused.id == "pretrained"
        assert "a checkpoint" in seen(app)
        for field, text, problem in (
            ("device", "tpu", "names no device"),
            ("batch_size", "some", "is no whole number"),
            ("superclasses", "dgo", "There is no superclass dgo. Did you mean dog?"),
            ("template", "a picture", "has no {}"),
            ("model", "local-dir:/nowhere", "does not exist"),
            ("storage", "s3://bucket", "speaks of a cluster"),
        ):
            entry = app.screen.query_one(f"#{field}", Input)
            kept, entry.value = entry.value, text
            await rest(pilot)
            await press(pilot, "enter")
            assert problem in wrong(app, field), field
            assert problem.split()[0] in seen(app)
            assert app.screen.focused is entry
            entry.value = kept
            await rest(pilot)
            assert wrong(app, field) == ""
        assert len(list_jobs(workspace.root)) == jobs
        app.screen.query_one("#batch_size", Input).value = "16"
        await rest(pilot)
        app.screen.query_one("#executor", Turning).focus()
        await press(pilot, "right", "space", "left", "right")
        assert "‹ local ›" in seen(app)
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "take about" in answer(app))
        assert "It fits." in answer(app)
        assert "pictures take about" in seen(app)
        assert "The results need about" in seen(app)
        await press(pilot, "escape")
        assert app.screen is not form
        assert len(list_jobs(workspace.root)) == jobs + 1  # the estimate itself
        await press(pilot, "n", "enter", "enter")
        assert "pictures to score" in told(app)
        job = find_job(workspace.root, "last")
        await until(pilot, lambda: f" {job.id} ─" in seen(app))  # the cursor goes to it
        await until(pilot, lambda: job.state() == "finished")
    assert job.spec().kind == "scoring"
