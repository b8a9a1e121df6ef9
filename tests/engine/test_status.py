"""The funnel and the next step, on small catalogues."""

from pathlib import Path

import pytest

from engine.review.decisions import decide
from engine.status import counted, next_step, read_status, room_counts
from engine.walk import room_names
from engine.workspace import Workspace
from store.connection import memory_store
from store.status import Funnel, fetch_funnel
from tests.catalogues import add_table, scored_workspace, wnid_of

FULL = Funnel(
    noun_synsets=82_115,
    image_roots=2,
    images=1_600_000,
    synsets_with_images=11_221,
    image_issues=3,
    superclasses=56,
    candidates=2_310,
    pending=0,
    accepted=1_904,
    rejected=400,
    unsure=6,
    judged=2_300,
    filter_runs=2,
    replicas=0,
    score_runs=1,
    scored_images=1_599_997,
    splits=1,
    exports=1,
    evaluations=4,
)
STEPS: tuple[tuple[dict[str, int], str], ...] = (
    ({"noun_synsets": 0}, "sood-tui init ."),
    ({"image_roots": 0}, "sood-tui images add FOLDER"),
    ({"images": 0}, "sood-tui images issues"),
    ({"superclasses": 0}, "sood-tui candidates add SYNSET"),
    ({"candidates": 0}, "sood-tui candidates list"),
    ({"pending": 9}, "sood-tui review list --pending"),
    ({"accepted": 0}, "sood-tui review list"),
    ({"replicas": 2}, "sood-tui review replicas"),
    ({"score_runs": 0}, "sood-tui scoring run"),
    ({"splits": 0, "exports": 0}, "sood-tui splits show"),
    ({"splits": 0}, "sood-tui export verify DIR"),
    ({"exports": 0}, "sood-tui export run DIR"),
    ({}, "sood-tui export verify DIR"),
)


def with_counts(**changes: int) -> Funnel:
    fields = {name: getattr(FULL, name) for name in Funnel.__slots__}
    return Funnel(**{**fields, **changes})


@pytest.mark.parametrize(("changes", "command"), STEPS)
def test_the_next_step_is_the_first_that_is_missing(changes: dict[str, int], command: str) -> None:
    assert next_step(with_counts(**changes)).command == command


def test_an_empty_catalogue_begins_with_init() -> None:
    store = memory_store()
    with store.reading() as cursor:
        funnel = fetch_funnel(cursor)
    store.close()
    assert {getattr(funnel, name) for name in Funnel.__slots__} == {0}
    assert next_step(funnel).command == "sood-tui init ."


def test_counts_follow_decisions(tmp_path: Path) -> None:
    scores = {"dog": {"pug": [0.3, 0.4], "wolf": [0.2]}, "wolf": {"wolf": [0.3], "coyote": [0.1]}}
    workspace = scored_workspace(tmp_path, scores, accept=False)
    assert funnel_of(workspace).pending == 4
    decide(workspace, "dog", [wnid_of("pug"), wnid_of("wolf")], "accept", "anna")
    decide(workspace, "wolf", [wnid_of("wolf")], "accept", "anna")
    decide(workspace, "wolf", [wnid_of("coyote")], "unsure", "anna")
    funnel = funnel_of(workspace)
    assert (funnel.candidates, funnel.pending, funnel.accepted, funnel.unsure) == (4, 0, 3, 1)
    assert funnel.replicas == 1
    assert (funnel.superclasses, funnel.score_runs) == (2, 1)
    counts = [{"wnid": wnid_of("pug"), "images": 2, "subtree_images": 2, "subtree_synsets": 1}]
    add_table(workspace.opened(), "image_count", counts)
    assert funnel_of(workspace).images == 2


def test_every_room_of_the_walk_has_its_row() -> None:
    rows = room_counts(FULL)
    assert tuple(row.room for row in rows) == room_names()
    assert [row.count for row in rows] == [82_115, 1_600_000, 2_310, 2_300, 2_310, 1_599_997, 1, 1, 4]
    assert rows[1].detail == "2 roots, 11,221 synsets, 3 issues"


def test_one_thing_is_not_called_several() -> None:
    assert [counted(n, "superclasses") for n in (0, 1, 2)] == ["0 superclasses", "1 superclass", "2 superclasses"]
    assert counted(1, "roots") == "1 root"


def test_status_needs_no_jobs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, memory_store())
    status = read_status(workspace)
    workspace.opened().close()
    assert status.jobs == ()
    assert status.next_step.reason == "WordNet is not in the workspace."


def funnel_of(workspace: Workspace) -> Funnel:
    with workspace.opened().reading() as cursor:
        return fetch_funnel(cursor)
