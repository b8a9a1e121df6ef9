"""Undo without limit: single, bulk, inherited and picture-level steps, with restarts in between."""

import json
import random
from dataclasses import replace
from pathlib import Path

from engine.export.run import run
from engine.review.decisions import DecisionKind, decide, redo, undo
from engine.review.pictures import mark
from engine.review.subtrees import decide_subtree
from engine.workspace import Workspace
from store.connection import open_store
from store.review.log import fetch_log
from tests.catalogues import add_table, scored_workspace, wnid_of

SCORES = {
    "dog": {f"dog{number}": [0.1 + number / 50 + k / 1000 for k in range(5)] for number in range(8)},
    "cat": {f"cat{number}": [0.2 + number / 60 + k / 900 for k in range(4)] for number in range(6)},
}
ACTIONS = 50
KINDS: tuple[DecisionKind, ...] = ("accept", "accept", "accept", "reject", "unsure", "clear")


def exported(workspace: Workspace, folder: Path) -> dict[str, bytes]:
    """The lists of an export, and the state that they follow from, as bytes."""
    run(workspace, folder, ["sood"])
    files = {file.name: file.read_bytes() for file in sorted(folder.glob("*.txt"))}
    with workspace.opened().reading() as cursor:
        cursor.execute("SELECT superclass, wnid, state, inherited_from FROM candidate_state ORDER BY ALL")
        files["candidates"] = json.dumps(cursor.fetchall()).encode()
        cursor.execute("SELECT root, wnid, path, mark FROM picture_mark ORDER BY ALL")
        files["pictures"] = json.dumps(cursor.fetchall()).encode()
    return files


def act(workspace: Workspace, draw: random.Random) -> None:
    superclass = draw.choice(sorted(SCORES))
    names = sorted(SCORES[superclass])
    kind: DecisionKind = draw.choice(KINDS)
    match draw.randrange(4):
        case 0:
            decide(workspace, superclass, [wnid_of(draw.choice(names))], kind, "anna")
        case 1:
            several = [wnid_of(name) for name in draw.sample(names, 3)]
            decide(workspace, superclass, several, kind, "ben", "together")
        case 2:
            node = wnid_of(draw.choice(["dog0", "dog4"]))
            decide_subtree(workspace, "dog", node, draw.choice(["accept", "reject"]), "anna")
        case _:
            images = draw.sample(range(1000, 1060), draw.randrange(1, 4))
            mark(workspace, images, draw.choice(["bad", "several", "clear"]), "ben")


def restarted(workspace: Workspace) -> Workspace:
    workspace.opened().close()
    return replace(workspace, store=open_store(workspace.root / "catalogue.duckdb"))


def test_fifty_mixed_actions_and_fifty_undos_give_the_same_export(tmp_path: Path) -> None:
    store = open_store(tmp_path / "catalogue.duckdb")
    workspace = scored_workspace(tmp_path, SCORES, store=store)
    add_table(store, "hyponym_closure", [
        {"ancestor_wnid": wnid_of(high), "wnid": wnid_of(f"dog{low}"), "depth": 1}
        for high, below in (("dog0", range(1, 8)), ("dog4", range(5, 8)))
        for low in below
    ])  # fmt: skip
    draw = random.Random(5)
    before = exported(workspace, tmp_path / "before")
    for number in range(ACTIONS):
        act(workspace, draw)
        if number % 17 == 16:
            workspace = restarted(workspace)
    after = exported(workspace, tmp_path / "after")
    assert all(after[name] != before[name] for name in ("candidates", "pictures", "train_iid.txt"))
    for number in range(ACTIONS):
        undo(workspace, "anna" if number % 2 else "ben")
        if number % 23 == 22:
            workspace = restarted(workspace)
    assert exported(workspace, tmp_path / "again") == before
    for _ in range(ACTIONS):
        redo(workspace, "anna")
    assert exported(workspace, tmp_path / "redone") == after
    with workspace.opened().reading() as cursor:
        kinds = [entry.kind for entry in fetch_log(cursor)]
    assert (kinds.count("undo"), kinds.count("redo")) == (ACTIONS, ACTIONS)
    workspace.opened().close()
