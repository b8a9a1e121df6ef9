"""A workspace on disk with as many candidates as one likes, each with pictures of its own, in a known order."""

import json
from dataclasses import replace
from pathlib import Path

from engine.images.roots import add_root
from engine.workspace import Workspace
from sood_tui.workspace import create_workspace
from store.connection import open_store
from store.wordnet import importing as wordnet_import
from tests.catalogues import WHEN, add_table
from tests.tui.birds import draw

SUPERCLASS = "thing"
ROOT = "n00000001"


def wnids_of(count: int) -> list[str]:
    """The candidates, in the order in which Review shows them."""
    return [f"n{10_000 + number:08d}" for number in range(count)]


def build(folder: Path, count: int, pictures: int = 2) -> Workspace:
    """Make the workspace: one superclass, nothing decided; its catalogue stays open.

    Args:
        folder: the workspace's; the pictures lie beside it.
        count: of candidates.
        pictures: of each of them.
    """
    workspace = create_workspace(folder)
    (folder / "sood.toml").write_text('seed = 7\nreviewer = "anna"\n', encoding="utf-8")
    place = {"screen": "review", "superclass": SUPERCLASS, "order": "name"}
    (folder / ".place.json").write_text(json.dumps(place), encoding="utf-8")
    store = open_store(workspace.catalogue)
    wnids = wnids_of(count)
    rows = [(ROOT, "thing.n.01", "thing", 0), *((wnid, f"t{wnid[1:]}.n.01", f"t{wnid[1:]}", 1) for wnid in wnids)]
    add_table(store, "synset", [
        {"wnid": wnid, "pos": "n", "name": name, "gloss": f"what {word} means", "lexname": "noun.artifact",
         "sense_count": 0, "depth": depth}
        for wnid, name, word, depth in rows
    ])  # fmt: skip
    add_table(
        store, "lemma", [{"wnid": wnid, "position": 0, "lemma": word, "sense_count": 0} for wnid, _, word, _ in rows]
    )
    add_table(store, "hypernym", [{"wnid": wnid, "hypernym_wnid": ROOT, "is_instance": False} for wnid in wnids])
    with store.writing() as cursor:
        wordnet_import.derive_closure(cursor)
        wordnet_import.derive_tree(cursor)
        wordnet_import.derive_cards(cursor)
        wordnet_import.insert_fact(cursor, "wordnet_version", "3.0")
    made = replace(workspace, store=store, seed=7)
    _add_pictures(made, folder.with_name(f"{folder.name}-pictures"), wnids, pictures)
    add_table(store, "superclass", [{"superclass": SUPERCLASS, "depth_limit": None, "added_at": WHEN}])
    add_table(store, "superclass_root", [{"superclass": SUPERCLASS, "wnid": ROOT, "position": 0}])
    add_table(store, "candidate", [
        {"superclass": SUPERCLASS, "wnid": wnid, "route": "hyponym", "depth": 1, "similarity": None, "added_at": WHEN}
        for wnid in wnids
    ])  # fmt: skip
    return made


def _add_pictures(workspace: Workspace, folder: Path, wnids: list[str], each: int) -> None:
    for place, wnid in enumerate(wnids):
        (folder / wnid).mkdir(parents=True)
        for number in range(each):
            draw(place * each + number, (48, 40)).save(folder / wnid / f"{wnid}_{number}.JPEG", quality=85)
    add_root(workspace, folder, name="drawn")
